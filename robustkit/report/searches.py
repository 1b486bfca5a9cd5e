"""Sections that a run has only where somebody asked: slices nobody named, and drift between cohorts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from robustkit.figures._words import KINDS, metric_words, number, p_text, with_interval
from robustkit.report.markup import folded, name, table, text
from robustkit.report.view import RunView, Section

_SLICES = (
    "Conjunctions of facts, searched on half of the patients and tested on the other half; values, intervals and p are those "
    "of the tested half. Confirmed: above every wider slice there (p adjusted by Holm's method over the slices proposed). "
    "Exploratory: no hypothesis named them beforehand, and nothing is adjusted for what else differs."
)
_DRIFT = (
    "External cohorts against the internal one. Standardised difference: in units of the pooled sd; of categories, what equal "
    "cohorts of this size would show by chance stands beside it. Tests take the patient as the unit and are adjusted over the "
    "facts. An error that would change by an amount is not explained by the fact."
)
_SAID = {**KINDS, "wrong": "Wrong decisions"}
_FILM_MEASURES = 8
"""Rows of the table of films: those that differ most; all are in drift.csv."""
_OPEN_MODELS = 2
"""With more models than this, the reweighted errors of each are folded."""


def slices_section(view: RunView) -> Section | None:
    """Give the slices that were put to the test; None where nobody searched."""
    found = view.table("slices")
    if found.empty:
        return None
    parts = [f'<p class="caption">{text(_SLICES)}</p>']
    for (model, metric), own in found.groupby(["model", "metric"], sort=False):
        tested = own[own["verdict"].isin(["confirmed", "not confirmed"])]
        words = _SAID.get(str(metric)) or metric_words(str(metric)).name
        tried = own["n_tried"].max()
        parts.append(
            f"<h3>{text(words)}, {name(model)}</h3><p>{tried:g} slices tried, {len(tested)} put to the test.</p>"
        )
        if len(tested):
            head = [
                "Slice",
                "Verdict",
                "Value (95 % interval)",
                "Best wider slice",
                "Difference (95 % interval)",
                "Adjusted p",
            ]
            parts.append(table(head, [_slice(r) for r in tested.to_dict("records")], numeric_from=2))
    return Section("slices", "Slices nobody named", "".join(parts))


def _slice(r: Mapping[str, Any]) -> tuple[str, ...]:
    within = f"<br><small>within {name(r['under'])}</small>" if r["under"] else ""
    verdict = f"<b>{text(r['verdict'])}</b>" if r["verdict"] == "confirmed" else text(r["verdict"])
    bounds = (
        "" if r["low"] != r["low"] else f"{number(r['low'], is_share=True)} to {number(r['high'], is_share=True)}; "
    )
    value = f"<b>{number(r['value'], is_share=True)}</b><small>{bounds}{r['n_cases']:g} cases, {r['n_patients']:g} patients</small>"
    parent = f"{name(r['parent'])} <small>{number(r['parent_value'], is_share=True)}</small>"
    diff = with_interval(r["diff"], r["diff_low"], r["diff_high"], is_share=True)
    return (
        f"{name(r['slice'])}{within}",
        verdict,
        value,
        parent,
        text(diff),
        text(p_text(r["p_adjusted"])),
    )


def drift_section(view: RunView) -> Section | None:
    """Give facts, films and reweighted errors of external cohorts; None where nobody asked."""
    found = view.table("drift")
    if found.empty:
        return None
    parts = [f'<p class="caption">{text(_DRIFT)}</p>']
    for cohort, own in found.groupby("cohort_a", sort=False):
        parts.append(f"<h3>{name(cohort)} against {name(own['cohort_b'].iloc[0])}</h3>")
        parts.append(_facts(own[(own["part"] == "facts") & (own["measure"] == "smd")]))
        parts.append(_films(own[(own["part"] == "films") & (own["measure"] == "smd")]))
        parts.extend(_errors_by_model(own[own["part"] == "error"]))
    return Section("drift", "What differs outside", "".join(parts))


def _facts(rows: pd.DataFrame) -> str:
    rows = rows[rows["category"] == ""]
    if rows.empty:
        return ""
    ordered = rows.assign(size=rows["value"].abs()).sort_values("size", ascending=False, kind="stable")
    head = ["Fact", "External / internal", "Standardised difference (95 % interval)", "By chance", "Adjusted p"]
    body = [
        (text(r["name"]), _both(r), _difference(r), "" if r["by_chance"] != r["by_chance"] else f"{r['by_chance']:.2f}",
         text(p_text(r["p_adjusted"])))
        for r in ordered.to_dict("records")
    ]  # fmt: skip
    return table(head, body, numeric_from=2)


def _films(rows: pd.DataFrame) -> str:
    known = rows[rows["value"].notna()]
    if known.empty:
        return ""
    ordered = (
        known.assign(size=known["value"].abs()).sort_values("size", ascending=False, kind="stable").head(_FILM_MEASURES)
    )
    head = ["Films: what differs most", "External / internal", "Standardised difference (95 % interval)"]
    body = [
        (f"{text(str(r['name']).replace('_', ' '))} <small>{text(r['place'])}</small>", _both(r), _difference(r))
        for r in ordered.to_dict("records")
    ]
    return table(head, body, numeric_from=2)


def _errors_by_model(rows: pd.DataFrame) -> list[str]:
    """Give the reweighted errors: open for one model or two, folded for more."""
    if rows["model"].nunique() <= _OPEN_MODELS:
        return [_errors(rows)] if len(rows) else []
    return [folded(f"Errors of {name(m)}", _errors(own)) for m, own in rows.groupby("model", sort=False)]


def _errors(rows: pd.DataFrame) -> str:
    head = ["Error", "With the internal distribution of", "External", "Internal", "Would change by (95 % interval)"]
    body = [
        (
            f"{text(KINDS.get(r['metric'], r['metric']))} <small>{name(r['model'])}</small>", text(r["name"]),
            number(r["value_a"], is_share=True), number(r["value_b"], is_share=True), _change(r),
        )
        for r in rows.to_dict("records")
    ]  # fmt: skip
    return table(head, body, numeric_from=2)


def _both(r: Mapping[str, Any]) -> str:
    if r["value_a"] != r["value_a"]:
        return ""
    unit = f" {r['unit']}" if r["unit"] else ""
    return text(f"{r['value_a']:.4g} / {r['value_b']:.4g}{unit}")


def _difference(r: Mapping[str, Any]) -> str:
    if r["value"] != r["value"]:
        return f'<small class="none">not estimable: {text(r["reason"])}</small>'
    bounds = "" if r["low"] != r["low"] else f"<small>{r['low']:.2f} to {r['high']:.2f}</small>"
    return f"<b>{r['value']:.2f}</b>{bounds}"


def _change(r: Mapping[str, Any]) -> str:
    if r["value"] != r["value"]:
        return f'<small class="none">not estimable: {text(r["reason"])}</small>'
    return text(with_interval(r["value"], r["low"], r["high"], is_share=True))
