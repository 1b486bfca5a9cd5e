"""readers analyse: what readers gained from the model, each of them and all together, and for which cases."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from robustkit.errors import InputError

if TYPE_CHECKING:
    from pandas import DataFrame

    from robustkit.analysis.readings import Readings

SCALE = "0-100"
WASHOUT_DAYS = 28.0
"""Where no study says otherwise."""


@dataclass(frozen=True, slots=True)
class ReaderResult:
    """One row of readers.csv about a whole cohort.

    Attributes:
        analysis, reader_id, cohort, metric: Which one.
        arm_a, arm_b, value_a, value_b: The two that are compared.
        diff, low, high, p: a minus b, 95 % interval, p.
        null_rate: Share of simulated studies without a difference that the test rejects; NaN where none were simulated.
        method, n_cases, n_patients, reason: How, on what, and what a reader must know.
    """

    analysis: str
    reader_id: str
    cohort: str
    metric: str
    arm_a: str
    arm_b: str
    value_a: float
    value_b: float
    diff: float
    low: float
    high: float
    p: float
    null_rate: float
    method: str
    n_cases: int
    n_patients: int
    reason: str


@dataclass(frozen=True, slots=True)
class ReadersResult:
    """A reader study, analysed.

    Attributes:
        table: readers.csv.
        page: Its figures and tables for people.
        rows: Of whole cohorts.
        readers, arms: Names.
        n_readings, n_practice: Rows that count, and rows for practice.
        model: Whose answers were joined; "" where no run was given.
        cut: A rating at or above it calls the case positive.
        warnings: One sentence each.
    """

    table: Path
    page: Path
    rows: tuple[ReaderResult, ...]
    readers: tuple[str, ...]
    arms: tuple[str, str]
    n_readings: int
    n_practice: int
    model: str
    cut: float
    warnings: tuple[str, ...]


def readers_analyse(
    *,
    readings: Sequence[Path] = (),
    run: Path | None = None,
    manifest: Sequence[Path] = (),
    study: Path | None = None,
    model: str | None = None,
    by: Sequence[str] = (),
    positive: Sequence[str] = (),
    cut: float | None = None,
    scale: str | None = None,
    washout_days: float | None = None,
    draws: int = 2000,
    seed: int = 0,
    out: Path | None = None,
) -> ReadersResult:
    """Check readings, compare every reader and all of them unaided and aided, and ask whom the model helped.

    Args:
        readings: CSV or JSON files: ``reader_id, arm, score`` and ``case_id`` or the ``code`` of a pack; also
            ``decision, read_at, seconds, label, patient_id, cohort``.
        run: The run whose cases were read: truth, patients, cohorts, strata, and the model's answers.
        manifest: Without a run, where truth and facts come from.
        study: Folder that ``readers pack`` wrote; default ``readers`` in the run, where there is one.
        model: Of the run; default the one that the packs showed.
        by: Variables as in ``stratify``; default all that say something.
        positive: Labels that count as positive, instead of the models'.
        cut: A rating at or above it calls the case positive; default the middle of the scale.
        scale: Ends of the rating, ``0-100``; default the study's.
        washout_days: Least days between a reader's two readings of a case; default the study's, else 28; 0: not checked.
        draws: Of the patient bootstrap.
        seed: Of bootstrap and permutations.
        out: Folder for readers.csv and readers.html; default ``tables`` of the run, else the folder of the readings.

    Raises:
        InputError: A flag out of its range, a file that cannot be read, or packs of another run.
        ReadingsError: Rows with faults; all of them are named.
        RunError: A damaged run.
    """
    from robustkit.analysis.readers import ReadChoices, readers_table
    from robustkit.api._reader_study import open_readings
    from robustkit.atomic import replacing, write_text
    from robustkit.report.readers_page import readers_page

    if draws < 100:
        raise InputError(f"expected at least 100 draws, got {draws}.", where="--draws", fix="Use --draws 2000.")
    read = open_readings(
        readings,
        run=run,
        manifest=manifest,
        study=study,
        model=model,
        positive=positive,
        scale=scale,
        washout_days=washout_days,
    )
    found, cases, at = read.readings, read.cases, _cut(cut, read.scale)
    truth = cases.truth(by=by, draws=draws, seed=seed)
    table = readers_table(found, truth, ReadChoices(at, read.scale))
    said = [*found.warnings, *cases.judged.warnings, *_about(table, found, read.settings, run)]
    folder = out or (run / "tables" if run else readings[0].parent)
    path, page = folder / "readers.csv", (out or (run if run else readings[0].parent)) / "readers.html"
    with replacing(path) as temporary:
        table.to_csv(temporary, index=False, lineterminator="\n")
    write_text(page, readers_page(table, is_simulated=cases.is_simulated, model=cases.model, said=said))
    return ReadersResult(
        table=path, page=page, rows=_whole(table), readers=found.readers, arms=found.arms, n_readings=len(found.frame),
        n_practice=found.n_practice, model=cases.model, cut=at, warnings=tuple(said),
    )  # fmt: skip


def _cut(cut: float | None, ends: tuple[float, float]) -> float:
    at = sum(ends) / 2 if cut is None else cut
    if not ends[0] < at <= ends[1]:
        what = f"expected a rating above {ends[0]:g} and up to {ends[1]:g}, got {at:g}."
        raise InputError(what, where="--cut", fix=f"The middle of the scale is {sum(ends) / 2:g}.")
    return at


def _about(table: DataFrame, found: Readings, settings: Mapping[str, Any], run: Path | None) -> list[str]:
    """Say what a reader of the table must know."""
    from robustkit.stats.multireader import FEW_READERS

    said = []
    n = len(found.readers)
    if n < FEW_READERS:
        rates = table.loc[table["method"].str.contains("random readers"), "null_rate"].dropna()
        rate = (
            f"; where nothing differs, the test for other readers rejects {rates.max():.1%} of studies instead of 5 %"
        )
        who = "one reader supports" if n == 1 else f"{n} readers support"
        said.append(f"{who} conclusions about these readers only{rate if len(rates) else ''}.")
    if settings.get("design") == "sequential":
        said.append("sequential design: the aided reading is always the second; order and aid cannot be told apart.")
    if run is None:
        said.append("no run was given: nothing is said of the model, nor whether help depends on its stability.")
    return said


def _whole(table: DataFrame) -> tuple[ReaderResult, ...]:
    rows: list[dict[str, Any]] = table[table["by"] == "all"].to_dict("records")
    fields = ReaderResult.__dataclass_fields__
    for row in rows:
        row.update(n_cases=int(row["n_cases"]), n_patients=int(row["n_patients"]))
    return tuple(ReaderResult(**{k: row[k] for k in fields}) for row in rows)
