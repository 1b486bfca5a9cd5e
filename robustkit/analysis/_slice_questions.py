"""What a search for slices asks: errors of the nominal boxes, or instability at the primary level, per case.

Reference ranks come from one set of development scores, shared by both halves of the patients: a difference in rank sd
that a small development set makes is confirmed as well (phantom without any weakness: the classes differ in 16 % of the
cohorts, both halves alike).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from robustkit.analysis.cohort import Judged
from robustkit.analysis.matrix import NOMINAL, ModelAnswers, ScoreMatrix
from robustkit.analysis.thresholds import Threshold
from robustkit.stats.stability import reference_rank, spread

SliceMetric = Literal["missed", "false_alarm", "wrong", "flip_rate", "rank_sd"]
ERRORS: tuple[SliceMetric, ...] = ("missed", "false_alarm", "wrong")
METRICS: tuple[SliceMetric, ...] = (*ERRORS, "flip_rate", "rank_sd")
DEFAULT_METRICS: tuple[SliceMetric, ...] = (*ERRORS, "flip_rate")

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Question:
    """One metric of one model in one cohort.

    Attributes:
        fixed: Columns of slices.csv that are the same in every row.
        metric: Which one.
        rows: ``(n,)`` positions among the run's cases: those that it is asked of.
        values: ``(n,)`` one per case, averaged over repeats, which are never patients.
        step: Distance of neighbouring values; 0 for continuous ones.
        reason: Why it cannot be asked; empty where it can.
    """

    fixed: Mapping[str, object]
    metric: SliceMetric
    rows: NDArray[np.intp]
    values: Floats
    step: float
    reason: str = ""


def questions(
    cohort: Judged, own: ModelAnswers, metrics: Sequence[SliceMetric], *, name: str, threshold: Threshold
) -> list[Question]:
    """Give what is asked of one model.

    Args:
        cohort: Who is judged.
        own: Answers of the model; instability is that of its first perturbation and level.
        metrics: Which.
        name: Of the cohort.
        threshold: Decision: score >= its value.
    """
    keep = cohort.in_cohort(name) & np.isfinite(own.nominal)
    found = []
    for metric in metrics:
        first = own.matrices[0] if own.matrices and metric in ("flip_rate", "rank_sd") else None
        kind, level = (first.perturbation, first.level) if first else (NOMINAL, 0.0)
        fixed = {
            "cohort": name, "split": cohort.split_of(name), "model": own.model, "perturbation": kind, "level": level,
            "metric": metric, "operating_point": "" if metric == "rank_sd" else threshold.operating_point,
            "family": f"{own.model} / {name} / {metric} / {kind} {level:g}",
        }  # fmt: skip
        empty = Question(fixed, metric, np.zeros(0, dtype=np.intp), np.zeros(0), 0.0)
        if metric in ERRORS:
            found.append(_errors(empty, cohort, own.nominal, keep=keep, cut=threshold.value))
        elif first is None:
            found.append(replace(empty, reason="the run moved no box"))
        else:
            development = own.nominal[cohort.development & np.isfinite(own.nominal)]
            found.append(_moves(empty, first, development, keep=keep, cut=threshold.value))
    return found


def _errors(empty: Question, cohort: Judged, nominal: Floats, *, keep: NDArray[np.bool_], cut: float) -> Question:
    among = {"missed": cohort.positive, "false_alarm": ~cohort.positive}
    rows = np.flatnonzero(keep & among.get(empty.metric, True))
    wrong = (nominal[rows] >= cut) != cohort.positive[rows]
    return replace(empty, rows=rows, values=wrong.astype(np.float64), step=1.0)


def _moves(
    empty: Question, matrix: ScoreMatrix, development: Floats, *, keep: NDArray[np.bool_], cut: float
) -> Question:
    rows = np.flatnonzero(keep & matrix.known)
    scores = matrix.scores[rows]
    if empty.metric == "flip_rate":
        flips = (scores >= cut) != (matrix.nominal[rows] >= cut)[:, None]
        return replace(empty, rows=rows, values=flips.mean(axis=1), step=1 / scores.shape[1])
    if len(development) == 0:
        return replace(empty, reason="no development rows to rank against")
    if scores.shape[1] < 2:
        return replace(empty, reason="fewer than two repeats")
    return replace(empty, rows=rows, values=spread(reference_rank(scores, development)))
