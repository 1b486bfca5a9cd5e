"""stratify: every table of a run, without a model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from robustkit.errors import InputError


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
        headlines: AUC, sensitivity, specificity, flip rate of the whole cohorts.
        failing: Strata with the highest error rates (at least 5 patients).
        enough_repeats: One line: from how many repeats on the Monte-Carlo error is a tenth of the standard error.
        warnings: One sentence each.
    """

    run: Path
    tables: tuple[Path, ...]
    headlines: tuple[Headline, ...]
    failing: tuple[Failing, ...]
    enough_repeats: str
    warnings: tuple[str, ...]


def stratify(
    *,
    run: Path | None = None,
    by: Sequence[str] = (),
    threshold: float | None = None,
    threshold_method: Literal["smoothed", "empirical"] = "smoothed",
    unit: Literal["case", "lesion", "patient"] = "case",
    positive: Sequence[str] = (),
    draws: int = 2000,
    seed: int = 0,
) -> StratifyResult:
    """Break errors and stability of a run down by facts, and write all tables.

    Args:
        run: Run folder; default the newest complete one.
        by: Variables, or crossings such as ``region*size``; default every stratifier that says something.
        threshold: Decision: score >= threshold; default the checkpoint's, else from development rows.
        threshold_method: How Youden's threshold is chosen on development rows.
        unit: What is counted; the interval is by patient whatever the unit.
        positive: Labels that count as positive, instead of the checkpoint's.
        draws: Of the patient bootstrap.
        seed: Of its draws.

    Raises:
        InputError: No row left to judge, unknown variable, or a threshold that is no score.
        RunError: No run, or a damaged one.
    """
    from robustkit.analysis.tables import Choices, make_tables
    from robustkit.cohort.vocabulary import read_vocabulary
    from robustkit.config import read_config
    from robustkit.results.folder import RunFolder
    from robustkit.results.runs import newest_run

    if threshold is not None and not 0 <= threshold <= 1:
        raise InputError(
            f"expected a score in 0..1, got {threshold:g}.", where="--threshold", fix="Scores are in 0..1."
        )
    if draws < 100:
        raise InputError(f"expected at least 100 draws, got {draws}.", where="--draws", fix="Use --draws 2000.")
    folder = RunFolder(run) if run else newest_run(read_config(Path.cwd()).runs)
    choices = Choices(tuple(by), threshold, threshold_method, unit, tuple(positive), draws, seed)
    tables = make_tables(folder, read_vocabulary(), choices)
    paths = tuple(folder.write_table(name, frame) for name, frame in tables.frames.items())
    record = folder.record()
    record["thresholds"] = [
        {
            "model": t.model, "operating_point": t.operating_point, "value": t.value, "source": t.source, "n": t.n,
            "n_positive": t.n_positive,
        }
        for t in tables.thresholds
    ]  # fmt: skip
    record["stratify"] = {"unit": unit, "draws": draws, "seed": seed, "by": list(by), "warnings": list(tables.warnings)}
    folder.write_record(record)
    strata, errors = tables.frames["strata"], tables.frames["errors"]
    return StratifyResult(
        run=folder.path,
        tables=paths,
        headlines=_headlines(strata),
        failing=_failing(errors),
        enough_repeats=_enough(strata),
        warnings=tables.warnings,
    )


def _headlines(strata):  # type: ignore[no-untyped-def]  # pandas has no types here
    wanted = ("auc", "sensitivity", "specificity", "flip_rate")
    rows = strata[(strata["by"] == "all") & strata["metric"].isin(wanted)]
    fields = Headline.__dataclass_fields__
    return tuple(Headline(**{k: row[k] for k in fields}) for row in rows.to_dict("records"))


def _failing(errors):  # type: ignore[no-untyped-def]
    rows = errors[(errors["by"] != "all") & (errors["perturbation"] == "nominal") & errors["rate"].notna()]
    rows = rows[rows["kind"].isin(["missed", "false_alarm"]) & (rows["k"] > 0)]
    first = rows.sort_values(["low", "rate"], ascending=False, kind="stable").groupby("model", sort=False).head(8)
    fields = Failing.__dataclass_fields__
    return tuple(Failing(**{k: row[k] for k in fields}) for row in first.to_dict("records"))


def _enough(strata) -> str:  # type: ignore[no-untyped-def]
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
