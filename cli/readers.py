"""readers: packs for a reader study, and what comes back."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer
from robustkit.cli import options
from robustkit.cli.progress import progress_bar
from robustkit.cli.show import as_json, grid, note

if TYPE_CHECKING:
    from robustkit.api.readers_pack import PackResult

readers = typer.Typer(help="A reader study: packs for radiologists, without and with the model.", no_args_is_help=True)


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
