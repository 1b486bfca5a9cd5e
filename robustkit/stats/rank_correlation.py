"""Do two measures of a case rise together? Spearman's correlation with the patient as the unit."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from robustkit.stats.bootstrap import PatientDraws, bca
from robustkit.stats.codes import n_distinct
from robustkit.stats.estimate import Estimate

Floats = NDArray[np.float64]

MIN_PATIENTS = 10
MOST_LEFT_OUT = 3000
"""Patients up to which each is left out once for the acceleration of BCa; it vanishes with their number."""

_BLOCK = 64


def clustered_spearman(x: Floats, y: Floats, patients: NDArray[np.intp], draws: PatientDraws) -> Estimate:
    """Give Spearman's correlation with a patient bootstrap interval (BCa).

    Args:
        x, y: ``(n,)``, finite.
        patients: ``(n,)`` codes of the patients that ``draws`` counts.
        draws: Shared counts.
    """
    own = n_distinct(patients) if len(patients) else 0
    counted = Estimate(n_cases=len(x), n_patients=own)
    if own < MIN_PATIENTS:
        return replace(counted, reason=f"fewer than {MIN_PATIENTS} patients ({own})")
    value = float(weighted_spearman(x, y, np.ones((1, len(x))))[0])
    if not np.isfinite(value):
        return replace(counted, reason="one of the two does not vary")
    drawn = weighted_spearman(x, y, draws.counts[:, patients])
    members = np.unique(patients)
    left_out = np.array([value])
    if len(members) <= MOST_LEFT_OUT:
        left_out = weighted_spearman(x, y, (patients[None, :] != members[:, None]).astype(np.float64))
    low, high, se, reason = bca(drawn, value, left_out)
    return replace(counted, value=value, low=low, high=high, se=se, method="patient bootstrap, BCa", reason=reason)


def weighted_spearman(x: Floats, y: Floats, weights: Floats) -> Floats:
    """Give Spearman's correlation where each case stands in the sample as often as its weight says.

    Args:
        x, y: ``(n,)``.
        weights: ``(B, n)`` whole numbers.

    Returns:
        ``(B,)``; NaN where one of them does not vary. Ties have their middle rank, as in the repeated sample.
    """
    out = np.empty(len(weights))
    for start in range(0, len(weights), _BLOCK):
        w = np.asarray(weights[start : start + _BLOCK], dtype=np.float64)
        a, b = _midranks(x, w), _midranks(y, w)
        n = w.sum(axis=1, keepdims=True)
        a -= (w * a).sum(axis=1, keepdims=True) / n
        b -= (w * b).sum(axis=1, keepdims=True) / n
        together = (w * a * b).sum(axis=1)
        alone = np.sqrt((w * a * a).sum(axis=1) * (w * b * b).sum(axis=1))
        out[start : start + _BLOCK] = np.divide(together, alone, out=np.full(len(w), np.nan), where=alone > 0)
    return np.clip(out, -1.0, 1.0)


def _midranks(values: Floats, weights: Floats) -> Floats:
    order = np.argsort(values, kind="stable")
    ordered = values[order]
    first = np.flatnonzero(np.r_[True, ordered[1:] != ordered[:-1]])
    sizes = np.add.reduceat(weights[:, order], first, axis=1)
    middle = np.cumsum(sizes, axis=1) - (sizes - 1) / 2
    ranks = np.empty_like(weights)
    ranks[:, order] = np.repeat(middle, np.diff(np.r_[first, len(values)]), axis=1)
    return ranks
