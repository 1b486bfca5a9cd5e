"""drift: how external cohorts differ from the internal one."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer
from robustkit.cli import options
from robustkit.cli.progress import progress_bar
from robustkit.cli.show import as_json, grid, interval, note

if TYPE_CHECKING:
    from robustkit.api.drift import Drifted, DriftResult


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(drift)


def drift(
    run: Annotated[Path | None, typer.Argument(help="Run folder; default the newest complete one in runs/.")] = None,
    by: Annotated[
        list[str],
        typer.Option("--by", help="Fact: sex, view, age_years:30,60, ...; repeats. Default: age, sex, subtype, ..."),
    ] = [],  # noqa: B006
    no_films: Annotated[bool, typer.Option("--no-films", help="Leave the films unread.")] = False,
    threshold: Annotated[
        float | None, typer.Option("--threshold", help="Decision: score >= this. Default: the carried one.")
    ] = None,
    threshold_method: Annotated[
        Literal["smoothed", "empirical"],
        typer.Option("--threshold-method", help="How Youden's threshold is chosen on val rows."),
    ] = "smoothed",
    positive: Annotated[list[str], typer.Option("--positive", help="Labels that count as positive; repeats.")] = [],  # noqa: B006
    draws: Annotated[int, typer.Option("--draws", help="Draws of bootstrap and permutation.")] = 2000,
    seed: options.Seed = 0,
    workers: Annotated[int, typer.Option("--workers", help="Threads that read films; 0: one per core.")] = 0,
    json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """How do external cohorts differ from the internal one, in facts and films, and what would that change?

    Examples:

      robustkit drift

      robustkit drift runs/20260101T000000Z-0123abcd --no-films --by age --by sex
    """
    from robustkit.api.drift import drift as call

    with progress_bar(quiet=quiet or json) as told:
        result = call(
            run=run, by=by, no_films=no_films, threshold=threshold, threshold_method=threshold_method,
            positive=positive, draws=draws, seed=seed, workers=workers, progress=told,
        )  # fmt: skip
    if json:
        typer.echo(as_json(result))
        return
    for warning in result.warnings:
        note(f"note: {warning}", quiet=quiet)
    typer.echo(_summary(result))


def _summary(result: DriftResult) -> str:
    parts: list[str] = []
    for cohort in dict.fromkeys(r.cohort_a for r in result.rows):
        own = [r for r in result.rows if r.cohort_a == cohort]
        parts += _facts(cohort, [r for r in own if r.part == "facts" and r.measure == "smd"])
        parts += _films(cohort, [r for r in own if r.part == "films" and r.measure == "smd"], own)
        parts += _errors(cohort, [r for r in own if r.part == "error"])
    return "\n".join([*parts, f"Table: {result.table}"])


def _facts(cohort: str, rows: Sequence[Drifted]) -> list[str]:
    lines = [
        (
            r.name,
            _both(r),
            interval(r.value, r.low, r.high, r.reason),
            _number(r.by_chance),
            _p(r.p_adjusted),
            _cases(r),
        )
        for r in sorted(rows, key=_size)
    ]
    head = ("fact", f"{cohort} / internal", "standardised difference (95 %)", "by chance", "adjusted p", "patients")
    return [f"{cohort} against internal: facts (the patient is the unit of the tests)", grid(head, lines), ""]


def _films(cohort: str, rows: Sequence[Drifted], every: Sequence[Drifted]) -> list[str]:
    if not rows:
        return []
    delta = {(r.place, r.name): r for r in every if r.part == "films" and r.measure == "cliffs_delta"}
    lines = []
    for r in sorted(rows, key=_size):
        d = delta[(r.place, r.name)]
        effect = interval(r.value, r.low, r.high, r.reason)
        lines.append((r.place, r.name, _both(r), effect, interval(d.value, d.low, d.high, d.reason), _cases(r)))
    head = ("of", "measure", f"{cohort} / internal", "standardised difference (95 %)", "Cliff's delta", "patients")
    return [f"{cohort} against internal: films", grid(head, lines), ""]


def _errors(cohort: str, rows: Sequence[Drifted]) -> list[str]:
    lines = [
        (
            r.model, r.metric.replace("_", " "), r.name, _number(r.value_a), _number(r.value_b),
            interval(r.value, r.low, r.high, r.reason), _number(r.effective_cases, 0), _number(100 * r.support, 0) + " %",
        )
        for r in rows
    ]  # fmt: skip
    head = ("model", "error", "fact", cohort, "internal", "would change by (95 %)", "effective cases", "support")
    title = f"{cohort}: with the internal distribution of one fact, its error would change by"
    return [title, grid(head, lines), ""]


def _both(row: Drifted) -> str:
    if row.value_a != row.value_a and row.value_b != row.value_b:
        return ""
    return f"{row.value_a:.4g} / {row.value_b:.4g} {row.unit}".rstrip()


def _cases(row: Drifted) -> str:
    return f"{row.n_patients_a:.0f} / {row.n_patients_b:.0f}"


def _size(row: Drifted) -> float:
    """Largest first, those that are not estimable last."""
    return -abs(row.value) if row.value == row.value else 1.0


def _number(value: float, digits: int = 3) -> str:
    return f"{value:.{digits}f}" if value == value else ""


def _p(value: float) -> str:
    if value != value:
        return ""
    return "<0.001" if value < 0.001 else f"{value:.3f}"
