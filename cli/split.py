"""split: the command."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from robustkit.cli import options
from robustkit.cli.show import as_json, grid, note

if TYPE_CHECKING:
    from robustkit.api.split import SplitResult


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(split)


def split(
    manifest: Annotated[Path, typer.Argument(help="CSV or Parquet; it gets the column split.")],
    shares: Annotated[str, typer.Option("--shares", help="Percent of cases for train, val and test.")] = "60/20/20",
    by: Annotated[
        list[str], typer.Option("--by", help="Column dealt in proportion; repeats. Default: the label.")
    ] = [],  # noqa: B006
    group: Annotated[str, typer.Option("--group", help="Column whose values are never divided.")] = "patient_id",
    cohort: Annotated[
        str | None, typer.Option("--cohort", help="That is split; default internal, or the only one.")
    ] = None,
    seed: Annotated[int, typer.Option("--seed", help="Of the order.")] = 0,
    new: Annotated[bool, typer.Option("--new", help="Deal anew where there are splits already.")] = False,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Another file in the same folder; default the manifest.")
    ] = None,
    json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Deal a cohort into train, val and test: patients and films whole, labels in proportion.

    Examples:

      robustkit split manifest.csv

      robustkit split manifest.csv --shares 70/15/15 --by label --by subtype --group case_group -o split.csv
    """
    from robustkit.api.split import split as call

    result = call(
        manifest=manifest, shares=shares, by=by, group=group, cohort=cohort, seed=seed, new=new, output=output
    )
    if json:
        typer.echo(as_json(result))
        return
    for warning in result.warnings:
        note(f"note: {warning}", quiet=quiet)
    typer.echo(_summary(result))


def _summary(result: SplitResult) -> str:
    lines = [(p.label, p.split, f"{p.n_cases}", f"{p.n_patients}", f"{p.share:.1%}") for p in result.parts]
    left = f"; {result.n_left} cases of other cohorts stay without a split" if result.n_left else ""
    return (
        f"{grid(('label', 'split', 'cases', 'patients', 'share'), lines)}\n"
        f"{result.n_groups} groups of cases were kept together{left}.\n{result.path}"
    )
