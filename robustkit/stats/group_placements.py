"""Where each case of many groups stands among those of the other class of its group: each repeat is sorted only once.

Source: DeLong et al. 1988, Biometrics 44:837 (placements).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from robustkit.stats.auc import MIN_PATIENTS
from robustkit.stats.estimate import NAN
from robustkit.stats.groups import Floats, Groups
from robustkit.stats.montecarlo import LEAST_SETS
from robustkit.stats.prefix_sums import PrefixSums

Flags = NDArray[np.bool_]
Codes = NDArray[np.intp]
Texts = NDArray[np.object_]

_TABLE = 400_000
"""Cases times groups that are counted at a time: their tables fit a core's cache, and memory whatever the groups."""

_REPEATS = 4
"""Repeats that are counted at a time: threads that make short calls wait for each other."""


@dataclass(frozen=True, slots=True)
class Sizes:
    """``(k,)`` cases and patients of each group, all and by class."""

    n: Floats
    n_positive: Floats
    n_negative: Floats
    m: Floats
    m_positive: Floats
    m_negative: Floats


@dataclass(frozen=True, slots=True)
class GroupPlacements:
    """Placements of k groups.

    Attributes:
        classed: The groups and their classes.
        mean: ``(f,)`` placement averaged over repeats, in [0, 1]: v10 of a positive, v01 of a negative.
        variance: ``(f,)`` its variance over what is independent among the repeats (ddof 1); NaN where that is too little.
        n_independent: Repeats, or sets of them, that ``variance`` rests on.
        aucs: ``(R, k)`` AUC of each repeat; NaN without both classes, and where a score is NaN.
    """

    classed: ClassedGroups
    mean: Floats
    variance: Floats
    n_independent: int
    aucs: Floats

    @property
    def value(self) -> Floats:
        """``(k,)`` AUC averaged over repeats."""
        return np.asarray(self.aucs.mean(axis=0))


