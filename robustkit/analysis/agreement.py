"""agreement.csv: limits of agreement, ICC(1,1) and the split of the variance, on logits, by cohort and stratum."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from robustkit.analysis.cohort import ALL, Judged
from robustkit.analysis.frames import Block, frame_of
from robustkit.analysis.layout import Layout
from robustkit.analysis.matrix import ModelAnswers
from robustkit.results.schema import AGREEMENT_COLUMNS
from robustkit.stats.agreement import MEASURES
from robustkit.stats.codes import n_distinct
from robustkit.stats.components import components
from robustkit.stats.estimate import Estimate, Estimates
from robustkit.stats.stability import reference_rank
from robustkit.stats.threshold import logit

UNIT = dict.fromkeys(MEASURES, "logit") | {"icc": "share"}
EVERY_MODEL = "all"


def agreement_block(layout: Layout, found: Mapping[str, Estimates], *, fixed: Mapping[str, object]) -> Block:
    """Give the rows of one model, cohort and perturbed condition: stratum after stratum, each with all measures.

    Scores of 0 and 1 are cut at 1e-12 before the logit is taken, as everywhere.

    Args:
        layout: The strata.
        found: By measure: of the strata, as the bootstrap gave them.
        fixed: Columns that are one for all rows.
    """
    some = found[next(iter(MEASURES))].n_cases > 0

    def flat(columns: Sequence[NDArray[Any]]) -> NDArray[Any]:
        return np.stack(columns, axis=1)[some].ravel()

    names = ("value", "low", "high", "method", "n_cases", "n_patients", "reason")
    return {
        **fixed,
        **{f: flat([getattr(found[m], f) for m in MEASURES]) for f in names},
        "by": flat([layout.by] * len(MEASURES)),
        "stratum": flat([layout.stratum] * len(MEASURES)),
        "measure": np.tile(np.array(list(MEASURES), dtype=object), int(some.sum())),
        "unit": np.tile(np.array([UNIT[m] for m in MEASURES], dtype=object), int(some.sum())),
    }


def _numbers(name: str, unit: str, e: Estimate) -> dict[str, object]:
    return {
        "measure": name, "unit": unit, "value": e.value, "low": e.low, "high": e.high, "method": e.method,
        "n_cases": e.n_cases, "n_patients": e.n_patients, "reason": e.reason,
    }  # fmt: skip


def variance_blocks(cohort: Judged, answers: Sequence[ModelAnswers]) -> list[Block]:
    """Give the shares of case, model and box in the variance of the reference rank, by cohort and condition.

    Reference ranks are one scale for all models; each model's own share is on its logits.
    """
    rows = []
    for name in cohort.cohorts:
        for matrices in zip(*(a.matrices for a in answers), strict=True):
            keep = cohort.in_cohort(name) & np.logical_and.reduce([m.known for m in matrices])
            fixed = {
                "by": ALL, "stratum": ALL, "cohort": name, "split": cohort.split_of(name),
                "perturbation": matrices[0].perturbation, "level": matrices[0].level,
            }  # fmt: skip
            for own, matrix in zip(answers, matrices, strict=True):
                values = logit(matrix.scores[keep])[None]
                rows += _shares(cohort, keep, values, {**fixed, "model": own.model}, scale="logit")
            if len(answers) > 1:
                ranks = np.stack([_ranks(cohort, a, m.scores[keep]) for a, m in zip(answers, matrices, strict=True)])
                rows += _shares(cohort, keep, ranks, {**fixed, "model": EVERY_MODEL}, scale="reference rank")
    return [{c: np.array([v], dtype=object if isinstance(v, str) else None) for c, v in row.items()} for row in rows]


def _ranks(cohort: Judged, own: ModelAnswers, scores: np.ndarray) -> np.ndarray:
    known = cohort.development & np.isfinite(own.nominal)
    return reference_rank(scores, own.nominal[known])


def _shares(
    cohort: Judged, keep: np.ndarray, values: np.ndarray, fixed: Mapping[str, object], *, scale: str
) -> list[dict[str, object]]:
    counted = Estimate(
        method=f"analysis of variance, {scale}; no interval",
        n_cases=int(keep.sum()),
        n_patients=n_distinct(cohort.patients[keep]),
    )
    names = ("case", "box") if len(values) == 1 else ("case", "model", "disagreement", "box", "rest")
    _, n, repeats = values.shape
    reason = ""
    if n < 2 or repeats < 2:
        reason = "fewer than two cases or two repeats"
    elif not np.isfinite(values).all():
        reason = "no development rows to rank against"
    shares = dict.fromkeys(names, float("nan")) if reason else components(values).shares()
    if not reason and not np.isfinite(list(shares.values())).all():
        reason = "nothing varies"
    rows = []
    for name in names:
        e = replace(counted, value=shares[name], reason=reason)
        rows.append({**fixed, **_numbers(f"share_{name}", "share", e)})
    return rows


def agreement_table(blocks: Sequence[Block]) -> pd.DataFrame:
    """Give agreement.csv."""
    return frame_of(blocks, AGREEMENT_COLUMNS)
