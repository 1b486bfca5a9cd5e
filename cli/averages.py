"""ensemble and box-average: models whose answer is a mean."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

import typer
from robustkit.cli import options
from robustkit.cli.show import as_json, note

Mean = Annotated[Literal["probabilities", "logits"], typer.Option("--mean", help="What is averaged.")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command()(ensemble)
    app.command("box-average")(box_average)


def ensemble(
    checkpoints: Annotated[list[str], typer.Argument(help="Two or more model files.", show_default=False)],
    output: Annotated[Path, typer.Option("--output", "-o", help="The model file (JSON).")] = Path("ensemble.json"),
    mean: Mean = "probabilities",
    arch: options.Arch = None,
    input_size: options.InputSize = None,
    kernel: options.Kernel = None,
    scaling: options.Scaling = None,
    margin: options.Margin = None,
    fit: options.Fit = None,
    channels: options.Channels = None,
    classes: options.Classes = None,
    positive: options.Positive = None,
    outputs: options.Outputs = None,
    trust_code: options.TrustCode = False,
    json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Write a model file whose answer is the mean of several models' answers.

    The checkpoints stay where they are; the file names them and how they are read. Judge it like any model.

    Examples:

      robustkit ensemble seed1.pt seed2.pt seed3.pt -o mean.json

      robustkit perturb --model mean.json --model seed1.pt --shifts 0.1
    """
    from robustkit.api.ensemble import ensemble as call

    given = {k: v for k, v in locals().items() if k not in ("call", "json", "quiet")}
    _tell(call(**given), is_json=json, quiet=quiet)


def box_average(
    checkpoint: Annotated[str, typer.Argument(help="Model file.", show_default=False)],
    output: Annotated[Path, typer.Option("--output", "-o", help="The model file (JSON).")] = Path("box-average.json"),
    k: Annotated[int, typer.Option("--k", help="Boxes; a run takes about k times as long.")] = 9,
    level: Annotated[float, typer.Option("--level", help="How far they are redrawn, in sides of the box.")] = 0.1,
    perturbation: Annotated[
        str, typer.Option("--perturbation", help="How: shift, or another perturbation by name.")
    ] = "shift",
    seed: Annotated[int, typer.Option("--seed", help="Of these boxes; perturb's own draws are others.")] = 0,
    mean: Mean = "probabilities",
    arch: options.Arch = None,
    input_size: options.InputSize = None,
    kernel: options.Kernel = None,
    scaling: options.Scaling = None,
    margin: options.Margin = None,
    fit: options.Fit = None,
    channels: options.Channels = None,
    classes: options.Classes = None,
    positive: options.Positive = None,
    outputs: options.Outputs = None,
    trust_code: options.TrustCode = False,
    json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Write a model file that asks a model about k redrawn boxes each time and answers with the mean.

    Run it beside the model itself to see how much stability it buys.

    Examples:

      robustkit box-average ckpt.pt --k 9 --level 0.1 -o averaged.json

      robustkit perturb --model ckpt.pt --model averaged.json --shifts 0.1
    """
    from robustkit.api.box_average import box_average as call

    given = {k_: v for k_, v in locals().items() if k_ not in ("call", "json", "quiet")}
    _tell(call(**given), is_json=json, quiet=quiet)


def _tell(result: Any, *, is_json: bool, quiet: bool) -> None:
    if is_json:
        typer.echo(as_json(result))
        return
    for sentence in result.assumed:
        note(f"note: assumed: {sentence}", quiet=quiet)
    made = f"{result.kind} of {', '.join(result.members)}: mean of {result.mean}, classes {', '.join(result.classes)}"
    note(f"{made}, positive {', '.join(result.positive)}. Next: robustkit perturb --model {result.path}", quiet=quiet)
    typer.echo(str(result.path))
