"""drift: how external cohorts differ from the internal one, and what their errors would be with its facts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from robustkit.api._outcome import Progress
from robustkit.errors import InputError


@dataclass(frozen=True, slots=True)
class Drifted:
    """One row of drift.csv: a is the external cohort, b the internal one.

    Attributes:
        part: ``facts``, ``films`` or ``error``.
        name: Fact or measure of films; of an error the fact whose distribution is exchanged.
        place: ``film`` or ``box``; of films alone.
        category: Of a fact, where the row is about one; of films the reason why they were not measured.
        measure: ``smd`` (standardised difference), ``cliffs_delta``, ``share``, ``count`` or ``change``.
        unit: Of value_a and value_b.
        cohort_a, cohort_b, split: Who is compared.
        model, metric, operating_point: Of an error: ``missed`` (and of these malignant and intermediate), ``false_alarm``; nominal boxes.
        value_a, sd_a, value_b, sd_b: Means, shares or error rates of both.
        reweighted: The external error with the internal distribution of the fact.
        value, low, high: Of the measure, with its 95 % interval by patient.
        by_chance: Mean of the same standardised difference where patients are dealt out anew; of categories alone.
        p, p_adjusted: Of the test with the patient as the unit; adjusted by Holm over the facts.
        p_shape: Kolmogorov-Smirnov, beside it.
        n_cases_a, n_patients_a, n_missing_a: Cases (films) with a value, their patients, and those without one.
        n_cases_b, n_patients_b, n_missing_b: The same, internal.
        effective_cases, support: Of a reweighted error.
        method, test, reason: How it was made, or why it is missing.
    """

    part: str
    name: str
    place: str
    category: str
    measure: str
    unit: str
    cohort_a: str
    cohort_b: str
    split: str
    model: str
    metric: str
    operating_point: str
    value_a: float
    sd_a: float
    value_b: float
    sd_b: float
    reweighted: float
    value: float
    low: float
    high: float
    by_chance: float
    p: float
    p_adjusted: float
    p_shape: float
    n_cases_a: float
    n_patients_a: float
    n_missing_a: float
    n_cases_b: float
    n_patients_b: float
    n_missing_b: float
    effective_cases: float
    support: float
    method: str
    test: str
    reason: str


@dataclass(frozen=True, slots=True)
class DriftResult:
    """The table written, its rows, what the errors would be in words, and warnings, one sentence each."""

    run: Path
    table: Path
    rows: tuple[Drifted, ...]
    sentences: tuple[str, ...]
    warnings: tuple[str, ...]


def drift(
    *,
    run: Path | None = None,
    by: Sequence[str] = (),
    no_films: bool = False,
    threshold: float | None = None,
    threshold_method: Literal["smoothed", "empirical"] = "smoothed",
    positive: Sequence[str] = (),
    draws: int = 2000,
    seed: int = 0,
    workers: int = 0,
    progress: Progress | None = None,
) -> DriftResult:
    """Compare every external cohort with the internal one, and write ``tables/drift.csv``.

    Args:
        run: Run folder; default the newest complete one.
        by: Facts, crossings or bins as in ``stratify``; default age, sex, subtype, group, site, region, size, label.
        no_films: Leave the films unread.
        threshold: Decision: score >= threshold; default the checkpoint's, else from development rows.
        threshold_method: How Youden's threshold is chosen on development rows.
        positive: Labels that count as positive, instead of the checkpoint's.
        draws: Of the patient bootstrap, and the least number of permutations.
        seed: Of both.
        workers: Threads that read films; 0: one per core.
        progress: Told of films.

    Raises:
        InputError: No internal cohort or no other, an unknown fact, or a number out of its range.
        RunError: No run, a damaged one, or one that is not complete.
    """
    from robustkit.analysis.drift import DriftChoices, make_drift
    from robustkit.cohort.vocabulary import read_vocabulary
    from robustkit.config import read_config
    from robustkit.engine.equip import resolve_workers
    from robustkit.results.folder import RunFolder
    from robustkit.results.runs import newest_and_partial

    if threshold is not None and not 0 <= threshold <= 1:
        what = f"expected a score in 0..1, got {threshold:g}."
        raise InputError(what, where="--threshold", fix="Scores are in 0..1.")
    if draws < 100:
        raise InputError(f"expected at least 100 draws, got {draws}.", where="--draws", fix="Use --draws 2000.")
    threads = 0 if no_films else resolve_workers(workers)
    folder, newer = (RunFolder(run), None) if run else newest_and_partial(read_config(Path.cwd()).runs)
    choices = DriftChoices(tuple(by), threshold, threshold_method, tuple(positive), draws, seed, threads)
    found = make_drift(folder, read_vocabulary(), choices, progress=progress)
    said = () if newer is None else (f"the newest run, {newer.path.name}, is not complete; this is the one before it.",)
    fields = Drifted.__dataclass_fields__
    rows = tuple(Drifted(**{k: r[k] for k in fields}) for r in found.table.to_dict("records"))
    path = folder.write_table("drift", found.table)
    sentences = tuple(_sentence(r) for r in rows if r.part == "error" and r.value == r.value)
    return DriftResult(folder.path, path, rows, sentences, (*said, *found.warnings))


def _sentence(row: Drifted) -> str:
    interval = f" ({100 * row.low:+.1f} to {100 * row.high:+.1f})" if row.low == row.low else f" ({row.reason})"
    return (
        f"{row.model}, {row.cohort_a}: with the internal distribution of {row.name}, the share {SAID[row.metric]}, "
        f"{100 * row.value_a:.1f} %, would change by {100 * row.value:+.1f} percentage points{interval}; "
        f"{row.effective_cases:.0f} effective cases, support {row.support:.0%}."
    )


SAID = {
    "missed": "missed among positive cases",
    "missed_malignant": "missed among malignant cases",
    "missed_intermediate": "missed among intermediate cases",
    "false_alarm": "of false alarms among negative cases",
}
