"""slices: conjunctions of facts in which a model fails, or moves, more than in anything wider."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from robustkit.cli import options
from robustkit.cli.show import as_json, grid, interval, note

if TYPE_CHECKING:
    from robustkit.api.slices import Searched, SlicesResult, Tested

HEAD = (
    "slice", "verdict", "value (95 %)", "cases / patients", "best parent", "difference (95 %)", "p (Holm)",
    "searched half", "BH there",
)  # fmt: skip


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(slices)


def slices(
    run: Annotated[Path | None, typer.Argument(help="Run folder; default the newest complete one in runs/.")] = None,
    by: Annotated[
        list[str], typer.Option("--by", help="Facts to combine: subtype, region, any column; repeats. Default: all.")
    ] = [],  # noqa: B006
    metric: Annotated[
        list[str],
        typer.Option(
            "--metric", help="missed, false_alarm, wrong, flip_rate or rank_sd; repeats. Default: all but rank_sd."
        ),
    ] = [],  # noqa: B006
    depth: Annotated[int, typer.Option("--depth", help="Facts in a conjunction, 1 to 3.")] = 3,
    min_cases: Annotated[int, typer.Option("--min-cases", help="Cases of a slice; half of them in each half.")] = 20,
    min_patients: Annotated[int, typer.Option("--min-patients", help="Patients of a slice, likewise.")] = 10,
    cohort: Annotated[str, typer.Option("--cohort", help="Search in this cohort: all, internal, external ...")] = "all",
    threshold: Annotated[
        float | None, typer.Option("--threshold", help="Decision: score >= this. Default: the carried one.")
    ] = None,
    positive: Annotated[list[str], typer.Option("--positive", help="Labels that count as positive; repeats.")] = [],  # noqa: B006
    draws: Annotated[int, typer.Option("--draws", help="Draws of the patient bootstrap.")] = 2000,
    seed: Annotated[int, typer.Option("--seed", help="Of the split in halves and of the draws.")] = 0,
    json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Where does it fail that nobody named? Facts combined, found on half of the patients, tested on the others.

    Examples:

      robustkit slices

      robustkit slices runs/20260101T000000Z-0123abcd --metric missed --by subtype --by region --by size
    """
    from robustkit.api.slices import slices as call

    result = call(
        run=run, by=by, metric=metric, depth=depth, min_cases=min_cases, min_patients=min_patients, cohort=cohort,
        threshold=threshold, positive=positive, draws=draws, seed=seed,
    )  # fmt: skip
    if json:
        typer.echo(as_json(result))
        return
    for warning in result.warnings:
        note(f"note: {warning}", quiet=quiet)
    typer.echo("\n".join(_lines(result)))


def _lines(result: SlicesResult) -> Iterator[str]:
    a, b = result.searched, result.confirmed_on
    yield f"Searched on {a.patients} patients ({a.cases} cases), tested on {b.patients} others ({b.cases} cases), seed {result.seed}."
    yield "Values, intervals and p are those of the tested half; confirmed: above every parent there (Holm over the proposed)."
    yield "BH: false discovery rate on the searched half, over all slices that were tried there."
    for search in result.searches:
        yield ""
        yield from _search(search)
    yield ""
    yield "Exploratory: no hypothesis named these slices beforehand. Each metric is a family of its own."
    yield f"All slices: {result.table}"


def _search(s: Searched) -> Iterator[str]:
    moved = f" at {s.perturbation} {s.level:g}" if s.level else ""
    title = f"{s.model}, {s.metric.replace('_', ' ')}{moved}, cohort {s.cohort}"
    if s.reason:
        yield f"{title}: not searched: {s.reason}"
        return
    yield f"{title}: {interval(s.value, s.low, s.high, '')} of {s.n_cases} cases"
    yield (
        f"{s.n_tried} slices tried ({s.n_too_small} more too small), {s.n_proposed} proposed, {s.n_confirmed} confirmed"
    )
    if s.tested:
        yield grid(HEAD, [_row(t) for t in s.tested])
    if not s.n_confirmed:
        yield "no slice is shown to be above every parent"


def _row(t: Tested) -> tuple[str, ...]:
    within = f" (within {t.under})" if t.under else ""
    folded = f" (+{t.folded} within it)" if t.folded else ""
    return (
        f"{t.slice}{folded}{within}", t.verdict, interval(t.value, t.low, t.high, t.reason),
        f"{t.n_cases} / {t.n_patients}", f"{t.parent} {t.parent_value:.3f}",
        interval(t.diff, t.diff_low, t.diff_high, ""), _p(t.p_adjusted), f"{t.search_value:.3f}", _p(t.search_p_adjusted),
    )  # fmt: skip


def _p(value: float) -> str:
    return "<0.001" if value < 0.001 else f"{value:.3f}"
