"""csv: any table with a film and a box per row, its columns renamed where they are called otherwise."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from robustkit.cohort.columns import BOX
from robustkit.errors import InputError
from robustkit.formats._base import Imported, ImportOptions, manifest_frame

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


class Table:
    """One case per row; ``x, y, w, h`` (or ``width, height``) become corners."""

    name = "csv"

    def read(self, source: Path, options: ImportOptions) -> Imported:
        """Read a CSV (or Parquet, or Excel) table."""
        table = _read(source)
        renames = {**_guessed(table), **options.columns}
        unknown = [c for c in options.columns if c not in table]
        if unknown:
            what = f"the table has no column {', '.join(unknown)} (found: {', '.join(table.columns)})."
            raise InputError(what, where=str(source), fix="Correct --column THEIRS=OURS.")
        table = table.rename(columns=renames)
        table = _corners(table)
        if "label" not in table and options.label:
            table["label"] = options.label
        if "case_id" not in table:
            table["case_id"] = [f"case-{i + 1:05d}" for i in range(len(table))]
        lacking = [c for c in ("image", *BOX, "label") if c not in table]
        if lacking:
            what = f"nothing in the table is {', '.join(lacking)} (found: {', '.join(table.columns)})."
            raise InputError(what, where=str(source), fix="Name it with --column THEIRS=OURS, e.g. --column xmin=x0.")
        said = tuple(f"column {a} is taken as {b}" for a, b in renames.items() if a != b)
        return Imported(manifest_frame(table.to_dict("records")), (options.images or source.parent).resolve(), said)


def _read(source: Path) -> pd.DataFrame:
    if not source.is_file():
        raise InputError("there is no such table.", where=str(source), fix="Give a CSV, Parquet or Excel file.")
    try:
        if source.suffix.lower() in (".parquet", ".pq"):
            return pd.read_parquet(source).astype(str)
        if source.suffix.lower() in (".xlsx", ".xlsm"):
            return pd.read_excel(source, dtype=str, keep_default_na=False)
        return pd.read_csv(source, dtype=str, keep_default_na=False, encoding="utf-8-sig", sep=None, engine="python")
    except (ValueError, OSError, KeyError, pd.errors.ParserError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise InputError(f"not a readable table ({reason}).", where=str(source), fix="Save it as CSV UTF-8.") from error


def _guessed(table: pd.DataFrame) -> dict[str, str]:
    lower = {c.lower().strip(): c for c in table.columns}
    found = {}
    for ours, names in GUESSES.items():
        theirs = next((lower[n] for n in names if n in lower), None)
        if theirs is not None and theirs != ours and ours not in table:
            found[theirs] = ours
    return found


def _corners(table: pd.DataFrame) -> pd.DataFrame:
    """Turn x, y, w, h into corners where corners are not given."""
    sides = ("w", "h") if {"w", "h"} <= set(table) else ("width", "height")
    if {"x1", "y1"} <= set(table) or not {"x", "y", *sides} <= set(table):
        return table
    x, y, w, h = (pd.to_numeric(table[c], errors="coerce") for c in ("x", "y", *sides))
    return table.drop(columns=["x", "y", *sides]).assign(x0=x, y0=y, x1=x + w, y1=y + h)


PLUGIN = Table()
