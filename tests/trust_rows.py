"""Counts of what was tried and what was found, kept as JSON where ``--trust FOLDER`` is given (docs/trust.md)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest


class TrustRows:
    """What was tried, how often, and what was found."""

    def __init__(self) -> None:
        self.rows: list[dict[str, Any]] = []

    def row(self, what: str, *, tried: int, found: int, note: str = "") -> None:
        """Add a row."""
        self.rows.append({"what": what, "tried": tried, "found": found, "note": note})


def kept_rows(config: pytest.Config, part: str) -> Iterator[TrustRows]:
    """Give rows to fill; they are written as ``<part>.json`` when the tests are over."""
    rows = TrustRows()
    yield rows
    folder = config.getoption("--trust", None)
    if folder and rows.rows:
        path = Path(folder)
        path.mkdir(parents=True, exist_ok=True)
        (path / f"{part}.json").write_text(json.dumps({"part": part, "rows": rows.rows}, indent=1) + "\n")
