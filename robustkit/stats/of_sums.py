"""Numbers made of sums over cases, of many groups and many answers at once, with patient bootstrap intervals.

A mean, a rate, an ICC is a function of a few sums. The sums of every draw are one product of the sums by patient with
the draws, for all answers (models and conditions) and all columns together: a group's draws are fetched only once.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from robustkit.stats.bootstrap import PatientDraws, bca_rows
from robustkit.stats.estimate import NAN
from robustkit.stats.groups import Codes, Flags, Floats, Groups
from robustkit.stats.processes import done_in_processes

Sums = Mapping[str, Floats]

COUNT = "n"
"""The column that counts cases."""

_PATIENTS = 4096
"""Patients whose draws are fetched at a time."""

_TOGETHER = 2_000_000
"""Numbers in draws whose intervals are found at once: threads that make short calls wait for each other."""


@dataclass(frozen=True, slots=True)
class Statistic:
    """A number made of sums.

    Attributes:
        of: Gives it, element by element, from sums of any shape; what is not defined is not finite.
        wanted: ``(k,)`` True for the groups in which it is asked for.
        undefined: The reason where it is not defined.
    """

    of: Callable[[Sums], Floats]
    wanted: Flags
    undefined: str


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked of S answers to the same n cases.

    Attributes:
        columns: ``(S, n)`` finite values of each case; ``(1, n)`` where all answers share them.
        statistics: What is made of their sums.
    """

    columns: Mapping[str, Floats]
    statistics: Mapping[str, Statistic]


@dataclass(frozen=True, slots=True)
class Bounds:
    """Intervals of one statistic: ``(S, k)`` each; NaN and no reason where it was not asked for."""

    value: Floats
    low: Floats
    high: Floats
    se: Floats
    reason: NDArray[np.object_]

    def put(self, groups: Sequence[int], own: Bounds) -> None:
        """Put in those of some groups."""
        for name in ("value", "low", "high", "se", "reason"):
            getattr(self, name)[:, groups] = getattr(own, name)


def bounds_of_sums(
    groups: Groups,
    draws: PatientDraws,
    questions: Sequence[Question],
    *,
    unions: Mapping[int, Codes] | None = None,
) -> list[dict[str, Bounds]]:
    """Give value and interval (BCa) of every statistic, group and answer.

    Args:
        groups: Of the n cases; their patients are those that ``draws`` counts.
        draws: Shared counts.
        questions: Any number.
        unions: Groups that are others put together, each case once: their sums in the draws are those of their parts.

    Returns:
        By question: by statistic.
    """
    places, whole = dict(groups.each()), unions or {}
    of_union = {int(g) for parts in whole.values() for g in parts}
    families = [[*(int(i) for i in whole.get(g, ()) if int(i) in places), g] for g in places if g not in of_union]

    def bounds(family: Sequence[int]) -> list[dict[str, Bounds]]:
        # the union comes last: what its parts came to is added up
        found = [{name: _blank(q, len(family)) for name in q.statistics} for q in questions]
        asked = [q for q in range(len(questions)) if any(_wanted(questions[q], g) for g in family)]
        columns = [questions[q].columns for q in asked]
        drawn: list[Floats] = []
        for at, g in enumerate(family):
            sums, patients = _by_patient(groups, places[g], columns)
            is_union = g == family[-1] and len(family) > 1
            drawn.append(_add_up(drawn) if is_union else _drawn(sums, draws, patients))
            parts = iter(np.split(drawn[-1], np.cumsum([len(v) for own in sums for v in own.values()])[:-1]))
            answers: list[_Answer] = []
            for q, by_patient in zip(asked, sums, strict=True):
                total = {name: values.sum(axis=1, keepdims=True) for name, values in by_patient.items()}
                left_out = {name: total[name] - values for name, values in by_patient.items()}
                in_draws = {name: next(parts) for name in by_patient}
                for name, statistic in _wanted(questions[q], g).items():
                    own = _answer(found[q][name], statistic, at=at, total=total, left_out=left_out, drawn=in_draws)
                    answers += [own] if own is not None else []
                    if sum(a.drawn.size for a in answers) >= _TOGETHER:
                        _fill(answers, at)
                        answers = []
            _fill(answers, at)
        return found

    found = [{name: _blank(q, groups.k) for name in q.statistics} for q in questions]
    for family, own in zip(families, done_in_processes([partial(bounds, f) for f in families]), strict=True):
        for into, part in zip(found, own, strict=True):
            for name, values in part.items():
                into[name].put(family, values)
    return found


def _wanted(question: Question, g: int) -> dict[str, Statistic]:
    return {name: s for name, s in question.statistics.items() if s.wanted[g]}


def _by_patient(
    groups: Groups, own: slice, columns: Sequence[Mapping[str, Floats]]
) -> tuple[list[dict[str, Floats]], Codes]:
    """Give ``(S, m)`` sums of a group by patient, by question and column, and ``(m,)`` who they are."""
    case, starts = groups.case[own], np.flatnonzero(np.diff(groups.pair[own], prepend=-1))
    sums = [{name: np.add.reduceat(v[:, case], starts, axis=1) for name, v in of.items()} for of in columns]
    return sums, groups.pair_patient[groups.pair[own][starts]]


def _blank(question: Question, k: int) -> Bounds:
    shape = (max(len(v) for v in question.columns.values()), k)
    value, low, high, se = np.full((4, *shape), NAN)
    return Bounds(value, low, high, se, np.full(shape, "", dtype=object))


def _drawn(sums: Sequence[Sums], draws: PatientDraws, patients: Codes) -> Floats:
    """Give ``(rows, B)`` sums in every draw, question by question and column by column, from sums by patient."""
    rows = [values for own in sums for values in own.values()]
    stacked = np.concatenate(rows) if rows else np.empty((0, len(patients)))
    blocks = [slice(start, start + _PATIENTS) for start in range(0, len(patients), _PATIENTS)]
    return _add_up([stacked[:, some] @ draws.by_patient[patients[some]] for some in blocks])


def _add_up(parts: Sequence[Floats]) -> Floats:
    total = parts[0]
    for part in parts[1:]:
        total = total + part
    return total


@dataclass(frozen=True, slots=True)
class _Answer:
    """A statistic of one group: ``(s,)`` rows of ``into`` that are defined, their values, jackknife and draws."""

    into: Bounds
    rows: Codes
    value: Floats
    left_out: Floats
    drawn: Floats


def _answer(into: Bounds, statistic: Statistic, *, at: int, total: Sums, left_out: Sums, drawn: Sums) -> _Answer | None:
    with np.errstate(invalid="ignore", divide="ignore"):
        value = statistic.of(total)[:, 0]
        known = np.isfinite(value)
        into.value[known, at], into.reason[~known, at] = value[known], statistic.undefined
        if not known.any():
            return None
        jackknife, in_draws = statistic.of(left_out), statistic.of(drawn)
    if not known.all():
        value, jackknife, in_draws = value[known], jackknife[known], in_draws[known]
    return _Answer(into, np.flatnonzero(known), value, jackknife, in_draws)


def _fill(answers: Sequence[_Answer], at: int) -> None:
    """Write the intervals of several statistics of a group, which stands at this place."""
    if not answers:
        return
    found = bca_rows(*(np.concatenate([getattr(a, f) for a in answers]) for f in ("drawn", "value", "left_out")))
    ends = np.cumsum([len(a.rows) for a in answers])
    for own, end in zip(answers, ends, strict=True):
        for name, values in zip(("low", "high", "se", "reason"), found, strict=True):
            getattr(own.into, name)[own.rows, at] = values[end - len(own.rows) : end]
