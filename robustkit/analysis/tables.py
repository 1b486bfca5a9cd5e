"""All tables of one run, from its predictions alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, Literal, cast

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from robustkit.analysis.agreement import agreement_block, agreement_table, variance_blocks
from robustkit.analysis.all_thresholds import decision_curve_table, decision_rows, roc_rows, roc_table
from robustkit.analysis.bootstrapped import bootstrapped
from robustkit.analysis.cohort import ALL, Judged, judged_cases
from robustkit.analysis.comparisons import Settings, comparisons_table, permutations_for
from robustkit.analysis.curves import curves_table
from robustkit.analysis.errors import errors_block, errors_table
from robustkit.analysis.estimates import Stratified, stratified
from robustkit.analysis.flip_curve import flip_curve_rows, flip_curve_table
from robustkit.analysis.flow import flow_table, loss_warnings
from robustkit.analysis.layout import Layout, code, lay_out
from robustkit.analysis.matrix import NOMINAL, ModelAnswers, read_answers
from robustkit.analysis.operating_points import operating_rows, operating_table, points_of
from robustkit.analysis.recipe import MAX_DRAWS, Recipe, add_recipe_intervals
from robustkit.analysis.reliability import calibration_rows, calibration_table
from robustkit.analysis.sample import Rules, Sample, make_sample
from robustkit.analysis.single_repeats import repeats_block, repeats_table
from robustkit.analysis.size_curve import size_curve_rows, size_curve_table
from robustkit.analysis.stability import stability_table
from robustkit.analysis.strata_table import Condition, strata_blocks, strata_table
from robustkit.analysis.swapped import swapped_warnings
from robustkit.analysis.sweep import sweep_grid, sweep_rows, sweep_table
from robustkit.analysis.thresholds import Threshold, development_of, judged_at, thresholds_table
from robustkit.analysis.transfer import transfer_rows, transfer_table
from robustkit.analysis.whole_cohort import whole_cohort_estimates
from robustkit.cohort.vocabulary import Vocabulary
from robustkit.errors import InputError, UnknownNameError
from robustkit.registry import load, names
from robustkit.results.folder import RunFolder
from robustkit.stats.bootstrap import PatientDraws, patient_draws
from robustkit.stats.estimate import Estimate
from robustkit.stats.threshold import Method, OperatingPoint
from robustkit.strata._base import UNKNOWN, Bins, Fact, Stratifier

Unit = Literal["case", "lesion", "patient"]

FIRST = ("subtype", "group", "region", "size", "site", "centre")
"""Variables in the order in which people ask; others follow by name."""

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


@dataclass(frozen=True, slots=True)
class Choices:
    """Flags of stratify; see ``api.stratify.stratify``."""

    by: tuple[str, ...]
    threshold: float | None
    threshold_method: Method
    unit: Unit
    positive: tuple[str, ...]
    prevalence: float | None
    draws: int
    seed: int
    operating_point: str | None = None


@dataclass(frozen=True, slots=True)
class Tables:
    """All tables by name, the thresholds, and warnings."""

    frames: Mapping[str, pd.DataFrame]
    thresholds: tuple[Threshold, ...]
    warnings: tuple[str, ...]


def make_tables(folder: RunFolder, vocabulary: Vocabulary, choices: Choices) -> Tables:
    """Derive every table of a run without a model.

    Raises:
        RunError: A damaged run, or one that is not complete.
        InputError: No row left to judge, or a fact that no case has.
    """
    record = folder.record()
    cohort = judged_cases(folder, record, vocabulary, positive=choices.positive)
    strata = assign_strata(cohort, choices.by)
    levels = [(g["kind"], float(v)) for g in record["perturbations"] for v in g["levels"]]
    ids = cohort.frame["case_id"].tolist()
    answers = [
        read_answers(folder, m["name"], ids, levels, set_size=int(record.get("set_size", 1))) for m in record["models"]
    ]
    draws = patient_draws(cohort.patient_strata(), draws=choices.draws, seed=choices.seed, purpose="tables")
    asked = choices.operating_point if choices.threshold is None else choices.threshold
    method, few = choices.threshold_method, min(choices.draws, MAX_DRAWS)
    thresholds = [
        judged_at(cohort, own, record, asked=asked, method=method, draws=few, seed=choices.seed) for own in answers
    ]
    table, more = _by_stratum(cohort, strata, answers, thresholds=thresholds, draws=draws, choices=choices)
    recipe = Recipe(choices.threshold_method, draws, choices.seed)
    frames = {
        "strata": add_recipe_intervals(table, cohort, strata, answers, thresholds=thresholds, recipe=recipe),
        "curves": curves_table(table, _reached(cohort, answers[0], strata)),
        **more,
        "stability": pd.concat(
            [stability_table(cohort, a, t.value) for a, t in zip(answers, thresholds, strict=True)], ignore_index=True
        ),
        "flip_curve": flip_curve_table(
            [
                row
                for a, t in zip(answers, thresholds, strict=True)
                for row in flip_curve_rows(cohort, a, t.value, draws=draws)
            ]
        ),
        "thresholds": thresholds_table(thresholds),
        "flow": flow_table(cohort, answers),
    }
    if len(answers) > 1:
        settings = Settings(draws, permutations_for(len(answers), choices.draws), choices.seed)
        frames["comparisons"] = comparisons_table(cohort, answers, settings)
    lost = [w for a, t in zip(answers, thresholds, strict=True) for w in loss_warnings(cohort, a, t.value)]
    said = (
        *cohort.warnings, *(t.warning for t in thresholds if t.warning), *lost, *swapped_warnings(frames["strata"])
    )  # fmt: skip
    return Tables(frames, tuple(thresholds), said)


@dataclass(frozen=True, slots=True)
class _Part:
    """One model, cohort and condition."""

    condition: Condition
    stratified: Stratified
    whole: Mapping[str, Estimate]
    fixed: Mapping[str, object]


def _by_stratum(
    cohort: Judged,
    strata: Mapping[str, pd.Series],
    answers: Sequence[ModelAnswers],
    *,
    thresholds: Sequence[Threshold],
    draws: PatientDraws,
    choices: Choices,
) -> tuple[pd.DataFrame, dict[str, pd.DataFrame]]:
    """Give strata.csv, but for the recipe's intervals, and the other tables that have strata."""
    rows: dict[str, list[Any]] = {name: [] for name in ("strata", *_TABLES)}
    rows["agreement"] += variance_blocks(cohort, answers)
    units, layouts = _units(cohort, choices.unit), _Layouts(cohort, strata, choices.unit)
    parts: list[_Part] = []
    for own, threshold in zip(answers, thresholds, strict=True):
        development = own.nominal[cohort.development & np.isfinite(own.nominal)]
        set_size = own.matrices[0].set_size if own.matrices else 1
        usual = points_of(threshold, development_of(cohort, own))
        grid = sweep_grid(cohort, own, usual)
        rules = Rules(units, development, threshold.value, draws, choices.prevalence, set_size)
        for name in cohort.cohorts:
            found = list(_conditions(cohort, own, name, rules=rules, point=threshold.operating_point))
            for sample, condition in found:
                part = _part(cohort, sample, layouts, condition=condition, unit=choices.unit)
                parts.append(part)
                for table, more in _rows(cohort, sample, strata, points=usual, part=part, layouts=layouts):
                    rows[table] += more
            (given, condition), redrawn = found[0], found[1][0] if len(found) > 1 else None
            rows["sweep"] += sweep_rows(cohort, given, redrawn, strata, grid=grid, points=usual, condition=condition)
    for part, more in zip(parts, bootstrapped([p.stratified for p in parts], draws), strict=True):
        s, own = part.stratified, part.fixed
        rows["strata"] += strata_blocks(
            s, more, whole=part.whole, condition=part.condition, fixed={**own, "unit": choices.unit}
        )
        if s.repeats > 1 and len(s.patients):
            rows["agreement"].append(agreement_block(s.layout, more, fixed=own))
    return strata_table(rows["strata"]), {name: make(rows[name]) for name, make in _TABLES.items()}


