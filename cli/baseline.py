"""baseline: models without a network, fitted and written as files that `perturb` takes."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer
from robustkit.cli import options
from robustkit.cli.progress import progress_bar
from robustkit.cli.set_option import SetAfterManifest
from robustkit.cli.show import as_json, grid, note

if TYPE_CHECKING:
    from robustkit.api._baseline import BaselineResult

baseline = typer.Typer(
    help="Models without a network: radiomics, clinical facts, or an image model's score with facts.",
    no_args_is_help=True,
)

Output = Annotated[Path, typer.Option("--output", "-o", help="The model file (JSON); `perturb --model` takes it.")]
Facts = Annotated[
    list[str],
    typer.Option(
        "--facts", help="Names with commas. Default: those of age_years, sex, region and size that are there."
    ),
]
Knots = Annotated[int, typer.Option("--knots", help="Of the splines of numbers, 3 to 7; 0: straight lines.")]
AllowMissing = Annotated[
    bool, typer.Option("--allow-missing", help="Stand in for a fact that a whole cohort lacks, instead of refusing.")
]
Labels = Annotated[
    str | None, typer.Option("--positive", help="Positive labels, with commas; default non-benign ones.")
]
Page = Annotated[Path | None, typer.Option("--figure", help="Write the nomogram to this HTML page.")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.add_typer(baseline, name="baseline")


@baseline.command("radiomics", cls=SetAfterManifest)
def baseline_radiomics(
    manifest: options.Manifests = [],  # noqa: B006
    fill: options.Fill = [],  # noqa: B006
    output: Output = Path("radiomics.json"),
    area: Annotated[
        Literal["auto", "box", "mask"],
        typer.Option("--area", help="What is measured; auto: the mask where every row names one, else the box."),
    ] = "auto",
    spacing_mm: Annotated[
        float | None, typer.Option("--spacing-mm", help="Resample films of known spacing to it; default not.")
    ] = None,
    normalise: Annotated[
        Literal["none", "film", "box"],
        typer.Option("--normalise", help="Grey levels as sd from the mean of film or lesion."),
    ] = "film",
    discretisation: Annotated[
        Literal["count", "width"], typer.Option("--discretisation", help="A number of levels, or levels of a width.")
    ] = "count",
    bins: Annotated[int, typer.Option("--bins", help="Levels, with count.")] = 32,
    bin_width: Annotated[
        float, typer.Option("--bin-width", help="With width: in sd, or in grey levels where not normalised.")
    ] = 0.25,
    families: Annotated[list[str], typer.Option("--families", help="Of features, with commas; default all.")] = [],  # noqa: B006
    min_icc: Annotated[
        float, typer.Option("--min-icc", help="Leave out features that are less stable over redrawn boxes; 0: none.")
    ] = 0.75,
    icc_shift: Annotated[float, typer.Option("--icc-shift", help="How far these boxes are shifted, in sides.")] = 0.1,
    icc_repeats: Annotated[int, typer.Option("--icc-repeats", help="How many for each training case.")] = 10,
    max_correlation: Annotated[
        float, typer.Option("--max-correlation", help="Of two features alike the less stable is left out; 1: none.")
    ] = 0.95,
    folds: Annotated[int, typer.Option("--folds", help="Of the nested cross-validation; patients whole.")] = 5,
    positive: Labels = None,
    seed: options.Seed = 0,
    workers: options.Workers = 0,
    json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Fit an elastic net on features of the lesion, rows with split=train; nested cross-validation says how good it is.

    Examples:

      robustkit baseline radiomics --manifest cases.csv -o radiomics.json

      robustkit baseline radiomics --manifest cases.csv --spacing-mm 0.2 --min-icc 0.9 --area box
    """
    from robustkit.api.baseline_radiomics import baseline_radiomics as call

    given = {k: v for k, v in locals().items() if k not in ("call", "json", "quiet")}
    with progress_bar(quiet=quiet or json) as progress:
        result = call(**given, progress=progress)
    _tell(result, json=json, quiet=quiet)


