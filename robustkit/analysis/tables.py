"""All tables of one run, from its predictions alone."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from functools import partial
from typing import Any, cast

import numpy as np
import pandas as pd

from robustkit.analysis.agreement import variance_blocks
from robustkit.analysis.baselines import baseline_tables
from robustkit.analysis.by_stratum import Judging
from robustkit.analysis.cohort import ALL, Judged, judged_cases
from robustkit.analysis.comparisons import Settings, comparisons_table, permutations_for
from robustkit.analysis.curves import curves_table
from robustkit.analysis.flip_curve import flip_curve_rows, flip_curve_table
from robustkit.analysis.flow import flow_table, loss_warnings
from robustkit.analysis.known_layouts import Unit
from robustkit.analysis.layout import code
from robustkit.analysis.matrix import ModelAnswers, read_failures, read_matrices
from robustkit.analysis.recipe import MAX_DRAWS, Recipe, add_recipe_intervals, recipe_cuts
from robustkit.analysis.stability import stability_table
from robustkit.analysis.swapped import swapped_warnings
from robustkit.analysis.thresholds import Threshold, judged_at, thresholds_table
from robustkit.cohort.vocabulary import Vocabulary
from robustkit.errors import InputError, UnknownNameError
from robustkit.registry import load, names
from robustkit.results.folder import RunFolder
from robustkit.results.schema import TABLES
from robustkit.stats.bootstrap import PatientDraws, patient_draws
from robustkit.stats.cores import on_all_cores
from robustkit.stats.processes import done_in_processes
from robustkit.stats.threshold import Method
from robustkit.strata._base import UNKNOWN, Bins, Fact, Stratifier
from robustkit.strata._order import SEPARATOR

Task = Callable[[], Any]
Write = Callable[[str, pd.DataFrame], object]

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


def make_tables(
    folder: RunFolder, vocabulary: Vocabulary, choices: Choices, *, write: Write = lambda _name, _table: None
) -> Tables:
    """Derive every table of a run without a model.

    Args:
        folder: The run.
        vocabulary: Of subtypes, sites and labels.
        choices: Flags of stratify.
        write: Is given every table by name, when it is made, and by whichever process has nothing else to do.

    Raises:
        RunError: A damaged run, or one that is not complete.
        InputError: No row left to judge, or a fact that no case has.
    """
    record = folder.record()
    cohort = judged_cases(folder, record, vocabulary, positive=choices.positive)
    strata = assign_strata(cohort, choices.by)
    answers, draws = _read(folder, record, cohort, choices=choices)
    asked = choices.operating_point if choices.threshold is None else choices.threshold
    method, few = choices.threshold_method, min(choices.draws, MAX_DRAWS)
    thresholds = on_all_cores(
        lambda own: judged_at(cohort, own, record, asked=asked, method=method, draws=few, seed=choices.seed), answers
    )
    models = list(zip(answers, thresholds, strict=True))

    judging = Judging(cohort, strata, models, draws=draws, unit=choices.unit, prevalence=choices.prevalence)
    recipe = Recipe(choices.threshold_method, draws, choices.seed)
    others = _other_tasks(cohort, strata, models, draws=draws, recipe=recipe, choices=choices)
    made = done_in_processes([*others.values(), *judging.tasks()])
    found, parts = dict(zip(others, made, strict=False)), made[len(others) :]
    drawn = judging.bootstrap(parts)

    def tables_of_draws() -> dict[str, pd.DataFrame]:
        more = judging.bootstrapped_tables(parts, drawn, variance=found["variance"])
        cuts = list(zip(answers, found["cuts"], strict=True))
        own = add_recipe_intervals(more["strata"], cohort, strata, cuts, recipe=recipe)
        return {"strata": own, "curves": curves_table(own, found["reached"]), "agreement": more["agreement"]}

    finished = {**judging.tables(parts), **{n: found[n] for n in ("stability", "flip_curve", "flow", "comparisons")}}
    finished = {name: table for name, table in finished.items() if table is not None}
    finished["thresholds"] = thresholds_table(thresholds)
    last: list[Any] = done_in_processes([partial(write, *f) for f in finished.items()], here=[tables_of_draws])
    own: dict[str, pd.DataFrame] = last[0] | baseline_tables(record, last[0]["strata"])
    done_in_processes([partial(write, *f) for f in own.items()])
    said = (
        *cohort.warnings, *(t.warning for t in thresholds if t.warning), *found["lost"], *swapped_warnings(own["strata"])
    )  # fmt: skip
    made_in_all = {**own, **finished}
    in_order = {name: made_in_all[name] for name in (*TABLES, *made_in_all) if name in made_in_all}
    return Tables(in_order, tuple(thresholds), said)


def _other_tasks(
    cohort: Judged,
    strata: Mapping[str, pd.Series],
    models: Sequence[tuple[ModelAnswers, Threshold]],
    *,
    draws: PatientDraws,
    recipe: Recipe,
    choices: Choices,
) -> dict[str, Task]:
    """Give what is made beside the tables that have strata, by name; what takes longest begins first."""
    answers = [own for own, _ in models]
    settings = Settings(draws, permutations_for(len(answers), choices.draws), choices.seed)
    return {
        "comparisons": lambda: comparisons_table(cohort, answers, settings) if len(answers) > 1 else None,
        "stability": lambda: pd.concat([stability_table(cohort, a, t.value) for a, t in models], ignore_index=True),
        "variance": lambda: variance_blocks(cohort, answers),
        "flip_curve": lambda: flip_curve_table(
            [row for a, t in models for row in flip_curve_rows(cohort, a, t.value, draws=draws)]
        ),
        "cuts": lambda: [recipe_cuts(cohort, a, t, recipe) for a, t in models],
        "flow": lambda: flow_table(cohort, answers),
        "reached": lambda: _reached(cohort, answers[0], strata),
        "lost": lambda: [w for a, t in models for w in loss_warnings(cohort, a, t.value)],
    }


def _read(
    folder: RunFolder, record: Mapping[str, Any], cohort: Judged, *, choices: Choices
) -> tuple[list[ModelAnswers], PatientDraws]:
    """Read the answers of every model; patients are drawn and libraries imported meanwhile."""
    levels = [(g["kind"], float(v)) for g in record["perturbations"] for v in g["levels"]]
    ids, set_size = cohort.frame["case_id"].tolist(), int(record.get("set_size", 1))
    beside = replace(folder, is_alone=False)
    models = [m["name"] for m in record["models"]]
    drawing: Task = partial(
        patient_draws, cohort.patient_strata(), draws=choices.draws, seed=choices.seed, purpose="tables"
    )
    # what is short comes last, and fills the time in which the last of the long ones are read
    reading: list[Task] = [
        *(partial(read_matrices, beside, name, ids, levels, set_size=set_size) for name in models),
        *(partial(read_failures, beside, name, ids) for name in models),
    ]
    _, draws, *found = done_in_processes(reading, here=[_import_libraries, drawing])
    scores, failures = found[: len(models)], found[len(models) :]
    every = zip(models, scores, failures, strict=True)
    return [ModelAnswers(name, nominal, matrices, failed) for name, (nominal, matrices), failed in every], draws


def _import_libraries() -> None:
    """Import what takes a third of a second, and is imported where it is used: meanwhile rows are read."""
    import scipy.stats  # noqa: F401
    import statsmodels.stats.contingency_tables
    import statsmodels.stats.proportion  # noqa: F401


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
        joined = parts[0] if len(parts) == 1 else parts[0].str.cat(parts[1:], sep=SEPARATOR)
        if by or (joined[cohort.judged] != UNKNOWN).any():
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


def _reached(
    cohort: Judged, own: ModelAnswers, strata: Mapping[str, pd.Series]
) -> dict[tuple[str, float, str, str, str], tuple[float, float]]:
    """Give what the boxes of each level came to: equal for all models, so the first one tells."""
    found = {}
    variables = code({ALL: pd.Series(ALL, index=cohort.frame.index), **strata})
    for matrix in own.matrices:
        iou, same = matrix.iou.mean(axis=1), matrix.is_same.mean(axis=1)
        for name in cohort.cohorts:
            rows = np.flatnonzero(cohort.in_cohort(name) & np.isfinite(iou))
            values = (None, iou[rows], same[rows])
            for by, coded in variables.items():
                codes = coded.codes[rows]
                n, *sums = (np.bincount(codes, weights=v, minlength=len(coded.names)) for v in values)
                for i in np.flatnonzero(n):
                    key = (matrix.perturbation, matrix.level, name, by, str(coded.names[i]))
                    found[key] = (float(sums[0][i] / n[i]), float(sums[1][i] / n[i]))
    return found
