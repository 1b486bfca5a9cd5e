"""comparisons.csv: models against each other on the same cases and boxes, scale-free numbers only."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import norm

from robustkit.analysis.cohort import ALL, Judged
from robustkit.analysis.matrix import ModelAnswers, ScoreMatrix
from robustkit.results.schema import COMPARISONS_COLUMNS
from robustkit.stats.auc import Placements, auc_contrast, clustered_auc, equal_aucs, not_estimable, placements
from robustkit.stats.bootstrap import PatientDraws, bca, weighted_auc
from robustkit.stats.codes import n_distinct
from robustkit.stats.cores import on_all_cores
from robustkit.stats.difference import Difference
from robustkit.stats.estimate import Estimate
from robustkit.stats.multiplicity import holm
from robustkit.stats.paired_means import EQUAL, Values, minus, paired_means
from robustkit.stats.paired_table import mcnemar_p
from robustkit.stats.stability import reference_rank, spread
from robustkit.stats.threshold import target_sensitivity
from robustkit.strata._order import in_order

DEVELOPMENT_SENSITIVITY = 0.9
"""Between models, decisions are compared where both find this share of the development positives."""

EVERY_MODEL = "all"
"""In ``model_a`` of the joint test."""

NO_DEVELOPMENT = "no positive development rows: thresholds of equal sensitivity and reference ranks need them"

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Settings:
    """Bootstrap and permutation draws, their seed, and how differences of AUCs get their intervals."""

    draws: PatientDraws
    permutations: int
    seed: int
    auc: Literal["delong", "bootstrap"] = "delong"

    def paired_means(
        self, differences: Sequence[Values], patients: NDArray[np.intp], *, purpose: str
    ) -> list[Difference]:
        """Give the mean of each of these differences: see ``stats.paired_means``."""
        return paired_means(
            differences, patients, self.draws, permutations=self.permutations, seed=self.seed, purpose=purpose
        )


def permutations_for(n_models: int, draws: int) -> int:
    """Give how many permutations a family of all pairs needs: 20 x family / .05 (estimands, section 4)."""
    return max(draws, 400 * n_models * (n_models - 1) // 2)


def comparisons_table(
    cohort: Judged,
    answers: Sequence[ModelAnswers],
    settings: Settings,
    *,
    strata: Mapping[str, pd.Series] | None = None,
) -> pd.DataFrame:
    """Give comparisons.csv for all pairs of models, by cohort, and where asked by stratum.

    With three models or more the rows of each place begin with a joint test of all AUCs (``model_a`` is "all").

    Args:
        cohort: Who is judged.
        answers: Of every model, on the same cases and boxes. A case that fails for one leaves it for all.
        settings: Of bootstrap and permutation.
        strata: ``(N,)`` strata of every case, by variable.
    """
    nominal = np.logical_and.reduce([np.isfinite(a.nominal) for a in answers])
    moved = [nominal & np.logical_and.reduce([m.known for m in same]) for same in _conditions(answers)]
    places = [place for name in cohort.cohorts for place in _places(cohort, name, strata or {})]
    found = on_all_cores(lambda p: _compared(cohort, answers, p, (nominal, *moved), settings=settings), places)
    rows = [row for own in found for row in own]
    table = pd.DataFrame(rows, columns=list(COMPARISONS_COLUMNS))
    for _, part in table[table["model_a"] != EVERY_MODEL].groupby("family"):
        table.loc[part.index, "p_adjusted"] = holm(part["p"].to_numpy(dtype=np.float64))
    return table


@dataclass(frozen=True, slots=True)
class _Place:
    """A cohort, or a stratum of it: variable, names, and ``(N,)`` who is in it."""

    by: str
    stratum: str
    cohort: str
    keep: Flags


def _places(cohort: Judged, name: str, strata: Mapping[str, pd.Series]) -> Iterator[_Place]:
    """Give the whole cohort, then every stratum of it."""
    keep = cohort.in_cohort(name)
    yield _Place(ALL, ALL, name, keep)
    for by, series in strata.items():
        for stratum in in_order(set(series[keep])):
            yield _Place(by, stratum, name, keep & series.eq(stratum).to_numpy(dtype=bool))


def _compared(
    cohort: Judged, answers: Sequence[ModelAnswers], place: _Place, known: Sequence[Flags], *, settings: Settings
) -> list[dict[str, object]]:
    """Give the rows of one place, pair by pair; ``known`` tells who was answered, condition by condition."""
    fixed = {"by": place.by, "stratum": place.stratum, "cohort": place.cohort, "split": cohort.split_of(place.cohort)}
    # what is asked of one model is computed once, and a condition at a time: its placements are let go of
    found: dict[tuple[str, str], list[dict[str, object]]] = {}
    for position, answered in enumerate(known):
        sides = [_side(cohort, a, place.keep & answered, position) for a in answers]
        if len(sides) > 2:
            found.setdefault((EVERY_MODEL, ""), []).append(_joint(cohort, sides, fixed))
        pairs = list(combinations(sides, 2))
        means = _paired_means(cohort, pairs, settings=settings)
        for i, (a, b) in enumerate(pairs):
            own = {metric: differences[i] for metric, differences in means.items()}
            found.setdefault((a.model, b.model), []).extend(_rows(cohort, a, b, fixed, means=own, settings=settings))
    return [row for pair in found.values() for row in pair]


def _conditions(answers: Sequence[ModelAnswers]) -> list[tuple[ScoreMatrix, ...]]:
    return list(zip(*(a.matrices for a in answers), strict=True))


@dataclass(frozen=True, slots=True)
class _Placed:
    """``(R, n)`` scores, and their placements."""

    scores: Floats
    placements: Placements


def _placed(labels: Flags, scores: Floats) -> _Placed:
    return _Placed(scores, placements(labels, scores))


@dataclass(frozen=True, slots=True)
class _Side:
    """One model's part of a comparison under one condition.

    Attributes:
        model, kind, level: Whose, and under which condition.
        rows: ``(N,)`` True for the cases compared.
        nominal, moved: The nominal scores and the redrawn ones, with their placements; None where the cases have no
            estimable AUC, ``moved`` also where nothing was redrawn.
        right: ``(n,)`` is the nominal decision right, at the threshold of equal sensitivity on development rows? None
            where there are no development rows to choose it on.
        per_case: ``(n,)`` flip rate and rank sd, or why there are none.
        useless: Why the model is not comparable in stability; "" where it is.
    """

    model: str
    kind: str
    level: float
    rows: Flags
    nominal: _Placed | None
    moved: _Placed | None
    right: Flags | None
    per_case: Mapping[str, Values]
    useless: str
    set_size: int = 1


def _side(cohort: Judged, answers: ModelAnswers, rows: Flags, position: int) -> _Side:
    labels, patients, nominal = cohort.positive[rows], cohort.patients[rows], answers.nominal[rows]
    is_known = not not_estimable(labels, patients)
    placed = _placed(labels, nominal[None]) if is_known else None
    if position == 0:
        cut = _cut(cohort, answers)
        right = None if cut is None else (nominal >= cut) == labels
        return _Side(answers.model, "nominal", 0.0, rows, placed, None, right, {}, "")
    matrix = answers.matrices[position - 1]
    scores = matrix.scores[rows]
    return _Side(
        model=answers.model,
        kind=matrix.perturbation,
        level=matrix.level,
        rows=rows,
        nominal=placed,
        moved=_placed(labels, scores.T) if is_known else None,
        right=None,
        per_case=_per_case(cohort, answers, nominal, scores),
        useless=_not_comparable(answers.model, clustered_auc(labels, nominal[None], patients)),
        set_size=matrix.set_size,
    )


def _per_case(cohort: Judged, answers: ModelAnswers, nominal: Floats, scores: Floats) -> Mapping[str, Values]:
    """Give each case's flip rate and rank sd, or why there are none."""
    cut = _cut(cohort, answers)
    if cut is None:
        return {"flip_rate": NO_DEVELOPMENT, "rank_sd": NO_DEVELOPMENT}
    development = answers.nominal[cohort.development & np.isfinite(answers.nominal)]
    flips = ((scores >= cut) != (nominal >= cut)[:, None]).mean(axis=1)
    return {"flip_rate": flips, "rank_sd": spread(reference_rank(scores, development))}


