"""perturb, evaluate, replay, demo: the commands that ask a model."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer
from robustkit.cli import options
from robustkit.cli.progress import progress_bar
from robustkit.cli.set_option import SetAfterManifest
from robustkit.cli.show import as_json, note

if TYPE_CHECKING:
    from robustkit.api._outcome import Expectation, PerturbResult


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command(cls=SetAfterManifest)(perturb)
    app.command(cls=SetAfterManifest)(evaluate)
    app.command()(replay)
    app.command()(demo)


def perturb(
    model: options.Models = [],  # noqa: B006
    manifest: options.Manifests = [],  # noqa: B006
    fill: options.Fill = [],  # noqa: B006
    shifts: Annotated[
        list[str], typer.Option("--shifts", help="Levels in box sides: 0.1 or 0.05,0.1,0.2; repeats.")
    ] = [],  # noqa: B006
    perturb: Annotated[
        list[str], typer.Option("--perturb", help="KIND=LEVELS: shift, scale, aspect, edges; repeats.")
    ] = [],  # noqa: B006
    preset: Annotated[str | None, typer.Option("--preset", help="reader: shift and edges at 0.05 and 0.1.")] = None,
    units: Annotated[Literal["side", "px", "mm"], typer.Option("--units", help="What a level counts in.")] = "side",
    repeats: Annotated[int, typer.Option("--repeats", help="Redrawn boxes per case and level.")] = 50,
    sampler: Annotated[
        Literal["random", "sobol"], typer.Option("--sampler", help="sobol: means over repeats vary much less.")
    ] = "random",
    until: Annotated[
        float | None, typer.Option("--until", help="Go on until the Monte-Carlo error of scores and AUC is under this.")
    ] = None,
    max_repeats: Annotated[int, typer.Option("--max-repeats", help="Where --until gives up.")] = 1600,
    seed: options.Seed = 0,
    snap: Annotated[
        Literal["auto", "whole", "none"], typer.Option("--snap", help="Boxes in whole pixels, or as drawn.")
    ] = "auto",
    border: Annotated[
        Literal["inside", "clip", "pad"], typer.Option("--border", help="What happens to a box at the film's edge.")
    ] = "inside",
    splits: options.Splits = [],  # noqa: B006
    device: options.Device = "auto",
    backend: options.Backend = "auto",
    precision: options.Precision = None,
    batch_size: options.BatchSize = "auto",
    workers: options.Workers = 0,
    crops: Annotated[str, typer.Option("--crops", help="Crop maker: auto, pillow or gemm.")] = "auto",
    depth: Annotated[
        Literal["8", "float"], typer.Option("--depth", help="Films as 8 bit, or deeper ones as float.")
    ] = "8",
    allow_truncated: options.AllowTruncated = False,
    allow_seen: options.AllowSeen = False,
    no_images: options.NoThumbnails = False,
    hash_ids: options.HashIds = False,
    hash_key: options.HashKey = None,
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
    out: options.Out = None,
    new: Annotated[bool, typer.Option("--new", help="Start another run though a finished one is there.")] = False,
    resume: Annotated[Path | None, typer.Option("--resume", help="Go on with this run folder.")] = None,
    executor: Annotated[
        Literal["serial", "dask"], typer.Option("--executor", help="serial: this machine, all its GPUs; dask: workers.")
    ] = "serial",
    scheduler: Annotated[
        str | None, typer.Option("--scheduler", help="Of dask: its address, or local:N for N workers here.")
    ] = None,
    part_rows: Annotated[
        int, typer.Option("--part-rows", help="Rows per model in one part: what a kill can lose; 0: chosen.")
    ] = 0,
    plan: Annotated[bool, typer.Option("--plan", help="Tell the crops and the time expected, and stop.")] = False,
    json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Judge models under repeated random box perturbations; keeps every answer in a run folder.

    The last line of stdout is the run folder. The same command goes on after a kill.

    Examples:

      robustkit perturb --model ckpt.pt --shifts 0.1 --repeats 50

      robustkit perturb --model a=a.pt --model b=b.pt --manifest cases.csv --shifts 0.05,0.1,0.2

      robustkit perturb --model ckpt.pt --shifts 0.1 --sampler sobol --until 0.005

      robustkit perturb --model ckpt.pt --preset reader --plan
    """
    from robustkit.api.perturb import perturb as call

    given = {k: v for k, v in locals().items() if k not in ("call", "json", "quiet")}
    with progress_bar(quiet=quiet or json) as progress:
        result = call(**given, command=_command(), progress=progress)
    _show(result, json=json, quiet=quiet)