@baseline.command("clinical", cls=SetAfterManifest)
def baseline_clinical(
    manifest: options.Manifests = [],  # noqa: B006
    fill: options.Fill = [],  # noqa: B006
    output: Output = Path("clinical.json"),
    facts: Facts = [],  # noqa: B006
    knots: Knots = 4,
    allow_missing: AllowMissing = False,
    positive: Labels = None,
    figure: Page = None,
    seed: options.Seed = 0,
    workers: options.Workers = 0,
    json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Fit a logistic regression on facts of the cases, rows with split=train; rows with split=val give the threshold.

    Examples:

      robustkit baseline clinical --manifest cases.csv --facts age_years,sex,site,size_mm

      robustkit baseline clinical --manifest cases.csv --figure nomogram.html -o clinical.json
    """
    from robustkit.api.baseline_clinical import baseline_clinical as call

    given = {k: v for k, v in locals().items() if k not in ("call", "json", "quiet")}
    with progress_bar(quiet=quiet or json) as progress:
        result = call(**given, progress=progress)
    _tell(result, json=json, quiet=quiet)


@baseline.command("combined", cls=SetAfterManifest)
def baseline_combined(
    model: options.Models = [],  # noqa: B006
    manifest: options.Manifests = [],  # noqa: B006
    fill: options.Fill = [],  # noqa: B006
    output: Output = Path("combined.json"),
    facts: Facts = [],  # noqa: B006
    knots: Knots = 0,
    allow_missing: AllowMissing = False,
    positive: Labels = None,
    figure: Page = None,
    seed: options.Seed = 0,
    device: options.Device = "auto",
    workers: options.Workers = 0,
    json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Fit an image model's score and facts together, rows with split=val; of several models the best there is taken.

    Examples:

      robustkit baseline combined --model resnet50.pt --manifest cases.csv --facts age_years,sex

      robustkit baseline combined --model a.pt --model b.pt --manifest cases.csv --figure nomogram.html
    """
    from robustkit.api.baseline_combined import baseline_combined as call

    given = {k: v for k, v in locals().items() if k not in ("call", "json", "quiet")}
    with progress_bar(quiet=quiet or json) as progress:
        result = call(**given, progress=progress)
    _tell(result, json=json, quiet=quiet)


def _tell(result: BaselineResult, *, json: bool, quiet: bool) -> None:
    if json:
        typer.echo(as_json(result))
        return
    for said in result.notes:
        note(said, quiet=quiet)
    for warning in result.warnings:
        note(f"note: {warning}", quiet=quiet)
    if result.coefficients:
        rows = [
            (c.fact, c.column, f"{c.value:+.3f}", _between(c.low, c.high, "+.3f") or c.reason)
            for c in result.coefficients
        ]
        note(grid(("fact", "column", "log-odds", "95 % interval"), rows), quiet=quiet)
    found = [
        (e.metric, e.rows, f"{e.value:.3f}" if e.value == e.value else "", _between(e.low, e.high, ".3f") or e.reason, f"{e.n_cases}")
        for e in result.estimates
    ]  # fmt: skip
    note(grid(("metric", "rows", "value", "95 % interval", "cases"), found), quiet=quiet)
    weights = "features" if result.kind == "radiomics" else "columns"
    threshold = f"threshold {result.threshold:.3f}" if result.threshold == result.threshold else "no threshold"
    note(
        f"{result.kind}: fitted on {result.n_fitted} cases, {result.n_features} {weights}, {threshold}, {result.seconds:.0f} s",
        quiet=quiet,
    )
    if result.figure is not None:
        note(f"nomogram: {result.figure}", quiet=quiet)
    typer.echo(str(result.path))


def _between(low: float, high: float, form: str) -> str:
    return f"{low:{form}} to {high:{form}}" if low == low else ""
