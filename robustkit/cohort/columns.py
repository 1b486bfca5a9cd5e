"""The columns of a manifest and what may stand in them (design, section 3.2)."""

from __future__ import annotations

import re
from difflib import get_close_matches
from pathlib import Path

import numpy as np
import pandas as pd

from robustkit.errors import BadRow

LARGEST_PX = 1e9
"""No film has a side of so many pixels."""
BOX = ("x0", "y0", "x1", "y1")
REQUIRED = ("case_id", "image", *BOX, "label")
OPTIONAL = (
    "patient_id", "lesion_id", "cohort", "split", "centre", "subtype", "site", "view",
    "age_years", "sex", "spacing_mm", "mask", "reference", "image_root",
)  # fmt: skip
KNOWN = (*REQUIRED, *OPTIONAL)
NAMES = ("case_id", "image", "label", "patient_id", "lesion_id", "mask", "image_root", "cohort", "split")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
SPLITS = ("train", "val", "test", "")


def row_faults(raw: pd.DataFrame, *, root: Path, labels: frozenset[str] | None) -> tuple[BadRow, ...]:
    """List every fault of a raw manifest table (all columns text), in row order."""
    faults = [
        *_empty(raw),
        *_repeated(raw),
        *_bad_numbers(raw),
        *_bad_boxes(raw),
        *_bad_paths(raw, root),
        *_unprintable(raw),
    ]
    if "split" in raw:
        reason = "expected train, val, test or nothing"
        faults += [BadRow(i + 1, "split", v, reason) for i, v in enumerate(raw["split"]) if v not in SPLITS]
    if labels is not None:
        faults += _bad_labels(raw, labels)
    return tuple(sorted(faults, key=lambda f: f.row))


def _empty(raw: pd.DataFrame) -> list[BadRow]:
    return [
        BadRow(int(i) + 1, column, "", "must not be empty")
        for column in REQUIRED
        for i in np.flatnonzero((raw[column].str.strip() == "").to_numpy())
    ]


def _unprintable(raw: pd.DataFrame) -> list[BadRow]:
    """Control characters in what names a case, a person or a file: nobody can see them, and some programs act on them."""
    return [
        BadRow(int(i) + 1, column, raw[column].iloc[i], "holds a control character")
        for column in NAMES
        if column in raw
        for i in np.flatnonzero(raw[column].str.contains(_CONTROL).to_numpy(dtype=bool))
    ]


def _repeated(raw: pd.DataFrame) -> list[BadRow]:
    # the draws of a case depend on its name in this form
    again = raw["case_id"].str.normalize("NFC").duplicated() & (raw["case_id"] != "")
    return [
        BadRow(int(i) + 1, "case_id", raw["case_id"].iloc[i], "stands in an earlier row too; case_id must be unique")
        for i in np.flatnonzero(again.to_numpy())
    ]


def _bad_labels(raw: pd.DataFrame, labels: frozenset[str]) -> list[BadRow]:
    """The vocabulary's words are in lower case and match in any; class names match as they are."""
    faults = []
    for i, value in enumerate(raw["label"]):
        if value.strip() and value not in labels and value.strip().lower() not in labels:
            near = get_close_matches(value.lower(), labels, n=12, cutoff=0.6) if len(labels) > 12 else sorted(labels)
            hint = f"; known: {', '.join(near)}" if near else "; it is neither a class nor in the vocabulary"
            faults.append(BadRow(i + 1, "label", value, f"unknown label{hint}"))
    return faults


def _numbers(raw: pd.DataFrame, column: str) -> pd.Series:
    return pd.to_numeric(raw[column].replace("", None), errors="coerce").astype("float64")


def _bad_numbers(raw: pd.DataFrame) -> list[BadRow]:
    faults = []
    for column in (*BOX, "spacing_mm", "age_years"):
        if column not in raw:
            continue
        value = _numbers(raw, column)
        bad = ~np.isfinite(value) & (raw[column] != "")
        reason = "expected a finite number"
        if column in BOX:
            reason = "expected a number of pixels"
            bad |= value.abs() > LARGEST_PX
        if column in ("spacing_mm", "age_years"):
            bad |= (value < 0) | ((value == 0) & (column == "spacing_mm"))
            reason = "expected a positive number"
        faults += [BadRow(int(i) + 1, column, raw[column].iloc[i], reason) for i in np.flatnonzero(bad.to_numpy())]
    return faults


def _bad_boxes(raw: pd.DataFrame) -> list[BadRow]:
    faults = []
    for low, high in (("x0", "x1"), ("y0", "y1")):
        bad = _numbers(raw, high) <= _numbers(raw, low)
        reason = f"the box is empty or inverted: expected {high} > {low}"
        faults += [
            BadRow(int(i) + 1, high, f"{raw[low].iloc[i]}..{raw[high].iloc[i]}", reason)
            for i in np.flatnonzero(bad.to_numpy())
        ]
    return faults


def _bad_paths(raw: pd.DataFrame, root: Path) -> list[BadRow]:
    faults = []
    for column in ("image", "mask"):
        if column not in raw:
            continue
        for i, value in enumerate(raw[column]):
            base = root / (raw["image_root"].iloc[i] if "image_root" in raw else "")
            if value and not _is_inside(base / value, root=base):
                faults.append(BadRow(i + 1, column, value, "the path leaves the manifest's folder"))
    return faults


def _is_inside(path: Path, *, root: Path) -> bool:
    if "\0" in str(path):
        return False
    return path.resolve().is_relative_to(root.resolve())