def _cut(cohort: Judged, answers: ModelAnswers) -> float | None:
    """Give the threshold at which this model finds the chosen share of the development positives."""
    known = cohort.development & np.isfinite(answers.nominal)
    if not cohort.positive[known].any():
        return None
    return target_sensitivity(cohort.positive[known], answers.nominal[known], DEVELOPMENT_SENSITIVITY).value


def _not_comparable(model: str, nominal: Estimate) -> str:
    """A model that may know nothing is not comparable in stability, never "more stable"."""
    if not np.isfinite(nominal.low):
        return f"not comparable: {model}'s nominal AUC has no interval ({nominal.reason})"
    if nominal.low <= 0.5 <= nominal.high:
        return f"not comparable: the interval of {model}'s nominal AUC contains 0.5"
    return ""


def _joint(cohort: Judged, sides: Sequence[_Side], place: Mapping[str, str]) -> dict[str, object]:
    """Test that all models have one AUC."""
    first = sides[0]
    placed = [p for p in ((s.moved if s.per_case else s.nominal) for s in sides) if p is not None]
    found = equal_aucs(
        cohort.positive[first.rows], [p.placements for p in placed], patients=cohort.patients[first.rows]
    )
    fixed = {"model_a": EVERY_MODEL, "model_b": "", **place}
    return {**_row(found, fixed, metric="auc", kind=first.kind, level=first.level), "family": ""}


