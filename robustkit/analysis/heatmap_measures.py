"""heatmap_measures.csv and heatmap_contrasts.csv: what the cases' maps come to, by answer, class and stratum."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from robustkit.analysis.cohort import ALL, Judged
from robustkit.analysis.heatmap_stability import KINDS
from robustkit.analysis.matrix import NOMINAL
from robustkit.analysis.strata_table import HETEROGENEITY
from robustkit.results.schema import HEATMAP_CONTRASTS_COLUMNS, HEATMAP_MEASURES_COLUMNS
from robustkit.stats.bootstrap import PatientDraws, clustered_mean
from robustkit.stats.codes import n_distinct
from robustkit.stats.contrast import score_contrast_p, score_heterogeneity_p
from robustkit.stats.difference import Difference
from robustkit.stats.estimate import NAN, Estimate
from robustkit.stats.group_difference import adjusted_difference, mean_difference
from robustkit.stats.multiplicity import holm
from robustkit.stats.rank_correlation import clustered_spearman
from robustkit.strata._order import in_order

Floats = NDArray[np.float64]

CORRECT, MISSED, FALSE_ALARM = "correct", "missed", "false alarm"
ANSWER, CLASS = "answer", "class"
WITH_SCORE = "map_with_score"
"""Spearman's correlation of map correlation and sd of the score's logit: below 0 where unstable maps go with unstable scores."""

ADJUSTED_FOR = ("size", "region", "class", "distance to the cut")
_SIZES = ("size_mm", "size_frac")
_ROUNDING = 1e-12


@dataclass(frozen=True, slots=True)
class Measured:
    """One measure of one model, a value per judged case.

    Attributes:
        model, perturbation, level, measure: Which one.
        value: ``(N,)`` in the order of the cohort's frame; NaN where undefined.
        uniform, mean_map: ``(N,)`` what a uniform map, and the cohort's mean map, would have; NaN where unknown.
        has_map: ``(N,)`` True for the cases that were asked.
        margin: Of the crops.
        reasons: The reason of each undefined value.
    """

    model: str
    perturbation: str
    level: float
    measure: str
    value: Floats
    uniform: Floats
    mean_map: Floats
    has_map: NDArray[np.bool_]
    margin: float
    reasons: NDArray[np.object_]


@dataclass(frozen=True, slots=True)
class Answers:
    """A model's nominal answers.

    Attributes:
        right: ``(N,)`` of all cases of the cohort's frame.
        known: ``(N,)`` answered at all.
        distance: ``(N,)`` between logit of the score and logit of the threshold, without sign.
        sd_logit: By perturbation and level, ``(N,)`` of the redrawn scores.
    """

    right: NDArray[np.bool_]
    known: NDArray[np.bool_]
    distance: Floats
    sd_logit: Mapping[tuple[str, float], Floats]


def measured_cases(cases: pd.DataFrame, stability: pd.DataFrame, ids: pd.Index) -> list[Measured]:
    """Give every measure of heatmap_cases.csv and heatmap_stability.csv of one model, in the order of the cases."""
    found = []
    for measure, rows in cases.groupby("measure", sort=False):
        own = rows.set_index("case_id").reindex(ids)
        found.append(_measured(own, str(measure), NOMINAL, 0.0, mean_map="mean_map"))
    for key, rows in stability.groupby(["perturbation", "level"], sort=False):
        own = rows.set_index("case_id").reindex(ids)
        margin = cases["margin"].iloc[0] if len(cases) else NAN
        for kind in KINDS:
            renamed = own.rename(columns={kind: "value"}).assign(uniform=NAN, margin=margin)
            kind_, level = str(key[0]), float(str(key[1]))
            found.append(_measured(renamed, f"map_{kind}", kind_, level, mean_map=f"mean_map_{kind}"))
    return found


def _measured(own: pd.DataFrame, measure: str, perturbation: str, level: float, *, mean_map: str) -> Measured:
    known = own["model"].notna().to_numpy(dtype=bool)
    model = str(own["model"].dropna().iloc[0]) if known.any() else ""
    margins = own["margin"].dropna()
    return Measured(
        model=model,
        perturbation=perturbation,
        level=level,
        measure=measure,
        value=own["value"].to_numpy(dtype=np.float64),
        uniform=own["uniform"].to_numpy(dtype=np.float64),
        mean_map=own[mean_map].to_numpy(dtype=np.float64),
        has_map=known,
        margin=float(margins.iloc[0]) if len(margins) else NAN,
        reasons=own["reason"].fillna("").to_numpy(dtype=object),
    )


@dataclass(frozen=True, slots=True)
class Setting:
    """What all rows of a run share.

    Attributes:
        cohort: Who is judged.
        strata: Stratum of every case, by variable.
        draws: Of patients.
        heatmap: Name of the method.
    """

    cohort: Judged
    strata: Mapping[str, pd.Series]
    draws: PatientDraws
    heatmap: str


def measure_rows(setting: Setting, measured: Measured, answers: Answers) -> Iterator[dict[str, object]]:
    """Give the rows of one measure: the whole cohorts, then answer, class and every variable."""
    cohort = setting.cohort
    by = {ANSWER: answer_names(cohort, answers), CLASS: class_names(cohort), **setting.strata}
    for name in cohort.cohorts:
        inside = cohort.in_cohort(name) & measured.has_map
        yield _row(setting, measured, name, inside, by=ALL, stratum=ALL)
        if measured.measure == "map_correlation":
            yield _with_score(setting, measured, name, inside, answers=answers)
        for variable, series in by.items():
            yield from _variable(setting, measured, name, inside, variable=variable, series=series)


def answer_names(cohort: Judged, answers: Answers) -> pd.Series:
    """Give correct, missed or false alarm for every case."""
    wrong = np.where(cohort.positive, MISSED, FALSE_ALARM)
    named = np.where(answers.right, CORRECT, wrong)
    return pd.Series(np.where(answers.known, named, "no answer"), index=cohort.frame.index)


def class_names(cohort: Judged) -> pd.Series:
    """Give positive or negative for every case."""
    return pd.Series(np.where(cohort.positive, "positive", "negative"), index=cohort.frame.index)


def _variable(
    setting: Setting, m: Measured, cohort: str, inside: NDArray[np.bool_], *, variable: str, series: pd.Series
) -> Iterator[dict[str, object]]:
    groups = series.to_numpy(dtype=object)
    names = in_order(set(groups[inside]))
    rows = [_row(setting, m, cohort, inside & (groups == n), by=variable, stratum=n) for n in names]
    estimable = [r for r in rows if np.isfinite(float(str(r["value"])))]
    if len(estimable) >= 2:
        family = f"{m.model} / {cohort} / {variable} / {m.measure} / {m.perturbation} {m.level:g}"
        known = inside & np.isfinite(m.value)
        own, patients = groups[known], setting.cohort.patients[known]
        p = np.array([score_contrast_p(m.value[known], patients, own == r["stratum"]) for r in estimable])
        for row, raw, adjusted in zip(estimable, p, holm(p), strict=True):
            row.update(p=raw, p_adjusted=adjusted, family=family)
        listed = np.isin(own.astype(str), [str(r["stratum"]) for r in estimable])
        overall = score_heterogeneity_p(m.value[known][listed], patients[listed], own[listed])
        test = Estimate(
            method="score test, patients",
            n_cases=int(listed.sum()),
            n_patients=n_distinct(patients[listed]),
            reason="a test, not an estimate",
        )
        tested = _as_row(setting, m, cohort, test, by=variable, stratum=HETEROGENEITY)
        rows.append({**tested, "p": overall, "p_adjusted": overall, "family": family})
    yield from rows


def _row(
    setting: Setting, m: Measured, cohort: str, inside: NDArray[np.bool_], *, by: str, stratum: str
) -> dict[str, object]:
    known = inside & np.isfinite(m.value)
    e = clustered_mean(m.value[known], setting.cohort.patients[known], setting.draws)
    if not known.any() and inside.any():
        reasons = pd.Series(m.reasons[inside]).value_counts()
        e = replace(e, reason=str(reasons.index[0]))
    row = _as_row(setting, m, cohort, e, by=by, stratum=stratum)
    if np.isfinite(e.value):
        row |= {"uniform": _mean(m.uniform[known]), "mean_map": _mean(m.mean_map[known])}
    return row | {"n_undefined": int(inside.sum() - known.sum())}


def _mean(values: Floats) -> float:
    known = values[np.isfinite(values)]
    return float(known.mean()) if len(known) else NAN


def _as_row(setting: Setting, m: Measured, cohort: str, e: Estimate, *, by: str, stratum: str) -> dict[str, object]:
    return {
        "heatmap": setting.heatmap, "by": by, "stratum": stratum, "cohort": cohort, "split": setting.cohort.split_of(cohort),
        "model": m.model, "perturbation": m.perturbation, "level": m.level, "measure": m.measure, "value": e.value,
        "low": e.low, "high": e.high, "se": e.se, "uniform": NAN, "mean_map": NAN, "margin": m.margin, "p": NAN,
        "p_adjusted": NAN, "family": "", "method": e.method, "n_cases": e.n_cases, "n_patients": e.n_patients,
        "n_undefined": 0, "reason": e.reason,
    }  # fmt: skip


def _with_score(
    setting: Setting, m: Measured, cohort: str, inside: NDArray[np.bool_], *, answers: Answers
) -> dict[str, object]:
    sd = answers.sd_logit.get((m.perturbation, m.level), np.full(len(m.value), NAN))
    known = inside & np.isfinite(m.value) & np.isfinite(sd)
    e = clustered_spearman(m.value[known], sd[known], setting.cohort.patients[known], setting.draws)
    row = _as_row(setting, replace(m, measure=WITH_SCORE), cohort, e, by=ALL, stratum=ALL)
    return row | {"n_undefined": int(inside.sum() - known.sum())}


def contrast_rows(setting: Setting, m: Measured, answers: Answers) -> Iterator[dict[str, object]]:
    """Give a map against the uniform and the mean one, and correct against wrong answers, crude and adjusted."""
    cohort = setting.cohort
    for name in cohort.cohorts:
        inside = cohort.in_cohort(name) & m.has_map
        if m.perturbation == NOMINAL:
            yield _against(setting, m, name, inside, other=m.uniform, called="uniform map")
        yield _against(setting, m, name, inside, other=m.mean_map, called="mean map")
        known = inside & np.isfinite(m.value) & answers.known
        right, values, patients = answers.right[known], m.value[known], cohort.patients[known]
        crude = mean_difference(values, patients, right, setting.draws)
        pair = {"a": "correct", "b": "wrong", "value_a": _mean(values[right]), "value_b": _mean(values[~right])}
        yield _contrast(setting, m, name, crude, adjusted="", **pair)
        facts = _facts(cohort, answers, known)
        adjusted = adjusted_difference(values, patients, right, facts)
        yield _contrast(setting, m, name, adjusted, adjusted=", ".join(facts), **pair)


def _against(
    setting: Setting, m: Measured, cohort: str, inside: NDArray[np.bool_], *, other: Floats, called: str
) -> dict[str, object]:
    known = inside & np.isfinite(m.value) & np.isfinite(other)
    values, patients = _rounded(m.value[known] - other[known]), setting.cohort.patients[known]
    e = clustered_mean(values, patients, setting.draws)
    z = e.value / e.se if e.se > 0 else NAN
    from scipy.stats import norm

    d = Difference(
        diff=e.value, low=e.low, high=e.high, se=e.se, statistic=z, p=float(2 * norm.sf(abs(z))) if z == z else NAN,
        method=e.method, n_cases=e.n_cases, n_patients=e.n_patients, reason=e.reason,
    )  # fmt: skip
    means = {"value_a": _mean(m.value[known]), "value_b": _mean(other[known])}
    return _contrast(setting, m, cohort, d, adjusted="", a="map", b=called, **means)


def _rounded(values: Floats) -> Floats:
    """Sums of the same shares in another order differ by their rounding; that is no difference."""
    return np.where(np.abs(values) < _ROUNDING, 0.0, values)


def _contrast(
    setting: Setting, m: Measured, cohort: str, d: Difference, *, adjusted: str, **pair: object
) -> dict[str, object]:
    return {
        "heatmap": setting.heatmap, **pair, "adjusted": adjusted, "cohort": cohort,
        "split": setting.cohort.split_of(cohort), "model": m.model, "perturbation": m.perturbation, "level": m.level,
        "measure": m.measure, "diff": d.diff, "low": d.low, "high": d.high, "se": d.se, "statistic": d.statistic, "p": d.p,
        "method": d.method, "n_cases": d.n_cases, "n_patients": d.n_patients, "reason": d.reason,
    }  # fmt: skip


def _facts(cohort: Judged, answers: Answers, known: NDArray[np.bool_]) -> dict[str, pd.Series]:
    """What correct and wrong answers are made equal in: size, region, class and distance to the cut."""
    frame = cohort.frame[known]
    size = next((c for c in _SIZES if c in frame and pd.to_numeric(frame[c], errors="coerce").notna().any()), "size_px")
    values = (frame[size], frame["region"], class_names(cohort)[known], pd.Series(answers.distance[known]))
    return dict(zip(ADJUSTED_FOR, values, strict=True))


def measures_table(rows: Sequence[dict[str, object]]) -> pd.DataFrame:
    """Give heatmap_measures.csv."""
    return pd.DataFrame(list(rows), columns=list(HEATMAP_MEASURES_COLUMNS))


def contrasts_table(rows: Sequence[dict[str, object]]) -> pd.DataFrame:
    """Give heatmap_contrasts.csv."""
    return pd.DataFrame(list(rows), columns=list(HEATMAP_CONTRASTS_COLUMNS))
