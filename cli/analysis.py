"""stratify, curves, compare: the commands that read predictions and ask no model."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer
from robustkit.cli import options
from robustkit.cli.show import as_json, grid, interval, note

if TYPE_CHECKING:
    from robustkit.api.compare import Compared
    from robustkit.api.stratify import StratifyResult

Run = Annotated[Path | None, typer.Argument(help="Run folder; default the newest complete one in runs/.")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command()(stratify)
    app.command()(curves)
    app.command()(compare)


def stratify(
    run: Run = None,
    by: Annotated[
        list[str],
        typer.Option(
            "--by", help="subtype, region, ..., region*size, age_years:30,60, size_mm:q4; repeats. Default: all."
        ),
    ] = [],  # noqa: B006
    threshold: Annotated[
        float | None, typer.Option("--threshold", help="Decision: score >= this. Default: the carried one.")
    ] = None,
    operating_point: Annotated[
        str | None,
        typer.Option(
            "--operating-point", help="youden, sensitivity=0.9, specificity=0.9 (on val rows), or a carried name."
        ),
    ] = None,
    threshold_method: Annotated[
        Literal["smoothed", "empirical"],
        typer.Option("--threshold-method", help="How Youden's threshold is chosen on val rows."),
    ] = "smoothed",
    unit: Annotated[
        Literal["case", "lesion", "patient"], typer.Option("--unit", help="What is counted; intervals are by patient.")
    ] = "case",
    positive: Annotated[list[str], typer.Option("--positive", help="Labels that count as positive; repeats.")] = [],  # noqa: B006
    prevalence: Annotated[
        float | None, typer.Option("--prevalence", help="Give PPV and NPV at this share of positives, e.g. 0.2.")
    ] = None,
    draws: Annotated[int, typer.Option("--draws", help="Draws of the patient bootstrap.")] = 2000,
    seed: options.Seed = 0,
    json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Where does it fail, and how stable is it? Writes all tables of a run.

    Examples:

      robustkit stratify

      robustkit stratify runs/20260101T000000Z-0123abcd --by subtype --by 'region*size'
    """
    from robustkit.api.stratify import stratify as call

    result = call(
        run=run, by=by, threshold=threshold, operating_point=operating_point, threshold_method=threshold_method, unit=unit,
        positive=positive, prevalence=prevalence, draws=draws, seed=seed,
    )  # fmt: skip
    if json:
        typer.echo(as_json(result))
        return
    for warning in result.warnings:
        note(f"note: {warning}", quiet=quiet)
    typer.echo(_summary(result))


def curves(
    run: Run = None,
    metric: Annotated[str | None, typer.Option("--metric", help="Only this metric: auc, flip_rate, ...")] = None,
    by: Annotated[str, typer.Option("--by", help="Variable of the stratum.")] = "all",
    stratum: Annotated[str, typer.Option("--stratum", help="Which stratum.")] = "all",
    json: options.Json = False,
) -> None:
    """The stability curves of a run: each metric over the level of the perturbation.

    Example:

      robustkit curves --metric flip_rate --by region --stratum axial
    """
    from robustkit.api.curves import curves as call

    result = call(run=run, metric=metric, by=by, stratum=stratum)
    if json:
        typer.echo(as_json(result))
        return
    rows = [
        (
            p.model,
            p.cohort,
            p.perturbation,
            f"{p.level:g}",
            p.metric,
            interval(p.value, p.low, p.high, p.reason),
            str(p.n_cases),
        )
        for p in result.points
    ]
    typer.echo(f"{result.run}, {by}={stratum}")
    typer.echo(grid(("model", "cohort", "perturbation", "level", "metric", "value (95 %)", "cases"), rows))


def compare(
    runs: Annotated[list[Path], typer.Argument(help="Run folders on the same cases; default the newest run.")] = [],  # noqa: B006
    by: Annotated[list[str], typer.Option("--by", help="Compare the strata of this variable as well; repeats.")] = [],  # noqa: B006
    auc: Annotated[
        Literal["delong", "bootstrap"], typer.Option("--auc", help="How differences of AUCs get interval and p.")
    ] = "delong",
    draws: Annotated[int, typer.Option("--draws", help="Draws of bootstrap and permutation.")] = 2000,
    seed: options.Seed = 0,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="CSV; default tables/comparisons.csv of the first run.")
    ] = None,
    json: options.Json = False,
) -> None:
    """Compare models on the same cases and boxes; differences are a minus b.

    Example:

      robustkit compare runs/first runs/second
      robustkit compare --by region --by size
    """
    from robustkit.api.compare import compare as call

    result = call(runs=runs, by=by, auc=auc, draws=draws, seed=seed, output=output)
    if json:
        typer.echo(as_json(result))
        return
    rows = [
        (
            f"{r.model_a} - {r.model_b}" if r.model_b else "all models", _place(r), f"{r.perturbation} {r.level:g}", r.metric,
            interval(r.diff, r.low, r.high, r.reason), _p(r.p), _p(r.p_adjusted), str(r.n_cases),
        )
        for r in result.rows
    ]  # fmt: skip
    typer.echo(grid(("models", "place", "condition", "metric", "difference (95 %)", "p", "adjusted", "cases"), rows))
    typer.echo(str(result.table))


def _place(row: Compared) -> str:
    return row.cohort if row.by == "all" else f"{row.cohort}, {row.by} = {row.stratum}"


def _summary(result: StratifyResult) -> str:
    heads: Sequence[tuple[str, ...]] = [
        (h.model, h.cohort, f"{h.perturbation} {h.level:g}" if h.level else h.perturbation, h.metric,
         interval(h.value, h.low, h.high, h.reason), f"{h.n_cases} / {h.n_patients}")
        for h in result.headlines
    ]  # fmt: skip
    worst: Sequence[tuple[str, ...]] = [
        (
            f.model,
            f.cohort,
            f"{f.by} = {f.stratum}",
            f.kind.replace("_", " "),
            f"{f.k:g} of {f.n_cases}",
            interval(f.rate, f.low, f.high, ""),
        )
        for f in result.failing
    ]
    parts = [
        *result.sentences,
        "",
        "How good and how stable",
        grid(("model", "cohort", "condition", "metric", "value (95 %)", "cases / patients"), heads),
        "",
        "Where it fails (nominal boxes; ordered by the lower bound, at least 5 patients)",
        grid(("model", "cohort", "stratum", "error", "count", "rate (95 %)"), worst)
        if worst
        else "no error in any stratum",
        "",
        *([result.enough_repeats] if result.enough_repeats else []),
        f"Tables: {result.tables[0].parent}. Next: robustkit report",
        str(result.run),
    ]
    return "\n".join(parts)


def _p(value: float) -> str:
    if value != value:
        return ""
    return "<0.001" if value < 0.001 else f"{value:.3f}"
