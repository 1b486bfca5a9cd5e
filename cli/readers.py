"""readers: packs for a reader study, and what comes back."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer
from robustkit.cli import options
from robustkit.cli.progress import progress_bar
from robustkit.cli.show import as_json, grid, note

if TYPE_CHECKING:
    from robustkit.api.readers_analyse import ReadersResult
    from robustkit.api.readers_pack import PackResult
    from robustkit.api.readers_plan import PlanResult

readers = typer.Typer(help="A reader study: packs for radiologists, without and with the model.", no_args_is_help=True)

Run = Annotated[
    Path | None, typer.Option("--run", help="The run whose cases were read: truth, strata, the model's answers.")
]
Manifests = Annotated[
    list[Path], typer.Option("--manifest", help="Without a run: where truth and facts come from; repeats.")
]
Study = Annotated[
    Path | None, typer.Option("--study", help="Folder that `readers pack` wrote; default readers/ in the run.")
]
Positive = Annotated[
    list[str], typer.Option("--positive", help="Label that counts as positive; repeats. Default: the models'.")
]
Scale = Annotated[str | None, typer.Option("--scale", help="Ends of the rating; default the study's, 0-100.")]
Washout = Annotated[
    float | None,
    typer.Option("--washout-days", help="Least days between two readings of a case; default the study's, 28; 0: any."),
]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.add_typer(readers, name="readers")


@readers.command("pack")
def readers_pack(
    run: Annotated[Path | None, typer.Argument(help="Run folder; default the newest complete one in runs/.")] = None,
    reader: Annotated[
        list[str], typer.Option("--reader", help="Name of a reader; repeats. Default: reader-1, ...")
    ] = [],  # noqa: B006
    readers: Annotated[int, typer.Option("--readers", help="How many where none is named.")] = 2,
    model: Annotated[
        str | None, typer.Option("--model", "-m", help="Whose answers the aided arm shows; default the first.")
    ] = None,
    design: Annotated[
        Literal["crossover", "sequential"], typer.Option("--design", help="sequential: all unaided, then all aided.")
    ] = "crossover",
    n: Annotated[int, typer.Option("--n", help="Cases to be read.")] = 100,
    by: Annotated[
        list[str], typer.Option("--by", help="Fact whose strata are drawn in proportion, beside the truth; repeats.")
    ] = [],  # noqa: B006
    practice: Annotated[int, typer.Option("--practice", help="Cases shown first that are not counted.")] = 3,
    facts: Annotated[
        list[str],
        typer.Option("--facts", help="Clinical fact shown in both arms; repeats. Default: age, sex, site, view."),
    ] = [],  # noqa: B006
    scale: Annotated[Literal["0-100", "1-5"], typer.Option("--scale", help="Of the rating.")] = "0-100",
    question: Annotated[
        str, typer.Option("--question", help="Asked of every case.")
    ] = "How suspicious is the lesion in the box?",
    washout_days: Annotated[int, typer.Option("--washout-days", help="Least days between a case's two readings.")] = 28,
    film_px: Annotated[int, typer.Option("--film-px", help="Longer side of the films in the packs.")] = 1400,
    no_heatmaps: Annotated[bool, typer.Option("--no-heatmaps", help="Leave heatmaps out of the aided arm.")] = False,
    out: Annotated[Path | None, typer.Option("--out", help="Folder of the study; default readers/ in the run.")] = None,
    seed: Annotated[int, typer.Option("--seed", help="Of sample, halves, orders and codes.")] = 0,
    json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Write one offline page for each reader, session and arm; the key stays apart from them.

    Examples:

      robustkit readers pack --reader r1 --reader r2 --n 80

      robustkit readers pack RUN --design sequential --by size --scale 1-5 --out study
    """
    from robustkit.api.readers_pack import readers_pack as call

    with progress_bar(quiet=quiet or json) as told:
        result = call(
            run=run, reader=reader, readers=readers, model=model, design=design, n=n, by=by, practice=practice, facts=facts,
            scale=scale, question=question, washout_days=washout_days, film_px=film_px, no_heatmaps=no_heatmaps, out=out,
            seed=seed, progress=told,
        )  # fmt: skip
    if json:
        typer.echo(as_json(result))
        return
    for warning in result.warnings:
        note(f"note: {warning}", quiet=quiet)
    typer.echo(_summary(result))


def _summary(result: PackResult) -> str:
    lines = [
        (p.reader, str(p.session), p.arm, f"{p.n_cases} + {p.n_practice}", f"{p.bytes / 1e6:.1f} MB", str(p.file))
        for p in result.packs
    ]
    table = grid(("reader", "session", "arm", "cases + practice", "size", "page"), lines)
    return (
        f"{table}\nModel of the aided arm: {result.model}\nKey (not for readers): {result.key}\n"
        "Each page works without a network; its results are saved from the page as CSV or JSON."
    )


