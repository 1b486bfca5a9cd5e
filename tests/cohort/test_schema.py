"""The JSON schema of a manifest row says what the row check says."""

from __future__ import annotations

import json
from importlib.resources import files
from pathlib import Path

import pandas as pd
import pytest
from jsonschema import Draft202012Validator
from robustkit.cohort.columns import KNOWN, REQUIRED, row_faults

SCHEMA = json.loads(files("robustkit.data_manifests").joinpath("manifest.schema.json").read_text(encoding="utf-8"))
GOOD = {"case_id": "a", "image": "sub/a.png", "x0": "0", "y0": "1.5", "x1": "10", "y1": "2e1", "label": "benign"}


def _schema_faults(row: dict[str, object]) -> set[str]:
    faults = set()
    for error in Draft202012Validator(SCHEMA).iter_errors(row):
        faults.add(str(error.path[0]) if error.path else error.message.split("'")[1])
    return faults


def _row_faults(row: dict[str, str], folder: Path) -> set[str]:
    return {f.column for f in row_faults(pd.DataFrame([row]), root=folder, labels=None)}


def test_the_schema_is_one_and_names_every_column() -> None:
    Draft202012Validator.check_schema(SCHEMA)
    assert tuple(SCHEMA["properties"]) == KNOWN
    assert tuple(SCHEMA["required"]) == REQUIRED
    assert all(p.get("description") for p in SCHEMA["properties"].values())


def test_the_phantom_keeps_it(tmp_path: Path) -> None:
    with files("robustkit.data_manifests").joinpath("phantom.csv").open(encoding="utf-8") as handle:
        rows = pd.read_csv(handle, dtype=str, keep_default_na=False).to_dict("records")
    assert len(rows) > 100
    assert all(not _schema_faults(r) for r in rows)


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("case_id", ""),
        ("case_id", "  "),
        ("image", ""),
        ("image", "/etc/passwd"),
        ("image", "../a.png"),
        ("image", "a\0.png"),
        ("x0", "left"),
        ("y0", ""),
        ("x1", "nan"),
        ("y1", "inf"),
        ("label", ""),
        ("split", "dev"),
        ("spacing_mm", "0"),
        ("spacing_mm", "-0.1"),
        ("age_years", "old"),
        ("age_years", "-3"),
        ("mask", "../m.png"),
    ],
)
def test_a_bad_value_is_bad_in_both(column: str, value: str, tmp_path: Path) -> None:
    row = {**GOOD, column: value}
    assert _schema_faults(row) == {column}
    assert _row_faults(row, tmp_path) == {column}


@pytest.mark.parametrize(
    "extra",
    [
        {},
        {"spacing_mm": ""},
        {"spacing_mm": "0.14"},
        {"age_years": "0"},
        {"split": ""},
        {"mask": ""},
        {"hardware": "1"},
    ],
)
def test_a_good_row_is_good_in_both(extra: dict[str, str], tmp_path: Path) -> None:
    row = {**GOOD, **extra}
    assert _schema_faults(row) == set()
    assert _row_faults(row, tmp_path) == set()


@pytest.mark.parametrize("column", REQUIRED)
def test_a_missing_column_is_named(column: str) -> None:
    assert _schema_faults({k: v for k, v in GOOD.items() if k != column}) == {column}
