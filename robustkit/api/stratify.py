"""stratify: every table of a run, without a model."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from robustkit.errors import InputError

if TYPE_CHECKING:
    from pandas import DataFrame

    from robustkit.analysis.tables import Tables


@dataclass(frozen=True, slots=True)
class Headline:
    """One line of the summary."""

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
    reason: str


@dataclass(frozen=True, slots=True)
class Failing:
    """One row of the table of errors that are worst."""

    model: str
    cohort: str
    by: str
    stratum: str
    kind: str
    k: float
    n_cases: int
    rate: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class StratifyResult:
    """What was written, and what stands out.

    Attributes:
        run: The run folder.
        tables: Paths of the tables.
        sentences: Model by model: how good, how stable, where it fails.
        headlines: AUC, sensitivity, specificity, flip rate of the whole cohorts.
        failing: Strata with the highest error rates (at least 5 patients).
        enough_repeats: One line: from how many repeats on the Monte-Carlo error is a tenth of the standard error.
        warnings: One sentence each.
    """

    run: Path
    tables: tuple[Path, ...]
    sentences: tuple[str, ...]
    headlines: tuple[Headline, ...]
    failing: tuple[Failing, ...]
    enough_repeats: str
    warnings: tuple[str, ...]


def stratify(
    *,
    run: Path | None = None,
    by: Sequence[str] = (),
    threshold: float | None = None,
    operating_point: str | None = None,
    threshold_method: Literal["smoothed", "empirical"] = "smoothed",
    unit: Literal["case", "lesion", "patient"] = "case",
    positive: Sequence[str] = (),
    prevalence: float | None = None,
    draws: int = 2000,
    seed: int = 0,
) -> StratifyResult:
    """Break errors and stability of a run down by facts, and write all tables.

    Args:
        run: Run folder; default the newest complete one.
        by: Variables, crossings such as ``region*size``, or bins such as ``age_years:30,60`` and ``size_mm:q4``;
            default every stratifier that says something.
        threshold: Decision: score >= threshold; default the checkpoint's, else from development rows.
        operating_point: ``youden``, ``sensitivity=0.9``, ``specificity=0.9`` (chosen on development rows), or the name of
            one in the checkpoint; default the carried one, else Youden's.
        threshold_method: How Youden's threshold is chosen on development rows.
        unit: What is counted; the interval is by patient whatever the unit.
        positive: Labels that count as positive, instead of the checkpoint's.
        prevalence: Share of positives at which PPV and NPV are given; without it they are left out.
        draws: Of the patient bootstrap.
        seed: Of its draws.

    Raises:
        InputError: No row left to judge, unknown variable, or a number out of its range.
        RunError: No run, a damaged one, or one that is not complete.
    """
    from robustkit.analysis.tables import Choices, make_tables
    from robustkit.cohort.vocabulary import read_vocabulary
    from robustkit.collector import collected_later
    from robustkit.config import read_config
    from robustkit.report.sentences import model_sentences
    from robustkit.results.folder import RunFolder
    from robustkit.results.runs import newest_and_partial
    from robustkit.stats.processes import done_in_processes

    _check(threshold, prevalence, draws)
    if threshold is not None and operating_point is not None:
        what = "both a threshold and an operating point were given."
        raise InputError(what, where="--operating-point", fix="Give one of them.")
    folder, newer = (RunFolder(run), None) if run else newest_and_partial(read_config(Path.cwd()).runs)
    choices = Choices(
        tuple(by), threshold, threshold_method, unit, tuple(positive), prevalence, draws, seed, operating_point
    )
    flags = {"unit": unit, "draws": draws, "seed": seed, "by": list(by), "prevalence": prevalence}
    with collected_later():
        tables = make_tables(folder, read_vocabulary(), choices, write=folder.write_table)
        record = _with_choices(folder.record(), tables, flags)
        telling = [partial(model_sentences, record, tables.frames, m["name"]) for m in record["models"]]
        sentences = done_in_processes(telling)
        folder.write_record(record)
    said = () if newer is None else (f"the newest run, {newer.path.name}, is not complete; this is the one before it.",)
    strata, errors = tables.frames["strata"], tables.frames["errors"]
    spoken = [(m["name"], s) for m, own in zip(record["models"], sentences, strict=True) for s in own]
    return StratifyResult(
        run=folder.path,
        tables=tuple(folder.table_file(name) for name in tables.frames),
        sentences=tuple(f"{name}, {s.question[0].lower()}{s.question[1:]}: {s.text}" for name, s in spoken),
        headlines=_headlines(strata),
        failing=_failing(errors),
        enough_repeats=_enough(strata),
        warnings=(*said, *tables.warnings),
    )


def _check(threshold: float | None, prevalence: float | None, draws: int) -> None:
    if threshold is not None and not 0 <= threshold <= 1:
        what = f"expected a score in 0..1, got {threshold:g}."
        raise InputError(what, where="--threshold", fix="Scores are in 0..1.")
    if prevalence is not None and not 0 < prevalence < 1:
        what = f"expected a share between 0 and 1, got {prevalence:g}."
        raise InputError(what, where="--prevalence", fix="Give the share of positives where the model is used.")
    if draws < 100:
        raise InputError(f"expected at least 100 draws, got {draws}.", where="--draws", fix="Use --draws 2000.")


def _with_choices(record: dict[str, Any], tables: Tables, flags: dict[str, Any]) -> dict[str, Any]:
    """Give run.json with thresholds, flags and warnings."""
    thresholds = [
        {
            "model": t.model, "operating_point": t.operating_point, "value": t.value, "source": t.source, "n": t.n,
            "n_positive": t.n_positive, "low": _or_none(t.low), "high": _or_none(t.high),
        }
        for t in tables.thresholds
    ]  # fmt: skip
    return record | {"thresholds": thresholds, "stratify": {**flags, "warnings": list(tables.warnings)}}


def _or_none(value: float) -> float | None:
    """JSON has no NaN."""
    return value if value == value else None


def _headlines(strata: DataFrame) -> tuple[Headline, ...]:
    wanted = ("auc", "sensitivity", "specificity", "flip_rate")
    rows = strata[(strata["by"] == "all") & strata["metric"].isin(wanted)]
    return tuple(Headline(*row) for row in _plain(rows, Headline))


def _failing(errors: DataFrame) -> tuple[Failing, ...]:
    rows = errors[(errors["by"] != "all") & (errors["perturbation"] == "nominal") & errors["rate"].notna()]
    rows = rows[rows["kind"].isin(["missed", "false_alarm"]) & (rows["k"] > 0)]
    # strata of the same cases are told in the table's order, whatever the last digit of their bounds
    worst = rows[["low", "rate"]].round(12).sort_values(["low", "rate"], ascending=False, kind="stable").index
    first = rows.loc[worst].groupby("model", sort=False).head(8)
    return tuple(Failing(*row) for row in _plain(first, Failing))


def _plain(rows: DataFrame, kind: type) -> Iterator[tuple[Any, ...]]:
    """Give rows as plain values in the order of a dataclass's fields."""
    return zip(*(rows[f.name].tolist() for f in fields(kind)), strict=True)


def _enough(strata: DataFrame) -> str:
    """Repeats at which the Monte-Carlo error is a tenth of the standard error: mc_se^2 R / (0.1 se)^2."""
    rows = strata[(strata["by"] == "all") & (strata["metric"] == "auc") & (strata["repeats"] > 1)]
    rows = rows[rows["se"].gt(0) & rows["mc_se"].notna()]
    if rows.empty:
        return ""
    needed = (rows["repeats"] * (rows["mc_se"] / (0.1 * rows["se"])) ** 2).max()
    have = int(rows["repeats"].max())
    verdict = "enough" if needed <= have else "too few"
    said = f"{have} repeats are {verdict}: from {max(1, round(needed))} on,"
    return f"{said} the repeats' error is a tenth of the standard error of every AUC."
