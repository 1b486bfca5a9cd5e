"""All tables of one run, from its predictions alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, cast

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from robustkit.analysis.cohort import ALL, Judged, flow_table, judged_cases
from robustkit.analysis.comparisons import Settings, comparisons_table
from robustkit.analysis.curves import curves_table
from robustkit.analysis.errors import errors_rows, errors_table
from robustkit.analysis.matrix import ModelAnswers, ScoreMatrix, read_answers
from robustkit.analysis.recipe import add_recipe_intervals
from robustkit.analysis.sample import Rules, Sample, make_sample
from robustkit.analysis.stability import stability_table
from robustkit.analysis.strata_table import Condition, strata_rows, strata_table
from robustkit.analysis.thresholds import Development, Threshold, choose_threshold, thresholds_table
from robustkit.cohort.vocabulary import Vocabulary
from robustkit.registry import load, names
from robustkit.results.folder import RunFolder
from robustkit.stats.bootstrap import PatientDraws, patient_draws
from robustkit.stats.threshold import Method
from robustkit.strata._base import UNKNOWN, Column, Stratifier

Unit = Literal["case", "lesion", "patient"]

FIRST = ("subtype", "group", "region", "size", "site", "centre")
"""Variables in the order in which people ask; others follow by name."""


@dataclass(frozen=True, slots=True)
class Choices:
    """Flags of stratify; see ``api.stratify.stratify``."""

    by: tuple[str, ...]
    threshold: float | None
    threshold_method: Method
    unit: Unit
    positive: tuple[str, ...]
    draws: int
    seed: int


@dataclass(frozen=True, slots=True)
class Tables:
    """All tables by name, the thresholds, and warnings."""

    frames: Mapping[str, pd.DataFrame]
    thresholds: tuple[Threshold, ...]
    warnings: tuple[str, ...]


def make_tables(folder: RunFolder, vocabulary: Vocabulary, choices: Choices) -> Tables:
    """Derive every table of a run without a model."""
    record = folder.record()
    cohort = judged_cases(folder, record, vocabulary, positive=choices.positive)
    strata = assign_strata(cohort, choices.by)
    levels = [(g["kind"], float(v)) for g in record["perturbations"] for v in g["levels"]]
    ids = cohort.frame["case_id"].tolist()
    answers = [read_answers(folder, m["name"], ids, levels) for m in record["models"]]
    draws = _draws(cohort, choices)
    strata_all, errors_all, stability, thresholds = [], [], [], []
    for entry, own in zip(record["models"], answers, strict=True):
        threshold = _threshold(cohort, own, entry, choices)
        thresholds.append(threshold)
        stability.append(stability_table(cohort, own, threshold.value))
        for name in cohort.cohorts:
            for sample, condition in _conditions(
                cohort, own, name, threshold=threshold, draws=draws, unit=choices.unit
            ):
                strata_all += strata_rows(cohort, sample, strata, condition=condition, unit=choices.unit)
                errors_all += errors_rows(cohort, sample, strata, condition=condition)
    table = strata_table(strata_all)
    table = add_recipe_intervals(
        table, cohort, strata, answers, thresholds=thresholds, choices=(choices.draws, choices.seed)
    )
    failures = pd.concat([a.failures for a in answers], ignore_index=True)
    frames = {
        "strata": table,
        "curves": curves_table(table, _reached(cohort, answers[0], strata)),
        "errors": errors_table(errors_all),
        "stability": pd.concat(stability, ignore_index=True),
        "thresholds": thresholds_table(thresholds),
        "flow": flow_table(cohort, failures),
    }
    if len(answers) > 1:
        settings = Settings(draws, max(2000, 20 * 100), choices.seed)
        frames["comparisons"] = comparisons_table(cohort, answers, settings)
    said = (*cohort.warnings, *(t.warning for t in thresholds if t.warning))
    return Tables(frames, tuple(thresholds), said)


def assign_strata(cohort: Judged, by: Sequence[str]) -> dict[str, pd.Series]:
    """Give the stratum of every case, by variable; variables without any known value are left out.

    Args:
        cohort: All cases.
        by: Names of stratifiers or columns; ``a*b`` crosses two; empty: all stratifiers that say something.
    """
    development = pd.Series(cohort.development, index=cohort.frame.index)
    chosen = by or sorted(names("strata"), key=lambda n: (FIRST.index(n) if n in FIRST else len(FIRST), n))
    found = {}
    for name in chosen:
        parts = [stratifier(n).assign(cohort.frame, development=development) for n in name.split("*")]
        joined = parts[0] if len(parts) == 1 else parts[0].str.cat(parts[1:], sep=" * ")
        if by or set(joined[cohort.judged]) - {UNKNOWN}:
            found[name] = joined
    return found


def stratifier(name: str) -> Stratifier:
    """Give the stratifier of that name; any other column stratifies by its own values."""
    if name in names("strata"):
        return cast(Stratifier, load("strata", name))
    return Column(name)


def _threshold(cohort: Judged, own: ModelAnswers, entry: Mapping[str, Any], choices: Choices) -> Threshold:
    known = cohort.development & np.isfinite(own.nominal)
    development = Development(own.nominal[known], cohort.positive[known], cohort.patients[known])
    return choose_threshold(
        entry,
        development,
        asked=choices.threshold,
        method=choices.threshold_method,
        draws=min(choices.draws, 500),
        seed=choices.seed,
    )


def _draws(cohort: Judged, choices: Choices) -> PatientDraws:
    """Draw patients within cohort, centre and class (positive if any of their cases is)."""
    m = int(cohort.patients.max()) + 1
    positive = np.bincount(cohort.patients, weights=cohort.positive, minlength=m) > 0
    _, first = np.unique(cohort.patients, return_index=True)
    place = (cohort.frame["cohort"] + "\x1f" + cohort.frame["centre"].fillna("").astype(str)).to_numpy()[first]
    codes, _ = pd.factorize(pd.Series(place) + np.where(positive, "1", "0"), sort=True)
    return patient_draws(codes.astype(np.intp), draws=choices.draws, seed=choices.seed, purpose="tables")


def _units(cohort: Judged, unit: Unit) -> NDArray[np.intp] | None:
    if unit == "case":
        return None
    column = "patient_id" if unit == "patient" else "lesion_id"
    codes, _ = pd.factorize(cohort.frame[column].where(cohort.frame[column] != "", cohort.frame["case_id"]))
    return np.asarray(codes, dtype=np.intp)


def _conditions(
    cohort: Judged, own: ModelAnswers, name: str, *, threshold: Threshold, draws: PatientDraws, unit: Unit
) -> list[tuple[Sample, Condition]]:
    development = own.nominal[cohort.development & np.isfinite(own.nominal)]
    rules = Rules(_units(cohort, unit), development, threshold.value, draws)
    found = []
    primary: set[str] = set()
    for matrix in (None, *own.matrices):
        kind = matrix.perturbation if matrix else "nominal"
        is_primary = kind not in primary
        primary.add(kind)
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
        found.append((sample, Condition(own.model, name, kind, level, threshold.operating_point, is_primary)))
    return found


def _reached(
    cohort: Judged, own: ModelAnswers, strata: Mapping[str, pd.Series]
) -> dict[tuple[str, float, str, str, str], tuple[float, float]]:
    """Give what the boxes of each level came to: equal for all models, so the first one tells."""
    found = {}
    for matrix in own.matrices:
        iou, same = _row_means(matrix)
        for name in cohort.cohorts:
            keep = cohort.in_cohort(name)
            groups = {"all": pd.Series(ALL, index=cohort.frame.index), **strata}
            for by, series in groups.items():
                own_names = series.to_numpy()
                for stratum in set(own_names[keep]):
                    inside = keep & (own_names == stratum)
                    key = (matrix.perturbation, matrix.level, name, by, str(stratum))
                    found[key] = (float(np.nanmean(iou[inside])), float(same[inside].mean()))
    return found


def _row_means(matrix: ScoreMatrix) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    return matrix.iou.mean(axis=1), matrix.is_same.mean(axis=1)
