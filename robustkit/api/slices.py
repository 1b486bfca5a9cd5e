"""slices: search a run for conjunctions of facts in which a model fails or moves more than in anything wider."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from robustkit.errors import InputError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from pandas import Series

    from robustkit.analysis.cohort import Judged
    from robustkit.analysis.slices import Asked, Search

MAX_DEPTH = 3
NAN = float("nan")

_FEW_DRAWS = 100
"""Of the threshold's own interval, which is not shown here."""


RANK_SD_SAID = (
    "rank_sd: both halves are ranked among the same development scores; with few of them a slice is confirmed by chance "
    "more often than in 5 % (18 % of simulated cohorts without any difference)."
)


@dataclass(frozen=True, slots=True)
class Tested:
    """One slice that the searched half proposed; its numbers are those of the other half.

    Attributes:
        slice: E.g. ``region=axial & size=<20 mm``.
        verdict: ``confirmed`` or ``not confirmed``.
        under: The smallest confirmed slice that holds all of its cases.
        folded: Slices within it that are not above every parent themselves.
        value, low, high: Error or instability, with 95 % interval.
        n_cases, n_patients: What it rests on.
        parent, parent_value: The wider slice that was worst on the searched half.
        diff, diff_low, diff_high: Slice minus parent, patient bootstrap.
        p: That it is above every wider slice; one-sided, by patient.
        p_adjusted: Holm, over all that were proposed.
        search_value, search_p, search_p_adjusted: Of the searched half; Benjamini-Hochberg over all that were tried.
        reason: Why a number is missing.
    """

    slice: str
    verdict: str
    under: str
    folded: int
    value: float
    low: float
    high: float
    n_cases: int
    n_patients: int
    parent: str
    parent_value: float
    diff: float
    diff_low: float
    diff_high: float
    p: float
    p_adjusted: float
    search_value: float
    search_p: float
    search_p_adjusted: float
    reason: str


@dataclass(frozen=True, slots=True)
class Searched:
    """One model, cohort and metric.

    Attributes:
        value, low, high, n_cases, n_patients: Of the whole cohort, tested half.
        n_tried: Slices that Benjamini-Hochberg counts.
        n_too_small: Conjunctions that were not large enough to be tried.
        n_proposed, n_confirmed: Slices that were put to the test, and that are above every parent there.
        tested: The proposed slices, confirmed ones first.
        reason: Why nothing was searched.
    """

    model: str
    cohort: str
    metric: str
    perturbation: str
    level: float
    value: float
    low: float
    high: float
    n_cases: int
    n_patients: int
    n_tried: int
    n_too_small: int
    n_proposed: int
    n_confirmed: int
    tested: tuple[Tested, ...]
    reason: str


@dataclass(frozen=True, slots=True)
class Half:
    """How much of the cohort served for one thing."""

    patients: int
    cases: int


@dataclass(frozen=True, slots=True)
class SlicesResult:
    """What was searched and what came out.

    Attributes:
        run, table: The run folder and ``tables/slices.csv``, which holds every slice that was tried.
        seed: Of the split.
        searched, confirmed_on: The two halves of the judged patients of the cohort.
        searches: By model and metric.
        warnings: One sentence each.
    """

    run: Path
    table: Path
    seed: int
    searched: Half
    confirmed_on: Half
    searches: tuple[Searched, ...]
    warnings: tuple[str, ...]


