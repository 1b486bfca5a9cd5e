"""transfer.csv: external against internal within a stratum, missed and false alarms apart, difference with interval."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import product

import numpy as np
import pandas as pd

from robustkit.analysis.cohort import ALL, Judged
from robustkit.analysis.estimates import PROPORTIONS
from robustkit.analysis.known_layouts import KnownLayouts
from robustkit.analysis.layout import Layout
from robustkit.analysis.sample import Flags, Sample
from robustkit.analysis.strata_table import Condition
from robustkit.results.schema import TRANSFER_COLUMNS
from robustkit.stats.estimate import NAN
from robustkit.stats.grouped_auc import clustered_aucs
from robustkit.stats.grouped_contrast import Contrasts, independent_contrasts, score_contrasts_within, share_contrasts
from robustkit.stats.multiplicity import holm
from robustkit.stats.proportion import clustered_proportions

INTERNAL = "internal"
EXTERNAL = "external"
"""All cohorts but the internal one together, where there are several."""

ERRORS = {"sensitivity": "missed", "specificity": "false_alarm"}
"""What is told of each: one minus the share that is right."""


def transfer_rows(
    cohort: Judged, sample: Sample, layout: Layout, *, condition: Condition, known: KnownLayouts
) -> Iterator[dict[str, object]]:
    """Give the rows of one model and condition.

    Args:
        cohort: Who is judged.
        sample: Units of all cohorts together.
        layout: Their strata.
        condition: What the rows are about.
        known: Strata of the sides that are laid out already.

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
        (cohort_a, metric): contrasts
        for metric in metrics
        for cohort_a, contrasts in _contrasts(
            sample, layout, own == INTERNAL, sides, metric=metric, known=known
        ).items()
    }
    for by, part in layout.parts.items():
        for (cohort_a, metric), contrasts in ((key, found[key]) for key in product(sides, metrics)):
            rows = [
                _row(condition, metric, contrasts, i, by=by, stratum=str(layout.stratum[i]), cohort_a=cohort_a)
                for i in range(part.start, part.stop)
                if _is_told(contrasts, i, metric=metric, by=by)
            ]
            family = f"{condition.model} / {cohort_a} / {by} / {metric} / {condition.perturbation} {condition.level:g}"
            adjusted = holm(np.array([float(str(r["p"])) for r in rows]))
            yield from ({**r, "p_adjusted": p, "family": family} for r, p in zip(rows, adjusted, strict=True))


def _is_told(c: Contrasts, i: int, *, metric: str, by: str) -> bool:
    """Tell of strata that have cases on both sides; of AUCs only where both classes are, and of the whole."""
    if not (c.a.n_cases[i] and c.b.n_cases[i]):
        return False
    n, n_positive = (getattr(c.a, count)[i] + getattr(c.b, count)[i] for count in ("n_cases", "n_positive"))
    return metric != "auc" or by == ALL or bool(0 < n_positive < n)


def _contrasts(
    s: Sample,
    layout: Layout,
    internal: Flags,
    externals: Mapping[str, Flags],
    *,
    metric: str,
    known: KnownLayouts,
) -> dict[str, Contrasts]:
    """Give every stratum's external minus internal value, by external cohort."""
    if metric == "auc":
        sides = {name: known.of_side(s, layout, side) for name, side in externals.items()}
        inside = clustered_aucs(known.of_side(s, layout, internal).placements(s.scores[internal].T))
        return {
            name: independent_contrasts(clustered_aucs(own.placements(s.scores[externals[name]].T)), inside)
            for name, own in sides.items()
        }
    name = next((k for k, v in ERRORS.items() if v == metric), metric)
    part = PROPORTIONS[name](s)
    values = part.over_all(part.values if name == metric else 1.0 - part.values)
    inside = clustered_proportions(values, layout.groups.only(part.keep & internal))
    found = {}
    for cohort_a, side in externals.items():
        p = score_contrasts_within(values, layout.groups.only(part.keep & (side | internal)), side)
        outside = clustered_proportions(values, layout.groups.only(part.keep & side))
        found[cohort_a] = share_contrasts(outside, inside, p)
    return found


def _row(
    condition: Condition,
    metric: str,
    c: Contrasts,
    i: int,
    *,
    by: str,
    stratum: str,
    cohort_a: str,
) -> dict[str, object]:
    a, b = c.a, c.b
    return {
        "by": by, "stratum": stratum, "cohort_a": cohort_a, "cohort_b": INTERNAL, "model": condition.model,
        "perturbation": condition.perturbation, "level": condition.level, "metric": metric,
        "operating_point": "" if metric == "auc" else condition.operating_point, "value_a": a.value[i], "low_a": a.low[i],
        "high_a": a.high[i], "n_cases_a": a.n_cases[i], "n_patients_a": a.n_patients[i], "value_b": b.value[i],
        "low_b": b.low[i], "high_b": b.high[i], "n_cases_b": b.n_cases[i], "n_patients_b": b.n_patients[i],
        "diff": c.diff[i], "low": c.low[i], "high": c.high[i], "p": c.p[i], "p_adjusted": NAN, "family": "",
        "method": c.method[i], "reason": c.reason[i],
    }  # fmt: skip


def transfer_table(rows: Sequence[dict[str, object]]) -> pd.DataFrame:
    """Give transfer.csv."""
    return pd.DataFrame(list(rows), columns=list(TRANSFER_COLUMNS))
