"""All tables that have strata: every model, cohort and condition, counted side by side on all cores."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from threading import Lock
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from robustkit.analysis.agreement import agreement_block, agreement_table, variance_blocks
from robustkit.analysis.all_thresholds import decision_curve_table, decision_rows, roc_rows, roc_table
from robustkit.analysis.bootstrapped import bootstrapped
from robustkit.analysis.cohort import ALL, Judged
from robustkit.analysis.errors import errors_block, errors_table
from robustkit.analysis.estimates import Stratified, stratified
from robustkit.analysis.layout import Layout, code, lay_out
from robustkit.analysis.matrix import NOMINAL, ModelAnswers
from robustkit.analysis.operating_points import operating_rows, operating_table, points_of
from robustkit.analysis.reliability import calibration_rows, calibration_table
from robustkit.analysis.sample import Floats, Rules, Sample, make_sample
from robustkit.analysis.single_repeats import repeats_block, repeats_table
from robustkit.analysis.size_curve import size_curve_rows, size_curve_table
from robustkit.analysis.strata_table import Condition, strata_blocks, strata_table
from robustkit.analysis.sweep import sweep_blocks, sweep_grid, sweep_table
from robustkit.analysis.thresholds import Threshold, development_of
from robustkit.analysis.transfer import transfer_rows, transfer_table
from robustkit.analysis.whole_cohort import whole_cohort_estimates
from robustkit.stats.bootstrap import PatientDraws
from robustkit.stats.cores import on_all_cores
from robustkit.stats.estimate import Estimate
from robustkit.stats.threshold import OperatingPoint
from robustkit.strata._order import SEPARATOR

Unit = Literal["case", "lesion", "patient"]

CROSSED = (("subtype", "region"), ("subtype", "size"), ("region", "size"))
"""Pairs whose nominal errors are counted where they meet; ``--by a*b`` gives all tables of any other pair."""


_TABLES: Mapping[str, Callable[[Any], pd.DataFrame]] = {
    "errors": errors_table,
    "agreement": agreement_table,
    "transfer": transfer_table,
    "repeats": repeats_table,
    "size_curve": size_curve_table,
    "operating_points": operating_table,
    "calibration": calibration_table,
    "roc": roc_table,
    "decision_curve": decision_curve_table,
    "sweep": sweep_table,
}
"""Tables that are filled model by model, cohort by cohort, condition by condition."""

Rows = tuple[str, Sequence[Any]]
"""Name of a table, and rows or blocks of it."""


@dataclass(frozen=True, slots=True)
class _Model:
    """One model's answers and how they are judged.

    Attributes:
        answers: Of the model.
        rules: How answers become units and decisions.
        operating_point: Name of the threshold.
        usual: Points whose sensitivity and specificity are told as well.
        grid: Thresholds of the sweep.
    """

    answers: ModelAnswers
    rules: Rules
    operating_point: str
    usual: Sequence[OperatingPoint]
    grid: Floats


@dataclass(frozen=True, slots=True)
class _Part:
    """One model, cohort and condition in strata; the bootstrap is still to come."""

    condition: Condition
    stratified: Stratified
    whole: Mapping[str, Estimate]
    fixed: Mapping[str, object]


def by_stratum(
    cohort: Judged,
    strata: Mapping[str, pd.Series],
    models: Sequence[tuple[ModelAnswers, Threshold]],
    *,
    draws: PatientDraws,
    unit: Unit,
    prevalence: float | None,
) -> tuple[pd.DataFrame, dict[str, pd.DataFrame]]:
    """Give strata.csv, but for the recipe's intervals, and the other tables that have strata, by name.

    Args:
        cohort: Who is judged.
        strata: Stratum of every case, by variable.
        models: Answers and threshold of each.
        draws: Of patients.
        unit: What is counted.
        prevalence: See ``Sample``.
    """
    layouts, units = _Layouts(cohort, strata, unit), _units(cohort, unit)
    judged = [_model(cohort, *own, units=units, draws=draws, prevalence=prevalence) for own in models]
    tasks = [(model, name) for model in judged for name in cohort.cohorts]
    made = on_all_cores(lambda task: _judge(cohort, task[0], task[1], layouts=layouts), tasks)
    rows: dict[str, list[Any]] = {name: [] for name in ("strata", *_TABLES)}
    rows["agreement"] += variance_blocks(cohort, [own for own, _ in models])
    for table, more in (found for _, own in made for found in own):
        rows[table] += more
    parts = [part for own, _ in made for part in own]
    for part, drawn in zip(parts, bootstrapped([p.stratified for p in parts], draws), strict=True):
        s, fixed = part.stratified, part.fixed
        rows["strata"] += strata_blocks(
            s, drawn, whole=part.whole, condition=part.condition, fixed={**fixed, "unit": unit}
        )
        if s.repeats > 1 and len(s.patients):
            rows["agreement"].append(agreement_block(s.layout, drawn, fixed=fixed))
    return strata_table(rows["strata"]), {name: make(rows[name]) for name, make in _TABLES.items()}


def _model(
    cohort: Judged,
    own: ModelAnswers,
    threshold: Threshold,
    *,
    units: NDArray[np.intp] | None,
    draws: PatientDraws,
    prevalence: float | None,
) -> _Model:
    development = own.nominal[cohort.development & np.isfinite(own.nominal)]
    set_size = own.matrices[0].set_size if own.matrices else 1
    usual = points_of(threshold, development_of(cohort, own))
    rules = Rules(units, development, threshold.value, draws, prevalence, set_size)
    return _Model(own, rules, threshold.operating_point, usual, sweep_grid(cohort, own, usual))


def _judge(cohort: Judged, model: _Model, name: str, *, layouts: _Layouts) -> tuple[list[_Part], list[Rows]]:
    """Give everything of one model and cohort that needs no bootstrap by stratum."""
    parts: list[_Part] = []
    rows: list[Rows] = []
    samples: list[Sample] = []
    for sample, condition in _conditions(cohort, model, name):
        fixed = {
            "cohort": name, "split": cohort.split_of(name), "model": condition.model,
            "perturbation": condition.perturbation, "level": condition.level,
        }  # fmt: skip
        whole = whole_cohort_estimates(sample) if sample.is_nominal else {}
        parts.append(_Part(condition, stratified(sample, layouts.of(sample, name)), whole, fixed))
        rows += _rows(cohort, sample, parts[-1], points=model.usual, layouts=layouts)
        # the nominal boxes and those of the primary level
        samples = [*samples, sample][:2]
    given, redrawn = samples[0], samples[1] if len(samples) > 1 else None
    fixed = {"cohort": name, "split": cohort.split_of(name), "model": model.answers.model}
    group = cohort.frame["group"].to_numpy()[given.rows]
    blocks = sweep_blocks(
        given, redrawn, layouts.answered(given), group=group, grid=model.grid, points=model.usual, fixed=fixed
    )
    return parts, [*rows, ("sweep", list(blocks))]


def _rows(
    cohort: Judged,
    sample: Sample,
    part: _Part,
    *,
    points: Sequence[OperatingPoint],
    layouts: _Layouts,
) -> Iterator[Rows]:
    """Give the rows of one model, cohort and condition, by table."""
    condition = part.condition
    if sample.repeats > 1 and len(sample.rows):
        yield "repeats", [repeats_block(sample, part.stratified, fixed={**part.fixed, "repeats": sample.repeats})]
    if condition.is_primary:
        yield "size_curve", size_curve_rows(cohort, sample, condition=condition)
    if condition.is_primary and condition.cohort == ALL:
        yield "transfer", list(transfer_rows(cohort, sample, part.stratified.layout, condition=condition))
    group = cohort.frame["group"].to_numpy()[sample.rows]
    fixed = {**part.fixed, "operating_point": condition.operating_point}
    yield "errors", [errors_block(sample, layouts.answered(sample, is_crossed=sample.is_nominal), group, fixed=fixed)]
    if not sample.is_nominal:
        return
    yield "operating_points", operating_rows(cohort, sample, points, condition=condition)
    yield "calibration", calibration_rows(cohort, sample, condition=condition)
    yield "roc", roc_rows(cohort, sample, condition=condition)
    yield "decision_curve", decision_rows(cohort, sample, condition=condition)


class _Layouts:
    """Strata of the units that answered: most often the same units, laid out once."""

    def __init__(self, cohort: Judged, strata: Mapping[str, pd.Series], unit: Unit) -> None:
        self._cohort, self._unit = cohort, unit
        self._coded, self._crossed = code(strata), code(_crossed(strata))
        self._known: dict[tuple[str, bytes], Layout] = {}
        self._lock = Lock()

    def of(self, sample: Sample, name: str) -> Layout:
        """Give the strata of one cohort's units; of cases also those of which none was answered."""
        with self._lock:
            key = name, sample.rows.tobytes()
            if key not in self._known:
                listed = self._cohort.in_cohort(name) if self._unit == "case" else None
                self._known[key] = lay_out(sample.rows, sample.patients, self._coded, listed=listed)
            return self._known[key]

    def answered(self, sample: Sample, *, is_crossed: bool = False) -> Layout:
        """Give the strata that have units, also those of crossed variables where asked."""
        strata = {**self._coded, **self._crossed} if is_crossed else self._coded
        return lay_out(sample.rows, sample.patients, strata)


