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
    arch: Annotated[
        str | None, typer.Option("--arch", help="timm's name; default that of the weights, else resnet10t.")
    ] = None,
    weights: Annotated[
        str | None, typer.Option("--weights", help="Begin from this file, or imagenet: timm's; default from scratch.")
    ] = None,
    input_size: Annotated[
        int | None,
        typer.Option("--input-size", help="Side of the input in px; default the weights' own, 64 from scratch."),
    ] = None,
    kernel: Annotated[
        str | None, typer.Option("--kernel", help="Resize kernel; default the weights' own, bilinear from scratch.")
    ] = None,
    scaling: Annotated[
        str | None,
        typer.Option(
            "--scaling", help="Named scaling of grey levels; default the weights' own, imagenet from scratch."
        ),
    ] = None,
    margin: Annotated[
        float, typer.Option("--margin", help="Grow the box by this share of its sides on each side.")
    ] = 0.25,
    fit: Annotated[str, typer.Option("--fit", help="stretch or square.")] = "stretch",
    positive: Annotated[
        str | None, typer.Option("--positive", help="Positive labels, with commas; default non-benign ones.")
    ] = None,
    multiclass: Annotated[
        bool, typer.Option("--multiclass", help="One class for each label, with softmax, instead of two.")
    ] = False,
    classes_from: Annotated[
        str, typer.Option("--classes-from", help="With --multiclass: the column whose values are the classes.")
    ] = "label",
    allow_external: Annotated[
        bool, typer.Option("--allow-external", help="Learn from rows of cohort=external; the checkpoint records it.")
    ] = False,
    epochs: Annotated[int, typer.Option("--epochs", help="At most.")] = 25,
    patience: Annotated[int, typer.Option("--patience", help="Epochs without a better validation AUC.")] = 10,
    batch_size: Annotated[int, typer.Option("--batch-size", help="Cases per forward.")] = 32,
    accumulate: Annotated[
        int, typer.Option("--accumulate", help="Forwards whose gradients make one step: a larger batch in less memory.")
    ] = 1,
    learning_rate: Annotated[
        float | None, typer.Option("--learning-rate", help="At its top; default 2e-3 from scratch, 1e-4 from weights.")
    ] = None,
    weight_decay: Annotated[float, typer.Option("--weight-decay", help="Of the optimiser.")] = 0.02,
    optimiser: Annotated[str, typer.Option("--optimiser", help="adamw or adam.")] = "adamw",
    schedule: Annotated[
        str, typer.Option("--schedule", help="cosine, or plateau: down where the validation AUC stands still.")
    ] = "cosine",
    loss: Annotated[str, typer.Option("--loss", help="cross-entropy or focal.")] = "cross-entropy",
    gamma: Annotated[float, typer.Option("--gamma", help="Of the focal loss.")] = 2.0,
    no_class_weights: Annotated[
        bool, typer.Option("--no-class-weights", help="Let every case weigh the same, instead of every class.")
    ] = False,
    precision: Annotated[str, typer.Option("--precision", help="fp32, or mixed with bf16 or fp16 (CUDA).")] = "fp32",
    jitter: Annotated[
        float, typer.Option("--jitter", help="Boxes move and scale by up to this share, anew each epoch.")
    ] = 0.1,
    curves: Annotated[
        Path | None, typer.Option("--curves", help="Write the learning curve: .csv, .json, or a page, .html.")
    ] = None,
    seed: options.Seed = 0,
    device: options.Device = "auto",
    workers: options.Workers = 0,
    json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Train a network on rows with split=train; rows with split=val stop it and choose the threshold.

    After a kill the same command goes on, and ends with the same weights.

    Examples:

      robustkit train

      robustkit train --manifest cases.csv --weights RadImageNet/ResNet50.pt -o resnet50.pt

      robustkit train --manifest cases.csv --arch inception_v3 --weights imagenet --curves curves.html

      robustkit train --manifest cases.csv --multiclass --classes-from subtype
    """
    from robustkit.api.train import train as call

    given = {k: v for k, v in locals().items() if k not in ("call", "json", "quiet")}
    with progress_bar(quiet=quiet or json) as progress:
        say = None if quiet or json else note
        result = call(**given, progress=progress, say=say)
    if json:
        typer.echo(as_json(result))
        return
    note(
        f"{result.arch}, {result.lineage.removeprefix('robustkit train, ')}: {result.n_train} training and {result.n_val} "
        f"validation cases, best epoch {result.best_epoch + 1} of {result.epochs}, validation AUC {result.best_val_auc:.3f} "
        f"(chosen on these rows), threshold {result.threshold:.3f}, {result.seconds:.0f} s",
        quiet=quiet,
    )
    typer.echo(str(result.path))
