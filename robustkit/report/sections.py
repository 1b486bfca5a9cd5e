"""The sections between the first screen and the method: stability, strata, errors, models, who was counted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from robustkit.figures._base import Place
from robustkit.figures._words import (
    KINDS,
    MetricWords,
    cohort_name,
    level_text,
    metric_words,
    p_text,
    with_interval,
)
from robustkit.report.markup import figure_block, name, table, text
from robustkit.report.sentences import missed_most
from robustkit.report.view import RunView, Section, run_facts

COMPARED = ("auc", "flip_rate", "rank_sd", "auc_lost")


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


def comparisons_section(view: RunView) -> Section | None:
    """Give paired differences between models, on scale-free metrics alone; None for one model."""
    found = view.table("comparisons")
    if found.empty:
        return None
    rows = found[found["metric"].isin(COMPARED) & (found["by"] == "all")]
    primary = run_facts(view.record).primary
    nominal = rows["perturbation"] == "nominal"
    if primary:
        rows = rows[nominal | ((rows["perturbation"] == primary[0]) & (rows["level"] == primary[1]))]
    pairs = [_pair(part, view) for _, part in rows.groupby(["model_a", "model_b"], sort=False)]
    caption = (
        "Same cases, same boxes, tested by patient. Between models only numbers without a scale are compared: AUC, decisions "
        "that change where both models find the same share of the development positives, the spread of the rank among "
        "development scores, and the AUC lost by redrawing. A positive difference means more for the first model."
    )
    return Section("models", "Which model", f'<p class="caption">{caption}</p>{"".join(pairs)}')


def _pair(rows: pd.DataFrame, view: RunView) -> str:
    first = rows.iloc[0]
    head = ["Cohort", "Metric", "Boxes", "Difference (95 % interval)", "Adjusted p"]
    body = [_comparison(r, view) for r in rows.to_dict("records")]
    pair = f"<h3>{name(first['model_a'])} minus {name(first['model_b'])}</h3>"
    return f"{pair}{table(head, body, numeric_from=3)}"


def _comparison(r: Mapping[str, Any], view: RunView) -> Sequence[str]:
    words = metric_words(r["metric"])
    facts = run_facts(view.record)
    kind = str(r["perturbation"])
    boxes = "as given" if kind == "nominal" else f"{kind} {level_text(r['level'], facts.unit(kind))}"
    if r["diff"] != r["diff"]:
        said = f'<small class="none">not estimable: {text(r["reason"])}</small>'
    else:
        note = f"<small>{text(r['reason'])}</small>" if r["reason"] else ""
        unit = " points" if words.is_share else ""
        said = f"<b>{_signed(r['diff'], words)}{unit}</b>{_bounds(r, words)}{note}"
    return name(cohort_name(r["cohort"])), text(words.name), text(boxes), said, text(p_text(r["p_adjusted"]))


def _bounds(r: Mapping[str, Any], words: MetricWords) -> str:
    if r["low"] != r["low"]:
        return "<small>no interval</small>"
    return f"<small>{_signed(r['low'], words)} to {_signed(r['high'], words)}</small>"


def _signed(value: float, words: MetricWords) -> str:
    """Give a difference with its sign; shares in percentage points."""
    said = f"{value * 100:+.1f}" if words.is_share else f"{value:+.3f}"
    return said.replace("-", "\N{MINUS SIGN}")


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
