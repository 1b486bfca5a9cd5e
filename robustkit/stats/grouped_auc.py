"""The AUC of many groups of the same cases at once, with clustered DeLong intervals: each repeat is sorted only once.

Sources: DeLong et al. 1988, Biometrics 44:837; Obuchowski 1997, Biometrics 53:567 (clusters).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logit

from robustkit.stats.auc import ALIKE, ALL_TIED, MIN_PATIENTS, TINY, Z
from robustkit.stats.estimate import NAN, Estimates, no_estimates
from robustkit.stats.groups import Floats, Groups
from robustkit.stats.montecarlo import LEAST_SETS
from robustkit.stats.prefix_sums import PrefixSums

Flags = NDArray[np.bool_]
Codes = NDArray[np.intp]

_TABLE = 400_000
"""Cases times groups that are counted at a time: their tables fit a core's cache, and memory whatever the groups."""

_REPEATS = 4
"""Repeats that are counted at a time: threads that make short calls wait for each other."""


@dataclass(frozen=True, slots=True)
class GroupPlacements:
    """Where each case of a group stands among those of the other class in this group.

    Attributes:
        groups: The groups.
        is_positive: ``(f,)`` class of each of their cases.
        mean: ``(f,)`` placement averaged over repeats, in [0, 1]: v10 of a positive, v01 of a negative.
        variance: ``(f,)`` its variance over what is independent among the repeats (ddof 1); NaN where that is too little.
        n_independent: Repeats, or sets of them, that ``variance`` rests on.
        aucs: ``(R, k)`` AUC of each repeat; NaN without both classes, and where a score is NaN.
    """

    groups: Groups
    is_positive: Flags
    mean: Floats
    variance: Floats
    n_independent: int
    aucs: Floats

    @property
    def value(self) -> Floats:
        """``(k,)`` AUC averaged over repeats."""
        return np.asarray(self.aucs.mean(axis=0))


class _Below:
    """Counts how many of the other class stand below each case, in each group, ties half, from one sort of all cases.

    Prefix sums tell how many of the j lowest positives, or negatives, each group has.
    """

    def __init__(self, labels: Flags, case: Codes, group: Codes, *, k: int, repeats: int) -> None:
        """Prepare for ``(n,)`` labels, ``(f,)`` cases of k groups, and so many repeats at a time."""
        n, self._labels = len(labels), labels
        # twice the count is kept
        member = np.zeros((n, k), dtype=np.int16 if 2 * n <= np.iinfo(np.int16).max else np.int32)
        member[case, group] = 1
        self._prefix = [PrefixSums(member[own], n_orders=repeats) for own in (labels, ~labels)]
        self._ends = 0, int(labels.sum()), n
        # positives first, each class in the order of its cases
        self._place = np.empty(n, dtype=np.intp)
        for own, end in zip((labels, ~labels), self._ends, strict=False):
            self._place[own] = end + np.arange(int(own.sum()))
        self._flat = self._place[case] * k + group
        self._tables = np.empty((2, repeats, n, k), dtype=member.dtype)

    def twice(self, scores: Floats) -> NDArray[Any]:
        """Give ``(r, f)`` twice the count, for ``(r, n)`` scores."""
        r, n = scores.shape
        order = np.argsort(scores, axis=1)
        lower, upper = _ends(np.take_along_axis(scores, order, axis=1))
        has_ties = upper is not lower
        is_positive, place = self._labels[order], self._place[order]
        for i, other in enumerate((~is_positive, is_positive)):
            own, first, last = ~other, self._ends[i], self._ends[i + 1]
            prefix, begun = self._prefix[1 - i], self._ends[1 - i]
            # every repeat has as many of a class
            prefix.put(place[other].reshape(r, n - (last - first)) - begun)
            # how many of the other class are among the j lowest
            n_other = np.zeros((r, n + 1), dtype=np.intp)
            np.cumsum(other, axis=1, out=n_other[:, 1:])
            rows, counts = place[own].reshape(r, last - first) - first, np.empty((r, last - first), dtype=np.intp)
            for ends, table in zip((lower, upper)[: 1 + has_ties], self._tables, strict=False):
                below = np.take_along_axis(n_other, ends, axis=1)[own].reshape(rows.shape)
                np.put_along_axis(counts, rows, below, axis=1)
                prefix.take(counts, table[:r, first:last])
        found = self._tables[0, :r].reshape(r, -1).take(self._flat, axis=1)
        found += self._tables[1, :r].reshape(r, -1).take(self._flat, axis=1) if has_ties else found
        return found