def evaluate(
    model: options.Models = [],  # noqa: B006
    manifest: options.Manifests = [],  # noqa: B006
    fill: options.Fill = [],  # noqa: B006
    seed: options.Seed = 0,
    snap: Annotated[
        Literal["auto", "whole", "none"], typer.Option("--snap", help="Boxes in whole pixels, or as drawn.")
    ] = "auto",
    border: Annotated[
        Literal["inside", "clip", "pad"], typer.Option("--border", help="What happens to a box at the film's edge.")
    ] = "inside",
    splits: options.Splits = [],  # noqa: B006
    device: options.Device = "auto",
    backend: options.Backend = "auto",
    precision: options.Precision = None,
    batch_size: options.BatchSize = "auto",
    workers: options.Workers = 0,
    allow_truncated: options.AllowTruncated = False,
    allow_seen: options.AllowSeen = False,
    no_images: options.NoThumbnails = False,
    hash_ids: options.HashIds = False,
    hash_key: options.HashKey = None,
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
    out: options.Out = None,
    json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Judge models on the nominal boxes alone, and write all tables.

    Example:

      robustkit evaluate --model ckpt.pt --manifest cases.csv
    """
    from robustkit.api.evaluate import evaluate as call

    given = {k: v for k, v in locals().items() if k not in ("call", "json", "quiet")}
    with progress_bar(quiet=quiet or json) as progress:
        result = call(**given, command=_command(), progress=progress)
    _show(result, json=json, quiet=quiet)


def replay(
    run: Annotated[Path | None, typer.Argument(help="Run folder; default the newest.")] = None,
    case: Annotated[str, typer.Option("--case", help="case_id.", show_default=False)] = "",
    repeat: Annotated[int, typer.Option("--repeat", help="Which of the repeats.")] = 0,
    perturbation: Annotated[
        str | None, typer.Option("--perturbation", help="Default: the run's first; nominal is one too.")
    ] = None,
    level: Annotated[float | None, typer.Option("--level", help="Default: the first level.")] = None,
    model: Annotated[str | None, typer.Option("--model", help="Name of the model; default the first.")] = None,
    member: Annotated[
        str | None, typer.Option("--member", help="Of an ensemble: whose crop; default the first network's.")
    ] = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="PNG file of the crop; default <case>-<repeat>.png.")
    ] = None,
    json: options.Json = False,
) -> None:
    """Show one crop of a run again: the film, the box, what the model saw, and its stored score.

    Example:

      robustkit replay --case P0001-1 --repeat 17
    """
    from robustkit.api.replay import replay as call

    given = {k: v for k, v in locals().items() if k not in ("call", "json")}
    result = call(**given)
    typer.echo(as_json(result) if json else "\n".join(result.lines()))


def demo(
    out: Annotated[Path, typer.Option("--out", help="Folder for checkpoint, run and report.")] = Path("demo"),
    quiet: options.Quiet = False,
) -> None:
    """See the whole thing work on simulated films: train, perturb, stratify, report.

    Example:

      robustkit demo
    """
    from robustkit.api.demo import demo as call

    with progress_bar(quiet=quiet) as progress:
        result = call(out=out, progress=progress, say=lambda text: note(text, quiet=quiet))
    typer.echo(str(result.report))


def _command() -> list[str]:
    return ["robustkit", *sys.argv[1:]]


def _show(result: PerturbResult, *, json: bool, quiet: bool) -> None:
    if json:
        typer.echo(as_json(result))
    elif result.expectation is not None:
        typer.echo(_expectation(result.expectation))
    else:
        for warning in result.warnings:
            note(f"note: {warning}", quiet=quiet)
        for failure in result.failures[:10]:
            note(f"failed: {failure}", quiet=quiet)
        if len(result.failures) > 10:
            note(f"failed: and {len(result.failures) - 10} more (status and reason in predictions)", quiet=quiet)
        for trial in (t for t in result.trials if t["error"] is not None):
            note(_trial(trial), quiet=quiet)
        note(_summary(result), quiet=quiet)
        typer.echo(str(result.run))
    if result.n_failed:
        raise typer.Exit(3)


def _trial(trial: Mapping[str, Any]) -> str:
    return (
        f"{trial['model']}: {trial['backend']} {trial['precision']} is within {trial['error']:.1e} of eager fp32 "
        f"on {trial['n_crops']} crops (allowed {trial['tolerance']:g})"
    )


def _summary(result: PerturbResult) -> str:
    if result.is_partial:
        return f"This process's share is done in {result.seconds:.1f} s; others are still at work."
    cases = f"{result.n_ok} cases answered, {result.n_failed} failed"
    if result.was_complete:
        return f"This run was complete already ({cases}); --new starts another."
    speed = f", {result.rows_per_s:,.0f} answers/s" if result.rows_per_s == result.rows_per_s else ""
    return f"{cases} in {result.seconds:.1f} s{speed}. Next: robustkit stratify"


def _expectation(e: Expectation) -> str:
    lines = [
        f"{e.n_cases} cases x {e.n_conditions} boxes x {len(e.models)} models: {e.answers:,} answers",
        *(f"{name}: about {n:,} crops (equal boxes are computed once)" for name, n in e.crops.items()),
        f"about {_duration(e.seconds)} of the models' time on this machine",
    ]
    if e.run is not None:
        lines.append(f"goes on in {e.run}")
    return "\n".join(lines)


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
