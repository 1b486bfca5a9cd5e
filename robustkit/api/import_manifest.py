"""import: annotation files of many kinds to a manifest."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from robustkit.errors import InputError
from robustkit.lock import lock_file

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
        ManifestError: Boxes that are empty or inverted, films that share a name, empty labels: all of them.
    """
    from typing import cast

    from robustkit.engine.equip import resolve_workers
    from robustkit.formats._base import Format, ImportOptions
    from robustkit.formats._masks import write_mask
    from robustkit.registry import load

    if output.is_dir():
        raise InputError("expected a file to write to, got a folder.", where=str(output), fix="Give -o cases.csv.")
    options = ImportOptions(
        images=images, box_frame=box_frame, label=label, columns=_renames(column), boxes=boxes, lesions=lesions, labels=labels,
        internal=tuple(c.strip() for c in internal.split(",")) if internal else (), groups=groups, masks=masks, seed=seed,
        split_blocks=_not_negative(split_blocks),
    )  # fmt: skip
    imported = cast(Format, load("formats", format)).read(source, options)
    _check(imported, source)
    threads = resolve_workers(workers)
    notes, warnings = list(imported.notes), []
    frame = _with_subtypes(imported.frame)
    score = float("nan")
    if controls == "none":
        n = int(frame["x0"].isna().sum())
        frame = frame[frame["x0"].notna()].reset_index(drop=True)
        if n:
            notes.append(f"{n} films without a lesion are left out; --controls matched draws boxes on them")
    else:
        frame, said, score = _with_controls(frame, imported.root, kind=controls, seed=seed, workers=threads)
        notes += said
        if score > SHORTCUT_AUC:
            warnings.append(
                f"grey levels, sizes and facts alone reach an AUC of {score:.2f} without any network: "
                "a network that does no better has shown nothing"
            )
    if imported.needs_patients:
        frame, text = _with_patients(frame, imported.root, threads)
        notes.append(text)
    with lock_file(output, doing="robustkit import"):
        for mask in imported.masks:
            write_mask(mask)
        _write(frame, imported.root, output)
    counts = {str(k): int(v) for k, v in frame["label"].value_counts().items()}
    return ImportSummary(
        output, len(frame), int(frame["image"].nunique()), counts, tuple(notes), tuple(warnings), score
    )


def _not_negative(split_blocks: int) -> int:
    if split_blocks < 0:
        fix = "Give image numbers per block, or 0 for no split."
        raise InputError(f"expected 0 or more, got {split_blocks}.", where="--split-blocks", fix=fix)
    return split_blocks


def _renames(columns: Sequence[str]) -> dict[str, str]:
    found = {}
    for text in columns:
        theirs, equals, ours = text.partition("=")
        if not equals or not theirs or not ours:
            raise InputError(f"expected THEIRS=OURS, got {text!r}.", where="--column", fix="Write --column xmin=x0.")
        found[theirs] = ours
    return found


def _check(imported: Imported, source: Path) -> None:
    """Refuse rows that no command could use, all at once, before anything is written."""
    from robustkit.cohort.columns import row_faults
    from robustkit.errors import BadRow, ManifestError

    frame = imported.frame[imported.frame["x0"].notna()].reset_index(drop=True)
    if frame.empty:
        raise InputError("no film has a box.", where=str(source), fix="Give annotations with at least one lesion.")
    text = frame.map(lambda v: "" if v is None or v != v else str(v))
    faults = tuple(
        BadRow(f.row, f.column, f.value, f"{f.reason} (case {text['case_id'].iloc[f.row - 1]})")
        for f in row_faults(text, root=imported.root, labels=None)
    )
    if faults:
        what = f"{len(faults)} bad values in {len({f.row for f in faults})} boxes; nothing is written."
        raise ManifestError(what, where=str(source), fix="Correct the annotations, or remove these.", rows=faults)


def _with_subtypes(frame: Any) -> Any:
    """A label that is a tumour subtype is kept as the subtype as well, so that cases can be counted by it."""
    from robustkit.cohort.vocabulary import read_vocabulary

    vocabulary = read_vocabulary()
    words = [str(x) if vocabulary.knows_subtype(str(x)) else "" for x in frame["label"]]
    if "subtype" in frame or not any(words):
        return frame
    return frame.assign(subtype=words)


def _with_controls(
    frame: Any, root: Path, *, kind: Literal["matched", "placed"], seed: int, workers: int
) -> tuple[Any, list[str], float]:
    from robustkit.baselines.summaries import FACTS, cross_validated_auc, summarise
    from robustkit.controls.boxes import add_controls, facts_of_both

    done = add_controls(frame, root, kind=kind, seed=seed, workers=workers)
    usable = facts_of_both(done.frame, FACTS)
    judged = done.frame.drop(columns=[c for c in FACTS if c in done.frame and not usable[c]])
    seen = summarise(judged, [root / str(p) for p in judged["image"]], workers=workers)
    is_lesion = (judged["box_source"] == "lesion").to_numpy()[seen.rows]
    score = cross_validated_auc(seen, is_lesion, judged["image"].to_numpy(dtype=object)[seen.rows])
    facts = ", ".join(["grey summaries", "sizes", *(f for f in FACTS if usable[f])])
    reached = f"{score:.3f}" if score == score else "not estimable (too few films, or one kind of box alone)"
    said = f"a model without a network ({facts}) tells lesions from controls: AUC {reached}"
    return done.frame, [*done.notes, said], score


def _with_patients(frame: Any, root: Path, workers: int) -> tuple[Any, str]:
    """Films that look the same share a patient where none is named."""
    from robustkit.images.likeness import look_alikes

    nameless = frame["patient_id"] == ""
    paths = {root / i for i in frame.loc[nameless, "image"]}
    keys = look_alikes(sorted(paths), workers=workers)
    patients = [
        keys.get(root / i, "") if empty else p
        for i, p, empty in zip(frame["image"], frame["patient_id"], nameless, strict=True)
    ]
    said = f"{len(keys)} films look like another one and share a patient with it ({len(set(keys.values()))} groups)"
    return frame.assign(patient_id=patients), said


def _write(frame: Any, root: Path, output: Path) -> None:
    """Write the manifest; ``image_root`` says where the films are, unless they lie beside it.

    Films below the manifest are named from there, so that the folder can be moved as a whole.
    """
    from robustkit.atomic import replacing

    here = output.parent.resolve()
    place = root.relative_to(here).as_posix() if root.is_relative_to(here) else str(root)
    out = frame if here == root else frame.assign(image_root=place)
    with replacing(output) as temporary:
        if output.suffix.lower() in (".parquet", ".pq"):
            out.to_parquet(temporary, index=False)
        else:
            out.to_csv(temporary, index=False, lineterminator="\n")