def _ends(ordered: Floats) -> tuple[Codes, Codes]:
    """Give for each of ``(r, n)`` rising scores how many are smaller, and how many are not larger; one array for both
    where there are no ties, and the case itself does not count."""
    r, n = ordered.shape
    at, is_first = np.broadcast_to(np.arange(n), (r, n)), np.ones((r, n), dtype=bool)
    np.not_equal(ordered[:, 1:], ordered[:, :-1], out=is_first[:, 1:])
    if is_first.all():
        return at, at
    lower = np.maximum.accumulate(np.where(is_first, at, 0), axis=1)
    following = np.full((r, n), n)
    following[:, :-1][is_first[:, 1:]] = at[:, 1:][is_first[:, 1:]]
    return lower, np.minimum.accumulate(following[:, ::-1], axis=1)[:, ::-1]


@dataclass(frozen=True, slots=True)
class _Counts:
    """What the counts of ``_Below`` come to over the repeats.

    Attributes:
        wins: ``(R, k)`` sum over the positives of each group.
        total: ``(f,)`` sum over repeats.
        whole, squares: ``(f,)`` sum over whole sets of repeats, and that of the squares of what each set came to.
    """

    wins: Floats
    total: NDArray[Any]
    whole: NDArray[Any]
    squares: NDArray[Any]


