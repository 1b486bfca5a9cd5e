"""train: from a manifest to a checkpoint."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from robustkit.cli import options
from robustkit.cli.progress import progress_bar
from robustkit.cli.set_option import SetAfterManifest
from robustkit.cli.show import as_json, note


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(cls=SetAfterManifest)(train)


def train(
    manifest: options.Manifests = [],  # noqa: B006
    fill: options.Fill = [],  # noqa: B006
    output: Annotated[
        Path, typer.Option("--output", "-o", help="The checkpoint (safetensors, whatever its name).")
    ] = Path("ckpt.pt"),
    arch: Annotated[str, typer.Option("--arch", help="timm's name of the architecture.")] = "resnet10t",
    weights: Annotated[
        Path | None, typer.Option("--weights", help="Begin from this checkpoint; default from scratch.")
    ] = None,
    input_size: Annotated[int, typer.Option("--input-size", help="Side of the input in px.")] = 64,
    kernel: Annotated[str, typer.Option("--kernel", help="Resize kernel.")] = "bilinear",
    scaling: Annotated[str, typer.Option("--scaling", help="Named scaling of grey levels.")] = "imagenet",
    margin: Annotated[
        float, typer.Option("--margin", help="Grow the box by this share of its sides on each side.")
    ] = 0.25,
    fit: Annotated[str, typer.Option("--fit", help="stretch or square.")] = "stretch",
    positive: Annotated[
        str | None, typer.Option("--positive", help="Positive labels, with commas; default non-benign ones.")
    ] = None,
    epochs: Annotated[int, typer.Option("--epochs", help="At most.")] = 25,
    patience: Annotated[int, typer.Option("--patience", help="Epochs without a better validation AUC.")] = 10,
    batch_size: Annotated[int, typer.Option("--batch-size", help="Cases per step.")] = 32,
    learning_rate: Annotated[float, typer.Option("--learning-rate", help="Of AdamW, at the top of the cosine.")] = 2e-3,
    jitter: Annotated[
        float, typer.Option("--jitter", help="Boxes move and scale by up to this share, anew each epoch.")
    ] = 0.1,
    seed: options.Seed = 0,
    device: options.Device = "auto",
    workers: options.Workers = 0,
    json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Train a timm network on rows with split=train; rows with split=val stop it and choose the threshold.

    Examples:

      robustkit train

      robustkit train --manifest cases.csv --arch resnet18 --input-size 224 -o resnet18.pt
    """
    from robustkit.api.train import train as call

    given = {k: v for k, v in locals().items() if k not in ("call", "json", "quiet")}
    with progress_bar(quiet=quiet or json) as progress:
        say = None if quiet or json or progress else note
        result = call(**given, progress=progress, say=say)
    if json:
        typer.echo(as_json(result))
        return
    for warning in result.warnings:
        note(f"note: {warning}", quiet=quiet)
    note(
        f"{result.arch}: {result.n_train} training and {result.n_val} validation cases, best epoch {result.best_epoch + 1} of "
        f"{result.epochs}, validation AUC {result.best_val_auc:.3f} (chosen on these rows), threshold {result.threshold:.3f}, "
        f"{result.seconds:.0f} s",
        quiet=quiet,
    )
    typer.echo(str(result.path))
