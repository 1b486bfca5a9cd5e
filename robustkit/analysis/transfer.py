"""transfer.csv: external against internal within a stratum, missed and false alarms apart, difference with interval."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from robustkit.analysis.cohort import ALL, Judged
from robustkit.analysis.estimates import PROPORTIONS, is_one_class
from robustkit.analysis.sample import Sample
from robustkit.analysis.strata_table import Condition
from robustkit.results.schema import TRANSFER_COLUMNS
from robustkit.stats.auc import clustered_auc
from robustkit.stats.contrast import score_contrast_p, two_sample_z
from robustkit.stats.difference import Difference
from robustkit.stats.estimate import NAN, Estimate
from robustkit.stats.multiplicity import holm
from robustkit.stats.paired_table import newcombe
from robustkit.stats.proportion import clustered_proportion

INTERNAL = "internal"
EXTERNAL = "external"
"""All cohorts but the internal one together, where there are several."""

ERRORS = {"sensitivity": "missed", "specificity": "false_alarm"}
"""What is told of each: one minus the share that is right."""


def transfer_rows(
    cohort: Judged, sample: Sample, strata: Mapping[str, pd.Series], *, condition: Condition
) -> list[dict[str, object]]:
    """Give the rows of one model and condition.

    Args:
        cohort: Who is judged.
        sample: Units of all cohorts together.
        strata: Stratum of every case of the run, by variable.
        condition: What the rows are about.

    Returns:
        Nothing where there is no internal cohort, or no other.
    """
    own = cohort.frame["cohort"].to_numpy()[sample.rows]
    others = sorted(set(own) - {INTERNAL})
    if INTERNAL not in own or not others:
        return []
    sides = {name: own == name for name in others}
    if len(others) > 1:
        sides = {EXTERNAL if EXTERNAL not in sides else "all external": own != INTERNAL, **sides}
    variables = {ALL: np.full(len(own), ALL, dtype=object)}
    variables |= {by: series.to_numpy()[sample.rows] for by, series in strata.items()}
    rows: list[dict[str, object]] = []
    for by, names in variables.items():
        for cohort_a, external in sides.items():
            rows += _variable(sample, names, (own == INTERNAL, external), condition, by=by, cohort_a=cohort_a)
    return rows


def _variable(
    s: Sample,
    names: NDArray[np.object_],
    sides: tuple[NDArray[np.bool_], NDArray[np.bool_]],
    condition: Condition,
    *,
    by: str,
    cohort_a: str,
) -> list[dict[str, object]]:
    internal, external = sides
    rows = []
    for metric in ("missed", "false_alarm", "flip_rate", "auc"):
        if metric == "flip_rate" and s.is_nominal:
            continue
        family = f"{condition.model} / {cohort_a} / {by} / {metric} / {condition.perturbation} {condition.level:g}"
        found = []
        for stratum in sorted(set(names)):
            part = s.only((names == stratum) & (internal | external))
            if metric == "auc" and by != ALL and is_one_class(part):
                continue
            a, b, d = _contrast(part, external[(names == stratum) & (internal | external)], metric)
            if not (a.n_cases and b.n_cases):
                continue
            found.append(_row(condition, metric, (a, b, d), by=by, stratum=str(stratum), cohort_a=cohort_a))
        adjusted = holm(np.array([float(str(r["p"])) for r in found]))
        rows += [{**r, "p_adjusted": p, "family": family} for r, p in zip(found, adjusted, strict=True)]
    return rows


def _contrast(s: Sample, external: NDArray[np.bool_], metric: str) -> tuple[Estimate, Estimate, Difference]:
    """Give external, internal, and external minus internal."""
    if metric == "auc":
        a, b = (clustered_auc(p.positive, p.scores.T, p.patients) for p in (s.only(external), s.only(~external)))
        return a, b, two_sample_z(a, b)
    name = next((k for k, v in ERRORS.items() if v == metric), metric)
    part = PROPORTIONS[name](s)
    values = part.values if name == metric else 1.0 - part.values
    patients, side = s.patients[part.keep], external[part.keep]
    a, b = (clustered_proportion(values[k], patients[k]) for k in (side, ~side))
    counted = Difference(n_cases=len(values), n_patients=a.n_patients + b.n_patients)
    if not np.isfinite(a.value - b.value):
        return a, b, replace(counted, reason=a.reason or b.reason)
    low, high = newcombe(a, b)
    p = score_contrast_p(values, patients, side)
    method = "Newcombe, effective sizes; score test, patients"
    return a, b, replace(counted, diff=a.value - b.value, low=low, high=high, p=p, method=method)


def _row(
    condition: Condition,
    metric: str,
    found: tuple[Estimate, Estimate, Difference],
    *,
    by: str,
    stratum: str,
    cohort_a: str,
) -> dict[str, object]:
    a, b, d = found
    return {
        "by": by, "stratum": stratum, "cohort_a": cohort_a, "cohort_b": INTERNAL, "model": condition.model,
        "perturbation": condition.perturbation, "level": condition.level, "metric": metric,
        "operating_point": "" if metric == "auc" else condition.operating_point, "value_a": a.value, "low_a": a.low,
        "high_a": a.high, "n_cases_a": a.n_cases, "n_patients_a": a.n_patients, "value_b": b.value, "low_b": b.low,
        "high_b": b.high, "n_cases_b": b.n_cases, "n_patients_b": b.n_patients, "diff": d.diff, "low": d.low,
        "high": d.high, "p": d.p, "p_adjusted": NAN, "family": "", "method": d.method, "reason": d.reason,
    }  # fmt: skip


def transfer_table(rows: Sequence[dict[str, object]]) -> pd.DataFrame:
    """Give transfer.csv."""
    return pd.DataFrame(list(rows), columns=list(TRANSFER_COLUMNS))