def _crossed(strata: Mapping[str, pd.Series]) -> dict[str, pd.Series]:
    return {f"{a}*{b}": strata[a].str.cat(strata[b], sep=SEPARATOR) for a, b in CROSSED if a in strata and b in strata}


def _units(cohort: Judged, unit: Unit) -> NDArray[np.intp] | None:
    if unit == "case":
        return None
    column = "patient_id" if unit == "patient" else "lesion_id"
    codes, _ = pd.factorize(cohort.frame[column].where(cohort.frame[column] != "", cohort.frame["case_id"]))
    return np.asarray(codes, dtype=np.intp)


def _conditions(cohort: Judged, model: _Model, name: str) -> Iterator[tuple[Sample, Condition]]:
    """Give the nominal condition, then every level of every perturbation, for one cohort."""
    begun: set[str] = set()
    own = model.answers
    for matrix in (None, *own.matrices):
        kind = matrix.perturbation if matrix else NOMINAL
        sample = make_sample(
            matrix.scores if matrix else own.nominal[:, None],
            own.nominal,
            positive=cohort.positive,
            patients=cohort.patients,
            keep=cohort.in_cohort(name),
            rules=model.rules,
            is_nominal=matrix is None,
        )
        level = matrix.level if matrix else 0.0
        yield sample, Condition(own.model, name, kind, level, model.operating_point, is_primary=kind not in begun)
        begun.add(kind)
