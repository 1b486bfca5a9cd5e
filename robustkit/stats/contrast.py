"""Is a stratum different from the rest? Score tests with the patient as the unit.

The variance is taken about the mean that all strata share, so that a stratum in which nothing
(or everything) went wrong has one too. Source: Rao's score test with cluster-robust variance
(Rotnitzky and Jewell 1990, Biometrika 77:485).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.stats import chi2, norm

from robustkit.stats.estimate import NAN

Floats = NDArray[np.float64]


def score_contrast_p(values: Floats, patients: NDArray[np.intp], inside: NDArray[np.bool_]) -> float:
    """Give the two-sided p that a stratum's mean equals the mean of the rest.

    Args:
        values: ``(n,)`` per case.
        patients: ``(n,)`` codes; a patient may have cases in both.
        inside: ``(n,)`` True for the stratum.

    Returns:
        1 where nothing varies; NaN where one side is empty or a single patient.
    """
    if not inside.any() or inside.all():
        return NAN
    diff = values[inside].mean() - values[~inside].mean()
    weight = np.where(inside, 1.0 / inside.sum(), -1.0 / (~inside).sum())
    m = len(np.unique(patients))
    variance = float((_by_patient(weight * (values - values.mean()), patients) ** 2).sum())
    if m < 2:
        return NAN
    if variance <= 0:
        return 1.0
    return float(2 * norm.sf(abs(diff) / np.sqrt(variance * m / (m - 1))))


def score_heterogeneity_p(values: Floats, patients: NDArray[np.intp], groups: NDArray[np.object_]) -> float:
    """Give the p that all strata have one mean; NaN with fewer than two strata.

    Args:
        values: ``(n,)`` per case.
        patients: ``(n,)`` codes.
        groups: ``(n,)`` names.
    """
    names = np.unique(groups.astype(str))
    if len(names) < 2:
        return NAN
    centred = values - values.mean()
    member = (groups.astype(str) == names[:-1, None]).astype(np.float64)
    # the shared mean is estimated from the same cases: each stratum gives up its share of every deviation
    own = member - member.mean(axis=1, keepdims=True)
    scores = np.stack([_by_patient(centred * row, patients) for row in own])
    total = scores.sum(axis=1)
    covariance = scores @ scores.T
    rank = int(np.linalg.matrix_rank(covariance))
    if rank == 0:
        return 1.0
    return float(chi2.sf(float(total @ np.linalg.pinv(covariance) @ total), rank))


def _by_patient(values: Floats, patients: NDArray[np.intp]) -> Floats:
    return np.bincount(patients, weights=values)
