"""comparisons.csv: models against each other on the same cases and boxes, scale-free numbers only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from robustkit.analysis.cohort import Judged
from robustkit.analysis.matrix import ModelAnswers, ScoreMatrix
from robustkit.results.schema import COMPARISONS_COLUMNS
from robustkit.stats.auc import Placements, auc_contrast, clustered_auc, not_estimable, placements
from robustkit.stats.bootstrap import PatientDraws, clustered_mean
from robustkit.stats.codes import n_distinct
from robustkit.stats.difference import Difference
from robustkit.stats.estimate import Estimate
from robustkit.stats.multiplicity import holm
from robustkit.stats.permutation import sign_flip
from robustkit.stats.stability import reference_rank, spread
from robustkit.stats.threshold import target_sensitivity

DEVELOPMENT_SENSITIVITY = 0.9
"""Between models, decisions are compared where both find this share of the development positives."""

EQUAL = "equal for every case"

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Settings:
    """Bootstrap and permutation draws, and their seed."""

    draws: PatientDraws
    permutations: int
    seed: int


def permutations_for(n_models: int, draws: int) -> int:
    """Give how many permutations a family of all pairs needs: 20 x family / .05 (estimands, section 4)."""
    return max(draws, 400 * n_models * (n_models - 1) // 2)


def comparisons_table(cohort: Judged, answers: Sequence[ModelAnswers], settings: Settings) -> pd.DataFrame:
    """Give comparisons.csv for all pairs of models, by cohort.

    Args:
        cohort: Who is judged.
        answers: Of every model, on the same cases and boxes. A case that fails for one leaves it for all.
        settings: Of bootstrap and permutation.
    """
    nominal = np.logical_and.reduce([np.isfinite(a.nominal) for a in answers])
    moved = [nominal & np.logical_and.reduce([m.known for m in same]) for same in _conditions(answers)]
    found: list[tuple[tuple[int, int, int], list[dict[str, object]]]] = []
    for at, name in enumerate(cohort.cohorts):
        keep = cohort.in_cohort(name)
        # what is asked of one model is computed once, and a condition at a time: its placements are let go of
        for position, known in enumerate((nominal, *moved)):
            sides = [_side(cohort, a, keep & known, position) for a in answers]
            for order, (a, b) in enumerate(combinations(sides, 2)):
                fixed = {"model_a": a.model, "model_b": b.model, "cohort": name, "split": cohort.split_of(name)}
                found.append(((order, at, position), _rows(cohort, a, b, fixed, settings=settings)))
    table = pd.DataFrame(
        [row for _, rows in sorted(found, key=lambda f: f[0]) for row in rows], columns=list(COMPARISONS_COLUMNS)
    )
    for _, part in table.groupby("family"):
        table.loc[part.index, "p_adjusted"] = holm(part["p"].to_numpy(dtype=np.float64))
    return table


def _conditions(answers: Sequence[ModelAnswers]) -> list[tuple[ScoreMatrix, ...]]:
    return list(zip(*(a.matrices for a in answers), strict=True))


@dataclass(frozen=True, slots=True)
class _Side:
    """One model's part of a comparison under one condition.

    Attributes:
        model, kind, level: Whose, and under which condition.
        rows: ``(N,)`` True for the cases compared.
        nominal, moved: Placements of the nominal scores and of ``(R, n)`` redrawn ones; None where the cases have
            no estimable AUC, ``moved`` also where nothing was redrawn.
        per_case: ``(n,)`` flip rate and rank sd, or why there are none.
        useless: Why the model is not comparable in stability; "" where it is.
    """

    model: str
    kind: str
    level: float
    rows: Flags
    nominal: Placements | None
    moved: Placements | None
    per_case: Mapping[str, Floats | str]
    useless: str
    set_size: int = 1


def _side(cohort: Judged, answers: ModelAnswers, rows: Flags, position: int) -> _Side:
    labels, patients, nominal = cohort.positive[rows], cohort.patients[rows], answers.nominal[rows]
    is_known = not not_estimable(labels, patients)
    placed = placements(labels, nominal[None]) if is_known else None
    if position == 0:
        return _Side(answers.model, "nominal", 0.0, rows, placed, None, {}, "")
    matrix = answers.matrices[position - 1]
    scores = matrix.scores[rows]
    return _Side(
        model=answers.model,
        kind=matrix.perturbation,
        level=matrix.level,
        rows=rows,
        nominal=placed,
        moved=placements(labels, scores.T) if is_known else None,
        per_case=_per_case(cohort, answers, nominal, scores),
        useless=_not_comparable(answers.model, clustered_auc(labels, nominal[None], patients)),
        set_size=matrix.set_size,
    )


def _per_case(cohort: Judged, answers: ModelAnswers, nominal: Floats, scores: Floats) -> Mapping[str, Floats | str]:
    """Give each case's flip rate and rank sd, or why there are none."""
    known = cohort.development & np.isfinite(answers.nominal)
    if not cohort.positive[known].any():
        text = "no positive development rows: thresholds of equal sensitivity and reference ranks need them"
        return {"flip_rate": text, "rank_sd": text}
    development = answers.nominal[known]
    cut = target_sensitivity(cohort.positive[known], development, DEVELOPMENT_SENSITIVITY).value
    flips = ((scores >= cut) != (nominal >= cut)[:, None]).mean(axis=1)
    return {"flip_rate": flips, "rank_sd": spread(reference_rank(scores, development))}


