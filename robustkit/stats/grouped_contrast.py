"""The noun Contrasts: two sides of many groups against each other at once, each group as if it were alone.

Sources: see ``contrast`` (score test, z of independent estimates) and ``paired_table`` (Newcombe).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import chdtrc, ndtr

from robustkit.stats.auc import Z
from robustkit.stats.estimate import NAN, Estimates
from robustkit.stats.groups import Floats, Groups

Flags = NDArray[np.bool_]
Texts = NDArray[np.object_]

_ROUNDING = 1e-12


@dataclass(frozen=True, slots=True)
class Contrasts:
    """``(k,)`` a minus b.

    Attributes:
        a, b: The sides.
        diff, low, high, p: The difference, its 95 % interval, and the p that it is 0.
        method, reason: Of interval and test, and why there are none.
    """

    a: Estimates
    b: Estimates
    diff: Floats
    low: Floats
    high: Floats
    p: Floats
    method: Texts
    reason: Texts


def share_contrasts(a: Estimates, b: Estimates, p: Floats) -> Contrasts:
    """Give differences of proportions of different patients: see ``paired_table.newcombe``.

    Args:
        a, b: ``(k,)`` with Wilson bounds.
        p: ``(k,)`` of a test.
    """
    diff = a.value - b.value
    known = np.isfinite(diff)
    low = diff - np.hypot(a.value - a.low, b.high - b.value)
    high = diff + np.hypot(a.high - a.value, b.value - b.low)
    method = np.where(known, "Newcombe, effective sizes; score test, patients", "").astype(object)
    reason = np.where(known, "", _either(a.reason, b.reason)).astype(object)
    diff, low, high, p = (np.where(known, v, NAN) for v in (diff, low, high, p))
    return Contrasts(a, b, diff, low, high, p, method, reason)


def independent_contrasts(a: Estimates, b: Estimates) -> Contrasts:
    """Give differences of estimates that share no patient: see ``contrast.two_sample_z``."""
    diff, se = a.value - b.value, np.hypot(a.se, b.se)
    known = np.isfinite(diff)
    tested = known & np.isfinite(se) & (se > 0)
    z = np.divide(diff, se, out=np.full(len(diff), NAN), where=tested)
    low, high = diff - Z * se, diff + Z * se
    method = np.where(tested, "z of independent estimates, errors by patient", "").astype(object)
    untested = np.where(known, "no standard error: nothing varies on one side", _either(a.reason, b.reason))
    reason = np.where(tested, "", np.where(untested == "", "an estimate is missing", untested)).astype(object)
    low, high = (np.where(tested, v, NAN) for v in (low, high))
    return Contrasts(a, b, np.where(known, diff, NAN), low, high, 2 * ndtr(-np.abs(z)), method, reason)


def _either(a: Texts, b: Texts) -> Texts:
    return np.where(a == "", b, a)


def score_contrasts_within(values: Floats, groups: Groups, inside: Flags) -> Floats:
    """Give ``(k,)`` p that in each group the cases inside have the mean of its other cases.

    Args:
        values: ``(n,)`` per case.
        groups: Of these cases.
        inside: ``(n,)`` True on one side.

    Returns:
        Of each group what ``contrast.score_contrast_p`` gives for its cases alone.
    """
    v, own = values[groups.case], inside[groups.case].astype(np.float64)
    n, m, n_inside = groups.n_cases(), groups.n_patients(), groups.over_cases(own)
    some = np.maximum(n, 1)
    residuals = v - (groups.over_cases(v) / some)[groups.group]
    # the shared mean is estimated from the same cases: each side gives up its share of every deviation
    share = n_inside / some
    total = groups.over_cases(own * residuals) - share * groups.over_cases(residuals)
    alone, together = _shared_variance(residuals, groups)
    size, sides = groups.by_pair(np.ones(len(v))), groups.by_pair(own)
    mixed = groups.over_pairs(sides * size)
    by_patient = groups.over_pairs(sides**2) - 2 * share * mixed + share**2 * groups.over_pairs(size**2)
    variance = (alone - together) * n * share * (1.0 - share) + together * by_patient
    asked = (n_inside > 0) & (n_inside < n) & (m > 1) & (groups.over_cases(~np.isfinite(v)) == 0)
    is_flat = asked & _is_flat(v, groups)
    tested = asked & ~is_flat & (variance > 0)
    found = np.where(is_flat, 1.0, NAN)
    found[tested] = chdtrc(1, total[tested] ** 2 / variance[tested])
    return found


def _shared_variance(residuals: Floats, groups: Groups) -> tuple[Floats, Floats]:
    """Give ``(k,)`` the variance of a case, and the covariance of two cases of one patient, that both sides share."""
    n, m = groups.n_cases(), groups.n_patients()
    size, sums = groups.by_pair(np.ones(len(residuals))), groups.by_pair(residuals)
    squares, pairs = groups.over_cases(residuals**2), groups.over_pairs(size * (size - 1))
    small = m / np.maximum(m - 1, 1)
    alone = small * squares / np.maximum(n, 1)
    together = small * (groups.over_pairs(sums**2) - squares) / np.maximum(pairs, 1)
    return alone, np.where(pairs > 0, np.clip(together, 0.0, alone), 0.0)


def _is_flat(v: Floats, groups: Groups) -> Flags:
    """Give ``(k,)`` True where nothing varies; ``v`` lies as the groups' cases do."""
    found = np.zeros(groups.k, dtype=bool)
    there, starts = np.unique(groups.group, return_index=True)
    if len(there):
        low, high = np.minimum.reduceat(v, starts), np.maximum.reduceat(v, starts)
        found[there] = high - low <= _ROUNDING * np.maximum(np.abs(low), np.abs(high))
    return found
