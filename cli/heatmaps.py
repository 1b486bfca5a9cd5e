"""heatmaps: where the models of a run look."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer
from robustkit.cli import options
from robustkit.cli.progress import progress_bar
from robustkit.cli.show import as_json, grid, interval, note

if TYPE_CHECKING:
    from robustkit.api.heatmaps import Check, Contrast, HeatmapsResult, Looked


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(heatmaps)


def heatmaps(
    run: Annotated[Path | None, typer.Argument(help="Run folder; default the newest complete one in runs/.")] = None,
    model: Annotated[
        list[str], typer.Option("--model", "-m", help="Name of a model of the run; repeats. Default: all.")
    ] = [],  # noqa: B006
    method: Annotated[
        str, typer.Option("--method", help="grad_cam, grad_cam_plus_plus, integrated_gradients or occlusion.")
    ] = "grad_cam",
    layer: Annotated[
        str | None, typer.Option("--layer", help="Module to look at; default the last map of features.")
    ] = None,
    target: Annotated[
        Literal["positive", "decision"],
        typer.Option("--target", help="Explain the logit of the positive classes, or of the decision made."),
    ] = "positive",
    margin: Annotated[
        float | None,
        typer.Option("--margin", help="Share of the box that crops show around it; default the model's own."),
    ] = None,
    repeats: Annotated[int, typer.Option("--repeats", help="Redrawn boxes per level with a map; 0: none.")] = 5,
    levels: Annotated[
        list[float], typer.Option("--levels", help="Level of the run's first perturbation; repeats. Default: all.")
    ] = [],  # noqa: B006
    border: Annotated[
        str,
        typer.Option(
            "--border", help="Width of the border zone on either side of a mask's outline: 15% of the box, or 5mm."
        ),
    ] = "15%",
    tolerance: Annotated[
        str, typer.Option("--tolerance", help="How far from the lesion the strongest place may be and still hit it.")
    ] = "15%",
    by: Annotated[list[str], typer.Option("--by", help="Variables as in stratify; repeats.")] = [],  # noqa: B006
    check_cases: Annotated[int, typer.Option("--check-cases", help="Cases of the sanity checks; 0: none.")] = 32,
    new: Annotated[bool, typer.Option("--new", help="Replace maps of this method that were made otherwise.")] = False,
    npz: Annotated[Path | None, typer.Option("--npz", help="Write all maps as arrays into this file.")] = None,
    png: Annotated[Path | None, typer.Option("--png", help="Write pictures of example cases into this folder.")] = None,
    draws: Annotated[int, typer.Option("--draws", help="Draws of the patient bootstrap.")] = 2000,
    seed: Annotated[int, typer.Option("--seed", help="Of draws, examples and checks.")] = 0,
    device: options.Device = "auto",
    batch_size: Annotated[str, typer.Option("--batch-size", help="auto or a number.")] = "auto",
    workers: options.Workers = 0,
    trust_code: options.TrustCode = False,
    json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Where does each model look, does the map hold still, and is it a map of the model at all?

    Maps that are there already are kept: the same command goes on, or makes the tables anew.

    Examples:

      robustkit heatmaps

      robustkit heatmaps runs/20260101T000000Z-0123abcd --margin 0.5 --border 5mm --png pictures

      robustkit heatmaps --method occlusion --repeats 0 --npz maps.npz
    """
    from robustkit.api.heatmaps import heatmaps as call

    with progress_bar(quiet=quiet or json) as told:
        result = call(
            run=run, model=model, method=method, layer=layer, target=target, margin=margin, repeats=repeats, levels=levels,
            border=border, tolerance=tolerance, by=by, check_cases=check_cases, new=new, npz=npz, png=png, draws=draws,
            seed=seed, device=device, batch_size=batch_size, workers=workers, trust_code=trust_code, progress=told,
        )  # fmt: skip
    if json:
        typer.echo(as_json(result))
        return
    for warning in result.warnings:
        note(f"note: {warning}", quiet=quiet)
    typer.echo(_summary(result))


def _summary(result: HeatmapsResult) -> str:
    parts = []
    for one in result.models:
        cells = f", {one.cells[0]} x {one.cells[1]} cells" if one.layer else ""
        parts.append(
            f"{one.model}: {result.folder.name} of {one.layer or 'the pixels'}{cells}, margin {one.margin:g}, {one.n_cases} cases"
        )
    parts += ["", _measures(result.measures), "", _contrasts(result.contrasts)]
    if result.checks:
        parts += ["", _checks(result.checks)]
    parts += ["", f"Maps: {result.folder}", *(f"Table: {t}" for t in result.tables)]
    if result.exported:
        parts.append(f"Written: {len(result.exported)} files, the first {result.exported[0]}")
    return "\n".join(parts)


def _measures(rows: Sequence[Looked]) -> str:
    lines = [
        (
            r.model, r.cohort, r.measure, f"{r.perturbation} {r.level:g}" if r.level else "",
            interval(r.value, r.low, r.high, r.reason), _number(r.uniform), _number(r.mean_map), str(r.n_cases),
        )
        for r in rows
    ]  # fmt: skip
    head = ("model", "cohort", "measure", "at", "mean (95 %)", "uniform map", "mean map", "cases")
    return grid(head, lines)


def _contrasts(rows: Sequence[Contrast]) -> str:
    wanted = [r for r in rows if r.a == "correct" and r.diff == r.diff]
    lines = [
        (
            r.model, r.cohort, r.measure, f"adjusted for {r.adjusted}" if r.adjusted else "crude",
            interval(r.diff, r.low, r.high, r.reason), _p(r.p), str(r.n_cases),
        )
        for r in wanted
    ]  # fmt: skip
    if not lines:
        return "Correct against wrong answers: not estimable (heatmap_contrasts.csv says why)."
    head = ("model", "cohort", "measure", "correct minus wrong", "difference (95 %)", "p", "cases")
    return grid(head, lines)


def _checks(rows: Sequence[Check]) -> str:
    lines = [
        (
            r.model, r.check, r.stage, interval(r.value, r.low, r.high, r.reason), _number(r.expected),
            interval(r.diff, r.diff_low, r.diff_high, r.reason) if r.check != "randomised weights" else "", str(r.n_cases),
        )
        for r in rows
    ]  # fmt: skip
    head = ("model", "check", "down to", "value (95 %)", "mean map / shuffled map", "difference (95 %)", "cases")
    return grid(head, lines)


def _number(value: float) -> str:
    return f"{value:.3f}" if value == value else ""


def _p(value: float) -> str:
    return "" if value != value else "<0.001" if value < 0.001 else f"{value:.3f}"
