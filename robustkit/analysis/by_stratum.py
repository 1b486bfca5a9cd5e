"""All tables that have strata: every model, condition and cohort, task by task."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from robustkit.analysis.agreement import agreement_block, agreement_table
from robustkit.analysis.all_thresholds import decision_curve_table, decision_rows, roc_rows, roc_table
from robustkit.analysis.bootstrapped import bootstrapped
from robustkit.analysis.cohort import ALL, Judged
from robustkit.analysis.errors import errors_blocks, errors_table
from robustkit.analysis.estimates import Stratified, stratified
from robustkit.analysis.frames import Block
from robustkit.analysis.known_layouts import KnownLayouts, Unit
from robustkit.analysis.layout import Layout, Layouts
from robustkit.analysis.matrix import NOMINAL, ModelAnswers
from robustkit.analysis.operating_points import operating_rows, operating_table, points_of
from robustkit.analysis.reliability import calibration_rows, calibration_table
from robustkit.analysis.sample import Floats, Rules, Sample, make_sample
from robustkit.analysis.single_repeats import repeats_block, repeats_table
from robustkit.analysis.size_curve import size_curve_rows, size_curve_table
from robustkit.analysis.strata_table import Condition, Tests, strata_blocks, strata_table, tests_of_strata
from robustkit.analysis.sweep import sweep_blocks, sweep_grid, sweep_table
from robustkit.analysis.thresholds import Threshold, development_of
from robustkit.analysis.transfer import transfer_rows, transfer_table
from robustkit.analysis.whole_cohort import whole_cohort_estimates
from robustkit.stats.bootstrap import PatientDraws
from robustkit.stats.estimate import Estimate, Estimates
from robustkit.stats.threshold import OperatingPoint

_TABLES: Mapping[str, Callable[[Any], pd.DataFrame]] = {
    "errors": errors_table,
    "transfer": transfer_table,
    "repeats": repeats_table,
    "size_curve": size_curve_table,
    "operating_points": operating_table,
    "calibration": calibration_table,
    "roc": roc_table,
    "decision_curve": decision_curve_table,
    "sweep": sweep_table,
}
"""Tables that are filled model by model, cohort by cohort, condition by condition, without a bootstrap by stratum."""

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
class _Told:
    """What is said of one cohort in one condition: metrics of the whole, tests of its strata, columns that are one."""

    condition: Condition
    whole: Mapping[str, Estimate]
    tests: Tests
    fixed: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Part:
    """One model and condition in strata of one cohort, or of all side by side; the bootstrap is still to come.

    Attributes:
        layouts, stratified: Of these cohorts.
        told: By cohort.
        rows: Of the tables that need no bootstrap, by cohort.
    """

    layouts: Layouts
    stratified: Stratified
    told: Mapping[str, _Told]
    rows: Mapping[str, Sequence[Rows]]


class Judging:
    """The tables that have strata: first what needs no bootstrap, task by task, then the bootstrap and the rows."""

    def __init__(
        self,
        cohort: Judged,
        strata: Mapping[str, pd.Series],
        models: Sequence[tuple[ModelAnswers, Threshold]],
        *,
        draws: PatientDraws,
        unit: Unit,
        prevalence: float | None,
    ) -> None:
        """Prepare.

        Args:
            cohort: Who is judged.
            strata: Stratum of every case, by variable.
            models: Answers and threshold of each.
            draws: Of patients.
            unit: What is counted.
            prevalence: See ``Sample``.
        """
        self._cohort, self._draws, self._unit = cohort, draws, unit
        self._known, units = KnownLayouts(cohort, strata, unit), _units(cohort, unit)
        self._models = [_model(cohort, *own, units=units, draws=draws, prevalence=prevalence) for own in models]

    def tasks(self) -> list[Callable[[], Part]]:
        """Give what can be done side by side: every model, condition and cohort."""
        cohort = self._cohort
        # a case answers alike in every cohort, so all cohorts are counted together; lesions and patients may be in several
        together = [cohort.cohorts] if self._unit == "case" else [(name,) for name in cohort.cohorts]
        # the boxes as given come first: most tables are of them
        positions = range(1 + max(len(m.answers.matrices) for m in self._models))
        return [
            partial(_judge, cohort, model, position, names, known=self._known)
            for position in positions
            for model in self._models
            for names in together
        ]

    def tables(self, parts: Sequence[Part]) -> dict[str, pd.DataFrame]:
        """Give the tables that need no bootstrap by stratum, by name.

        Args:
            parts: What the tasks gave.
        """
        rows: dict[str, list[Any]] = {name: [] for name in _TABLES}
        for i, name in self._in_order(parts):
            for table, own in parts[i].rows[name]:
                rows[table] += own
        return {name: make(rows[name]) for name, make in _TABLES.items()}

    def bootstrap(self, parts: Sequence[Part]) -> list[dict[str, Estimates]]:
        """Give the metrics that the bootstrap gives, of all parts from the same draws."""
        return bootstrapped([p.stratified for p in parts], [p.layouts for p in parts], self._draws)

    def bootstrapped_tables(
        self, parts: Sequence[Part], drawn: Sequence[Mapping[str, Estimates]], *, variance: Sequence[Block]
    ) -> dict[str, pd.DataFrame]:
        """Give strata.csv, but for the recipe's intervals, and agreement.csv, by name.

        Args:
            parts: What the tasks gave.
            drawn: What ``bootstrap`` gave.
            variance: First rows of agreement.csv.
        """
        strata: list[Block] = []
        agreement = [*variance]
        for i, name in self._in_order(parts):
            layouts, told = parts[i].layouts, parts[i].told[name]
            s, own = parts[i].stratified.of(layouts, name), layouts.together.parts[name]
            found = {metric: e.part(own) for metric, e in drawn[i].items()}
            fixed = {**told.fixed, "unit": self._unit}
            strata += strata_blocks(s, found, whole=told.whole, tests=told.tests, condition=told.condition, fixed=fixed)
            if s.repeats > 1 and len(s.patients):
                agreement.append(agreement_block(s.layout, found, fixed=told.fixed))
        return {"strata": strata_table(strata), "agreement": agreement_table(agreement)}

    def _in_order(self, parts: Sequence[Part]) -> list[tuple[int, str]]:
        """Give every part's number and cohort, model by model and cohort by cohort."""
        models, cohorts = [m.answers.model for m in self._models], self._cohort.cohorts
        places = [(i, name, told) for i, part in enumerate(parts) for name, told in part.told.items()]
        places.sort(key=lambda p: (models.index(p[2].condition.model), cohorts.index(p[1])))
        return [(i, name) for i, name, _ in places]


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


