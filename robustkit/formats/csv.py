"""csv: any table with a film and a box per row, its columns renamed where they are called otherwise."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from robustkit.cohort.columns import BOX
from robustkit.errors import InputError
from robustkit.formats._base import Imported, ImportOptions, manifest_frame
from robustkit.formats._frames import Frames
from robustkit.formats._sheets import read_sheet

GUESSES = {
    "image": ("image", "file", "file_name", "filename", "path", "image_path", "image_id"),
    "x0": ("x0", "xmin", "x_min", "left"),
    "y0": ("y0", "ymin", "y_min", "top"),
    "x1": ("x1", "xmax", "x_max", "right"),
    "y1": ("y1", "ymax", "y_max", "bottom"),
    "label": ("label", "class", "class_name", "target", "diagnosis"),
    "case_id": ("case_id", "id"),
    "patient_id": ("patient_id", "patient", "subject_id"),
    "age_years": ("age_years", "age"),
    "sex": ("sex", "gender"),
    "centre": ("centre", "center", "hospital"),
}

CORNER_AND_SIDES = (("x0", "x"), ("y0", "y"), ("w", "width"), ("h", "height"))


class Table:
    """One case per row; a corner and the sides (``x, y, w, h``, ``left, top, width, height``) become corners.

    A row without any number of a box is a film without a lesion.
    """

    name = "csv"

    def read(self, source: Path, options: ImportOptions) -> Imported:
        """Read a CSV (or Parquet, or Excel) table."""
        table = read_sheet(source)
        unknown = [c for c in options.columns if c not in table]
        if unknown:
            what = f"the table has no column {', '.join(unknown)} (found: {', '.join(table.columns)})."
            raise InputError(what, where=str(source), fix="Correct --column THEIRS=OURS.")
        renames = {**_guessed(table, set(options.columns.values())), **options.columns}
        table = _corners(_renamed(table, renames, source))
        if "label" not in table and options.label:
            table["label"] = options.label
        lacking = [c for c in ("image", *BOX, "label") if c not in table]
        if lacking:
            what = f"nothing in the table is {', '.join(lacking)} (found: {', '.join(table.columns)})."
            raise InputError(what, where=str(source), fix="Name it with --column THEIRS=OURS, e.g. --column xmin=x0.")
        if table.empty:
            raise InputError("the table has no rows.", where=str(source), fix="Give at least one case.")
        named = _named(table)
        if "image_root" in table:
            table["image"] = [str(Path(r) / i) for r, i in zip(table.pop("image_root"), table["image"], strict=True)]
        root = (options.images or source.parent).resolve()
        frames = Frames(options.box_frame)
        table = _displayed(table, root, frames)
        said = tuple(f"column {a} is taken as {b}" for a, b in renames.items() if a != b)
        return Imported(manifest_frame(table.to_dict("records")), root, (*said, *named, *frames.notes()))


def _guessed(table: pd.DataFrame, told: set[str]) -> dict[str, str]:
    lower = {c.lower(): c for c in table.columns}
    found: dict[str, str] = {}
    for ours, names in GUESSES.items():
        theirs = next((lower[n] for n in names if n in lower and lower[n] not in found), None)
        if theirs is not None and theirs != ours and ours not in table and ours not in told:
            found[theirs] = ours
    return found


def _renamed(table: pd.DataFrame, renames: Mapping[str, str], source: Path) -> pd.DataFrame:
    out = table.rename(columns=dict(renames))
    twice = sorted({c for c in out.columns if list(out.columns).count(c) > 1})
    if twice:
        what = f"two columns would be {', '.join(twice)}."
        raise InputError(what, where=str(source), fix="Give --column for one of them, or remove the other.")
    return out


def _named(table: pd.DataFrame) -> tuple[str, ...]:
    """Number the cases where no column names them, in place, and say so."""
    if "case_id" in table:
        return ()
    table["case_id"] = [f"case-{i + 1:05d}" for i in range(len(table))]
    first, last = table["case_id"].iloc[[0, -1]]
    told = "manifests that are used together need different ones, which --column THEIRS=case_id gives"
    return (f"no column is the case_id: cases are numbered {first} to {last}; {told}",)


def _corners(table: pd.DataFrame) -> pd.DataFrame:
    """Turn a corner and the sides into corners where the far one is not given."""
    if {"x1", "y1"} <= set(table):
        return table
    lower = {c.lower(): c for c in table.columns}
    found = [next((lower[n] for n in names if n in lower), None) for names in CORNER_AND_SIDES]
    if None in found:
        return table
    x, y, w, h = (pd.to_numeric(table[c], errors="coerce") for c in found)
    return table.drop(columns=found).assign(x0=x, y0=y, x1=x + w, y1=y + h)


def _displayed(table: pd.DataFrame, root: Path, frames: Frames) -> pd.DataFrame:
    """Make the boxes numbers in the displayed frame; what is no number stays, to be named with all other faults."""
    numbers = table[list(BOX)].apply(pd.to_numeric, errors="coerce").astype("float64")
    nothing = (table[list(BOX)].astype(str).map(str.strip) == "").all(axis=1)
    good = numbers.notna().all(axis=1)
    if not (good | nothing).all():
        return table
    for image, rows in numbers[good].groupby(table.loc[good, "image"]):
        boxes = [(float(a), float(b), float(c), float(d)) for a, b, c, d in rows.to_numpy()]
        if "\0" not in str(image):
            numbers.loc[rows.index] = frames.displayed(boxes, root / str(image), annotated=None)
    return table.assign(**{c: numbers[c] for c in BOX})


PLUGIN = Table()
