"""The section that says which model is better: all models at once, then pair by pair."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from robustkit.figures._words import MetricWords, cohort_name, level_text, metric_words, p_text
from robustkit.report.markup import folded, name, table, text
from robustkit.report.view import RunView, Section, run_facts

COMPARED = ("auc", "flip_rate", "rank_sd", "auc_lost")
OPEN_PAIRS = 3
"""With more pairs than this, each is folded: seven models make twenty-one."""

_CAPTION = (
    "Same cases, same boxes, tested by patient. Between models only numbers without a scale are compared: AUC, decisions "
    "that change where both models find the same share of the development positives, the spread of the rank among "
    "development scores, and the AUC lost by redrawing. A positive difference means more for the first model."
)


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
    is_joint = rows["model_b"] == ""
    pairs = [part for _, part in rows[~is_joint].groupby(["model_a", "model_b"], sort=False)]
    said = [_pair(part, view, is_folded=len(pairs) > OPEN_PAIRS) for part in pairs]
    return Section(
        "models", "Which model", f'<p class="caption">{_CAPTION}</p>{_joint(rows[is_joint], view)}{"".join(said)}'
    )


def _joint(rows: pd.DataFrame, view: RunView) -> str:
    """Give the tests of whether any two of all models differ."""
    if rows.empty:
        return ""
    head = ["Cohort", "Metric", "Boxes", "p of the test that all are alike"]
    body = [(*_what(r, view), _joint_answer(r)) for r in rows.to_dict("records")]
    return f"<h3>All models at once</h3>{table(head, body, numeric_from=3)}"


def _joint_answer(r: Mapping[str, Any]) -> str:
    if r["p"] != r["p"]:
        return f'<small class="none">not estimable: {text(r["reason"])}</small>'
    return f"<b>{text(p_text(r['p']))}</b><small>{text(r['method'])}</small>"


def _pair(rows: pd.DataFrame, view: RunView, *, is_folded: bool) -> str:
    first = rows.iloc[0]
    head = ["Cohort", "Metric", "Boxes", "Difference (95 % interval)", "Adjusted p"]
    body = table(head, [_comparison(r, view) for r in rows.to_dict("records")], numeric_from=3)
    title = f"{name(first['model_a'])} minus {name(first['model_b'])}"
    if not is_folded:
        return f"<h3>{title}</h3>{body}"
    return folded(title + _headline(rows), body)


def _headline(rows: pd.DataFrame) -> str:
    """Give what a folded pair shows: the difference of AUC over all cohorts, boxes as given."""
    whole = rows[(rows["metric"] == "auc") & (rows["perturbation"] == "nominal") & (rows["cohort"] == "all")]
    known = whole[whole["diff"].notna()]
    if known.empty:
        return ""
    r, words = known.to_dict("records")[0], metric_words("auc")
    return f": AUC <b>{_signed(r['diff'], words)}</b>, p {text(p_text(r['p_adjusted']))}"


def _what(r: Mapping[str, Any], view: RunView) -> tuple[str, str, str]:
    kind = str(r["perturbation"])
    unit = run_facts(view.record).unit(kind)
    boxes = "as given" if kind == "nominal" else f"{kind} {level_text(r['level'], unit)}"
    return name(cohort_name(r["cohort"])), text(metric_words(r["metric"]).name), text(boxes)


def _comparison(r: Mapping[str, Any], view: RunView) -> Sequence[str]:
    words = metric_words(r["metric"])
    if r["diff"] != r["diff"]:
        said = f'<small class="none">not estimable: {text(r["reason"])}</small>'
    else:
        note = f"<small>{text(r['reason'])}</small>" if r["reason"] else ""
        unit = " points" if words.is_share else ""
        said = f"<b>{_signed(r['diff'], words)}{unit}</b>{_bounds(r, words)}{note}"
    return *_what(r, view), said, text(p_text(r["p_adjusted"]))


def _bounds(r: Mapping[str, Any], words: MetricWords) -> str:
    if r["low"] != r["low"]:
        return "<small>no interval</small>"
    return f"<small>{_signed(r['low'], words)} to {_signed(r['high'], words)}</small>"


def _signed(value: float, words: MetricWords) -> str:
    """Give a difference with its sign; shares in percentage points."""
    said = f"{value * 100:+.1f}" if words.is_share else f"{value:+.3f}"
    return said.replace("-", "\N{MINUS SIGN}")
