"""drift.csv: external cohorts against the internal one: facts, films, and errors under internal distributions.

Parts: ``facts`` (measure smd, cliffs_delta, share), ``films`` (smd, cliffs_delta, count of films not measured),
``error`` (change: the external error with the internal distribution of one fact, minus the external error).
a is the external cohort, b the internal one, differences are a minus b.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from robustkit.analysis.cohort import Judged, judged_cases
from robustkit.analysis.drift_facts import FACTS, Fact, Row, fact_rows, read_facts
from robustkit.analysis.drift_films import FilmMeasures, film_rows, lost_films, measure_films
from robustkit.analysis.drift_reweighting import reweighting_rows
from robustkit.analysis.flow import loss_warnings
from robustkit.analysis.matrix import ModelAnswers, read_answers
from robustkit.analysis.recipe import MAX_DRAWS
from robustkit.analysis.tables import assign_strata
from robustkit.analysis.thresholds import Threshold, judged_at
from robustkit.analysis.transfer import EXTERNAL, INTERNAL
from robustkit.cohort.vocabulary import Vocabulary
from robustkit.engine.run_films import RunFilms
from robustkit.errors import InputError
from robustkit.results.folder import RunFolder
from robustkit.results.schema import DRIFT_COLUMNS, TEXT_COLUMNS
from robustkit.stats.bootstrap import PatientDraws, patient_draws
from robustkit.stats.estimate import NAN
from robustkit.stats.sides import Sides
from robustkit.stats.threshold import Method

Progress = Callable[[str, int, int], None]

_SHARED = "patients have cases in the internal cohort and in another: intervals hold this, tests by patient do not."


@dataclass(frozen=True, slots=True)
class DriftChoices:
    """Flags of drift; see ``api.drift.drift``. ``workers``: threads that read films; 0: films are left out."""

    by: tuple[str, ...]
    threshold: float | None
    threshold_method: Method
    positive: tuple[str, ...]
    draws: int
    seed: int
    workers: int


@dataclass(frozen=True, slots=True)
class Drift:
    """The table, and one sentence for each thing that a reader must know."""

    table: pd.DataFrame
    warnings: tuple[str, ...]


def make_drift(
    folder: RunFolder, vocabulary: Vocabulary, choices: DriftChoices, *, progress: Progress | None = None
) -> Drift:
    """Compare every external cohort, and all together, with the internal one.

    Args:
        folder: The run.
        vocabulary: Of sites and subtypes.
        choices: Flags.
        progress: Told of films.

    Raises:
        RunError: A damaged run, or one that is not complete.
        InputError: No internal cohort or no other, or a fact that no case has.
    """
    record = folder.record()
    cohort = judged_cases(folder, record, vocabulary, positive=choices.positive)
    external = external_cohorts(cohort)
    internal = cohort.in_cohort(INTERNAL)
    facts = read_facts(cohort, assign_strata(cohort, choices.by or FACTS))
    films = _films(folder, cohort, choices, progress)
    models = list(_models(folder, cohort, record, choices))
    mix, judged = _draws(cohort, choices)
    rows: list[Row] = []
    for name, keep in external.items():
        at = np.flatnonzero(keep | internal)
        place: Row = {"cohort_a": name, "cohort_b": INTERNAL, "split": _split(cohort, keep)}
        own = _sides(cohort, keep, at, mix)
        found = fact_rows(facts, at, own, draws=choices.draws, seed=choices.seed, family=f"{name} / facts")
        found += film_rows(films, at, own) if films else []
        found += _errors(cohort, models, facts, sides=(at, _sides(cohort, keep, at, judged)))
        rows += [{**row, **place} for row in found]
    said = [t.warning for _, t in models if t.warning]
    said += [w for answers, t in models for w in loss_warnings(cohort, answers, t.value)]
    if films:
        alone = [(INTERNAL, internal), *((n, k) for n, k in external.items() if n in cohort.cohorts)]
        said += lost_films(films, alone)
    return Drift(_table(rows), (*cohort.warnings, *_shared(cohort, internal), *said))


def external_cohorts(cohort: Judged) -> dict[str, NDArray[np.bool_]]:
    """Give ``(N,)`` the judged cases of each external cohort, all of them together first where there are several.

    Raises:
        InputError: No internal cohort, or no other.
    """
    names = sorted(set(cohort.frame.loc[cohort.judged, "cohort"]))
    others = [n for n in names if n != INTERNAL]
    if INTERNAL not in names or not others:
        what = f"drift compares the cohort `internal` with others; the cohorts found are {', '.join(names)}."
        fix = "Fill the column cohort, or say `--set cohort=internal` after --manifest."
        raise InputError(what, where="cases.parquet", fix=fix)
    found = {n: cohort.in_cohort(n) for n in others}
    if len(others) == 1:
        return found
    everyone = cohort.judged & (cohort.frame["cohort"] != INTERNAL).to_numpy(dtype=bool)
    return {EXTERNAL if EXTERNAL not in found else "all external": everyone, **found}


def _draws(cohort: Judged, choices: DriftChoices) -> tuple[PatientDraws, PatientDraws]:
    """Give the draws for facts and films, and those for errors.

    Facts and films are drawn by cohort and centre, not by class: the share of the classes is one of the facts.
    """
    mix = cohort.patient_strata(by_class=False), "drift"
    judged = cohort.patient_strata(), "tables"
    first, second = (
        patient_draws(strata, draws=choices.draws, seed=choices.seed, purpose=purpose)
        for strata, purpose in (mix, judged)
    )
    return first, second


def _sides(cohort: Judged, external: NDArray[np.bool_], at: NDArray[np.intp], draws: PatientDraws) -> Sides:
    return Sides(external[at], cohort.patients[at], draws).compact()


def _split(cohort: Judged, keep: NDArray[np.bool_]) -> str:
    chosen = cohort.frame.loc[keep | cohort.in_cohort(INTERNAL), "split"]
    return ", ".join(s or "none given" for s in sorted(set(chosen), reverse=True))


def _films(folder: RunFolder, cohort: Judged, choices: DriftChoices, progress: Progress | None) -> FilmMeasures | None:
    if not choices.workers:
        return None
    films = RunFilms.of(folder)
    return measure_films(cohort.frame, keep=cohort.judged, workers=choices.workers, films=films, progress=progress)


def _models(
    folder: RunFolder, cohort: Judged, record: Mapping[str, Any], choices: DriftChoices
) -> Iterator[tuple[ModelAnswers, Threshold]]:
    """Give each model's nominal answers and the threshold that is carried to the external cohorts."""
    ids = cohort.frame["case_id"].tolist()
    for entry in record["models"]:
        answers = read_answers(folder, entry["name"], ids, [])
        draws = min(choices.draws, MAX_DRAWS)
        yield (
            answers,
            judged_at(
                cohort, answers, record, asked=choices.threshold, method=choices.threshold_method, draws=draws,
                seed=choices.seed,
            ),
        )  # fmt: skip


def _errors(
    cohort: Judged,
    models: Sequence[tuple[ModelAnswers, Threshold]],
    facts: Sequence[Fact],
    *,
    sides: tuple[NDArray[np.intp], Sides],
) -> list[Row]:
    return [r for answers, t in models for r in reweighting_rows(cohort, answers, t, facts, sides=sides)]


def _shared(cohort: Judged, internal: NDArray[np.bool_]) -> tuple[str, ...]:
    both = np.intersect1d(cohort.patients[internal], cohort.patients[cohort.judged & ~internal])
    return (f"{len(both)} {_SHARED}",) if len(both) else ()


def _table(rows: Sequence[Row]) -> pd.DataFrame:
    empty = {c: "" if c in TEXT_COLUMNS else NAN for c in DRIFT_COLUMNS}
    return pd.DataFrame([{**empty, **row} for row in rows], columns=list(DRIFT_COLUMNS))
