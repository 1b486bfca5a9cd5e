"""strata.csv: every metric of every stratum, cohort, model and condition, with p against the rest."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from dataclasses import fields as dataclass_fields
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from robustkit.analysis.cohort import ALL
from robustkit.analysis.estimates import AT_THRESHOLD, PROPORTIONS, Stratified, metrics_of
from robustkit.analysis.frames import Block, frame_of
from robustkit.analysis.layout import Texts
from robustkit.analysis.sample import Floats
from robustkit.results.schema import STRATA_COLUMNS
from robustkit.stats.bootstrap import MIN_PATIENTS
from robustkit.stats.codes import n_distinct
from robustkit.stats.contrast import score_contrasts_p, score_heterogeneity_p
from robustkit.stats.estimate import NAN, Estimate, Estimates
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


@dataclass(frozen=True, slots=True)
class Tests:
    """Tests of the strata of every variable of one cohort.

    Attributes:
        p, adjusted, family: ``(k,)`` by metric: each stratum against the rest of its cohort.
        overall: By variable: rows of the tests that all its strata are one.
    """

    p: dict[str, Floats]
    adjusted: dict[str, Floats]
    family: dict[str, Texts]
    overall: dict[str, list[dict[str, object]]]


def strata_blocks(
    s: Stratified,
    more: Mapping[str, Estimates],
    *,
    whole: Mapping[str, Estimate],
    tests: Tests,
    condition: Condition,
    fixed: Mapping[str, object],
) -> Iterator[Block]:
    """Give the rows of one model, cohort and condition: the whole cohort first, then every variable.

    Args:
        s: The estimates that need no bootstrap.
        more: Those that need it.
        whole: Metrics of the whole cohort alone.
        tests: What ``tests_of_strata`` gave.
        condition: What the rows are about.
        fixed: Columns that are one for all rows.
    """
    fixed = {
        **fixed, "cohort": condition.cohort, "model": condition.model, "perturbation": condition.perturbation,
        "level": condition.level, "low_threshold": NAN, "high_threshold": NAN, "repeats": s.repeats,
    }  # fmt: skip
    estimates = {m: s.estimates[m] if m in s.estimates else more[m] for m in metrics_of(s)}
    columns, ends = _rows(s, estimates, tests, point=condition.operating_point)
    begun = 0
    for by, end in ends.items():
        rows = tests.overall[by] if by != ALL else [_row(m, e, condition) for m, e in whole.items()]
        if rows:
            yield {**{c: values[begun:end] for c, values in columns.items()}, **fixed}
            yield {**{c: _column([r[c] for r in rows]) for c in rows[0]}, **fixed, "by": by}
            begun = end
    if begun < len(columns["value"]):
        yield {**{c: values[begun:] for c, values in columns.items()}, **fixed}


def _rows(
    s: Stratified, estimates: Mapping[str, Estimates], tests: Tests, *, point: str
) -> tuple[dict[str, NDArray[Any]], dict[str, int]]:
    """Give the rows of all strata, one after the other, each with all its metrics; and where those of a variable end."""
    asked = np.stack(list(metrics_of(s).values()), axis=1)

    def flat(columns: Sequence[NDArray[Any]]) -> NDArray[Any]:
        return np.stack(columns, axis=1)[asked]

    k, names = len(s.layout.stratum), list(estimates)
    none, blank = np.full(k, NAN), np.full(k, "", dtype=object)
    columns = {
        **{f.name: flat([getattr(e, f.name) for e in estimates.values()]) for f in dataclass_fields(Estimate)},
        "by": flat([s.layout.by] * len(names)),
        "stratum": flat([s.layout.stratum] * len(names)),
        "metric": flat([np.full(k, m, dtype=object) for m in names]),
        "operating_point": flat([np.full(k, point if m in AT_THRESHOLD else "", dtype=object) for m in names]),
        "p": flat([tests.p.get(m, none) for m in names]),
        "p_adjusted": flat([tests.adjusted.get(m, none) for m in names]),
        "family": flat([tests.family.get(m, blank) for m in names]),
    }
    n_rows = np.concatenate([[0], asked.sum(axis=1).cumsum()])
    return columns, {by: int(n_rows[part.stop]) for by, part in s.layout.parts.items()}


def _row(metric: str, e: Estimate, condition: Condition) -> dict[str, object]:
    """Give the row of an estimate of the whole cohort, or of a test."""
    point = condition.operating_point if metric in AT_THRESHOLD else ""
    fields = {f.name: getattr(e, f.name) for f in dataclass_fields(Estimate)}
    return {
        **fields,
        "stratum": ALL,
        "metric": metric,
        "operating_point": point,
        "p": NAN,
        "p_adjusted": NAN,
        "family": "",
    }


def _column(values: Sequence[object]) -> NDArray[Any]:
    return np.array(values, dtype=object if isinstance(values[0], str) else None)


def tests_of_strata(s: Stratified, condition: Condition) -> Tests:
    """Test each estimable stratum against the rest of its cohort; Holm within the variable; heterogeneity first."""
    found = Tests({}, {}, {}, {by: [] for by in s.layout.parts})
    if not condition.is_primary:
        return found
    k = len(s.layout.stratum)
    asked = metrics_of(s)
    for metric in [m for m in TESTED if m in asked]:
        share, estimable = s.tested[metric], asked[metric] & _is_estimated(s, metric)
        patients = s.patients[share.keep]
        all_p = score_contrasts_p(share.values, patients, s.layout.groups.among(share.keep))
        p, adjusted, family = np.full(k, NAN), np.full(k, NAN), np.full(k, "", dtype=object)
        for by, part in list(s.layout.parts.items())[1:]:
            mine = part.start + np.flatnonzero(estimable[part])
            if len(mine) < 2:
                continue
            p[mine], adjusted[mine] = all_p[mine], holm(all_p[mine])
            family[mine] = name = (
                f"{condition.model} / {condition.cohort} / {by} / {metric} / "
                f"{condition.perturbation} {condition.level:g}"
            )
            codes = part.start + s.layout.codes[by][share.keep]
            is_mine = np.zeros(k, dtype=bool)
            is_mine[mine] = True
            inside = is_mine[codes]
            overall = score_heterogeneity_p(share.values[inside], patients[inside], codes[inside])
            n, m = int(inside.sum()), n_distinct(patients[inside])
            e = Estimate(method="score test, patients", n_cases=n, n_patients=m, reason="a test, not an estimate")
            row = _row(metric, e, condition) | {"p": overall, "p_adjusted": overall, "family": name}
            found.overall[by].append(row | {"stratum": HETEROGENEITY})
        found.p[metric], found.adjusted[metric], found.family[metric] = p, adjusted, family
    return found


def _is_estimated(s: Stratified, metric: str) -> NDArray[np.bool_]:
    """Tell of which ``(k,)`` strata the metric is given; of those that the bootstrap will give, before it does."""
    if metric in s.estimates:
        return np.isfinite(s.estimates[metric].value)
    return (s.counted.n_patients >= MIN_PATIENTS) & bool(np.isfinite(s.tested[metric].values).all())


def strata_table(blocks: Sequence[Block]) -> pd.DataFrame:
    """Give strata.csv."""
    return frame_of(blocks, STRATA_COLUMNS)
