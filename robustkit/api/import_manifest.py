"""import: annotation files of many kinds to a manifest."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from robustkit.errors import InputError

if TYPE_CHECKING:
    from robustkit.formats._base import Imported

SHORTCUT_AUC = 0.7
"""Over this, grey levels and facts alone tell lesions from controls: a network may do no more."""


@dataclass(frozen=True, slots=True)
class ImportSummary:
    """What was written.

    Attributes:
        manifest: The file.
        n_cases, n_films: In it.
        labels: Cases by label.
        notes: What was decided on the way.
        warnings: What makes a later result doubtful.
        no_network_auc: With ``controls``: what six grey summaries, sizes and facts reach without a network.
    """

    manifest: Path
    n_cases: int
    n_films: int
    labels: dict[str, int]
    notes: tuple[str, ...]
    warnings: tuple[str, ...]
    no_network_auc: float


def import_manifest(
    *,
    format: str,
    source: Path,
    output: Path = Path("manifest.csv"),
    images: Path | None = None,
    controls: Literal["none", "matched", "placed"] = "none",
    box_frame: Literal["auto", "stored", "displayed"] = "auto",
    label: str | None = None,
    column: Sequence[str] = (),
    boxes: Literal["coco", "voc", "yolo"] = "coco",
    lesions: Literal["largest", "each", "union"] = "largest",
    labels: Literal["study", "btxrd", "who2020"] = "study",
    internal: str | None = None,
    groups: Path | None = None,
    masks: Path | None = None,
    split_blocks: int = 20,
    seed: int = 0,
    workers: int = 0,
) -> ImportSummary:
    """Read annotations and write a manifest.

    Args:
        format: csv, coco, voc, yolo, labelme, btxrd, fracatlas.
        source: File or folder of that format.
        output: The manifest.
        images: Folder of the films, where it is not beside the annotations.
        controls: Draw control boxes on films without a lesion.
        box_frame: Frame of the boxes on films that an EXIF tag turns.
        label: Label of every box where the annotations name none.
        column: ``THEIRS=OURS`` for tables.
        boxes, split_blocks: Of FracAtlas.
        lesions, labels, internal, groups, masks: Of BTXRD.
        seed: Of controls and splits.
        workers: Threads; 0: one per core.

    Raises:
        InputError: Unknown format, or files that are not of it.
    """
    from typing import cast

    from robustkit.engine.equip import resolve_workers
    from robustkit.formats._base import Format, ImportOptions
    from robustkit.registry import load

    options = ImportOptions(
        images=images, box_frame=box_frame, label=label, columns=_renames(column), boxes=boxes, lesions=lesions, labels=labels,
        internal=tuple(c.strip() for c in internal.split(",")) if internal else (), groups=groups, masks=masks, seed=seed,
        split_blocks=split_blocks,
    )  # fmt: skip
    imported = cast(Format, load("formats", format)).read(source, options)
    threads = resolve_workers(workers)
    notes, warnings = list(imported.notes), []
    frame = imported.frame
    score = float("nan")
    if controls == "none":
        n = int(frame["x0"].isna().sum())
        frame = frame[frame["x0"].notna()]
        if n:
            notes.append(f"{n} films without a lesion are left out; --controls matched draws boxes on them")
    else:
        frame, said, score = _with_controls(imported, controls, seed, threads)
        notes += said
        if score > SHORTCUT_AUC:
            warnings.append(
                f"grey levels, sizes and facts alone reach an AUC of {score:.2f} without any network: "
                "a network that does no better has shown nothing"
            )
    _write(frame, imported.root, output)
    counts = {str(k): int(v) for k, v in frame["label"].value_counts().items()}
    return ImportSummary(
        output, len(frame), int(frame["image"].nunique()), counts, tuple(notes), tuple(warnings), score
    )


def _renames(columns: Sequence[str]) -> dict[str, str]:
    found = {}
    for text in columns:
        theirs, equals, ours = text.partition("=")
        if not equals or not theirs or not ours:
            raise InputError(f"expected THEIRS=OURS, got {text!r}.", where="--column", fix="Write --column xmin=x0.")
        found[theirs] = ours
    return found


def _with_controls(
    imported: Imported, kind: Literal["matched", "placed"], seed: int, workers: int
) -> tuple[Any, list[str], float]:
    from robustkit.baselines.summaries import cross_validated_auc, summarise
    from robustkit.controls.boxes import add_controls

    done = add_controls(imported.frame, imported.root, kind=kind, seed=seed, workers=workers)
    frame = done.frame
    seen = summarise(frame, [imported.root / str(p) for p in frame["image"]], workers=workers)
    is_lesion = (frame["box_source"] == "lesion").to_numpy()[seen.rows]
    score = cross_validated_auc(seen, is_lesion, frame["image"].to_numpy(dtype=object)[seen.rows])
    said = f"a model without a network (grey summaries, sizes, site, view, hardware) tells lesions from controls: AUC {score:.3f}"
    return frame, [*done.notes, said], score


def _write(frame: Any, root: Path, output: Path) -> None:
    """Write the manifest; ``image_root`` says where the films are, unless they lie beside it."""
    from robustkit.atomic import replacing

    out = frame.drop(columns=[c for c in ("image_root",) if c in frame])
    if output.parent.resolve() != root:
        out = out.assign(image_root=str(root))
    with replacing(output) as temporary:
        out.to_csv(temporary, index=False, lineterminator="\n")
