"""Differences between strata whose patients may overlap, and heterogeneity over the strata of one variable."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import chi2, norm

from robustkit.stats.estimate import NAN

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Part:
    """One stratum's estimate as patients make it.

    Attributes:
        value: Of the metric.
        influence: ``(m,)`` contribution of every patient to the error of ``value`` (0 for those outside).
    """

    value: float
    influence: Floats


def mean_part(values: Floats, patients: NDArray[np.intp], *, n_patients: int) -> Part:
    """Give the part of a mean over cases."""
    value = float(values.mean())
    influence = np.zeros(n_patients)
    np.add.at(influence, patients, (values - value) / len(values))
    return Part(value, influence)


def contrast_p(a: Part, b: Part) -> float:
    """Give the two-sided p of a - b; patients in both count once, with both contributions."""
    variance = _variance(a.influence - b.influence)
    diff = a.value - b.value
    if variance <= 0:
        return 1.0 if diff == 0 else NAN
    return float(2 * norm.sf(abs(diff) / np.sqrt(variance)))


def heterogeneity_p(parts: Sequence[Part]) -> float:
    """Give the p of Wald's test that all strata have one value; NaN with fewer than two strata."""
    if len(parts) < 2:
        return NAN
    influence = np.stack([p.influence for p in parts])
    m = np.count_nonzero(influence.any(axis=0))
    covariance = influence @ influence.T * m / max(m - 1, 1)
    contrast = np.hstack([np.eye(len(parts) - 1), -np.ones((len(parts) - 1, 1))])
    diff = contrast @ np.array([p.value for p in parts])
    inner = contrast @ covariance @ contrast.T
    rank = int(np.linalg.matrix_rank(inner))
    if rank == 0:
        return 1.0 if not diff.any() else NAN
    statistic = float(diff @ np.linalg.pinv(inner) @ diff)
    return float(chi2.sf(statistic, rank))


def _variance(influence: Floats) -> float:
    m = int(np.count_nonzero(influence))
    return float((influence**2).sum() * m / (m - 1)) if m > 1 else 0.0