class ClassedGroups:
    """Groups of cases of two classes, laid out once for any number of scores of these cases.

    Attributes:
        groups: The groups.
        is_positive: ``(f,)`` class of each of their cases.
        sizes: Of the groups.
        n_own: ``(f,)`` cases of the same class in the group.
        reason: ``(k,)`` why an AUC is not estimable, as ``auc.not_estimable`` says; empty where it is.
    """

    def __init__(self, labels: Flags, groups: Groups) -> None:
        """Lay out for ``(n,)`` labels."""
        self._labels, self.groups = labels, groups
        self.is_positive = labels[groups.case]
        self.sizes = sizes = _sizes(groups, self.is_positive)
        by_class = sizes.n_positive[groups.group], sizes.n_negative[groups.group]
        self.n_own, others = np.where(self.is_positive, by_class, by_class[::-1])
        self._scale = np.full(len(others), NAN)
        np.divide(0.5, others, out=self._scale, where=others > 0)
        self.reason = _not_estimable(sizes)
        self._step = max(1, _TABLE // max(1, len(labels)))
        # most often all groups fit one block, and it is kept
        self._kept = list(self._blocks()) if groups.k <= self._step else None

    def placements(self, scores: Floats, *, set_size: int = 1) -> GroupPlacements:
        """Give the placements of every group.

        Args:
            scores: ``(R, n)`` float64; infinite scores are ordered like any other.
            set_size: Repeats of a set of Sobol points; 1 for random boxes.
        """
        repeats, f, groups = len(scores), len(self.is_positive), self.groups
        sets = repeats // set_size
        independent = repeats if set_size == 1 else sets if sets >= LEAST_SETS else 1
        wins, mean, variance = np.zeros((repeats, groups.k)), np.empty(f), np.full(f, NAN)
        for block in self._blocks() if self._kept is None else self._kept:
            found = _count(block, scores, set_size=set_size)
            wins[:, block.columns] = found.wins
            mean[block.entries] = found.total / max(1, repeats)
            if independent > 1:
                # counts are whole numbers, so this difference is exact
                spread = found.squares.astype(np.float64) * sets - found.whole.astype(np.float64) ** 2
                variance[block.entries] = spread / (sets * (sets - 1)) / set_size**2
        variance *= self._scale**2
        mean *= self._scale
        mean = np.where(self.is_positive, mean, 1.0 - mean)
        pairs = 2.0 * self.sizes.n_positive * self.sizes.n_negative
        aucs = np.divide(wins, pairs, out=np.full(wins.shape, NAN), where=pairs > 0)
        if np.isnan(scores).any():
            is_missing = np.asarray(np.isnan(scores).any(axis=0))
            aucs[:, groups.sums(is_missing) > 0] = NAN
        return GroupPlacements(self, mean, variance, independent, aucs)

    def _blocks(self) -> Iterator[_Block]:
        groups = self.groups
        for start in range(0, groups.k, self._step):
            stop = min(start + self._step, groups.k)
            first, last = np.searchsorted(groups.group, [start, stop])
            if first < last:
                entries = first + np.argsort(~self.is_positive[first:last], kind="stable")
                yield _Block(self._labels, groups, entries=entries, columns=slice(start, stop))


def _sizes(groups: Groups, is_positive: Flags) -> Sizes:
    def patients(own: Flags) -> Floats:
        return groups.over_pairs(groups.by_pair(own) > 0)

    everyone = np.ones(len(is_positive), dtype=bool)
    kinds = (everyone, is_positive, ~is_positive)
    return Sizes(*(groups.over_cases(own) for own in kinds), *(patients(own) for own in kinds))


def _not_estimable(sizes: Sizes) -> Texts:
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


class _Block:
    """Some of the groups: what is the same for all scores.

    Attributes:
        labels: ``(n,)`` True for positives.
        entries: ``(e,)`` which of the groups' cases these are: positives first, each class in the order of the groups.
        columns: Which of the groups.
        n_positive: Of the entries.
        starts, groups_of: Where the positives of a group begin, and which group of the block that is.
        rows: Of the negatives and of the positives, ``(n_class + 1, k)`` 1 for the cases of each group; the last is empty.
        ends: Where the classes begin and end when the positives come first.
        place: ``(n,)`` place of each case, positives first, each class in the order of its cases.
        flat: ``(e,)`` place of each entry in an ``(n, k)`` table.
    """

    def __init__(self, labels: Flags, groups: Groups, *, entries: Codes, columns: slice) -> None:
        """Lay out."""
        n, k = len(labels), columns.stop - columns.start
        case, group = groups.case[entries], groups.group[entries] - columns.start
        self.labels, self.entries, self.columns = labels, entries, columns
        self.n_positive = int(labels[case].sum())
        self.starts = np.flatnonzero(np.diff(group[: self.n_positive], prepend=-1))
        self.groups_of = group[self.starts]
        # twice the count is kept
        member = np.zeros((n, k), dtype=np.int16 if 2 * n <= np.iinfo(np.int16).max else np.int32)
        member[case, group] = 1
        self.rows = [np.concatenate([member[own], np.zeros_like(member[:1])]) for own in (~labels, labels)]
        self.ends = 0, int(labels.sum()), n
        self.place = np.empty(n, dtype=np.intp)
        for own, end in zip((labels, ~labels), self.ends, strict=False):
            self.place[own] = end + np.arange(int(own.sum()))
        self.flat = self.place[case] * k + group


class _Below:
    """Counts how many of the other class stand below each case, in each group, ties half, from one sort of all cases.

    Prefix sums tell how many of the j lowest positives, or negatives, each group has.
    """

    def __init__(self, block: _Block, *, repeats: int) -> None:
        """Prepare for so many repeats at a time."""
        self._block = block
        # a positive is held against the negatives, and the other way round
        self._others = [PrefixSums(rows, n_orders=repeats) for rows in block.rows]
        n, k = len(block.labels), block.rows[0].shape[1]
        self._tables = np.empty((2, repeats, n, k), dtype=block.rows[0].dtype)

    def twice(self, scores: Floats) -> NDArray[Any]:
        """Give ``(r, e)`` twice the count, for ``(r, n)`` scores."""
        block, (r, n) = self._block, scores.shape
        order = np.argsort(scores, axis=1)
        lower, upper = _ends(np.take_along_axis(scores, order, axis=1))
        has_ties = upper is not lower
        is_positive, place = block.labels[order], block.place[order]
        for i, (other, others) in enumerate(zip((~is_positive, is_positive), self._others, strict=True)):
            own, first, last = ~other, block.ends[i], block.ends[i + 1]
            # every repeat has as many of a class
            others.put(place[other].reshape(r, n - (last - first)) - block.ends[1 - i])
            # how many of the other class are among the j lowest
            n_other = np.zeros((r, n + 1), dtype=np.intp)
            np.cumsum(other, axis=1, out=n_other[:, 1:])
            rows, counts = place[own].reshape(r, last - first) - first, np.empty((r, last - first), dtype=np.intp)
            for ends, table in zip((lower, upper)[: 1 + has_ties], self._tables, strict=False):
                below = np.take_along_axis(n_other, ends, axis=1)[own].reshape(rows.shape)
                np.put_along_axis(counts, rows, below, axis=1)
                others.take(counts, table[:r, first:last])
        found: NDArray[Any] = self._tables[0, :r].reshape(r, -1).take(block.flat, axis=1)
        found += self._tables[1, :r].reshape(r, -1).take(block.flat, axis=1) if has_ties else found
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
        total: ``(e,)`` sum over repeats.
        whole, squares: ``(e,)`` sum over whole sets of repeats, and that of the squares of what each set came to.
    """

    wins: Floats
    total: NDArray[Any]
    whole: NDArray[Any]
    squares: NDArray[Any]


def _count(block: _Block, scores: Floats, *, set_size: int) -> _Counts:
    """Count for ``(R, n)`` scores."""
    repeats, n = scores.shape
    step = set_size * max(1, _REPEATS // set_size)
    below, k = _Below(block, repeats=min(step, repeats)), block.rows[0].shape[1]
    largest = max(1, repeats // set_size) * (2 * n * set_size) ** 2
    kind = np.int32 if largest <= np.iinfo(np.int32).max else np.int64
    total, squares = np.zeros((2, len(block.entries)), dtype=kind)
    wins, whole = np.zeros((repeats, k)), total
    for start in range(0, repeats, step):
        found = below.twice(scores[start : start + step])
        if len(block.starts):
            sums = np.add.reduceat(found[:, : block.n_positive], block.starts, axis=1, dtype=np.int64)
            wins[start : start + len(found), block.groups_of] = sums
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
