"""Words and rows of which tables are made by hand."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

NAN = float("nan")
HOSTILE = '<script>alert("x")</script>'
FORMULA = "=1+1"
LONG = "a very long name of a subtype " * 6
STRATA = {"subtype": ("osteosarcoma", "tiny"), "size": ("<20 mm", "20-50 mm", ">=50 mm")}
TINY = "fewer than 5 patients (3)"


def made_row(columns: Sequence[str], **given: Any) -> dict[str, Any]:
    """Give a row of a table: what was given, and nothing known of the rest."""
    return {c: given.get(c, "" if c in ("reason", "method", "family", "operating_point") else NAN) for c in columns}
