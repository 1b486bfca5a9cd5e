"""comparisons.csv: models against each other on the same cases and boxes, scale-free numbers only."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from robustkit.analysis.cohort import ALL, Judged
from robustkit.analysis.compared_aucs import ComparedCases, auc_differences, compared_cases, joint_test
from robustkit.analysis.compared_cases import (
    DEVELOPMENT_SENSITIVITY,
    Numbers,
    Resampling,
    case_numbers,
    differences_of_means,
)
from robustkit.analysis.matrix import NOMINAL, ModelAnswers
from robustkit.results.schema import COMPARISONS_COLUMNS
from robustkit.stats.bootstrap import PatientDraws
from robustkit.stats.codes import n_distinct
from robustkit.stats.cores import on_all_cores
from robustkit.stats.difference import Difference
from robustkit.stats.multiplicity import holm
from robustkit.stats.paired_means import EQUAL
from robustkit.strata._order import in_order

EVERY_MODEL = "all"
"""In ``model_a`` of the joint test."""

Flags = NDArray[np.bool_]
Row = dict[str, object]


@dataclass(frozen=True, slots=True)
class Settings:
    """Bootstrap and permutation draws, their seed, and how differences of AUCs get their intervals."""

    draws: PatientDraws
    permutations: int
    seed: int
    auc: Literal["delong", "bootstrap"] = "delong"


def permutations_for(n_models: int, draws: int) -> int:
    """Give how many permutations a family of all pairs needs: 20 x family / .05 (estimands, section 4)."""
    return max(draws, 400 * n_models * (n_models - 1) // 2)


@dataclass(frozen=True, slots=True)
class _Models:
    """What is compared.

    Attributes:
        cohort: Who is judged.
        answers: Of every model.
        numbers: Of every model and condition, case by case.
        known: ``(N,)`` who was answered by all models, by condition, the nominal one first.
        settings: Of bootstrap and permutation.
    """

    cohort: Judged
    answers: Sequence[ModelAnswers]
    numbers: Sequence[Sequence[Numbers]]
    known: Sequence[Flags]
    settings: Settings


def comparisons_table(
    cohort: Judged,
    answers: Sequence[ModelAnswers],
    settings: Settings,
    *,
    strata: Mapping[str, pd.Series] | None = None,
) -> pd.DataFrame:
    """Give comparisons.csv for all pairs of models, by cohort, and where asked by stratum.

    With three models or more the rows of each place begin with a joint test of all AUCs (``model_a`` is "all").

    Args:
        cohort: Who is judged.
        answers: Of every model, on the same cases and boxes. A case that fails for one leaves it for all.
        settings: Of bootstrap and permutation.
        strata: ``(N,)`` strata of every case, by variable.
    """
    nominal = np.logical_and.reduce([np.isfinite(a.nominal) for a in answers])
    conditions = zip(*(a.matrices for a in answers), strict=True)
    known = [nominal, *(nominal & np.logical_and.reduce([m.known for m in same]) for same in conditions)]
    numbers = on_all_cores(lambda own: case_numbers(cohort, own), answers)
    models = _Models(cohort, answers, numbers, known, settings)
    places = [place for name in cohort.cohorts for place in _places(cohort, name, strata or {})]
    rows = [row for own in on_all_cores(lambda place: _compared(models, place), places) for row in own]
    table = pd.DataFrame(rows, columns=list(COMPARISONS_COLUMNS))
    for _, part in table[table["model_a"] != EVERY_MODEL].groupby("family"):
        table.loc[part.index, "p_adjusted"] = holm(part["p"].to_numpy(dtype=np.float64))
    return table


@dataclass(frozen=True, slots=True)
class _Place:
    """A cohort, or a stratum of it: variable, names, and ``(N,)`` who is in it."""

    by: str
    stratum: str
    cohort: str
    keep: Flags


def _places(cohort: Judged, name: str, strata: Mapping[str, pd.Series]) -> Iterator[_Place]:
    """Give the whole cohort, then every stratum of it."""
    keep = cohort.in_cohort(name)
    yield _Place(ALL, ALL, name, keep)
    for by, series in strata.items():
        for stratum in in_order(set(series[keep])):
            yield _Place(by, stratum, name, keep & series.eq(stratum).to_numpy(dtype=bool))


def _compared(models: _Models, place: _Place) -> list[Row]:
    """Give the rows of one place: the joint test, then pair by pair, a condition after the other."""
    cohort, settings = models.cohort, models.settings
    fixed = {"by": place.by, "stratum": place.stratum, "cohort": place.cohort, "split": cohort.split_of(place.cohort)}
    rows = [place.keep & known for known in models.known]
    how = Resampling(settings.draws, settings.permutations, settings.seed)
    means = differences_of_means(cohort, models.numbers, rows, how=how)
    laid_out: dict[bytes, ComparedCases] = {}
    found: dict[tuple[str, str], list[Row]] = {}
    # a condition at a time: its placements are let go of
    for i, keep in enumerate(rows):
        key = keep.tobytes()
        if key not in laid_out:
            laid_out[key] = _cases(models, keep)
        for pair, own in _rows(models, laid_out[key], i, means[i]):
            found.setdefault(pair, []).extend({"model_a": pair[0], "model_b": pair[1], **fixed, **row} for row in own)
    return [_with_family(row) for own in found.values() for row in own]


def _cases(models: _Models, rows: Flags) -> ComparedCases:
    cohort, answers = models.cohort, models.answers
    return compared_cases(
        rows,
        cohort.positive,
        cohort.patients,
        models=[a.model for a in answers],
        scores=[a.nominal for a in answers],
    )


def _rows(
    models: _Models, cases: ComparedCases, condition: int, means: Mapping[str, Sequence[Difference]]
) -> Iterator[tuple[tuple[str, str], list[Row]]]:
    """Give the rows of one place and condition, by pair of models."""
    matrices = [a.matrices[condition - 1] for a in models.answers] if condition else []
    kind, level = (matrices[0].perturbation, matrices[0].level) if matrices else (NOMINAL, 0.0)
    redrawn = cases.redrawn([m.scores for m in matrices]) if matrices else None
    if len(cases.models) > 2:
        joint = joint_test(cases, cases.nominal if redrawn is None else redrawn)
        yield (EVERY_MODEL, ""), [_row(joint, metric="auc", kind=kind, level=level)]
    draws = models.settings.draws if models.settings.auc == "bootstrap" else None
    set_size = matrices[0].set_size if matrices else 1
    aucs = auc_differences(cases, redrawn, set_size=set_size, draws=draws)
    for i, (a, b) in enumerate(combinations(range(len(cases.models)), 2)):
        stability = {**means, **{m: d for m, d in aucs.items() if m != "auc"}}
        found = {metric: own[i] for metric, own in stability.items()}
        if condition:
            found = _comparable(cases, found, useless=cases.useless[a] or cases.useless[b])
        told = {"auc": aucs["auc"][i], **found}
        own = [_row(d, metric=metric, kind=kind, level=level) for metric, d in told.items()]
        yield (cases.models[a], cases.models[b]), own


def _comparable(cases: ComparedCases, found: dict[str, Difference], *, useless: str) -> dict[str, Difference]:
    """Leave differences of stability blank where a model may know nothing."""
    if not useless:
        return found
    blank = Difference(n_cases=len(cases.patients), n_patients=n_distinct(cases.patients), reason=useless)
    return {m: d if d.reason == EQUAL else blank for m, d in found.items()}


def _row(d: Difference, *, metric: str, kind: str, level: float) -> Row:
    is_decided = metric in ("flip_rate", "sensitivity", "specificity")
    point = f"sensitivity={DEVELOPMENT_SENSITIVITY:g} on development" if is_decided else ""
    return {
        "perturbation": kind, "level": level, "metric": metric,
        "operating_point": point, "diff": d.diff, "low": d.low, "high": d.high, "se": d.se, "mc_se": d.mc_se,
        "statistic": d.statistic, "p": d.p, "p_adjusted": float("nan"), "method": d.method,
        "n_cases": d.n_cases, "n_patients": d.n_patients, "reason": d.reason,
    }  # fmt: skip


def _with_family(row: Row) -> Row:
    """Name the tests that are adjusted together: all pairs of models; the joint test stands alone."""
    family = f"{row['cohort']} / {row['by']} / {row['metric']} / {row['perturbation']} {row['level']:g}"
    return {**row, "family": "" if row["model_a"] == EVERY_MODEL else family}
