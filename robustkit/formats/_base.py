"""The face of a format: annotation files of one kind to the rows of a manifest."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Protocol

import pandas as pd

from robustkit.cohort.columns import KNOWN
from robustkit.errors import InputError

BoxFrame = Literal["auto", "stored", "displayed"]
IMAGE_SUFFIXES = (".jpg", ".jpeg", ".png", ".tif", ".tiff", ".dcm", ".bmp")


@dataclass(frozen=True, slots=True)
class ImportOptions:
    """What a user says of an import; each format reads what concerns it.

    Attributes:
        images: Folder of the films, where it is not beside the annotations.
        box_frame: Frame of the boxes on films that an EXIF tag turns; ``auto``: the one whose size fits.
        label: Label of every box, where the annotations name none.
        columns: Renames of a table's columns, ``{"theirs": "ours"}``.
        boxes: FracAtlas: ``coco``, ``voc`` or ``yolo``.
        lesions: BTXRD: ``largest``, ``each`` or ``union``.
        labels: BTXRD: ``study``, ``btxrd`` or ``who2020``.
        internal: BTXRD: centres that are the internal cohort.
        groups: BTXRD: the table with ``Original Name``.
        masks: BTXRD: folder for the masks made of polygons.
        seed, split_blocks: FracAtlas: split by blocks of that many consecutive image numbers; 0: no split.
    """

    images: Path | None = None
    box_frame: BoxFrame = "auto"
    label: str | None = None
    columns: Mapping[str, str] = field(default_factory=dict)
    boxes: Literal["coco", "voc", "yolo"] = "coco"
    lesions: Literal["largest", "each", "union"] = "largest"
    labels: Literal["study", "btxrd", "who2020"] = "study"
    internal: tuple[str, ...] = ()
    groups: Path | None = None
    masks: Path | None = None
    seed: int = 0
    split_blocks: int = 20


@dataclass(frozen=True, slots=True)
class Imported:
    """What was read.

    Attributes:
        frame: Rows in manifest columns; ``image`` relative to ``root``. Films without a box have NaN boxes.
        root: Folder that the image paths are relative to.
        notes: What a person should know, one sentence each.
    """

    frame: pd.DataFrame
    root: Path
    notes: tuple[str, ...]


class Format(Protocol):
    """Reads annotations of one kind."""

    name: str

    def read(self, source: Path, options: ImportOptions) -> Imported:
        """Give the rows of a manifest.

        Raises:
            InputError: The source is not of this format; it says where and how to mend it.
        """
        ...


def read_json(path: Path) -> Any:
    """Read JSON; hostile nesting and damage become an InputError."""
    try:
        return json.loads(path.read_text(encoding="utf-8-sig"))
    except RecursionError as error:
        raise InputError("the JSON is nested too deeply.", where=str(path), fix="Export it again.") from error
    except (ValueError, OSError) as error:
        reason = str(error).splitlines()[0]
        raise InputError(f"not readable JSON ({reason}).", where=str(path), fix="Export it again.") from error


def find_images(folder: Path) -> dict[str, Path]:
    """Give all films below a folder by stem.

    Raises:
        InputError: No such folder.
    """
    if not folder.is_dir():
        raise InputError("there is no such folder of films.", where=str(folder), fix="Give it with --images.")
    found = sorted(p for p in folder.rglob("*") if p.suffix.lower() in IMAGE_SUFFIXES)
    return {p.stem: p for p in reversed(found)}


def manifest_frame(rows: Iterable[Mapping[str, object]]) -> pd.DataFrame:
    """Give rows as a frame: known columns first, in their order, further facts after them."""
    frame = pd.DataFrame(list(rows))
    known = [c for c in KNOWN if c in frame]
    return frame[[*known, *(c for c in frame if c not in known)]]


def root_and_paths(paths: Sequence[Path], folder: Path) -> tuple[Path, list[str]]:
    """Give the folder that image paths are relative to, and the paths."""
    root = folder.resolve()
    return root, [str(p.resolve().relative_to(root)) for p in paths]
