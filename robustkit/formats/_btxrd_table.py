"""The table of BTXRD: its words in both published spellings, its groups of films, and its published counts."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from robustkit.errors import InputError
from robustkit.formats._sheets import read_sheet

SITES = (
    "hand", "ulna", "radius", "humerus", "foot", "tibia", "fibula", "femur", "hip bone", "ankle-joint", "knee-joint",
    "hip-joint", "wrist-joint", "elbow-joint", "shoulder-joint",
)  # fmt: skip
SECOND_SPELLING = {
    "ankle": "ankle-joint", "knee": "knee-joint", "hip": "hip-joint", "wrist": "wrist-joint", "elbow": "elbow-joint",
    "shoulder": "shoulder-joint", "lower limbs": "lower limb",
}  # fmt: skip
SUBTYPES = (
    "osteochondroma", "multiple osteochondromas", "simple bone cyst", "giant cell tumor", "osteofibroma",
    "synovial osteochondroma", "other bt", "osteosarcoma", "other mt",
)  # fmt: skip
VIEWS = ("frontal", "lateral", "oblique")
EXPECTED = {
    "normal": 1879, "benign": 1525, "malignant": 342, "osteochondroma": 752, "osteosarcoma": 297,
    "multiple osteochondromas": 263, "simple bone cyst": 206, "other bt": 116, "giant cell tumor": 93,
    "synovial osteochondroma": 50, "other mt": 45, "osteofibroma": 44, "pelvis": 105,
}  # fmt: skip
EXPECTED_CENTRES = {"1": (1593, 1110, 235), "2": (259, 214, 76), "3": (27, 201, 31)}
"""Normal, benign, malignant films of each centre."""
ABOUT = {"rectangle": 2324, "polygon": 2318}


def read_table(file: Path) -> pd.DataFrame:
    """Give ``dataset.xlsx`` as text, its columns in the first spelling and in lower case."""
    if not file.is_file():
        raise InputError("dataset.xlsx is missing.", where=str(file), fix="Unpack the published zip.")
    table = read_sheet(file)
    table.columns = [SECOND_SPELLING.get(c.lower(), c.lower()) for c in table.columns]
    lacking = [c for c in ("image_id", "center", "tumor", "malignant") if c not in table]
    if lacking:
        raise InputError(f"the table lacks {', '.join(lacking)}.", where=str(file), fix="Use the published file.")
    return table[table["image_id"].str.strip() != ""].reset_index(drop=True)


def read_groups(file: Path) -> dict[str, str]:
    """Give a hashed group key per film: the original names group the films of one case and are never written out."""
    table = read_sheet(file)
    columns = {c.lower(): c for c in table.columns}
    if not {"image_id", "original name"} <= set(columns):
        raise InputError(
            "expected the columns image_id and Original Name.", where=str(file), fix="Give the second table."
        )
    names = table[columns["original name"]].str.replace(r"[\s_-]*\(?\d+\)?\.\w+$", "", regex=True)
    keys = [hashlib.blake2b(n.encode(), digest_size=8, person=b"robustkit-group").hexdigest() for n in names]
    films = table[columns["image_id"]]
    return {Path(i).stem: f"group-{k}" for i, n, k in zip(films, names, keys, strict=True) if n.strip()}


def flag(facts: Mapping[str, object], name: str) -> bool:
    """Tell whether a multi-hot cell is set."""
    return _is_set(facts.get(name, ""))


def named(facts: Mapping[str, object], names: tuple[str, ...]) -> list[str]:
    """Give the names whose cell is set."""
    return [n for n in names if flag(facts, n)]


def _is_set(cell: object) -> bool:
    return str(cell).strip().lower() in ("1", "1.0", "true")


def expected_found(table: pd.DataFrame, shapes: Mapping[str, int]) -> list[str]:
    """Give one line per published count; a line that differs says so."""
    is_set = {c: table[c].map(_is_set) for c in table if c in EXPECTED or c == "tumor"}
    tumour, malignant = is_set["tumor"], is_set["malignant"]
    kinds = {"normal": ~tumour, "benign": is_set.get("benign", tumour & ~malignant), "malignant": malignant}
    counts = {n: kinds[n].sum() if n in kinds else (is_set[n] & tumour).sum() if n in is_set else 0 for n in EXPECTED}
    lines = [_line(n, EXPECTED[n], int(count)) for n, count in counts.items()]
    centre = table["center"].str.strip().str.removesuffix(".0")
    for name, published in EXPECTED_CENTRES.items():
        for (kind, column), expected in zip(kinds.items(), published, strict=True):
            lines.append(_line(f"centre {name} {kind}", expected, int((column & (centre == name)).sum())))
    lines += [f"{k}s: about {n} expected, {shapes.get(k, 0)} found" for k, n in ABOUT.items()]
    return lines


def _line(name: str, expected: int, found: int) -> str:
    return f"{name}: {expected} expected, {found} found" + ("" if expected == found else "  <- differs")
