"""agreement.csv: limits of agreement, ICC(1,1) and the split of the variance, on logits, by cohort and stratum."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from robustkit.analysis.cohort import ALL, Judged
from robustkit.analysis.frames import Block, frame_of
from robustkit.analysis.layout import Layout
from robustkit.analysis.matrix import ModelAnswers, ScoreMatrix
from robustkit.results.schema import AGREEMENT_COLUMNS
from robustkit.stats.agreement import MEASURES
from robustkit.stats.codes import n_distinct
from robustkit.stats.components import CaseParts, case_parts, components
from robustkit.stats.estimate import NAN, Estimates
from robustkit.stats.stability import reference_rank
from robustkit.stats.threshold import logit

UNIT = dict.fromkeys(MEASURES, "logit") | {"icc": "share"}
EVERY_MODEL = "all"
COMPONENTS = ("case", "model", "disagreement", "box", "rest")

Floats = NDArray[np.float64]


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


@dataclass(frozen=True, slots=True)
class _Condition:
    """The answers of all models to the boxes of one perturbation and level.

    Attributes:
        perturbation, level: Which ones.
        rows: ``(N,)`` True for judged cases that every model answered; the parts are of these.
        parts: By model and scale: on each model's own logits, and of all models on reference ranks.
    """

    perturbation: str
    level: float
    rows: NDArray[np.bool_]
    parts: Mapping[tuple[str, str], CaseParts]


def variance_blocks(cohort: Judged, answers: Sequence[ModelAnswers]) -> list[Block]:
    """Give the shares of case, model and box in the variance of the reference rank, by cohort and condition.

    Reference ranks are one scale for all models; each model's own share is on its logits.
    """
    conditions = [_condition(cohort, answers, m) for m in zip(*(a.matrices for a in answers), strict=True)]
    rows = [row for name in cohort.cohorts for c in conditions for row in _shares(cohort, name, c)]
    if not rows:
        return []
    return [{c: np.array([r[c] for r in rows], dtype=object if isinstance(rows[0][c], str) else None) for c in rows[0]}]


def _condition(cohort: Judged, answers: Sequence[ModelAnswers], matrices: Sequence[ScoreMatrix]) -> _Condition:
    rows = cohort.judged & np.logical_and.reduce([m.known for m in matrices])
    scores = [m.scores[rows] for m in matrices]
    parts = {(a.model, "logit"): case_parts(logit(s)[None]) for a, s in zip(answers, scores, strict=True)}
    if len(answers) > 1:
        ranks = np.stack([_ranks(cohort, a, s) for a, s in zip(answers, scores, strict=True)])
        parts[EVERY_MODEL, "reference rank"] = case_parts(ranks)
    return _Condition(matrices[0].perturbation, matrices[0].level, rows, parts)


def _ranks(cohort: Judged, own: ModelAnswers, scores: Floats) -> Floats:
    known = cohort.development & np.isfinite(own.nominal)
    return reference_rank(scores, own.nominal[known])


def _shares(cohort: Judged, name: str, condition: _Condition) -> Iterator[dict[str, object]]:
    """Give the rows of one cohort and condition: each model's own, then those of all models."""
    keep = cohort.in_cohort(name) & condition.rows
    fixed = {
        "by": ALL, "stratum": ALL, "cohort": name, "split": cohort.split_of(name), "unit": "share",
        "perturbation": condition.perturbation, "level": condition.level, "low": NAN, "high": NAN,
        "n_cases": int(keep.sum()), "n_patients": n_distinct(cohort.patients[keep]),
    }  # fmt: skip
    for (model, scale), parts in condition.parts.items():
        shares, reason = _split(parts.only(keep[condition.rows]))
        method = f"analysis of variance, {scale}; no interval"
        for part, share in shares.items():
            measure = {"model": model, "measure": f"share_{part}", "value": share, "method": method, "reason": reason}
            yield {**fixed, **measure}


def _split(parts: CaseParts) -> tuple[dict[str, float], str]:
    """Give the shares in the variance by name, and why they are NaN where they are."""
    n_models, n = parts.mean.shape
    nothing = dict.fromkeys(("case", "box") if n_models == 1 else COMPONENTS, NAN)
    if n < 2 or parts.repeats < 2:
        return nothing, "fewer than two cases or two repeats"
    if not np.isfinite(parts.mean).all():
        return nothing, "no development rows to rank against"
    shares = components(parts).shares()
    return shares, "" if np.isfinite(list(shares.values())).all() else "nothing varies"


def agreement_table(blocks: Sequence[Block]) -> pd.DataFrame:
    """Give agreement.csv."""
    return frame_of(blocks, AGREEMENT_COLUMNS)