def slices(
    *,
    run: Path | None = None,
    by: Sequence[str] = (),
    metric: Sequence[str] = (),
    depth: int = 3,
    min_cases: int = 20,
    min_patients: int = 10,
    cohort: str = "all",
    threshold: float | None = None,
    positive: Sequence[str] = (),
    draws: int = 2000,
    seed: int = 0,
) -> SlicesResult:
    """Search all conjunctions of facts on half of the patients, and test what it proposes on the other half.

    Args:
        run: Run folder; default the newest complete one.
        by: Stratifiers or columns; default every stratifier that says something, and the cohort.
        metric: Errors of the nominal boxes (``missed`` among positives, ``false_alarm`` among negatives, ``wrong``
            among all); ``flip_rate`` and ``rank_sd``, the sd of the reference rank, at the primary level; default all but
            ``rank_sd``, whose two halves share one set of development scores.
        depth: Facts in a conjunction, 1 to 3.
        min_cases, min_patients: Size of a slice; half of it in each half, and there at least 5 patients.
        cohort: ``all`` or the name of one.
        threshold: Decision: score >= threshold; default the checkpoint's, else from development rows.
        positive: Labels that count as positive, instead of the checkpoint's.
        draws: Of the patient bootstrap.
        seed: Of the split and the draws.

    Raises:
        InputError: No row left to judge, unknown variable or cohort, or a number out of its range.
        RunError: No run, a damaged one, or one that is not complete.
    """
    from robustkit.analysis._slice_questions import DEFAULT_METRICS, METRICS, questions
    from robustkit.analysis.cohort import judged_cases
    from robustkit.analysis.matrix import read_answers
    from robustkit.analysis.slices import ask, slices_table
    from robustkit.analysis.tables import assign_strata
    from robustkit.analysis.thresholds import judged_at
    from robustkit.cohort.vocabulary import read_vocabulary
    from robustkit.config import read_config
    from robustkit.results.folder import RunFolder
    from robustkit.results.runs import newest_run

    _check(depth=depth, min_cases=min_cases, min_patients=min_patients, threshold=threshold, draws=draws)
    folder = RunFolder(run) if run else newest_run(read_config(Path.cwd()).runs)
    record = folder.record()
    people = judged_cases(folder, record, read_vocabulary(), positive=tuple(positive))
    if cohort not in (*people.cohorts, "all"):
        what = f"no judged case is of the cohort {cohort!r}."
        raise InputError(what, where="--cohort", fix=f"Known: {', '.join(people.cohorts)}.")
    unknown = [m for m in metric if m not in METRICS]
    if unknown:
        raise InputError(f"unknown metric {unknown[0]!r}.", where="--metric", fix=f"Known: {', '.join(METRICS)}.")
    chosen_metrics = tuple(m for m in METRICS if m in (metric or DEFAULT_METRICS))
    strata = assign_strata(people, tuple(by))
    if not by and cohort == "all" and len(people.cohorts) > 1:
        # first: where a centre is a cohort, the slice has the name of the cohort
        strata = {"cohort": people.frame["cohort"], **strata}
    search = _search(people, strata, depth=depth, smallest=(min_cases, min_patients), draws=draws, seed=seed)
    levels = [(g["kind"], float(v)) for g in record["perturbations"] for v in g["levels"]]
    asked, said = [], list(people.warnings)
    if "rank_sd" in chosen_metrics:
        said.append(RANK_SD_SAID)
    for entry in record["models"]:
        own = read_answers(folder, entry["name"], people.frame["case_id"].tolist(), levels)
        chosen = judged_at(people, own, record, asked=threshold, method="smoothed", draws=_FEW_DRAWS, seed=seed)
        said += [chosen.warning] if chosen.warning else []
        name = people.cohorts[0] if cohort == "all" else cohort
        wanted = questions(people, own, chosen_metrics, name=name, threshold=chosen)
        asked += [ask(people, question, search) for question in wanted]
    inside = people.in_cohort(cohort)
    return SlicesResult(
        run=folder.path,
        table=folder.write_table("slices", slices_table(asked)),
        seed=seed,
        searched=_half(people, inside & ~search.confirms),
        confirmed_on=_half(people, inside & search.confirms),
        searches=tuple(_searched(a) for a in asked),
        warnings=tuple(said),
    )


def _check(*, depth: int, min_cases: int, min_patients: int, threshold: float | None, draws: int) -> None:
    if not 1 <= depth <= MAX_DEPTH:
        what = f"expected 1 to {MAX_DEPTH} facts, got {depth}."
        raise InputError(what, where="--depth", fix="Longer conjunctions hold too few cases to be tested.")
    for flag, number in (("--min-cases", min_cases), ("--min-patients", min_patients)):
        if number < 1:
            raise InputError(f"expected at least 1, got {number}.", where=flag, fix="The default is 20 cases of 10.")
    if threshold is not None and not 0 <= threshold <= 1:
        what = f"expected a score in 0..1, got {threshold:g}."
        raise InputError(what, where="--threshold", fix="Scores are in 0..1.")
    if draws < 100:
        raise InputError(f"expected at least 100 draws, got {draws}.", where="--draws", fix="Use --draws 2000.")


def _search(
    people: Judged, strata: Mapping[str, Series], *, depth: int, smallest: tuple[int, int], draws: int, seed: int
) -> Search:
    from robustkit.analysis.slices import Search, half_draws, halves, smallest_half

    confirms = halves(people, seed)
    patients = half_draws(people, confirms, draws=draws, seed=seed)
    return Search(strata, confirms, patients, depth, smallest_half(*smallest))


def _half(people: Judged, inside: NDArray[np.bool_]) -> Half:
    return Half(len(set(people.patients[inside].tolist())), int(inside.sum()))


def _searched(asked: Asked) -> Searched:
    """Give the summary of one question: the whole, the counts, and what was put to the test."""
    from robustkit.analysis.slices import CONFIRMED, NOT_CONFIRMED

    table, question = asked.table, asked.question
    whole = table.iloc[0].to_dict() if len(table) else dict.fromkeys(table, NAN) | {"n_cases": 0, "n_patients": 0}
    folded = table.loc[table["verdict"] != CONFIRMED, "under"].value_counts().to_dict()
    fields = Tested.__dataclass_fields__
    rows = table[table["verdict"].isin([CONFIRMED, NOT_CONFIRMED])].to_dict("records")
    tested = tuple(Tested(**{k: {**r, "folded": folded.get(r["slice"], 0)}[k] for k in fields}) for r in rows)
    known: dict[str, Any] = {**whole, **question.fixed}
    taken = ("model", "cohort", "metric", "perturbation", "level", "value", "low", "high", "n_cases", "n_patients")
    return Searched(
        **{k: known[k] for k in taken},
        n_tried=asked.n_tried,
        n_too_small=asked.too_small,
        n_proposed=len(tested),
        n_confirmed=sum(t.verdict == CONFIRMED for t in tested),
        tested=tested,
        reason=question.reason,
    )
