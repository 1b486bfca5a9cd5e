"""Sections fed by one table of the run each: absent where the table is absent, whoever wrote it.

The commands that write these tables need no change here: a page shows what the run folder holds.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from robustkit.figures._words import cohort_name, metric_words, p_text
from robustkit.report.markup import name, table, text
from robustkit.report.view import RunView, Section

MOST_ROWS = 200
"""Rows on the page; the table itself, whole, is among the downloads."""

_NAMES = ("cohort", "model", "stratum", "by", "arm_a", "arm_b", "analysis", "baseline", "group", "split", "kind")


@dataclass(frozen=True, slots=True)
class Slot:
    """A section that a table fills.

    Attributes:
        table: Its name in ``tables/``.
        anchor, title, caption: On the page.
        columns: Shown, in this order; those that the table lacks are left out.
    """

    table: str
    anchor: str
    title: str
    caption: str
    columns: tuple[str, ...]


BASELINES = Slot(
    "baselines", "baselines", "Models without a network",
    "Fitted on development cases alone: how far facts and texture go without the film as a whole.",
    ("model", "kind", "cohort", "split", "metric", "value", "features", "n_cases", "n_patients", "reason"),
)  # fmt: skip


def slot_section(slot: Slot) -> Callable[[RunView], Section | None]:
    """Give the maker of a slot's section."""

    def make(view: RunView) -> Section | None:
        found = view.table(slot.table)
        if found.empty:
            return None
        columns = [c for c in slot.columns if c in found] or [str(c) for c in found.columns]
        shown = found.head(MOST_ROWS)
        rest = len(found) - len(shown)
        more = f"<p>{rest} further rows are in the table {text(slot.table)}.csv below.</p>" if rest else ""
        body = [_row(r, columns) for r in shown.to_dict("records")]
        head = [c.replace("_", " ") for c in columns]
        return Section(
            slot.anchor,
            slot.title,
            f'<p class="caption">{text(slot.caption)}</p>{table(head, body, numeric_from=len(head))}{more}',
        )

    return make


def _row(row: Mapping[Any, Any], columns: Sequence[str]) -> list[str]:
    return [_cell(row, c) for c in columns]


def _cell(row: Mapping[Any, Any], column: str) -> str:
    value = row[column]
    if column == "metric":
        return text(metric_words(str(value)).name)
    if column == "cohort":
        return name(cohort_name(str(value)))
    if column in _NAMES or not isinstance(value, (int, float)):
        return name(value) if isinstance(value, str) or pd.notna(value) else ""
    if column in ("p", "p_adjusted"):
        return text(p_text(value))
    if pd.isna(value):
        return ""
    low, high = row.get(f"low_{column}", row.get("low")), row.get(f"high_{column}", row.get("high"))
    has_interval = column in ("value", "diff") and low is not None and low == low
    return f"<b>{value:.4g}</b>" + (f"<small>{low:.3g} to {high:.3g}</small>" if has_interval else "")
