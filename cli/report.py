"""report: one offline HTML page."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from robustkit.cli import options
from robustkit.cli.show import as_json, note


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(report)


def report(
    runs: Annotated[list[Path], typer.Argument(help="Run folder; default the newest complete one.")] = [],  # noqa: B006
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="HTML file; default report.html in the run folder.")
    ] = None,
    no_images: Annotated[bool, typer.Option("--no-images", help="Leave films of patients out.")] = False,
    least_stable: Annotated[int, typer.Option("--least-stable", help="Cases per model shown with their films.")] = 6,
    json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Write one HTML page that can be mailed and archived: nothing in it asks the network.

    Example:

      robustkit report
    """
    from robustkit.api.report import report as call

    result = call(runs=runs, output=output, no_images=no_images, least_stable=least_stable)
    if json:
        typer.echo(as_json(result))
        return
    note(f"{result.size_bytes / 1e6:.1f} MB; opens in any browser, without a network", quiet=quiet)
    typer.echo(str(result.path))
