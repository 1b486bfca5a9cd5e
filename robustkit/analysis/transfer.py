"""transfer.csv: external against internal within a stratum, missed and false alarms apart, difference with interval."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from robustkit.analysis.cohort import ALL, Judged
from robustkit.analysis.estimates import PROPORTIONS
from robustkit.analysis.layout import Layout
from robustkit.analysis.sample import Flags, Floats, Sample
from robustkit.analysis.strata_table import Condition
from robustkit.results.schema import TRANSFER_COLUMNS
from robustkit.stats.contrast import score_contrast_p, two_sample_z
from robustkit.stats.difference import Difference
from robustkit.stats.estimate import NAN, Estimate
from robustkit.stats.grouped_auc import clustered_aucs, group_placements
from robustkit.stats.multiplicity import holm
from robustkit.stats.paired_table import newcombe
from robustkit.stats.proportion import clustered_proportions

INTERNAL = "internal"
EXTERNAL = "external"
"""All cohorts but the internal one together, where there are several."""

ERRORS = {"sensitivity": "missed", "specificity": "false_alarm"}
"""What is told of each: one minus the share that is right."""


def transfer_rows(
    cohort: Judged, sample: Sample, layout: Layout, *, condition: Condition
) -> Iterator[dict[str, object]]:
    """Give the rows of one model and condition.

    Args:
        cohort: Who is judged.
        sample: Units of all cohorts together.
        layout: Their strata.
        condition: What the rows are about.

    Returns:
        Nothing where there is no internal cohort, or no other.
    """
    own = cohort.frame["cohort"].to_numpy()[sample.rows]
    others = sorted(set(own) - {INTERNAL})
    if INTERNAL not in own or not others:
        return
    sides = {name: own == name for name in others}
    if len(others) > 1:
        sides = {EXTERNAL if EXTERNAL not in sides else "all external": own != INTERNAL, **sides}
    metrics = [m for m in ("missed", "false_alarm", "flip_rate", "auc") if not (m == "flip_rate" and sample.is_nominal)]
    found = {
        (cohort_a, m): _contrasts(sample, layout, own == INTERNAL, external, metric=m)
        for cohort_a, external in sides.items()
        for m in metrics
    }
    for by, part in layout.parts.items():
        for (cohort_a, metric), contrasts in found.items():
            rows = [
                _row(condition, metric, contrasts[i], by=by, stratum=str(layout.stratum[i]), cohort_a=cohort_a)
                for i in range(part.start, part.stop)
                if i in contrasts
            ]
            family = f"{condition.model} / {cohort_a} / {by} / {metric} / {condition.perturbation} {condition.level:g}"
            adjusted = holm(np.array([float(str(r["p"])) for r in rows]))
            yield from ({**r, "p_adjusted": p, "family": family} for r, p in zip(rows, adjusted, strict=True))


_Contrast = tuple[Estimate, Estimate, Difference]
"""External, internal, and external minus internal."""


def _contrasts(s: Sample, layout: Layout, internal: Flags, external: Flags, *, metric: str) -> dict[int, _Contrast]:
    """Give the contrast of every stratum that has cases on both sides."""
    if metric == "auc":
        return _auc_contrasts(s, layout, internal, external)
    name = next((k for k, v in ERRORS.items() if v == metric), metric)
    part = PROPORTIONS[name](s)
    values = part.over_all(part.values if name == metric else 1.0 - part.values)
    a, b = (clustered_proportions(values, layout.groups.only(part.keep & side)) for side in (external, internal))
    groups, found = layout.groups.only(part.keep & (external | internal)), {}
    for g, cases in groups.each():
        own = groups.case[cases]
        if a.n_cases[g] and b.n_cases[g]:
            found[g] = _shares_apart(a.one(g), b.one(g), values[own], s.patients[own], external=external[own])
    return found


def _shares_apart(
    a: Estimate, b: Estimate, values: Floats, patients: NDArray[np.intp], *, external: Flags
) -> _Contrast:
    counted = Difference(n_cases=len(values), n_patients=a.n_patients + b.n_patients)
    if not np.isfinite(a.value - b.value):
        return a, b, replace(counted, reason=a.reason or b.reason)
    low, high = newcombe(a, b)
    p = score_contrast_p(values, patients, external)
    method = "Newcombe, effective sizes; score test, patients"
    return a, b, replace(counted, diff=a.value - b.value, low=low, high=high, p=p, method=method)


def _auc_contrasts(s: Sample, layout: Layout, internal: Flags, external: Flags) -> dict[int, _Contrast]:
    """Give the contrasts of AUCs: of strata that have both classes, and of the whole."""
    sides = [layout.groups.only(side) for side in (external, internal)]
    a, b = (clustered_aucs(group_placements(s.positive, s.scores.T, side)) for side in sides)
    n, n_positive = a.n_cases + b.n_cases, a.n_positive + b.n_positive
    told = (a.n_cases > 0) & (b.n_cases > 0) & ((layout.by == ALL) | ((n_positive > 0) & (n_positive < n)))
    return {g: (a.one(g), b.one(g), two_sample_z(a.one(g), b.one(g))) for g in np.flatnonzero(told).tolist()}


def _row(
    condition: Condition,
    metric: str,
    found: _Contrast,
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
