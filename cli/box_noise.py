"""box-noise: how far readers' boxes lie apart."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from robustkit.cli import options
from robustkit.cli.show import as_json, grid, interval

SAID = {
    "shift": "level of shift that scatters as one reader does",
    "scale": "level of scale",
    "aspect": "level of aspect",
    "iou": "overlap (IoU) of two readers' boxes",
    "bias_x": "first reader to the right by, in sides",
    "bias_y": "first reader lower by, in sides",
    "bias_size": "first reader's sides over the second's",
}


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(name="box-noise")(box_noise)


def box_noise(
    boxes: Annotated[
        list[Path], typer.Option("--boxes", help="CSV with case_id, x0, y0, x1, y1 (reader, patient_id); repeats.")
    ] = [],  # noqa: B006
    run: Annotated[Path | None, typer.Option("--run", help="Run folder whose curves are read at that level.")] = None,
    draws: Annotated[int, typer.Option("--draws", help="Draws of the patient bootstrap.")] = 2000,
    seed: options.Seed = 0,
    json: options.Json = False,
) -> None:
    """Estimate how far readers' boxes of the same lesions lie apart, as the level of a perturbation.

    Example:

      robustkit box-noise --boxes first.csv --boxes second.csv --run runs/newest
    """
    from robustkit.api.box_noise import box_noise as call

    result = call(boxes=boxes, run=run, draws=draws, seed=seed)
    if json:
        typer.echo(as_json(result))
        return
    first = result.measures[0]
    left = f", {result.left_out} lesions of one reader alone left out" if result.left_out else ""
    typer.echo(f"{len(result.readers)} readers ({', '.join(result.readers)}), {first.n_lesions} pairs of boxes of {first.n_patients} patients{left}")  # noqa: E501  # fmt: skip
    rows = [(SAID[m.name], interval(m.value, m.low, m.high, m.reason)) for m in result.measures]
    typer.echo(grid(("measure", "value (95 %)"), rows))
    if result.models:
        typer.echo("")
        typer.echo(f"At that shift ({first.value:.3g} of a side), read between the tested levels")
        at = [(m.model, m.cohort, m.metric, interval(m.value, m.low, m.high, m.reason)) for m in result.models]
        typer.echo(grid(("model", "cohort", "metric", "value (95 %)"), at))
    typer.echo("")
    typer.echo(f"To judge a model at it: {result.command}")
