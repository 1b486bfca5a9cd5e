"""The section on heatmaps: where they lie, whether they hold still, whether they are the model's, and examples."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from robustkit.analysis.cohort import positive_labels
from robustkit.analysis.heatmap_examples import GROUPS, Example, examples
from robustkit.analysis.heatmap_measures import CORRECT, FALSE_ALARM, MISSED
from robustkit.figures._heatmap_words import measure_words
from robustkit.figures._words import cohort_name, level_text, p_text
from robustkit.report.heatmap_pictures import placed, windows
from robustkit.report.markup import figure_block, name, table, text
from robustkit.report.view import RunView, Section, run_facts

ANCHOR = "heatmaps"
MOST_EACH = 4
"""Examples of each group and model."""

_METHODS = {
    "grad_cam": "Grad-CAM",
    "grad_cam_plus_plus": "Grad-CAM++",
    "integrated_gradients": "Integrated gradients",
    "occlusion": "Occlusion",
}


def heatmaps_section(view: RunView) -> Section | None:
    """Give the section; None where nobody made heatmaps."""
    measures = view.table("heatmap_measures")
    if measures.empty and not view.heatmaps.maps:
        return None
    figures = "".join(figure_block(f) for f in view.figures_of("heatmaps"))
    gallery = _gallery(view)
    html = f"{_about(view)}{figures}{_contrasts(view)}{_pixels(view)}{_with_scores(view)}"
    data: dict[str, Any] = {}
    if view.heatmaps.maps and view.has_images:
        data["heatmaps"] = _maps(view)
        if gallery:
            html += f'<h3>Examples</h3><p class="caption">{text(_EXAMPLES)}</p><div id="heatmap-gallery"></div>'
            data["heatmap-gallery"] = gallery
    return Section(ANCHOR, "Where it looks", html, data, "heat.js")


_EXAMPLES = (
    "Correct, missed and false alarms are drawn at random with a fixed seed, nobody chose them; most and least stable are those "
    "whose score moved least and most when the box was redrawn. One colour scale for each model. The overlay is off at first."
)


def _about(view: RunView) -> str:
    shown = view.heatmaps
    said = []
    if shown.method:
        explained = (
            "the decision made" if shown.target == "decision" else "the logit of the positive classes, in every case"
        )
        said.append(f"{_METHODS.get(shown.method, shown.method)} of {explained}.")
        for model, layer in shown.layers.items():
            of = f"the module {layer}" if layer else "the pixels"
            said.append(f"{model}: {of}, crops with {shown.margins[model]:.0%} of the box around it.")
    said.append(
        "A crop shows the box and its margin and nothing else: whether a model would look at the lesion on a whole film is not "
        "asked here. Cells lie evenly over the crop."
    )
    return f'<p class="caption">{text(" ".join(said))}</p>'


def _contrasts(view: RunView) -> str:
    """Correct against wrong answers, crude and adjusted."""
    found = view.table("heatmap_contrasts")
    if found.empty:
        return ""
    rows = found[(found["a"] == "correct") & (found["perturbation"] == "nominal") & found["diff"].notna()]
    if rows.empty:
        return "<p>Correct and wrong answers cannot be compared: too few of one of them, or no map that can be measured.</p>"
    body = [
        [
            name(r["model"]), name(cohort_name(str(r["cohort"]))), text(measure_words(str(r["measure"])).name),
            text(f"adjusted for {r['adjusted']}" if r["adjusted"] else "crude"), _points(r), text(p_text(r["p"])),
            text(f"{r['n_cases']:.0f}"),
        ]
        for r in rows.to_dict("records")
    ]  # fmt: skip
    head = ["Model", "Cohort", "Measure", "Compared", "Correct minus wrong (95 % interval)", "p", "Cases"]
    caption = "Correct against wrong answers, tested by patient; p as they are, for no number of questions adjusted."
    return f'<h3>Correct against wrong answers</h3><p class="caption">{caption}</p>{table(head, body, numeric_from=4)}'


def _points(r: Mapping[Any, Any]) -> str:
    def said(v: float) -> str:
        return f"{100 * v:+.1f}".replace("-", "\N{MINUS SIGN}")

    bounds = (
        f"<small>{said(r['low'])} to {said(r['high'])}</small>"
        if r["low"] == r["low"]
        else "<small>no interval</small>"
    )
    return f"<b>{said(r['diff'])} points</b>{bounds}"


def _pixels(view: RunView) -> str:
    """Deletion and insertion."""
    found = view.table("heatmap_checks")
    rows = found[found["check"] != "randomised weights"] if len(found) else found
    if rows.empty:
        return ""
    body = [
        [
            name(r["model"]), text(r["check"]), _number(r, "value", "low", "high"), text(_plain(r["expected"])),
            _number(r, "diff", "diff_low", "diff_high"), text(p_text(r["p"])), text(f"{r['n_cases']:.0f}"),
        ]
        for r in rows.to_dict("records")
    ]  # fmt: skip
    head = ["Model", "Check", "Area under the score", "Cells shuffled", "Difference", "p", "Cases"]
    caption = (
        "Cases called positive. Deletion: pixels become the crop's mean grey, the strongest of the map first; a good map has a "
        "small area. Insertion: pixels come back into a blurred crop; a good map has a large one. Beside it the same map with its "
        "cells shuffled."
    )
    return f'<h3>Do the pixels count?</h3><p class="caption">{caption}</p>{table(head, body, numeric_from=2)}'


def _number(r: Mapping[Any, Any], value: str, low: str, high: str) -> str:
    if r[value] != r[value]:
        return f'<small class="none">not estimable: {text(r["reason"])}</small>'
    bounds = f"<small>{r[low]:.3f} to {r[high]:.3f}</small>" if r[low] == r[low] else ""
    return f"<b>{r[value]:.3f}</b>{bounds}"


def _plain(value: float) -> str:
    return f"{value:.3f}" if value == value else ""


def _with_scores(view: RunView) -> str:
    """Does an unstable map go with an unstable score?"""
    found = view.table("heatmap_measures")
    rows = found[found["measure"] == "map_with_score"] if len(found) else found
    known = rows[rows["value"].notna()] if len(rows) else rows
    if known.empty:
        return ""
    unit = run_facts(view.record).unit
    said = [
        f"<li>{name(r['model'])}, {name(cohort_name(str(r['cohort'])))}, {text(r['perturbation'])} "
        f"{text(level_text(float(r['level']), unit(str(r['perturbation']))))}: "
        f"<b>{r['value']:.2f}</b> ({text(_between(r))}, {r['n_cases']:.0f} cases)</li>"
        for r in known.to_dict("records")
    ]
    caption = (
        "Spearman's correlation of a case's map correlation with the spread of its score (sd of the logit) over redrawn boxes. "
        "Below 0: maps that move go with scores that move."
    )
    return f'<h3>Do unstable maps go with unstable scores?</h3><p class="caption">{caption}</p><ul>{"".join(said)}</ul>'


def _between(r: Mapping[Any, Any]) -> str:
    return f"{r['low']:.2f} to {r['high']:.2f}" if r["low"] == r["low"] else "no interval"


def _maps(view: RunView) -> dict[str, Any]:
    """Give the maps of the cases whose picture is on the page, and what was measured of each."""
    frames = windows(view.thumbnails)
    inside = _inside(view)
    models = [m for m in view.models if m in view.heatmaps.layers]
    maps: dict[str, dict[str, Any]] = {m: {} for m in models}
    for (model, case), shown in view.heatmaps.maps.items():
        if case in frames:
            maps[model][case] = [*placed(shown, frames[case]), *inside.get((model, case), (None, None, "", ""))]
    return {"method": _METHODS.get(view.heatmaps.method, view.heatmaps.method), "models": models, "maps": maps}


def _inside(view: RunView) -> dict[tuple[str, str], tuple[float | None, float | None, str, str]]:
    found = view.table("heatmap_cases")
    if found.empty:
        return {}
    rows = found[(found["measure"] == "inside") & (found["heatmap"] == view.heatmaps.method)]
    return {
        (str(r["model"]), str(r["case_id"])): (
            _rounded(r["value"]),
            _rounded(r["uniform"]),
            str(r["reason"]),
            str(r["lesion"]),
        )
        for r in rows.to_dict("records")
    }


def _rounded(value: float) -> float | None:
    return round(float(value), 3) if value == value else None


def _gallery(view: RunView) -> list[dict[str, Any]]:
    """Choose examples among the cases that have a picture and a map that says something."""
    frames, answers = windows(view.thumbnails), view.answers.given
    cards = []
    for model in view.models:
        own = [
            c
            for (m, c), s in view.heatmaps.maps.items()
            if m == model and not s.reason and c in frames and c in answers
        ]
        told = _told(view, model, own)
        for one in examples(
            told["answer"],
            told["positive"].to_numpy(dtype=bool),
            told["sd"].to_numpy(dtype=float),
            seed=0,
            most=MOST_EACH,
        ):
            cards.append(_card(view, model, one, frames[one.case_id]))
    order = {g: i for i, g in enumerate(GROUPS)}
    return sorted(cards, key=lambda c: (c["model"] != view.models[0], str(c["model"]), order[c["group"]]))


def _told(view: RunView, model: str, cases: list[str]) -> pd.DataFrame:
    """Give the answer, the truth and the spread of some cases of a model."""
    facts, cuts = run_facts(view.record), view.table("thresholds")
    stability = view.table("stability")
    own = stability[stability["model"] == model] if len(stability) else stability
    if facts.primary and len(own):
        own = own[(own["perturbation"] == facts.primary[0]) & (own["level"] == facts.primary[1])]
    columns = ["answer", "positive", "sd"]
    if own.empty or not cases:
        return pd.DataFrame({c: [] for c in columns})
    own = own.drop_duplicates("case_id").set_index("case_id")
    own = own.loc[[c for c in sorted(cases) if c in own.index]]
    cut = cuts.loc[cuts["model"] == model, "value"]
    labels = positive_labels(view.record)
    truth = (
        view.cases.drop_duplicates("case_id").set_index("case_id")["label"].reindex(own.index).astype(str).isin(labels)
    )
    right = (own["nominal"] >= (float(cut.iloc[0]) if len(cut) else 0.5)) == truth
    named = np.where(right, CORRECT, np.where(truth, MISSED, FALSE_ALARM))
    return pd.DataFrame({"answer": named, "positive": truth, "sd": own["sd_logit"]}, index=own.index)


def _card(view: RunView, model: str, one: Example, window: Mapping[str, Any]) -> dict[str, Any]:
    case = one.case_id
    corner, zoom = np.array([window["x0"], window["y0"]] * 2, dtype=float), 1 / float(window["side_px"])
    about = view.cases[view.cases["case_id"] == case].iloc[0]
    return {
        "group": one.group,
        "model": model,
        "case": case,
        "label": str(about.get("label", "")),
        "box": [round(float(v), 4) for v in (view.answers.given[case] - corner) * zoom],
        "webp": base64.b64encode(bytes(window["webp"])).decode("ascii"),
    }
