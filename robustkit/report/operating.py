"""The section with the slider over the threshold, the ROC and the decision curve."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from robustkit.figures._operating import operating_data
from robustkit.figures._words import cohort_name, with_interval
from robustkit.report.markup import figure_block, name, table, text
from robustkit.report.view import RunView, Section, run_facts

_CAPTION = (
    "Move the threshold to see what it would find and miss on these cases. Only the carried threshold, and those fixed on "
    "development cases, can be expected to do the same on other patients."
)


def operating_section(view: RunView) -> Section | None:
    """Give the section; None where nothing was swept (tables of an older version)."""
    data = operating_data(view.tables, run_facts(view.record))
    figures = "".join(figure_block(f) for f in view.figures_of("operating"))
    fixed = _fixed(view.table("operating_points"))
    if not (data["views"] or figures or fixed):
        return None
    slider = f'<p class="caption">{text(_CAPTION)}</p><div id="operating-point"></div>' if data["views"] else ""
    script = "operating.js" if data["views"] else ""
    return Section("operating", "At which threshold", f"{slider}{fixed}{figures}", {"operating": data}, script)


def _fixed(points: pd.DataFrame) -> str:
    """Give the operating points that were fixed on development cases, with their intervals."""
    if points.empty:
        return ""
    body = []
    for (model, cohort, point), own in points.groupby(["model", "cohort", "operating_point"], sort=False):
        rows: dict[str, Mapping[Any, Any]] = {str(r["metric"]): r for r in own.to_dict("records")}
        cut = own["threshold"].iloc[0]
        said = "" if cut != cut else f"{cut:.3f}"
        cells = [_cell(rows.get(m)) for m in ("sensitivity", "specificity")]
        body.append([name(model), name(cohort_name(str(cohort))), text(point), text(said), *cells])
    head = ["Model", "Cohort", "Operating point", "Threshold", "Sensitivity", "Specificity"]
    caption = (
        "Thresholds fixed beforehand, carried to the judged cases; intervals by patient, for a threshold that is given."
    )
    return (
        f"<details><summary>Operating points fixed on development cases, with intervals</summary>"
        f'<p class="caption">{caption}</p>{table(head, body, numeric_from=3)}</details>'
    )


def _cell(r: Mapping[Any, Any] | None) -> str:
    if r is None:
        return ""
    if r["value"] != r["value"]:
        return f'<small class="none">not estimable: {text(r["reason"])}</small>'
    value, _, bounds = with_interval(r["value"], r["low"], r["high"], is_share=True).partition(" (")
    counted = f"{r['n_cases']:g} cases, {r['n_patients']:g} patients"
    return f"<b>{text(value)}</b><small>{text(bounds.rstrip(')'))}</small><small>{counted}</small>"
