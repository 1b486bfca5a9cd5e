"""import, validate, describe: the commands for manifests."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer
from robustkit.cli import options
from robustkit.cli.progress import progress_bar
from robustkit.cli.show import as_json, grid, note


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command(name="import")(import_)
    app.command()(validate)
    app.command()(describe)


def import_(
    format: Annotated[str, typer.Argument(help="csv, coco, voc, yolo, labelme, btxrd or fracatlas.")],
    source: Annotated[Path, typer.Argument(help="File or folder of that format.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="The manifest.")] = Path("manifest.csv"),
    images: Annotated[
        Path | None, typer.Option("--images", help="Folder of the films; default beside the annotations.")
    ] = None,
    controls: Annotated[
        Literal["none", "matched", "placed"],
        typer.Option("--controls", help="Draw control boxes on films without a lesion."),
    ] = "none",
    box_frame: Annotated[
        Literal["auto", "stored", "displayed"],
        typer.Option("--box-frame", help="Frame of boxes on films turned by EXIF."),
    ] = "auto",
    label: Annotated[str | None, typer.Option("--label", help="Label of every box where none is named.")] = None,
    column: Annotated[list[str], typer.Option("--column", help="csv: THEIRS=OURS; repeats.")] = [],  # noqa: B006
    boxes: Annotated[
        Literal["coco", "voc", "yolo"], typer.Option("--boxes", help="fracatlas: which annotations.")
    ] = "coco",
    lesions: Annotated[
        Literal["largest", "each", "union"], typer.Option("--lesions", help="btxrd: boxes of a film.")
    ] = "largest",
    labels: Annotated[
        Literal["study", "btxrd", "who2020"], typer.Option("--labels", help="btxrd: what is non-benign.")
    ] = "study",
    internal: Annotated[
        str | None, typer.Option("--internal", help="btxrd: centres of the internal cohort, with commas.")
    ] = None,
    groups: Annotated[
        Path | None, typer.Option("--groups", help="btxrd: table with Original Name, hashed to patients.")
    ] = None,
    masks: Annotated[Path | None, typer.Option("--masks", help="btxrd: folder for masks made of polygons.")] = None,
    split_blocks: Annotated[
        int, typer.Option("--split-blocks", help="fracatlas: image numbers per block; 0: no split.")
    ] = 20,
    seed: options.Seed = 0,
    workers: options.Workers = 0,
    json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Make a manifest from annotation files.

    Examples:

      robustkit import coco boxes.json --images films -o cases.csv

      robustkit import csv table.csv --column xmin=x0 --column ymin=y0 --column xmax=x1 --column ymax=y1

      robustkit import fracatlas FracAtlas --controls matched -o fracatlas.csv
    """
    from robustkit.api.import_manifest import import_manifest as call

    given = {k: v for k, v in locals().items() if k not in ("call", "json", "quiet")}
    result = call(**given)
    if json:
        typer.echo(as_json(result))
        return
    for text in result.notes:
        note(text, quiet=quiet)
    for text in result.warnings:
        note(f"warning: {text}", quiet=quiet)
    counts = ", ".join(f"{n} {name}" for name, n in result.labels.items())
    note(f"{result.n_cases} cases on {result.n_films} films: {counts}", quiet=quiet)
    typer.echo(str(result.manifest))


def validate(
    manifest: Annotated[list[Path], typer.Argument(help="Manifests.")],
    workers: options.Workers = 0,
    allow_truncated: options.AllowTruncated = False,
    json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Check every row and open every film; exit 2 if anything is wrong.

    Example:

      robustkit validate cases.csv
    """
    from robustkit.api.validate import validate as call

    with progress_bar(quiet=quiet or json) as progress:
        result = call(manifest=manifest, workers=workers, allow_truncated=allow_truncated, progress=progress)
    if json:
        typer.echo(as_json(result))
    else:
        lines = [*result.problems]
        lines += [f"{r.manifest}: row {r.row}, {r.column} = {r.value!r}: {r.reason}" for r in result.rows]
        lines += [f"{f.case_id}: {f.reason} ({f.image})" for f in result.films]
        lines.append(
            f"{result.n_cases} cases on {result.n_films} films: {len(result.rows)} bad values, {len(result.films)} bad films"
        )
        typer.echo("\n".join(lines))
    if not result.is_good:
        raise typer.Exit(2)


def describe(
    manifest: Annotated[list[Path], typer.Argument(help="Manifests.")],
    workers: options.Workers = 0,
    json: options.Json = False,
) -> None:
    """Count cases, patients and positives by cohort, subtype, region, size, view and more.

    Example:

      robustkit describe cases.csv
    """
    from robustkit.api.describe import describe as call

    result = call(manifest=manifest, workers=workers)
    if json:
        typer.echo(as_json(result))
        return
    patients = f"{result.n_patients} patients" if result.has_patients else "patients unknown"
    typer.echo(f"{result.n_cases} cases, {result.n_films} films, {patients}")
    rows = [(c.by, c.value, str(c.n_cases), str(c.n_patients), str(c.n_positive)) for c in result.counts]
    typer.echo(grid(("by", "value", "cases", "patients", "positive"), rows))
    if result.unmapped:
        typer.echo(f"not in the vocabulary: {', '.join(result.unmapped)}")
