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


@dataclass(slots=True)
class _Counts:
    rows: list[tuple[object, ...]] = field(default_factory=list)

    def add(self, step: str, cases: pd.DataFrame, *, model: str = "", reason: str = "") -> None:
        """Count cases and patients by cohort and split."""
        for (name, split), part in cases.groupby(["cohort", "split"]):
            self.rows.append((step, name, split, model, len(part), part["patient_id"].nunique(), reason))


def flow_table(cohort: Judged, answers: Sequence[ModelAnswers]) -> pd.DataFrame:
    """Give flow.csv.

    Args:
        cohort: Who is judged.
        answers: Of every model.
    """
    frame = cohort.frame
    is_val = frame["split"].eq("val").to_numpy()
    counts = _Counts()
    counts.add("in the run", pd.concat([frame, cohort.trained]))
    counts.add("left out", cohort.trained, reason="split=train enters no estimate")
    counts.add("left out", frame[~cohort.judged & ~is_val], reason="no split, in a cohort that has splits")
    counts.add("set aside", frame[is_val], reason="split=val serves thresholds and bins alone")
    counts.add("to be judged", frame[cohort.judged])
    for own in answers:
        answered = np.isfinite(own.nominal)
        lost = cohort.judged & ~answered
        reasons = own.failures.set_index("case_id")["reason"].reindex(frame["case_id"])
        said = np.where(reasons.isna() | reasons.eq(""), "no answer in the predictions", reasons.astype(str))
        for reason in sorted(set(said[lost])):
            counts.add("failed", frame[lost & (said == reason)], model=own.model, reason=str(reason))
        counts.add("estimated", frame[cohort.judged & answered], model=own.model, reason="boxes as given")
        for matrix in own.matrices:
            where = f"{matrix.perturbation} {matrix.level:g}"
            counts.add("estimated", frame[cohort.judged & matrix.known], model=own.model, reason=where)
    return pd.DataFrame(counts.rows, columns=list(FLOW_COLUMNS))


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