def _rows(
    cohort: Judged,
    a: _Side,
    b: _Side,
    place: Mapping[str, str],
    *,
    means: Mapping[str, Difference],
    settings: Settings,
) -> list[dict[str, object]]:
    fixed = {"model_a": a.model, "model_b": b.model, **place}
    if not a.per_case:
        auc = _contrast(cohort, a, settings, ((1.0, a.nominal), (-1.0, b.nominal)))
        found = {"auc": auc, **means}
    else:
        auc = _contrast(cohort, a, settings, ((1.0, a.moved), (-1.0, b.moved)))
        found = {"auc": auc, **_stability(cohort, a, b, means=means, settings=settings)}
    return [_row(d, fixed, metric=metric, kind=a.kind, level=a.level) for metric, d in found.items()]


def _contrast(
    cohort: Judged, side: _Side, settings: Settings, terms: Sequence[tuple[float, _Placed | None]]
) -> Difference:
    labels, patients = cohort.positive[side.rows], cohort.patients[side.rows]
    known = [(w, placed) for w, placed in terms if placed is not None]
    found = auc_contrast(labels, [(w, p.placements) for w, p in known], patients=patients, set_size=side.set_size)
    # where DeLong has no interval there is a reason, and it holds for the bootstrap as well
    if settings.auc == "delong" or not np.isfinite(found.low):
        return found
    weights = settings.draws.by_patient[patients].T
    drawn = np.asarray(sum(w * weighted_auc(labels, p.scores, weights) for w, p in known))
    low, high, se, reason = bca(drawn, found.diff, np.zeros(1))
    z = found.diff / se if se > 0 else float("nan")
    p = float(2 * norm.sf(abs(z)))
    method = "patient bootstrap, bias-corrected; z of the bootstrap error"
    return replace(found, low=low, high=high, se=se, statistic=z, p=p, method=method, reason=reason)


def _paired_means(
    cohort: Judged, pairs: Sequence[tuple[_Side, _Side]], *, settings: Settings
) -> dict[str, list[Difference]]:
    """Give the differences of means of every pair, by metric: errors of the nominal decisions, or stability."""
    if not pairs:
        return {}
    first = pairs[0][0]
    labels, patients = cohort.positive[first.rows], cohort.patients[first.rows]
    if not first.per_case:
        sides = (("sensitivity", labels), ("specificity", ~labels))
        return {m: _errors(pairs, own, patients[own], settings=settings, purpose=m) for m, own in sides}
    return {
        m: settings.paired_means([minus(a.per_case[m], b.per_case[m]) for a, b in pairs], patients, purpose=m)
        for m in first.per_case
    }


def _errors(
    pairs: Sequence[tuple[_Side, _Side]],
    own: Flags,
    patients: NDArray[np.intp],
    *,
    settings: Settings,
    purpose: str,
) -> list[Difference]:
    """Give the differences of the share of right nominal decisions among the ``own`` cases, one class of them."""
    apart = [minus(_hits(a, own), _hits(b, own)) for a, b in pairs]
    found = settings.paired_means(apart, patients, purpose=purpose)
    for i, (d, (a, b)) in enumerate(zip(found, pairs, strict=True)):
        is_tested = np.isfinite(d.diff) and d.n_patients == d.n_cases
        if is_tested and a.right is not None and b.right is not None:
            interval = d.method.split(";")[0]
            found[i] = replace(d, p=mcnemar_p(a.right[own], b.right[own]), method=f"{interval}; exact McNemar")
    return found


def _hits(side: _Side, own: Flags) -> Values:
    return NO_DEVELOPMENT if side.right is None else side.right[own].astype(np.float64)


def _stability(
    cohort: Judged, a: _Side, b: _Side, *, means: Mapping[str, Difference], settings: Settings
) -> dict[str, Difference]:
    """Give the differences of flip rate, rank sd and AUC lost; blank where a model may know nothing."""
    # nominal minus mean AUC over repeats, of a minus of b
    lost = _contrast(cohort, a, settings, ((1.0, a.nominal), (-1.0, a.moved), (-1.0, b.nominal), (1.0, b.moved)))
    found = {**means, "auc_lost": replace(lost, reason=EQUAL) if lost.p == 1.0 and lost.se == 0.0 else lost}
    useless = a.useless or b.useless
    if not useless:
        return found
    rows = cohort.patients[a.rows]
    blank = Difference(n_cases=len(rows), n_patients=n_distinct(rows), reason=useless)
    return {m: d if d.reason == EQUAL else blank for m, d in found.items()}


def _row(d: Difference, fixed: Mapping[str, str], *, metric: str, kind: str, level: float) -> dict[str, object]:
    family = f"{fixed['cohort']} / {fixed['by']} / {metric} / {kind} {level:g}"
    is_decided = metric in ("flip_rate", "sensitivity", "specificity")
    point = f"sensitivity={DEVELOPMENT_SENSITIVITY:g} on development" if is_decided else ""
    return {
        **fixed, "perturbation": kind, "level": level, "metric": metric,
        "operating_point": point, "diff": d.diff, "low": d.low, "high": d.high, "se": d.se, "mc_se": d.mc_se,
        "statistic": d.statistic, "p": d.p, "p_adjusted": float("nan"), "family": family, "method": d.method,
        "n_cases": d.n_cases, "n_patients": d.n_patients, "reason": d.reason,
    }  # fmt: skip
