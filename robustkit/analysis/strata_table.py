"""strata.csv: every metric of every stratum, cohort, model and condition, with p against the rest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from robustkit.analysis.cohort import ALL, Judged
from robustkit.analysis.drawn import drawn_sums
from robustkit.analysis.estimates import AT_THRESHOLD, PROPORTIONS, columns, estimates, every_case
from robustkit.analysis.sample import Sample
from robustkit.analysis.whole_cohort import whole_cohort_estimates
from robustkit.results.schema import STRATA_COLUMNS
from robustkit.stats.codes import n_distinct
from robustkit.stats.contrast import score_contrast_p, score_heterogeneity_p
from robustkit.stats.estimate import NAN, Estimate
from robustkit.stats.multiplicity import holm

HETEROGENEITY = "(heterogeneity)"
TESTED = (*PROPORTIONS, "rank_sd", "cut_distance")
"""A difference in flip rate is split into the last two: moves more, and sits closer to the cut (estimands, section 3)."""


@dataclass(frozen=True, slots=True)
class Condition:
    """What one block of rows is about.

    Attributes:
        model, cohort, perturbation, level: Names.
        operating_point: Of the threshold.
        is_primary: True where p is given: the nominal condition and the first level of a perturbation.
    """

    model: str
    cohort: str
    perturbation: str
    level: float
    operating_point: str
    is_primary: bool


def strata_rows(
    cohort: Judged, sample: Sample, strata: Mapping[str, pd.Series], *, condition: Condition, unit: str
) -> list[dict[str, object]]:
    """Give the rows of one model, cohort and condition: the whole cohort first, then every variable.

    Args:
        cohort: Who is judged; a stratum of which no case is answered is listed too, with the reason.
        sample: Units of the cohort.
        strata: Stratum of every case of the run, by variable.
        condition: What the rows are about.
        unit: case, lesion or patient.
    """
    fixed = {"split": cohort.split_of(condition.cohort), "unit": unit}
    asked = cohort.in_cohort(condition.cohort)
    names = {by: series.to_numpy()[sample.rows] for by, series in strata.items()}
    sums = drawn_sums(sample, columns(sample), {ALL: np.full(len(sample.rows), ALL, dtype=object), **names})
    whole = estimates(sample, sample, sums.get((ALL, ALL)))
    if sample.is_nominal:
        whole |= whole_cohort_estimates(sample)
    rows = _stratum_rows(sample, whole, condition, by=ALL, stratum=ALL, fixed=fixed)
    for by, series in strata.items():
        own = names[by]
        for name in _names(series, asked, sample, unit):
            part = sample.only(own == name)
            found = estimates(part, sample, sums.get((by, str(name))))
            rows += _stratum_rows(part, found, condition, by=by, stratum=name, fixed=fixed)
        if condition.is_primary:
            _add_p(rows, sample, own, by=by, condition=condition, fixed=fixed)
    return rows


def _stratum_rows(
    part: Sample,
    found: Mapping[str, Estimate],
    condition: Condition,
    *,
    by: str,
    stratum: str,
    fixed: Mapping[str, object],
) -> list[dict[str, object]]:
    return [_row(condition, m, e, part, by=by, name=stratum, fixed=fixed) for m, e in found.items()]


def _names(series: pd.Series, asked: NDArray[np.bool_], sample: Sample, unit: str) -> list[str]:
    """Give the strata to list; of cases also those that have rows to be judged, none of them answered."""
    found = set(series.to_numpy()[sample.rows])
    return sorted(found | set(series[asked]) if unit == "case" else found)


def _row(
    condition: Condition, metric: str, e: Estimate, s: Sample, *, by: str, name: str, fixed: Mapping[str, object]
) -> dict[str, object]:
    return {
        **fixed, "by": by, "stratum": name, "cohort": condition.cohort, "model": condition.model,
        "perturbation": condition.perturbation, "level": condition.level, "metric": metric,
        "operating_point": condition.operating_point if metric in AT_THRESHOLD else "",
        "value": e.value, "low": e.low, "high": e.high, "low_threshold": NAN, "high_threshold": NAN, "se": e.se, "mc_se": e.mc_se,
        "repeats": 0 if s.is_nominal else s.repeats, "method": e.method, "n_cases": e.n_cases, "n_patients": e.n_patients,
        "n_positive": e.n_positive, "n_positive_patients": e.n_positive_patients, "p": NAN, "p_adjusted": NAN,
        "family": "", "reason": e.reason,
    }  # fmt: skip


def _add_p(
    rows: list[dict[str, object]],
    s: Sample,
    own: NDArray[np.object_],
    *,
    by: str,
    condition: Condition,
    fixed: Mapping[str, object],
) -> None:
    """Test each estimable stratum against the rest of its cohort; Holm within the variable; heterogeneity first."""
    for metric in TESTED:
        mine = [r for r in rows if r["by"] == by and r["metric"] == metric and np.isfinite(float(str(r["value"])))]
        if len(mine) < 2:
            continue
        part = PROPORTIONS[metric](s) if metric in PROPORTIONS else every_case(s, metric)
        groups = own[part.keep]
        patients = s.patients[part.keep]
        names = [str(r["stratum"]) for r in mine]
        family = (
            f"{condition.model} / {condition.cohort} / {by} / {metric} / {condition.perturbation} {condition.level:g}"
        )
        p = np.array([score_contrast_p(part.values, patients, groups == n) for n in names])
        for row, raw, adjusted in zip(mine, p, holm(p), strict=True):
            row.update(p=raw, p_adjusted=adjusted, family=family)
        estimable = np.isin(groups, names)
        overall = score_heterogeneity_p(part.values[estimable], patients[estimable], groups[estimable])
        e = Estimate(
            method="score test, patients", n_cases=int(estimable.sum()), n_patients=n_distinct(patients[estimable])
        )
        test = _row(condition, metric, e, s, by=by, name=HETEROGENEITY, fixed=fixed)
        rows.append(
            {**test, "p": overall, "p_adjusted": overall, "family": family, "reason": "a test, not an estimate"}
        )


def strata_table(rows: Sequence[dict[str, object]]) -> pd.DataFrame:
    """Give strata.csv."""
    return pd.DataFrame(list(rows), columns=list(STRATA_COLUMNS))