def _count(labels: Flags, scores: Floats, case: Codes, group: Codes, *, k: int, set_size: int) -> _Counts:
    """Count for ``(R, n)`` scores and ``(f,)`` cases of k groups: positives first, each class in the order of the groups."""
    repeats, n = scores.shape
    step = set_size * max(1, _REPEATS // set_size)
    below = _Below(labels, case, group, k=k, repeats=min(step, repeats))
    largest = max(1, repeats // set_size) * (2 * n * set_size) ** 2
    kind = np.int32 if largest <= np.iinfo(np.int32).max else np.int64
    total, squares = np.zeros((2, len(case)), dtype=kind)
    wins, whole, n_positive = np.zeros((repeats, k)), total, int(labels[case].sum())
    starts = np.flatnonzero(np.diff(group[:n_positive], prepend=-1))
    for start in range(0, repeats, step):
        found = below.twice(scores[start : start + step])
        if len(starts):
            sums = np.add.reduceat(found[:, :n_positive], starts, axis=1, dtype=np.int64)
            wins[start : start + len(found), group[starts]] = sums
        for first in range(0, len(found), set_size):
            own = found[first : first + set_size]
            together = own[0] if len(own) == 1 else own.sum(axis=0, dtype=kind)
            if len(own) < set_size:
                # the last set is not whole
                whole = total.copy()
            else:
                squares += np.multiply(together, together, dtype=kind)
            total += together
    return _Counts(wins, total, whole, squares)


def group_placements(labels: Flags, scores: Floats, groups: Groups, *, set_size: int = 1) -> GroupPlacements:
    """Give the placements of every group.

    Args:
        labels: ``(n,)`` bool.
        scores: ``(R, n)`` float64; infinite scores are ordered like any other.
        groups: Of the cases.
        set_size: Repeats of a set of Sobol points; 1 for random boxes.
    """
    n, repeats, is_positive = len(labels), len(scores), labels[groups.case]
    sizes = groups.over_cases(is_positive), groups.over_cases(~is_positive)
    others = np.where(is_positive, sizes[1][groups.group], sizes[0][groups.group])
    scale = np.full(len(others), NAN)
    np.divide(0.5, others, out=scale, where=others > 0)
    sets = repeats // set_size
    independent = repeats if set_size == 1 else sets if sets >= LEAST_SETS else 1
    wins, mean, variance = np.zeros((repeats, groups.k)), np.empty(len(others)), np.full(len(others), NAN)
    step = max(1, _TABLE // max(1, n))
    for start in range(0, groups.k, step):
        k = min(step, groups.k - start)
        first, last = np.searchsorted(groups.group, [start, start + k])
        if first == last:
            continue
        own = first + np.argsort(~is_positive[first:last], kind="stable")
        found = _count(labels, scores, groups.case[own], groups.group[own] - start, k=k, set_size=set_size)
        wins[:, start : start + k] = found.wins
        mean[own] = found.total / max(1, repeats)
        if independent > 1:
            # counts are whole numbers, so this difference is exact
            spread = found.squares.astype(np.float64) * sets - found.whole.astype(np.float64) ** 2
            variance[own] = spread / (sets * (sets - 1)) / set_size**2
    variance *= scale**2
    mean = np.where(is_positive, mean * scale, 1.0 - mean * scale)
    pairs = 2.0 * sizes[0] * sizes[1]
    aucs = np.divide(wins, pairs, out=np.full(wins.shape, NAN), where=pairs > 0)
    if np.isnan(scores).any():
        is_missing = np.asarray(np.isnan(scores).any(axis=0))
        aucs[:, groups.sums(is_missing) > 0] = NAN
    return GroupPlacements(groups, is_positive, mean, variance, independent, aucs)


@dataclass(frozen=True, slots=True)
class _Sizes:
    """``(k,)`` cases and patients of each group, all and by class."""

    n: Floats
    n_positive: Floats
    n_negative: Floats
    m: Floats
    m_positive: Floats
    m_negative: Floats


def _sizes(groups: Groups, is_positive: Flags) -> _Sizes:
    def patients(own: Flags) -> Floats:
        return groups.over_pairs(groups.by_pair(own) > 0)

    everyone = np.ones(len(is_positive), dtype=bool)
    kinds = (everyone, is_positive, ~is_positive)
    return _Sizes(*(groups.over_cases(own) for own in kinds), *(patients(own) for own in kinds))


def _not_estimable(sizes: _Sizes) -> NDArray[np.object_]:
    """Say why an AUC cannot be estimated, as ``auc.not_estimable`` does."""
    reasons = np.full(len(sizes.n), "", dtype=object)
    for i in np.flatnonzero(np.minimum(sizes.m_positive, sizes.m_negative) < MIN_PATIENTS):
        positive, negative = int(sizes.m_positive[i]), int(sizes.m_negative[i])
        if not positive or not negative:
            reasons[i] = (
                f"one class only (no {'negative' if positive else 'positive'} case)" if sizes.n[i] else "no cases"
            )
            continue
        found = f"{positive} with positives, {negative} with negatives"
        reasons[i] = f"fewer than {MIN_PATIENTS} patients of either class ({found})"
    return reasons


def clustered_aucs(placed: GroupPlacements) -> Estimates:
    """Give the AUC of every group, averaged over repeats, with a clustered DeLong interval on the logit scale.

    Returns:
        See ``auc.clustered_auc``.
    """
    sizes, value = _sizes(placed.groups, placed.is_positive), placed.value
    reason = _not_estimable(sizes)
    reason[(reason == "") & np.isnan(value)] = "a score is missing (NaN)"
    found = no_estimates(
        placed.groups.k, n_cases=sizes.n, n_patients=sizes.m, n_positive=sizes.n_positive,
        n_positive_patients=sizes.m_positive, reason=reason,
    )  # fmt: skip
    known = reason == ""
    is_perfect = known & np.isin(value, (0.0, 1.0))
    se = np.sqrt(_variance(placed.groups, _influence(placed, sizes), sizes))
    is_tied = known & ~is_perfect & (se < TINY)
    usual = known & ~is_perfect & ~is_tied
    found.value[known], found.mc_se[known] = value[known], _mc_se(placed, sizes)[known]
    found.se[usual], found.reason[is_tied] = se[usual], ALL_TIED
    found.method[usual], found.method[is_perfect] = "clustered DeLong, logit scale", "perfect separation, exact bound"
    at, half = logit(value[usual]), Z * se[usual] / (value[usual] * (1.0 - value[usual]))
    found.low[usual], found.high[usual] = expit(at - half), expit(at + half)
    found.low[is_perfect], found.high[is_perfect] = _perfect(value[is_perfect], sizes, is_perfect)
    return found


def _influence(placed: GroupPlacements, sizes: _Sizes) -> tuple[Floats, Floats]:
    """Give what each patient adds to the error of each group's AUC, ``(P,)``, by her positives and by her negatives."""
    groups, positive = placed.groups, placed.is_positive
    away = placed.mean - placed.value[groups.group]
    with np.errstate(divide="ignore", invalid="ignore"):
        parts = away / sizes.n_positive[groups.group], away / sizes.n_negative[groups.group]
    return groups.by_pair(np.where(positive, parts[0], 0.0)), groups.by_pair(np.where(positive, 0.0, parts[1]))


def _variance(groups: Groups, influence: tuple[Floats, Floats], sizes: _Sizes) -> Floats:
    """Obuchowski's S10 / n_positive + S01 / n_negative + 2 S11 / (n_positive n_negative): see ``auc``."""

    def small(m: Floats) -> Floats:
        return m / np.maximum(m - 1.0, 1.0)

    positive, negative = influence
    s10 = small(sizes.m_positive) * groups.over_pairs(positive**2)
    s01 = small(sizes.m_negative) * groups.over_pairs(negative**2)
    s11 = small(sizes.m) * groups.over_pairs(positive * negative)
    return np.maximum(0.0, s10 + s01 + 2.0 * s11)


def _mc_se(placed: GroupPlacements, sizes: _Sizes) -> Floats:
    """Error that redrawing the boxes alone would give: see ``auc``."""
    n = np.where(placed.is_positive, sizes.n_positive[placed.groups.group], sizes.n_negative[placed.groups.group])
    within = placed.groups.over_cases(placed.variance / n**2)
    return np.sqrt(within / placed.n_independent)


def _perfect(value: Floats, sizes: _Sizes, own: Flags) -> tuple[Floats, Floats]:
    """Bound AUCs of 1 or 0, where the logit is not defined: see ``auc``."""
    k = np.minimum(np.minimum(sizes.m_positive, sizes.m_negative), sizes.m // 2)[own]
    bound = 0.025 ** (1.0 / k)
    return np.where(value == 1.0, bound, 0.0), np.where(value == 1.0, 1.0, 1.0 - bound)


def aucs_lost(nominal: GroupPlacements, redrawn: GroupPlacements) -> Estimates:
    """Give the nominal AUC minus the AUC averaged over repeats, by clustered paired DeLong.

    Args:
        nominal: Of the boxes as given: one repeat.
        redrawn: Of the same groups.

    Returns:
        See ``auc.paired_auc_difference``; without ``mc_se``.
    """
    groups, sizes = redrawn.groups, _sizes(redrawn.groups, redrawn.is_positive)
    diff = nominal.value - redrawn.value
    reason = _not_estimable(sizes)
    reason[(reason == "") & np.isnan(diff)] = "a score is missing (NaN)"
    found = no_estimates(groups.k, n_cases=sizes.n, n_patients=sizes.m, reason=reason)
    known = reason == ""
    apart = [a - b for a, b in zip(_influence(nominal, sizes), _influence(redrawn, sizes), strict=True)]
    se = np.sqrt(_variance(groups, (apart[0], apart[1]), sizes))
    is_alike, usual = known & (se < TINY) & (np.abs(diff) < TINY), known & (se >= TINY)
    found.method[known], found.value[known] = "clustered paired DeLong", diff[known]
    found.reason[known & ~usual] = ALL_TIED
    found.value[is_alike], found.se[is_alike], found.reason[is_alike] = 0.0, 0.0, ALIKE
    found.se[usual] = se[usual]
    found.low[usual] = np.maximum(-1.0, diff - Z * se)[usual]
    found.high[usual] = np.minimum(1.0, diff + Z * se)[usual]
    return found
