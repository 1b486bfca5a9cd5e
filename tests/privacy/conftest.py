"""Counts of what was tried for the privacy of patients, kept where ``--trust FOLDER`` is given (docs/trust.md)."""

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


@pytest.fixture(scope="session")
def trust(request: pytest.FixtureRequest) -> Iterator[TrustRows]:
    """Collect rows; they are written as ``privacy.json`` at the end."""
    rows = TrustRows()
    yield rows
    folder = request.config.getoption("--trust", None)
    if folder and rows.rows:
        path = Path(folder)
        path.mkdir(parents=True, exist_ok=True)
        (path / "privacy.json").write_text(json.dumps({"part": "privacy", "rows": rows.rows}, indent=1) + "\n")
