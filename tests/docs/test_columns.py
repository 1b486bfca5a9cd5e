"""Every table, every column and every metric that is written is explained on docs/tables.md."""

from __future__ import annotations

import re
from collections import defaultdict
from pathlib import Path

import pandas as pd
import pytest
from robustkit.api.perturb import perturb
from robustkit.api.stratify import stratify
from robustkit.results import schema

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "tables.md").read_text(encoding="utf-8")
COLUMNS = {
    name.removesuffix("_COLUMNS").lower(): columns
    for name, columns in vars(schema).items()
    if name.endswith("_COLUMNS") and name not in ("TEXT_COLUMNS", "TRUTH_COLUMNS")
}


def _section(title: str) -> str:
    return PAGE.split(f"\n## {title}\n")[1].split("\n## ")[0]


def _said(cell: str) -> set[str]:
    return set(re.findall(r"`([^`]+)`", cell))


def _of_tables() -> dict[str, set[str]]:
    """Give the columns that the rows of each table explain."""
    found: dict[str, set[str]] = defaultdict(set)
    table = ""
    for line in (_section("Columns of single tables") + _section("Tables of a study")).splitlines():
        cells = [c.strip() for c in line.split("|")]
        if len(cells) == 5:
            table = re.sub(r"[`/]|\.csv", "", cells[1]) or table
            found[table] |= _said(cells[2])
    return found


EVERYWHERE = set().union(
    *(
        _said(line.split("|")[1])
        for line in _section("Columns that mean the same everywhere").splitlines()
        if "|" in line
    )
)


@pytest.mark.parametrize("table", COLUMNS)
def test_every_column_is_explained(table: str) -> None:
    own = _of_tables()["predictions" if table == "prediction" else table]
    assert not set(COLUMNS[table]) - EVERYWHERE - own
    assert not own - set(COLUMNS[table]), "explained, but not there"


def test_what_is_said_to_be_everywhere_is_somewhere() -> None:
    assert not EVERYWHERE - {c for columns in COLUMNS.values() for c in columns}


def test_every_metric_of_a_run_is_explained(tmp_path: Path) -> None:
    run = perturb(model=["phantom-oracle"], shifts=["0.1"], repeats=10, out=tmp_path / "run").run
    stratify(run=run, prevalence=0.2, draws=200)
    explained = _said(_section("Metrics"))
    for file in (tmp_path / "run" / "tables").glob("*.csv"):
        table = pd.read_csv(file)
        for column in {"metric", "measure", "kind"} & set(table):
            assert set(table[column].dropna()) <= explained, file.name
        assert file.name in PAGE