def _not_comparable(model: str, nominal: Estimate) -> str:
    """A model that may know nothing is not comparable in stability, never "more stable"."""
    if not np.isfinite(nominal.low):
        return f"not comparable: {model}'s nominal AUC has no interval ({nominal.reason})"
    if nominal.low <= 0.5 <= nominal.high:
        return f"not comparable: the interval of {model}'s nominal AUC contains 0.5"
    return ""


def _rows(
    cohort: Judged, a: _Side, b: _Side, fixed: Mapping[str, str], *, settings: Settings
) -> list[dict[str, object]]:
    if not a.per_case:
        auc = _contrast(cohort, a, ((1.0, a.nominal), (-1.0, b.nominal)))
        return [_row(auc, fixed, metric="auc", kind=a.kind, level=a.level)]
    auc = _contrast(cohort, a, ((1.0, a.moved), (-1.0, b.moved)))
    found = {"auc": auc, **_stability(cohort, a, b, settings=settings)}
    return [_row(d, fixed, metric=metric, kind=a.kind, level=a.level) for metric, d in found.items()]


def _contrast(cohort: Judged, side: _Side, terms: Sequence[tuple[float, Placements | None]]) -> Difference:
    known = [(w, placed) for w, placed in terms if placed is not None]
    rows = side.rows
    return auc_contrast(cohort.positive[rows], known, patients=cohort.patients[rows], set_size=side.set_size)


def _stability(cohort: Judged, a: _Side, b: _Side, *, settings: Settings) -> dict[str, Difference]:
    """Give the differences of flip rate, rank sd and AUC lost; blank where a model may know nothing."""
    patients = cohort.patients[a.rows]
    found = {
        metric: _paired_mean(_minus(a.per_case[metric], b.per_case[metric]), patients, settings, purpose=metric)
        for metric in a.per_case
    }
    # nominal minus mean AUC over repeats, of a minus of b
    lost = _contrast(cohort, a, ((1.0, a.nominal), (-1.0, a.moved), (-1.0, b.nominal), (1.0, b.moved)))
    found["auc_lost"] = replace(lost, reason=EQUAL) if lost.p == 1.0 and lost.se == 0.0 else lost
    useless = a.useless or b.useless
    if not useless:
        return found
    blank = Difference(n_cases=int(a.rows.sum()), n_patients=n_distinct(patients), reason=useless)
    return {m: d if d.reason == EQUAL else blank for m, d in found.items()}


def _minus(a: Floats | str, b: Floats | str) -> Floats | str:
    if isinstance(a, str):
        return a
    return b if isinstance(b, str) else a - b


def _paired_mean(values: Floats | str, patients: NDArray[np.intp], settings: Settings, *, purpose: str) -> Difference:
    if isinstance(values, str):
        return Difference(reason=values)
    counted = Difference(n_cases=len(values), n_patients=n_distinct(patients))
    if len(values) and not np.isfinite(values).all():
        return replace(counted, reason="fewer than two repeats")
    if len(values) and not values.any():
        return replace(counted, diff=0.0, se=0.0, p=1.0, reason=EQUAL)
    e = clustered_mean(values, patients, settings.draws)
    if not np.isfinite(e.value):
        return replace(counted, reason=e.reason)
    size = np.bincount(patients)
    sums = np.bincount(patients, weights=values)
    by_patient = sums[size > 0] / size[size > 0]
    p = sign_flip(by_patient, draws=settings.permutations, seed=settings.seed, purpose=purpose)
    method = "patient bootstrap, BCa; sign-flip permutation of patient means"
    return replace(counted, diff=e.value, low=e.low, high=e.high, se=e.se, p=p, method=method, reason=e.reason)


def _row(d: Difference, fixed: Mapping[str, str], *, metric: str, kind: str, level: float) -> dict[str, object]:
    family = f"{fixed['cohort']} / {metric} / {kind} {level:g}"
    point = f"sensitivity={DEVELOPMENT_SENSITIVITY:g} on development" if metric == "flip_rate" else ""
    return {
        **fixed, "by": "all", "stratum": "all", "perturbation": kind, "level": level, "metric": metric,
        "operating_point": point, "diff": d.diff, "low": d.low, "high": d.high, "se": d.se, "mc_se": d.mc_se,
        "statistic": d.statistic, "p": d.p, "p_adjusted": float("nan"), "family": family, "method": d.method,
        "n_cases": d.n_cases, "n_patients": d.n_patients, "reason": d.reason,
    }  # fmt: skip
