"""study: the command."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from robustkit.cli import options
from robustkit.cli.progress import progress_bar
from robustkit.cli.show import as_json, grid, note

if TYPE_CHECKING:
    from robustkit.api.study import StudyResult


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(study)


def study(
    file: Annotated[
        Path, typer.Argument(help="Study file, or a ready study: phantom, btxrd-own-internal, btxrd-only.")
    ] = Path("study.toml"),
    check: Annotated[
        bool, typer.Option("--check", help="Name every missing file and where it comes from; exit 1 if there is one.")
    ] = False,
    init: Annotated[
        str | None, typer.Option("--init", help="Write FILE to begin with: template, or a ready study.")
    ] = None,
    out: Annotated[Path | None, typer.Option("--out", help="Folder; default what the study file says.")] = None,
    device: options.Device = "auto",
    workers: options.Workers = 0,
    json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Run a whole study from one file: train, fit, choose on validation rows, judge; tables, figures, one report.

    The same command goes on where it was stopped; what is done is left as it is.

    Examples:

      robustkit study phantom

      robustkit study study.toml --init template

      robustkit study study.toml --check
    """
    from robustkit.api.study import study as call

    with progress_bar(quiet=quiet or json) as progress:
        result = call(
            file=file, check=check, init=init, out=out, device=device, workers=workers, progress=progress,
            say=None if quiet or json else note,
        )  # fmt: skip
    if json:
        typer.echo(as_json(result))
    elif result.written is not None:
        typer.echo(str(result.written))
    elif check:
        typer.echo(_checked(result))
    else:
        _show(result, quiet=quiet)
    if check and result.missing:
        sys.exit(1)


def _checked(result: StudyResult) -> str:
    rows = [("found" if f.is_there else "missing", f.what, str(f.path), f.origin) for f in result.needed]
    lines = [grid(("", "what", "where it is looked for", "where it comes from"), rows)] if rows else []
    lines += [f"{name}: weights are fetched by timm at the first run." for name in result.fetched]
    lines.append(f"{len(result.missing)} of {len(result.needed)} files are missing." if rows else "No file is needed.")
    return "\n".join(lines)


def _show(result: StudyResult, *, quiet: bool) -> None:
    for warning in result.warnings:
        note(f"note: {warning}", quiet=quiet)
    done = [s for s in result.steps if not s.was_done]
    note(
        f"{result.title}: {len(done)} steps in {sum(s.seconds for s in done):.0f} s, {len(result.steps) - len(done)} were done "
        f"already; reference arm {result.reference} (by validation AUC)",
        quiet=quiet,
    )
    typer.echo(str(result.report))
