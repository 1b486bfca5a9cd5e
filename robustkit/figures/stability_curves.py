"""stability_curves: each metric over the level of a perturbation, with bands."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from robustkit.figures._base import (
    GREY,
    Drawing,
    FigureSet,
    Numbers,
    RunFacts,
    Sheet,
    blank,
    known,
    percent_axis,
    plain,
    rounded,
    shade,
)
from robustkit.figures._words import cohort_name, level_axis, level_text, metric_words, with_interval
from robustkit.results.schema import CURVES_COLUMNS

METRICS = ("auc", "flip_rate", "sensitivity", "specificity", "rank_sd", "right_at_10", "score_sd")
HEAD = ("Model", "Level", "Value (95 % interval)", "Cases", "Patients", "Mean IoU", "Boxes that did not move")


class StabilityCurves:
    """One curve per model; menus for metric, cohort and perturbation."""

    name = "stability_curves"

    def draw(self, tables: Mapping[str, pd.DataFrame], facts: RunFacts) -> FigureSet:
        """Draw the whole cohorts."""
        curves = known(tables.get("curves"), CURVES_COLUMNS)
        rows = curves[curves["by"] == "all"]
        drawings = [
            _draw(part, metric, (str(cohort), str(kind)), facts)
            for metric in METRICS
            for (cohort, kind), part in rows[rows["metric"] == metric].groupby(["cohort", "perturbation"], sort=False)
            if part["value"].notna().any()
        ]
        caption = (
            "Level 0 is the box as given; at every other level each box is redrawn at random within the level. A curve "
            "estimates the metric that is expected when every box is redrawn. Bands are 95 % intervals for further "
            "patients of the same centres, not for further boxes. Click a model in the legend to hide it."
        )
        menus = ("Metric", "Cohort", "Perturbation")
        return FigureSet(self.name, "Stability curves", caption, "stability", 0, menus, tuple(drawings))


def _draw(rows: pd.DataFrame, metric: str, where: tuple[str, str], facts: RunFacts) -> Drawing:
    cohort, kind = where
    words = metric_words(metric)
    unit = facts.unit(kind)
    title = f"{words.name} when every box is redrawn"
    axes = (level_axis(kind, unit), words.axis)
    figure = blank(title, f"{cohort_name(cohort)}, {kind}; bands: 95 % intervals", axes=axes, facts=facts)
    numbers: list[tuple[str, ...]] = []
    for model, own in rows.groupby("model", sort=False):
        own = own.sort_values("x")
        numbers += [_numbers(r, str(model), unit, is_share=words.is_share) for r in own.to_dict("records")]
        _curve(figure, own[own["value"].notna()], str(model), facts, unit=unit, is_share=words.is_share)
    percent_axis(figure, "y", is_share=words.is_share, from_zero=words.from_zero)
    levels = sorted(set(rows["x"].dropna()))
    pad = 0.04 * (levels[-1] - levels[0] or 1.0)
    ticks = {"tickvals": levels, "ticktext": [level_text(v, unit) for v in levels]}
    figure.axis("x", **ticks, range=[levels[0] - pad, levels[-1] + pad])
    if metric == "auc":
        figure.line("y", 0.5, dash="dot", width=1, color=GREY)
    return Drawing((words.name, cohort_name(cohort), kind), figure, Numbers(HEAD, tuple(numbers)))


def _curve(figure: Sheet, own: pd.DataFrame, model: str, facts: RunFacts, *, unit: str, is_share: bool) -> None:
    colour = facts.colour(model)
    band = own[own["low"].notna()]
    x, low, high = band["x"].tolist(), rounded(band["low"]), rounded(band["high"])
    figure.add(
        x=[*x, *x[::-1]], y=[*high, *low[::-1]], fill="toself", mode="lines", fillcolor=shade(colour, 0.14), line={"width": 0},
        hoverinfo="skip", showlegend=False, legendgroup=model,
    )  # fmt: skip
    hover = []
    for r in own.to_dict("records"):
        said = with_interval(r["value"], r["low"], r["high"], is_share=is_share)
        at = f"{level_text(r['x'], unit)}, mean IoU {r['achieved_iou']:.2f}"
        hover.append(f"<b>{said}</b><br>{at}<br>n = {r['n_cases']:.0f} cases, {r['n_patients']:.0f} patients")
    figure.add(
        x=own["x"].tolist(), y=rounded(own["value"]), mode="lines+markers", name=plain(model), legendgroup=model, hovertext=hover,
        line={"color": colour, "width": 2.5}, marker={"size": 9, "symbol": facts.symbol(model)},
        hovertemplate="%{hovertext}<extra>%{fullData.name}</extra>",
    )  # fmt: skip


def _numbers(r: Mapping[str, float], model: str, unit: str, *, is_share: bool) -> tuple[str, ...]:
    said = with_interval(r["value"], r["low"], r["high"], is_share=is_share)
    reason = f": {r['reason']}" if r["value"] != r["value"] and r["reason"] else ""
    iou, still = (f"{r['achieved_iou']:.3f}", f"{r['share_unmoved']:.1%}")
    return model, level_text(r["x"], unit), said + reason, f"{r['n_cases']:g}", f"{r['n_patients']:g}", iou, still


PLUGIN = StabilityCurves()
