"""Numbers made of sums over cases, of many groups and many answers at once, with patient bootstrap intervals.

A mean, a rate, an ICC is a function of a few sums. The sums of every draw are one product of the sums by patient with
the draws, for all answers (models and conditions) and all columns together: a group's draws are fetched only once.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from robustkit.stats.bootstrap import PatientDraws, bca_rows
from robustkit.stats.cores import on_all_cores
from robustkit.stats.estimate import NAN
from robustkit.stats.groups import Flags, Floats, Groups

Sums = Mapping[str, Floats]

COUNT = "n"
"""The column that counts cases."""

_PATIENTS = 4096
"""Patients whose draws are fetched at a time."""


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


def bounds_of_sums(groups: Groups, draws: PatientDraws, questions: Sequence[Question]) -> list[dict[str, Bounds]]:
    """Give value and interval (BCa) of every statistic, group and answer.

    Args:
        groups: Of the n cases; their patients are those that ``draws`` counts.
        draws: Shared counts.
        questions: Any number.

    Returns:
        By question: by statistic.
    """
    found = [{name: _blank(q, groups.k) for name in q.statistics} for q in questions]

    def fill(place: tuple[int, slice]) -> None:
        g, own = place
        case, starts = groups.case[own], np.flatnonzero(np.diff(groups.pair[own], prepend=-1))
        patients = groups.pair_patient[groups.pair[own][starts]]
        asked = [{n: s for n, s in q.statistics.items() if s.wanted[g]} for q in questions]
        sums = [
            {name: np.add.reduceat(v[:, case], starts, axis=1) for name, v in q.columns.items()} if wanted else {}
            for q, wanted in zip(questions, asked, strict=True)
        ]
        for wanted, by_patient, drawn, into in zip(asked, sums, _drawn(sums, draws, patients), found, strict=True):
            for name, statistic in wanted.items():
                _fill(into[name], statistic, g=g, by_patient=by_patient, drawn=drawn)

    on_all_cores(fill, groups.each())
    return found


def _blank(question: Question, k: int) -> Bounds:
    shape = (max(len(v) for v in question.columns.values()), k)
    value, low, high, se = np.full((4, *shape), NAN)
    return Bounds(value, low, high, se, np.full(shape, "", dtype=object))


def _drawn(sums: Sequence[Sums], draws: PatientDraws, patients: NDArray[np.intp]) -> list[dict[str, Floats]]:
    """Give ``(S, B)`` sums in every draw, by question and column, from ``(S, m)`` sums by patient."""
    rows = [values for own in sums for values in own.values()]
    if not rows:
        return [{} for _ in sums]
    stacked = np.concatenate(rows)
    total = np.zeros((len(stacked), draws.by_patient.shape[1]))
    for start in range(0, len(patients), _PATIENTS):
        some = slice(start, start + _PATIENTS)
        total += stacked[:, some] @ draws.by_patient[patients[some]]
    parts = iter(np.split(total, np.cumsum([len(r) for r in rows])[:-1]))
    return [{name: next(parts) for name in own} for own in sums]


def _fill(into: Bounds, statistic: Statistic, *, g: int, by_patient: Sums, drawn: Sums) -> None:
    total = {name: values.sum(axis=1, keepdims=True) for name, values in by_patient.items()}
    with np.errstate(invalid="ignore", divide="ignore"):
        value = statistic.of(total)[:, 0]
        known = np.isfinite(value)
        into.reason[~known, g] = statistic.undefined
        if not known.any():
            return
        left_out = statistic.of({name: total[name] - values for name, values in by_patient.items()})
        in_draws = statistic.of(drawn)
    into.value[known, g] = value[known]
    into.low[known, g], into.high[known, g], into.se[known, g], into.reason[known, g] = bca_rows(
        in_draws[known], value[known], left_out[known]
    )
