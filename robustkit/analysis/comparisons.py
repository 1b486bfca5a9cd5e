"""comparisons.csv: models against each other on the same cases and boxes, scale-free numbers only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import norm

from robustkit.analysis.cohort import Judged
from robustkit.analysis.matrix import ModelAnswers, ScoreMatrix
from robustkit.results.schema import COMPARISONS_COLUMNS
from robustkit.stats.auc import clustered_auc, not_estimable, paired_auc_difference
from robustkit.stats.bootstrap import PatientDraws, bca, clustered_mean
from robustkit.stats.difference import Difference
from robustkit.stats.multiplicity import holm
from robustkit.stats.pairs import pair_wins, weighted_wins
from robustkit.stats.permutation import sign_flip
from robustkit.stats.stability import reference_rank, spread
from robustkit.stats.threshold import target_sensitivity

DEVELOPMENT_SENSITIVITY = 0.9
"""Between models, decisions are compared where both find this share of the development positives."""

EQUAL = "equal for every case"

_ROUNDING = 1e-12

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
    rows = []
    for a, b in combinations(answers, 2):
        for name in cohort.cohorts:
            rows += _pair(cohort, (a, b), name=name, answered=(nominal, *moved), settings=settings)
    table = pd.DataFrame(rows, columns=list(COMPARISONS_COLUMNS))
    for _, part in table.groupby("family"):
        table.loc[part.index, "p_adjusted"] = holm(part["p"].to_numpy(dtype=np.float64))
    return table


def _conditions(answers: Sequence[ModelAnswers]) -> list[tuple[ScoreMatrix, ...]]:
    return list(zip(*(a.matrices for a in answers), strict=True))


def _pair(
    cohort: Judged,
    pair: tuple[ModelAnswers, ModelAnswers],
    *,
    name: str,
    answered: Sequence[Flags],
    settings: Settings,
) -> list[dict[str, object]]:
    a, b = pair
    keep = cohort.in_cohort(name)
    both = keep & answered[0]
    labels, patients = cohort.positive[both], cohort.patients[both]
    auc = paired_auc_difference(labels, a.nominal[both][None], b.nominal[both][None], patients=patients)
    fixed = {"model_a": a.model, "model_b": b.model, "cohort": name, "split": cohort.split_of(name)}
    rows = [_row(auc, fixed, metric="auc", kind="nominal", level=0.0)]
    for (one, two), known in zip(_conditions(pair), answered[1:], strict=True):
        same = keep & known
        labels, patients = cohort.positive[same], cohort.patients[same]
        diff = paired_auc_difference(labels, one.scores[same].T, two.scores[same].T, patients=patients)
        found = {"auc": diff, **_stability(cohort, pair, (one.scores, two.scores), same, settings=settings)}
        for metric, d in found.items():
            rows.append(_row(d, fixed, metric=metric, kind=one.perturbation, level=one.level))
    return rows


def _stability(
    cohort: Judged,
    pair: tuple[ModelAnswers, ModelAnswers],
    scores: tuple[Floats, Floats],
    same: Flags,
    *,
    settings: Settings,
) -> dict[str, Difference]:
    """Give the differences of flip rate, rank sd and AUC lost; blank where a model may know nothing."""
    found = {
        metric: _paired_mean(values, cohort.patients[same], settings, purpose=metric)
        for metric, values in _per_case(cohort, pair, scores, same).items()
    }
    found["auc_lost"] = _auc_lost(cohort, pair, scores, same, settings=settings)
    useless = _not_comparable(cohort, pair, same)
    if not useless:
        return found
    blank = Difference(n_cases=int(same.sum()), n_patients=len(np.unique(cohort.patients[same])), reason=useless)
    return {m: d if d.reason == EQUAL else blank for m, d in found.items()}


def _per_case(
    cohort: Judged, pair: tuple[ModelAnswers, ModelAnswers], scores: tuple[Floats, Floats], same: Flags
) -> Mapping[str, Floats | str]:
    """Give per-case differences of flip rate and rank sd, or why there are none."""
    known = [cohort.development & np.isfinite(m.nominal) for m in pair]
    if any(not cohort.positive[k].any() for k in known):
        text = "no positive development rows: thresholds of equal sensitivity and reference ranks need them"
        return {"flip_rate": text, "rank_sd": text}
    ranks, flips = [], []
    for model, rows, moved in zip(pair, known, (s[same] for s in scores), strict=True):
        development = model.nominal[rows]
        cut = target_sensitivity(cohort.positive[rows], development, DEVELOPMENT_SENSITIVITY).value
        ranks.append(spread(reference_rank(moved, development)))
        flips.append(((moved >= cut) != (model.nominal[same] >= cut)[:, None]).mean(axis=1))
    return {"flip_rate": flips[0] - flips[1], "rank_sd": ranks[0] - ranks[1]}


def _paired_mean(values: Floats | str, patients: NDArray[np.intp], settings: Settings, *, purpose: str) -> Difference:
    if isinstance(values, str):
        return Difference(reason=values)
    counted = Difference(n_cases=len(values), n_patients=len(np.unique(patients)))
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


def _auc_lost(
    cohort: Judged,
    pair: tuple[ModelAnswers, ModelAnswers],
    scores: tuple[Floats, Floats],
    same: Flags,
    *,
    settings: Settings,
) -> Difference:
    """Give the difference of nominal AUC minus mean AUC over repeats, by patient bootstrap."""
    labels, patients = cohort.positive[same], cohort.patients[same]
    counted = Difference(n_cases=int(same.sum()), n_patients=len(np.unique(patients)))
    reason = not_estimable(labels, patients)
    if reason:
        return replace(counted, reason=reason)
    own, other = (
        pair_wins(labels, m.nominal[same][:, None]) - pair_wins(labels, s[same])
        for m, s in zip(pair, scores, strict=True)
    )
    wins = own - other
    value = float(wins.mean())
    weights = settings.draws.by_patient[patients].T
    drawn = weighted_wins(wins, weights[:, labels], weights[:, ~labels])
    if np.nanmax(np.abs(drawn), initial=0.0) < _ROUNDING and abs(value) < _ROUNDING:
        return replace(counted, diff=0.0, se=0.0, p=1.0, reason=EQUAL)
    low, high, se, reason = bca(drawn, value, np.zeros(1))
    z = value / se if se > 0 else float("nan")
    method = "patient bootstrap, bias-corrected; z of the bootstrap error"
    p = float(2 * norm.sf(abs(z)))
    return replace(counted, diff=value, low=low, high=high, se=se, statistic=z, p=p, method=method, reason=reason)


def _not_comparable(cohort: Judged, pair: tuple[ModelAnswers, ModelAnswers], same: Flags) -> str:
    """A model that may know nothing is not comparable in stability, never "more stable"."""
    for model in pair:
        e = clustered_auc(cohort.positive[same], model.nominal[same][None], cohort.patients[same])
        if not np.isfinite(e.low):
            return f"not comparable: {model.model}'s nominal AUC has no interval ({e.reason})"
        if e.low <= 0.5 <= e.high:
            return f"not comparable: the interval of {model.model}'s nominal AUC contains 0.5"
    return ""


def _row(d: Difference, fixed: Mapping[str, str], *, metric: str, kind: str, level: float) -> dict[str, object]:
    family = f"{fixed['cohort']} / {metric} / {kind} {level:g}"
    point = f"sensitivity={DEVELOPMENT_SENSITIVITY:g} on development" if metric == "flip_rate" else ""
    return {
        **fixed, "by": "all", "stratum": "all", "perturbation": kind, "level": level, "metric": metric,
        "operating_point": point, "diff": d.diff, "low": d.low, "high": d.high, "se": d.se, "mc_se": d.mc_se,
        "statistic": d.statistic, "p": d.p, "p_adjusted": float("nan"), "family": family, "method": d.method,
        "n_cases": d.n_cases, "n_patients": d.n_patients, "reason": d.reason,
    }  # fmt: skip
