"""Means of paired differences, several of the same cases at once: they share the draws and the sign patterns.

Interval: patient bootstrap (BCa). Test: sign flips of the means by patient (see ``permutation``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from robustkit.stats.bootstrap import Floats, PatientDraws, clustered_means, sums_by_patient
from robustkit.stats.codes import n_distinct
from robustkit.stats.difference import Difference
from robustkit.stats.permutation import sign_flips

EQUAL = "equal for every case"

_METHOD = "patient bootstrap, BCa; sign-flip permutation of patient means"

Values = Floats | str
"""``(n,)`` numbers of one model, one per case, or why it has none."""


def minus(a: Values, b: Values) -> Values:
    """Give the difference case by case, or why there is none."""
    if isinstance(a, str):
        return a
    return b if isinstance(b, str) else a - b


def paired_means(
    differences: Sequence[Values],
    patients: NDArray[np.intp],
    draws: PatientDraws,
    *,
    permutations: int,
    seed: int,
    purpose: str,
) -> list[Difference]:
    """Give the mean of each of these differences; 0 and p = 1 where they are 0 for every case.

    Args:
        differences: Of the same n cases.
        patients: ``(n,)`` codes.
        draws: Shared counts.
        permutations: Sign patterns.
        seed, purpose: Name their stream.
    """
    counted = Difference(n_cases=len(patients), n_patients=n_distinct(patients))
    found, left = [counted] * len(differences), []
    for i, own in enumerate(differences):
        if isinstance(own, str):
            found[i] = Difference(reason=own)
        elif len(own) and not np.isfinite(own).all():
            found[i] = replace(counted, reason="fewer than two repeats")
        elif len(own) and not own.any():
            found[i] = replace(counted, diff=0.0, se=0.0, p=1.0, reason=EQUAL)
        else:
            left.append((i, own))
    if not left:
        return found
    rows = np.stack([own for _, own in left])
    means = clustered_means(rows, patients, draws)
    ps = sign_flips(_by_patient(rows, patients), draws=permutations, seed=seed, purpose=purpose)
    for (i, _), e, p in zip(left, means, ps, strict=True):
        is_known = bool(np.isfinite(e.value))
        d = replace(counted, diff=e.value, low=e.low, high=e.high, se=e.se, p=float(p), method=_METHOD)
        found[i] = replace(d if is_known else counted, reason=e.reason)
    return found


def _by_patient(rows: Floats, patients: NDArray[np.intp]) -> Floats:
    """Give ``(k, m)`` means by patient, of those who have cases."""
    size = np.bincount(patients)
    return np.asarray(sums_by_patient(rows, patients, n_patients=len(size))[:, size > 0] / size[size > 0])
