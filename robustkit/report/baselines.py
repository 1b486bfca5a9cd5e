"""The section on models without a network: how good they are, what their coefficients are, how facts become a score."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from robustkit.figures._base import FigureSet, known
from robustkit.figures._words import cohort_name, metric_words
from robustkit.report.markup import figure_block, name, table, text
from robustkit.report.slots import BASELINES, slot_section
from robustkit.report.view import RunView, Section
from robustkit.results.schema import BASELINE_COEFFICIENTS_COLUMNS, BASELINES_COLUMNS

_CAPTION = (
    "Fitted on development cases alone: how far facts and texture go without the film as a whole. Rows of the cohort "
    "development are from the making of the model, on cases that it held back; the others are the cases of this run, boxes as "
    "given. Calibration of scores as probabilities: slope 1 and, in the large, 0 are right."
)
_METRICS = ("auc", "calibration_slope", "calibration_intercept")
_COEFFICIENTS = (
    "Odds ratios for one unit of a number, or for a level against the level without a row. A primed column is a bend of a "
    "spline: it means nothing without the others of its fact, and the figure shows what they do together."
)
_HEAD = ("Fact", "Column", "Log-odds", "Odds ratio", "Note")
_MOST = 60
"""Coefficients of one model on the page; the table, whole, is among the downloads."""


def baselines_section(view: RunView) -> Section | None:
    """Give the section; None where the run has no such model."""
    section = slot_section(BASELINES)(view)
    if section is None:
        return None
    found = view.table(BASELINES.table)
    # a table of another program is shown as it is
    is_ours = {"model", "kind", "cohort", "split", "metric", "value"} <= set(found.columns)
    first = _values(known(found, BASELINES_COLUMNS)) if is_ours else section.html
    drawn, table_of = figures_html(view.figures_of("baselines")), view.table("baseline_coefficients")
    more = f"<h3>Coefficients</h3>{coefficients_html(table_of)}" if len(table_of) else ""
    return Section(section.anchor, section.title, f"{first}{drawn}{more}")


def _values(found: pd.DataFrame) -> str:
    """Give a row for each model and group of cases, a column for each metric."""
    body = []
    keys = ["model", "kind", "cohort", "split"]
    metrics = [m for m in _METRICS if (found["metric"] == m).any()]
    for (model, kind, cohort, split), own in found.groupby(keys, sort=False):
        by_metric = {r["metric"]: r for r in own.to_dict("records")}
        first = own.iloc[0]
        counts = [text("" if first[c] != first[c] else f"{first[c]:g}") for c in ("features", "n_cases", "n_patients")]
        cells = [_estimate(by_metric.get(m)) for m in metrics]
        body.append([name(model), name(kind), name(cohort_name(str(cohort))), text(split), *cells, *counts])
    head = [
        "Model",
        "Kind",
        "Cohort",
        "Cases",
        *(metric_words(m).name for m in metrics),
        "Features",
        "n cases",
        "n patients",
    ]
    return f'<p class="caption">{text(_CAPTION)}</p>{table(head, body, numeric_from=4)}'


def _estimate(row: Mapping[str, Any] | None) -> str:
    if row is None:
        return ""
    if row["value"] != row["value"]:
        return f'<small class="none">not estimable: {text(row["reason"])}</small>'
    return _said(row["value"], row["low"], row["high"], ".3f")


def coefficients_html(found: pd.DataFrame) -> str:
    """Give a table for each model of ``baseline_coefficients``."""
    rows = known(found, BASELINE_COEFFICIENTS_COLUMNS)
    if rows.empty:
        return ""
    parts = [_of_model(str(model), own) for model, own in rows.groupby("model", sort=False)]
    return f'<p class="caption">{text(_COEFFICIENTS)}</p>{"".join(parts)}'


def figures_html(figures: Sequence[FigureSet]) -> str:
    """Give the places of the figures."""
    return "".join(figure_block(f) for f in figures)


def _of_model(model: str, own: pd.DataFrame) -> str:
    body = [_row(r) for r in own.head(_MOST).to_dict("records")]
    methods = ", ".join(dict.fromkeys(str(m) for m in own["method"] if m))
    rest = len(own) - len(body)
    more = f" {rest} further rows are in the table baseline_coefficients.csv below." if rest else ""
    note = f'<p class="caption">{text(methods + "." if methods else "")}{text(more)}</p>'
    return f"<h4>{name(model)}</h4>{table(_HEAD, body, numeric_from=2)}{note}"


def _row(r: Mapping[str, Any]) -> list[str]:
    return [
        name(r["fact"]), name(r["column"]), _said(r["value"], r["low"], r["high"], "+.3f"),
        _said(r["odds_ratio"], r["odds_low"], r["odds_high"], ".3g"), text(r["reason"]),
    ]  # fmt: skip


def _said(value: float, low: float, high: float, form: str) -> str:
    if value != value:
        return ""
    said = f"<b>{_number(value, form)}</b>"
    has_interval = low == low or high == high
    return f"{said}<small>{_number(low, form)} to {_number(high, form)}</small>" if has_interval else said


def _number(value: float, form: str) -> str:
    # an end that a profile never reaches is written as null: JSON has no infinity
    if value != value:
        return "no bound"
    return text(f"{value:{form}}".replace("-", "\N{MINUS SIGN}"))
