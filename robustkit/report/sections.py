"""The sections between the first screen and the method: stability, strata, errors, models, who was counted."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from robustkit.figures._base import Place
from robustkit.figures._words import (
    KINDS,
    cohort_name,
    with_interval,
)
from robustkit.report.markup import figure_block, name, table, text
from robustkit.report.sentences import missed_most
from robustkit.report.view import RunView, Section


def stability_section(view: RunView) -> Section:
    """Give the curves, and how many cases change."""
    return Section(
        "stability", "How stable", _figures(view, "stability", "No box was redrawn, or no metric can be estimated.")
    )


def strata_section(view: RunView) -> Section:
    """Give every metric by stratum."""
    return Section("strata", "For whom", _figures(view, "strata", "No fact divides these cases into strata."))


def errors_section(view: RunView) -> Section:
    """Give missed and false alarms: whole cohorts, the malignant subtype missed most, every stratum."""
    errors = view.table("errors")
    most = [f"<p>{name(m)}: {text(s)}</p>" for m in view.models if (s := missed_most(errors, m))]
    figures = _figures(view, "errors", "No fact divides these cases into strata.")
    return Section("errors", "Which errors", f"{_whole_errors(errors)}{''.join(most)}{figures}")


def more_section(view: RunView) -> Section | None:
    """Give figures that belong to no other section."""
    return Section("more", "More figures", _figures(view, "more", "")) if view.figures_of("more") else None


def _figures(view: RunView, place: Place, otherwise: str) -> str:
    return "".join(figure_block(f) for f in view.figures_of(place)) or f"<p>{text(otherwise)}</p>"


def _whole_errors(errors: pd.DataFrame) -> str:
    rows = errors[(errors["by"] == "all") & (errors["perturbation"] == "nominal")] if len(errors) else errors
    if rows.empty:
        return "<p>No errors can be counted.</p>"
    body = []
    for (model, cohort), part in rows.groupby(["model", "cohort"], sort=False):
        own = {r["kind"]: r for r in part.to_dict("records")}
        body.append([name(model), name(cohort_name(str(cohort))), *(_count(own.get(k)) for k in KINDS)])
    return table(["Model", "Cohort", *KINDS.values()], body, numeric_from=2)


def _count(row: Mapping[str, Any] | None) -> str:
    if row is None or row["n_cases"] == 0:
        return '<small class="none">none in this cohort</small>'
    said = with_interval(row["rate"], row["low"], row["high"], is_share=True)
    why = f": {row['reason']}" if row["rate"] != row["rate"] and row["reason"] else ""
    return f"<b>{row['k']:g} of {row['n_cases']:g}</b><small>{text(said + why)}</small>"


def counted_section(view: RunView) -> Section:
    """Give the flow of cases and the thresholds, as the tables have them."""
    parts = (_plain_table(view.table("flow")), "<h3>Thresholds</h3>", _plain_table(view.table("thresholds")))
    return Section("counted", "Who was counted", "".join(parts))


def _plain_table(frame: pd.DataFrame) -> str:
    if frame.empty:
        return "<p>The run has no such table.</p>"
    head = [str(c).replace("_", " ") for c in frame.columns]
    rows = [[_value(v) for v in row] for row in frame.itertuples(index=False)]
    return table(head, rows, numeric_from=len(head))


def _value(value: object) -> str:
    if isinstance(value, float):
        return "" if value != value else f"{value:.6g}"
    return text(value)