def _judge(cohort: Judged, model: _Model, position: int, names: Sequence[str], *, known: KnownLayouts) -> Part:
    """Give everything of one model, condition (0: boxes as given) and cohorts that needs no bootstrap by stratum."""
    sample, condition = _sample(cohort, model, position, names[0])
    redrawn = None
    if position == 0 and model.answers.matrices:
        redrawn, _ = _sample(cohort, model, 1, names[0])
    strata = known.classed(sample, names)
    layouts, found = strata.layouts, stratified(sample, strata)
    told: dict[str, _Told] = {}
    rows: dict[str, list[Rows]] = {}
    for name in names:
        own = _of(cohort, sample, names, name)
        fixed = {
            "cohort": name, "split": cohort.split_of(name), "model": condition.model,
            "perturbation": condition.perturbation, "level": condition.level,
        }  # fmt: skip
        whole = whole_cohort_estimates(own) if own.is_nominal else {}
        strata_of, mine = found.of(layouts, name), replace(condition, cohort=name)
        told[name] = _Told(mine, whole, tests_of_strata(strata_of, mine), fixed)
        rows[name] = list(_rows(cohort, own, strata_of, told[name], points=model.usual, known=known))
        if own.is_nominal:
            primary = None if redrawn is None else _of(cohort, redrawn, names, name)
            answered = known.answered(sample, names).own[name]
            rows[name].append(("sweep", list(_sweep(cohort, own, primary, model, fixed=fixed, layout=answered))))
    said = {name: {**t.fixed, "operating_point": condition.operating_point} for name, t in told.items()}
    for name, block in errors_blocks(sample, known.errors(sample, names), fixed=said).items():
        rows[name].append(("errors", [block]))
    return Part(layouts, found, told, rows)


def _of(cohort: Judged, sample: Sample, names: Sequence[str], name: str) -> Sample:
    """Give the units of one of the cohorts that a sample holds."""
    return sample if len(names) == 1 or name == names[0] else sample.only(cohort.in_cohort(name)[sample.rows])


def _rows(
    cohort: Judged,
    sample: Sample,
    s: Stratified,
    told: _Told,
    *,
    points: Sequence[OperatingPoint],
    known: KnownLayouts,
) -> Iterator[Rows]:
    """Give the rows of one model, cohort and condition, by table."""
    condition = told.condition
    if sample.repeats > 1 and len(sample.rows):
        yield "repeats", [repeats_block(sample, s, fixed={**told.fixed, "repeats": sample.repeats})]
    if condition.is_primary:
        yield "size_curve", size_curve_rows(cohort, sample, condition=condition)
    if condition.is_primary and condition.cohort == ALL:
        yield "transfer", list(transfer_rows(cohort, sample, s.layout, condition=condition, known=known))
    if not sample.is_nominal:
        return
    yield "operating_points", operating_rows(cohort, sample, points, condition=condition)
    yield "calibration", calibration_rows(cohort, sample, condition=condition)
    yield "roc", roc_rows(cohort, sample, condition=condition)
    yield "decision_curve", decision_rows(cohort, sample, condition=condition)


def _sweep(
    cohort: Judged,
    sample: Sample,
    redrawn: Sample | None,
    model: _Model,
    *,
    fixed: Mapping[str, object],
    layout: Layout,
) -> Iterator[Block]:
    group = cohort.frame["group"].to_numpy()[sample.rows]
    fixed = {column: fixed[column] for column in ("cohort", "split", "model")}
    return sweep_blocks(sample, redrawn, layout, group=group, grid=model.grid, points=model.usual, fixed=fixed)


def _units(cohort: Judged, unit: Unit) -> NDArray[np.intp] | None:
    if unit == "case":
        return None
    column = "patient_id" if unit == "patient" else "lesion_id"
    codes, _ = pd.factorize(cohort.frame[column].where(cohort.frame[column] != "", cohort.frame["case_id"]))
    return np.asarray(codes, dtype=np.intp)


def _sample(cohort: Judged, model: _Model, position: int, name: str) -> tuple[Sample, Condition]:
    """Give the answers to the boxes as given (0), or to those of one level of one perturbation, in one cohort."""
    own = model.answers
    matrix = own.matrices[position - 1] if position else None
    sample = make_sample(
        matrix.scores if matrix else own.nominal[:, None],
        own.nominal,
        positive=cohort.positive,
        patients=cohort.patients,
        keep=cohort.in_cohort(name),
        rules=model.rules,
        is_nominal=matrix is None,
    )
    kind, level = (matrix.perturbation, matrix.level) if matrix else (NOMINAL, 0.0)
    is_primary = kind not in {m.perturbation for m in own.matrices[: max(0, position - 1)]}
    return sample, Condition(own.model, name, kind, level, model.operating_point, is_primary=is_primary)