def _part(cohort: Judged, sample: Sample, layouts: _Layouts, *, condition: Condition, unit: Unit) -> _Part:
    fixed = {
        "cohort": condition.cohort, "split": cohort.split_of(condition.cohort), "model": condition.model,
        "perturbation": condition.perturbation, "level": condition.level,
    }  # fmt: skip
    whole = whole_cohort_estimates(sample) if sample.is_nominal else {}
    return _Part(condition, stratified(sample, layouts.of(sample, condition.cohort)), whole, fixed)


class _Layouts:
    """Strata of the units that answered: most often the same units, laid out once."""

    def __init__(self, cohort: Judged, strata: Mapping[str, pd.Series], unit: Unit) -> None:
        self._cohort, self._unit = cohort, unit
        self._coded = code(strata)
        self._crossed = code(_crossed(strata))
        self._known: dict[tuple[str, bytes], Layout] = {}

    def of(self, sample: Sample, name: str) -> Layout:
        """Give the strata of one cohort's units; of cases also those of which none was answered."""
        key = name, sample.rows.tobytes()
        if key not in self._known:
            listed = self._cohort.in_cohort(name) if self._unit == "case" else None
            self._known[key] = lay_out(sample.rows, sample.patients, self._coded, listed=listed)
        return self._known[key]

    def answered(self, sample: Sample) -> Layout:
        """Give the strata that have units, crossed ones too where boxes are as given."""
        more = self._crossed if sample.is_nominal else {}
        return lay_out(sample.rows, sample.patients, {**self._coded, **more})


