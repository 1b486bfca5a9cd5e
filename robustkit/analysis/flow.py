"""flow.csv: every case from film found to estimate, with the reason of each loss; and what the losses could hide."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from robustkit.analysis.cohort import ALL, Judged
from robustkit.analysis.matrix import ModelAnswers
from robustkit.results.schema import FLOW_COLUMNS

MUCH = 0.01
"""Share of lost cases from which on the bounds are said (estimands, section 1)."""

Flags = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class _Counts:
    """The rows of the table, as they are counted.

    Attributes:
        places: Cohort and split, in order.
        place: ``(N,)`` which of them a case of the run stands in; cases of split=train come last.
        patients: ``(N,)`` codes 0..m-1.
        rows: Of the table.
    """

    places: Sequence[tuple[str, str]]
    place: NDArray[np.intp]
    patients: NDArray[np.intp]
    rows: list[tuple[object, ...]] = field(default_factory=list)

    def add(self, step: str, keep: Flags, *, model: str = "", reason: str = "") -> None:
        """Count cases and patients by cohort and split; ``keep`` may leave out the cases of split=train."""
        k, m, rows = len(self.places), int(self.patients.max()) + 1, np.flatnonzero(keep)
        cases = np.bincount(self.place[rows] * m + self.patients[rows], minlength=k * m).reshape(k, m)
        counted = zip(self.places, cases.sum(axis=1).tolist(), np.count_nonzero(cases, axis=1).tolist(), strict=True)
        self.rows.extend((step, *place, model, n, n_patients, reason) for place, n, n_patients in counted if n)


def _nothing_counted(everyone: pd.DataFrame) -> _Counts:
    (cohort, cohorts), (split, splits), (patients, _) = (
        pd.factorize(everyone[c], sort=True) for c in ("cohort", "split", "patient_id")
    )
    return _Counts([(c, s) for c in cohorts for s in splits], cohort * len(splits) + split, patients)


def flow_table(cohort: Judged, answers: Sequence[ModelAnswers]) -> pd.DataFrame:
    """Give flow.csv.

    Args:
        cohort: Who is judged.
        answers: Of every model.
    """
    frame, everyone = cohort.frame, pd.concat([cohort.frame, cohort.trained])
    is_val = frame["split"].eq("val").to_numpy(dtype=bool)
    counts = _nothing_counted(everyone)
    counts.add("in the run", np.ones(len(everyone), dtype=bool))
    counts.add("left out", np.arange(len(everyone)) >= len(frame), reason="split=train enters no estimate")
    counts.add("left out", ~cohort.judged & ~is_val, reason="no split, in a cohort that has splits")
    counts.add("set aside", is_val, reason="split=val serves thresholds and bins alone")
    counts.add("to be judged", cohort.judged)
    for own in answers:
        answered = np.isfinite(own.nominal)
        _count_failures(counts, cohort, own, cohort.judged & ~answered)
        counts.add("estimated", cohort.judged & answered, model=own.model, reason="boxes as given")
        for matrix in own.matrices:
            where = f"{matrix.perturbation} {matrix.level:g}"
            counts.add("estimated", cohort.judged & matrix.known, model=own.model, reason=where)
    return pd.DataFrame(counts.rows, columns=list(FLOW_COLUMNS))


def _count_failures(counts: _Counts, cohort: Judged, own: ModelAnswers, lost: Flags) -> None:
    if not lost.any():
        return
    reasons = own.failures.set_index("case_id")["reason"].reindex(cohort.frame["case_id"])
    said = np.where(reasons.isna() | reasons.eq(""), "no answer in the predictions", reasons.astype(str))
    for reason in sorted(set(said[lost])):
        counts.add("failed", lost & (said == reason), model=own.model, reason=str(reason))


def loss_warnings(cohort: Judged, own: ModelAnswers, threshold: float) -> tuple[str, ...]:
    """Say how far sensitivity and specificity could lie from the truth where over 1 % of the cases failed.

    Args:
        cohort: Who is judged.
        own: Answers of one model.
        threshold: Decision: score >= threshold.
    """
    answered = np.isfinite(own.nominal)
    right = (own.nominal >= threshold) == cohort.positive
    said = []
    for name in [c for c in cohort.cohorts if c != ALL]:
        keep = cohort.in_cohort(name)
        lost = keep & ~answered
        if lost.sum() <= MUCH * keep.sum():
            continue
        parts = [
            _bounds("sensitivity", keep & cohort.positive, right & answered, lost),
            _bounds("specificity", keep & ~cohort.positive, right & answered, lost),
        ]
        counts = f"{own.model}: {lost.sum()} of {keep.sum()} {name} cases have no answer"
        said.append(f"{counts}; were all of them wrong, or right: {', '.join(p for p in parts if p)}.")
    return tuple(said)


def _bounds(name: str, keep: Flags, right: Flags, lost: Flags) -> str:
    n = int(keep.sum())
    if n == 0:
        return ""
    low, more = int((keep & right).sum()), int((keep & lost).sum())
    return f"{name} {low / n:.1%} to {(low + more) / n:.1%}"
