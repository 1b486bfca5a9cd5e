"""The face of a format: annotation files of one kind to the rows of a manifest."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Protocol

import pandas as pd

from robustkit.cohort.columns import KNOWN
from robustkit.documents import parse_json
from robustkit.errors import InputError

BoxFrame = Literal["auto", "stored", "displayed"]


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


Outlines = tuple[tuple[tuple[float, float], ...], ...]
"""Polygons of x, y in px of the displayed film."""


@dataclass(frozen=True, slots=True)
class Mask:
    """Outlines of a lesion to be written as a mask, and the size of the displayed film in px."""

    path: Path
    polygons: Outlines
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class Imported:
    """What was read; nothing is written yet.

    Attributes:
        frame: Rows in manifest columns; ``image`` relative to ``root``. Films without a box have NaN boxes.
        root: Folder that the paths of images and masks are relative to.
        notes: What a person should know, one sentence each.
        masks: Files that the column ``mask`` names.
        needs_patients: Films that look the same are to share a patient, where ``patient_id`` is empty.
    """

    frame: pd.DataFrame
    root: Path
    notes: tuple[str, ...]
    masks: tuple[Mask, ...] = ()
    needs_patients: bool = False


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
        return parse_json(path.read_text(encoding="utf-8-sig"))
    except (ValueError, OSError) as error:
        reason = str(error).splitlines()[0]
        raise InputError(f"not readable JSON ({reason}).", where=str(path), fix="Export it again.") from error


def manifest_frame(rows: Iterable[Mapping[str, object]]) -> pd.DataFrame:
    """Give rows as a frame: known columns first, in their order, further facts after them."""
    frame = pd.DataFrame(list(rows))
    known = [c for c in KNOWN if c in frame]
    return frame[[*known, *(c for c in frame if c not in known)]]