@readers.command("analyse")
def readers_analyse(
    readings: Annotated[
        list[Path], typer.Argument(help="CSV or JSON files that readers saved; several are read together.")
    ] = [],  # noqa: B006
    run: Run = None,
    manifest: Manifests = [],  # noqa: B006
    study: Study = None,
    model: Annotated[
        str | None, typer.Option("--model", "-m", help="Of the run; default the one that the packs showed.")
    ] = None,
    by: Annotated[
        list[str], typer.Option("--by", help="Variable as in `stratify`; repeats. Default: all that say something.")
    ] = [],  # noqa: B006
    positive: Positive = [],  # noqa: B006
    cut: Annotated[
        float | None, typer.Option("--cut", help="A rating at or above it is positive; default the scale's middle.")
    ] = None,
    scale: Scale = None,
    washout_days: Washout = None,
    draws: Annotated[int, typer.Option("--draws", help="Of the patient bootstrap.")] = 2000,
    seed: Annotated[int, typer.Option("--seed", help="Of bootstrap and permutations.")] = 0,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="Folder for readers.csv and readers.html; default the run.")
    ] = None,
    json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Say what every reader gained from the model, what all of them did, and whether a steady model helps more.

    Examples:

      robustkit readers analyse r1.csv r2.csv --run RUN

      robustkit readers analyse readings.csv --manifest test.csv --scale 1-5 --cut 4 --out study
    """
    from robustkit.api.readers_analyse import readers_analyse as call

    result = call(
        readings=readings, run=run, manifest=manifest, study=study, model=model, by=by, positive=positive, cut=cut, scale=scale,
        washout_days=washout_days, draws=draws, seed=seed, out=out,
    )  # fmt: skip
    if json:
        typer.echo(as_json(result))
        return
    for warning in result.warnings:
        note(f"note: {warning}", quiet=quiet)
    typer.echo(_gained(result))


def _gained(result: ReadersResult) -> str:
    shown = [r for r in result.rows if r.analysis in ("per reader", "all readers") and r.diff == r.diff]
    lines = [
        (
            r.reader_id, r.cohort, r.metric, _short(r.value_a), _short(r.value_b),
            f"{r.diff:+.3f} ({r.low:+.3f} to {r.high:+.3f})" if r.low == r.low else f"{r.diff:+.3f}",
            f"{r.p:.3f}" if r.p == r.p else "", f"{100 * r.null_rate:.1f} %" if r.null_rate == r.null_rate else "",
            r.method.removeprefix("Obuchowski-Rockette, ") if r.analysis == "all readers" else "",
        )
        for r in shown
    ]  # fmt: skip
    head = ("reader", "cohort", "metric", *result.arms, "difference", "p", "null", "taken as")
    n = f"{result.n_readings} readings of {len(result.readers)} readers ({result.n_practice} for practice left out)"
    return (
        f"{grid(head, lines)}\n{n}; positive from {result.cut:g} on. null: how often this test rejects at 5 % where nothing "
        f"differs, simulated.\n{result.table}\n{result.page}"
    )


def _short(value: float) -> str:
    return f"{value:.3f}" if value == value else ""


@readers.command("plan")
def readers_plan(
    readings: Annotated[
        list[Path], typer.Argument(help="Readings of a pilot; CSV or JSON files that readers saved.")
    ] = [],  # noqa: B006
    difference: Annotated[float, typer.Option("--difference", help="In mean AUC, that is to be found.")] = 0.05,
    readers: Annotated[
        list[int], typer.Option("--readers", help="Number of readers to plan for; repeats. Default: 3 to 20.")
    ] = [],  # noqa: B006
    power: Annotated[float, typer.Option("--power", help="Wanted chance of finding it.")] = 0.8,
    run: Run = None,
    manifest: Manifests = [],  # noqa: B006
    study: Study = None,
    positive: Positive = [],  # noqa: B006
    scale: Scale = None,
    washout_days: Washout = None,
    json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Say how many readers and cases a study needs to find a difference, from a pilot.

    Examples:

      robustkit readers plan pilot.csv --run RUN --difference 0.05

      robustkit readers plan pilot.csv --manifest test.csv --readers 6 --readers 10 --power 0.9
    """
    from robustkit.api.readers_plan import readers_plan as call

    result = call(
        readings=readings, difference=difference, readers=readers, power=power, run=run, manifest=manifest, study=study,
        positive=positive, scale=scale, washout_days=washout_days,
    )  # fmt: skip
    if json:
        typer.echo(as_json(result))
        return
    for warning in result.warnings:
        note(f"note: {warning}", quiet=quiet)
    typer.echo(_planned(result))


def _planned(result: PlanResult) -> str:
    lines = [
        (f"{p.readers}", f"{p.n_cases}" if p.n_cases else "", f"{p.power:.2f}", f"{p.power_now:.2f}", p.reason)
        for p in result.plans
    ]
    table = grid(("readers", "cases needed", "power", f"power with {result.pilot_cases} cases", ""), lines)
    return (
        f"{table}\nTo find a difference of {result.difference:g} in mean AUC with power {result.power:g} at 5 %, readers and cases "
        f"random. Pilot: {result.pilot_readers} readers, {result.pilot_cases} cases ({result.pilot_positive} positive), "
        f"difference {result.pilot_difference:+.3f}; classes in the same proportion."
    )
