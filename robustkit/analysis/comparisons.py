"""comparisons.csv: models against each other on the same cases and boxes, scale-free numbers only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import norm

from robustkit.analysis.cohort import Judged
from robustkit.analysis.matrix import ModelAnswers
from robustkit.results.schema import COMPARISONS_COLUMNS
from robustkit.stats.auc import clustered_auc, paired_auc_difference
from robustkit.stats.bootstrap import PatientDraws, clustered_mean, sums_by_patient
from robustkit.stats.bootstrap import bca as bca_interval
from robustkit.stats.difference import Difference
from robustkit.stats.multiplicity import holm
from robustkit.stats.pairs import pair_wins, weighted_wins
from robustkit.stats.permutation import sign_flip
from robustkit.stats.stability import reference_rank, spread
from robustkit.stats.threshold import target_sensitivity

DEVELOPMENT_SENSITIVITY = 0.9
"""Between models, decisions are compared where both find this share of the development positives."""

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Settings:
    """Bootstrap and permutation draws, and their seed."""

    draws: PatientDraws
    permutations: int
    seed: int


def comparisons_table(cohort: Judged, answers: Sequence[ModelAnswers], settings: Settings) -> pd.DataFrame:
    """Give comparisons.csv for all pairs of models, by cohort.

    Args:
        cohort: Who is judged.
        answers: Of every model, on the same cases and boxes.
        settings: Of bootstrap and permutation.
    """
    rows = []
    for a, b in combinations(answers, 2):
        for name in cohort.cohorts:
            rows += _pair(cohort, (a, b), name=name, settings=settings)
    table = pd.DataFrame(rows, columns=list(COMPARISONS_COLUMNS))
    for _, part in table.groupby("family"):
        table.loc[part.index, "p_adjusted"] = holm(part["p"].to_numpy(dtype=np.float64))
    return table


def _pair(
    cohort: Judged, pair: tuple[ModelAnswers, ModelAnswers], *, name: str, settings: Settings
) -> list[dict[str, object]]:
    a, b = pair
    keep = cohort.in_cohort(name)
    both = keep & np.isfinite(a.nominal) & np.isfinite(b.nominal)
    labels, patients = cohort.positive[both], cohort.patients[both]
    auc = paired_auc_difference(labels, a.nominal[both][None], b.nominal[both][None], patients=patients)
    fixed = {"model_a": a.model, "model_b": b.model, "cohort": name, "split": cohort.split}
    rows = [_row(auc, fixed, metric="auc", kind="nominal", level=0.0)]
    for one, two in zip(a.matrices, b.matrices, strict=True):
        same = both & one.known & two.known
        where = {"metric": "auc", "kind": one.perturbation, "level": one.level}
        diff = paired_auc_difference(
            cohort.positive[same], one.scores[same].T, two.scores[same].T, patients=cohort.patients[same]
        )
        rows.append(_row(diff, fixed, **where))
        useless = _not_comparable(cohort, (a, b), same)
        for metric, values in _stability(cohort, (a, b), (one.scores, two.scores), same).items():
            found = _paired_mean(values, cohort.patients[same], settings, f"{metric}-{name}")
            text = {"metric": metric, "kind": one.perturbation, "level": one.level}
            point = f"sensitivity={DEVELOPMENT_SENSITIVITY:g} on development" if metric == "flip_rate" else ""
            rows.append(_row(found, fixed, **text, operating_point=point, reason=useless))
        lost = _auc_lost(cohort, (a, b), (one.scores, two.scores), same, settings=settings)
        rows.append(_row(lost, fixed, metric="auc_lost", kind=one.perturbation, level=one.level, reason=useless))
    return rows


def _stability(
    cohort: Judged, pair: tuple[ModelAnswers, ModelAnswers], scores: tuple[Floats, Floats], same: NDArray[np.bool_]
) -> Mapping[str, Floats | str]:
    """Give per-case differences of flip rate and rank sd, or why there are none."""
    development = [m.nominal[cohort.development & np.isfinite(m.nominal)] for m in pair]
    if any(len(d) == 0 for d in development):
        text = "no development rows: thresholds of equal sensitivity and reference ranks need them"
        return {"flip_rate": text, "rank_sd": text}
    ranks = [spread(reference_rank(s[same], d)) for s, d in zip(scores, development, strict=True)]
    flips: list[Floats] = []
    for model, s in zip(pair, scores, strict=True):
        known = cohort.development & np.isfinite(model.nominal)
        cut = target_sensitivity(cohort.positive[known], model.nominal[known], DEVELOPMENT_SENSITIVITY).value
        flips.append(((s[same] >= cut) != (model.nominal[same] >= cut)[:, None]).mean(axis=1))
    return {"flip_rate": flips[0] - flips[1], "rank_sd": ranks[0] - ranks[1]}


def _paired_mean(values: Floats | str, patients: NDArray[np.intp], settings: Settings, purpose: str) -> Difference:
    if isinstance(values, str):
        return Difference(reason=values)
    n = {"n_cases": len(values), "n_patients": len(np.unique(patients))}
    if len(values) and not np.isfinite(values).all():
        return Difference(reason="fewer than two repeats", **n)
    if len(values) and not values.any():
        return Difference(0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0, "equal for every case", **n)
    e = clustered_mean(values, patients, settings.draws)
    size = np.bincount(patients)
    sums = sums_by_patient(values, patients, n_patients=len(size))
    by_patient = sums[size > 0] / size[size > 0]
    p = sign_flip(by_patient, draws=settings.permutations, seed=settings.seed, purpose=purpose)
    method = "patient bootstrap, BCa; sign-flip permutation of patient means"
    return Difference(e.value, e.low, e.high, e.se, e.mc_se, float("nan"), p, method, **n, reason=e.reason)


def _auc_lost(
    cohort: Judged,
    pair: tuple[ModelAnswers, ModelAnswers],
    scores: tuple[Floats, Floats],
    same: NDArray[np.bool_],
    *,
    settings: Settings,
) -> Difference:
    """Give the difference of nominal AUC minus mean AUC over repeats, by patient bootstrap."""
    labels, patients = cohort.positive[same], cohort.patients[same]
    n = {"n_cases": int(same.sum()), "n_patients": len(np.unique(patients))}
    estimable = [clustered_auc(labels, m.nominal[same][None], patients) for m in pair]
    if any(e.reason for e in estimable):
        return Difference(reason=next(e.reason for e in estimable if e.reason), **n)
    own, other = (
        pair_wins(labels, m.nominal[same][:, None]) - pair_wins(labels, s[same])
        for m, s in zip(pair, scores, strict=True)
    )
    wins = own - other
    weights = settings.draws.by_patient[patients].T
    value = float(wins.mean())
    drawn = weighted_wins(wins, weights[:, labels], weights[:, ~labels])
    if np.abs(drawn).max(initial=0.0) < 1e-12 and abs(value) < 1e-12:
        return Difference(0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0, "equal for every case", **n)
    low, high, se, reason = bca_interval(drawn, value, np.zeros(1))
    statistic = value / se if se > 0 else float("nan")
    p = float(2 * norm.sf(abs(statistic)))
    method = "patient bootstrap, bias-corrected; z of the bootstrap error"
    return Difference(value, low, high, se, float("nan"), statistic, p, method, **n, reason=reason)


def _not_comparable(cohort: Judged, pair: tuple[ModelAnswers, ModelAnswers], same: NDArray[np.bool_]) -> str:
    """A model that may know nothing is not comparable in stability, never "more stable"."""
    for model in pair:
        e = clustered_auc(cohort.positive[same], model.nominal[same][None], cohort.patients[same])
        if e.low <= 0.5 <= e.high:
            return f"not comparable: the interval of {model.model}'s nominal AUC contains 0.5"
    return ""


def _row(
    d: Difference,
    fixed: Mapping[str, str],
    *,
    metric: str,
    kind: str,
    level: float,
    operating_point: str = "",
    reason: str = "",
) -> dict[str, object]:
    family = f"{fixed['cohort']} / {metric} / {kind} {level:g}"
    return {
        **fixed, "by": "all", "stratum": "all", "perturbation": kind, "level": level, "metric": metric,
        "operating_point": operating_point, "diff": d.diff, "low": d.low, "high": d.high, "se": d.se, "mc_se": d.mc_se,
        "statistic": d.statistic, "p": d.p, "p_adjusted": float("nan"), "family": family, "method": d.method,
        "n_cases": d.n_cases, "n_patients": d.n_patients, "reason": d.reason or reason,
    }  # fmt: skip