def _rows(
    cohort: Judged,
    sample: Sample,
    strata: Mapping[str, pd.Series],
    *,
    points: Sequence[OperatingPoint],
    part: _Part,
    layouts: _Layouts,
) -> Iterator[tuple[str, list[Any]]]:
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
    yield "errors", [errors_block(sample, layouts.answered(sample), group, fixed=fixed)]
    if not sample.is_nominal:
        return
    yield "operating_points", operating_rows(cohort, sample, points, condition=condition)
    yield "calibration", calibration_rows(cohort, sample, condition=condition)
    yield "roc", roc_rows(cohort, sample, condition=condition)
    yield "decision_curve", decision_rows(cohort, sample, condition=condition)


def _crossed(strata: Mapping[str, pd.Series]) -> dict[str, pd.Series]:
    return {f"{a}*{b}": strata[a].str.cat(strata[b], sep=" * ") for a, b in CROSSED if a in strata and b in strata}


def assign_strata(cohort: Judged, by: Sequence[str]) -> dict[str, pd.Series]:
    """Give the stratum of every case, by variable.

    Args:
        cohort: All cases.
        by: Names of stratifiers or columns; ``a*b`` crosses; ``age_years:30,60`` bins at edges, ``size_mm:q4`` at
            quantiles of the development cases; empty: all stratifiers that say something.

    Raises:
        UnknownNameError: Neither a stratifier nor a column.
        InputError: Bins that cannot be read.
    """
    development = pd.Series(cohort.development, index=cohort.frame.index)
    chosen = by or sorted(names("strata"), key=lambda n: (FIRST.index(n) if n in FIRST else len(FIRST), n))
    found = {}
    for name in chosen:
        parts = [_stratifier(n, cohort).assign(cohort.frame, development=development) for n in name.split("*")]
        joined = parts[0] if len(parts) == 1 else parts[0].str.cat(parts[1:], sep=" * ")
        if by or set(joined[cohort.judged]) - {UNKNOWN}:
            found[name] = joined
    return found


def _stratifier(name: str, cohort: Judged) -> Stratifier:
    if ":" in name and name.partition(":")[0] in cohort.frame:
        try:
            return Bins.read(name)
        except ValueError:
            what = f"expected rising edges or q2 to q20 after the colon, got {name!r}."
            raise InputError(what, where="--by", fix="Write age_years:30,60 or size_mm:q4.") from None
    if name in names("strata"):
        return cast(Stratifier, load("strata", name))
    if name in cohort.frame:
        return Fact(name)
    known = (*names("strata"), *(str(c) for c in cohort.frame))
    near = get_close_matches(name, known, n=3) or list(names("strata"))
    raise UnknownNameError(f"no case has the fact {name!r}.", where="--by", fix=f"Known: {', '.join(near)}.")


def _units(cohort: Judged, unit: Unit) -> NDArray[np.intp] | None:
    if unit == "case":
        return None
    column = "patient_id" if unit == "patient" else "lesion_id"
    codes, _ = pd.factorize(cohort.frame[column].where(cohort.frame[column] != "", cohort.frame["case_id"]))
    return np.asarray(codes, dtype=np.intp)


def _conditions(
    cohort: Judged, own: ModelAnswers, name: str, *, rules: Rules, point: str
) -> Iterator[tuple[Sample, Condition]]:
    """Give the nominal condition, then every level of every perturbation, for one cohort."""
    begun: set[str] = set()
    for matrix in (None, *own.matrices):
        kind = matrix.perturbation if matrix else NOMINAL
        sample = make_sample(
            matrix.scores if matrix else own.nominal[:, None],
            own.nominal,
            positive=cohort.positive,
            patients=cohort.patients,
            keep=cohort.in_cohort(name),
            rules=rules,
            is_nominal=matrix is None,
        )
        level = matrix.level if matrix else 0.0
        yield sample, Condition(own.model, name, kind, level, point, is_primary=kind not in begun)
        begun.add(kind)


def _reached(
    cohort: Judged, own: ModelAnswers, strata: Mapping[str, pd.Series]
) -> dict[tuple[str, float, str, str, str], tuple[float, float]]:
    """Give what the boxes of each level came to: equal for all models, so the first one tells."""
    found = {}
    everyone = pd.Series(ALL, index=cohort.frame.index)
    for matrix in own.matrices:
        iou, same = matrix.iou.mean(axis=1), matrix.is_same.mean(axis=1)
        for name in cohort.cohorts:
            keep = cohort.in_cohort(name) & np.isfinite(iou)
            for by, series in {ALL: everyone, **strata}.items():
                means = pd.DataFrame({"iou": iou, "same": same})[keep].groupby(series.to_numpy()[keep]).mean()
                for stratum, row in zip(means.index, means.to_numpy(), strict=True):
                    key = (matrix.perturbation, matrix.level, name, by, str(stratum))
                    found[key] = (float(row[0]), float(row[1]))
    return found
