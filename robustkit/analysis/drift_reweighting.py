"""What the external error would be with the internal distribution of one fact (estimands, section 5)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from robustkit.analysis.cohort import Judged
from robustkit.analysis.drift_facts import Fact, Row, estimate_columns
from robustkit.analysis.errors import KINDS, of_kind
from robustkit.analysis.matrix import ModelAnswers
from robustkit.analysis.thresholds import Threshold
from robustkit.stats.estimate import NAN
from robustkit.stats.reweighting import Reweighted, reweight
from robustkit.stats.sides import Sides
from robustkit.strata._base import UNKNOWN

LABEL = "label"
"""Errors are those of one class: its share does not enter them."""


def reweighting_rows(
    cohort: Judged,
    answers: ModelAnswers,
    threshold: Threshold,
    facts: Sequence[Fact],
    *,
    sides: tuple[NDArray[np.intp], Sides],
) -> list[Row]:
    """Give the rows of one model and one external cohort, nominal boxes, missed and false alarms apart.

    Args:
        cohort: Who is judged.
        answers: Nominal scores; cases without one are left out.
        threshold: Decision: score >= threshold.
        facts: Of all cases; weights are shares of strata within the class that is judged.
        sides: ``(n,)`` positions of the cases of both cohorts, and who they are.
    """
    rows, both = sides
    answered = np.isfinite(answers.nominal[rows])
    wrong = (answers.nominal[rows] >= threshold.value) != cohort.positive[rows]
    group = cohort.frame["group"].to_numpy(dtype=object)[rows]
    found: list[Row] = []
    for metric in KINDS:
        keep = answered & of_kind(metric, cohort.positive[rows], group)
        own = both.only(keep).compact()
        for fact in facts:
            if fact.name != LABEL:
                found.append({
                    **_row(wrong[keep].astype(np.float64), fact.strata[rows][keep], own), "metric": metric,
                    "part": "error", "name": fact.name, "measure": "change", "model": answers.model,
                    "operating_point": threshold.operating_point, "test": "",
                })  # fmt: skip
    return found


def _row(wrong: NDArray[np.float64], strata: NDArray[np.object_], sides: Sides) -> Row:
    known = strata != UNKNOWN
    counted: Row = {
        "n_cases_a": int((sides.is_a & known).sum()), "n_patients_a": sides.only(known).patients_of(is_a=True),
        "n_missing_a": int((sides.is_a & ~known).sum()), "n_cases_b": int((~sides.is_a & known).sum()),
        "n_patients_b": sides.only(known).patients_of(is_a=False), "n_missing_b": int((~sides.is_a & ~known).sum()),
    }  # fmt: skip
    names, codes = np.unique(strata[known].astype(str), return_inverse=True)
    if not len(names):
        return {**counted, "value": NAN, "reason": "no case has this fact" if len(strata) else "no cases"}
    all_codes = np.full(len(strata), -1, dtype=np.intp)
    all_codes[known] = codes
    e: Reweighted = reweight(wrong, all_codes, sides, n_strata=len(names))
    internal = wrong[~sides.is_a & known]
    return {
        **counted, "value_a": e.observed, "value_b": float(internal.mean()) if len(internal) else NAN,
        "reweighted": e.value, **estimate_columns(e.change), "effective_cases": e.effective, "support": e.support,
    }  # fmt: skip
