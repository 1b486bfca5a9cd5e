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
)
from robustkit.figures._curve import add_curve
from robustkit.figures._words import cohort_name, level_axis, level_text, metric_words, with_interval
from robustkit.results.schema import CURVES_COLUMNS

METRICS = ("auc", "flip_rate", "sensitivity", "specificity", "rank_sd", "right_at_10", "score_sd")
LEVEL, IOU = "level", "mean IoU"
IOU_AXIS = "mean IoU of the redrawn boxes with the given one (1 = the same box)"
HEAD = ("Model", "Level", "Value (95 % interval)", "Cases", "Patients", "Mean IoU", "Boxes that did not move")


class StabilityCurves:
    """One curve per model; menus for metric, cohort and perturbation."""

    name = "stability_curves"

    def draw(self, tables: Mapping[str, pd.DataFrame], facts: RunFacts) -> FigureSet:
        """Draw the whole cohorts."""
        curves = known(tables.get("curves"), CURVES_COLUMNS)
        rows = curves[curves["by"] == "all"]
        drawings = [
            _draw(part, metric, (str(cohort), str(kind), over), facts)
            for metric in METRICS
            for (cohort, kind), part in rows[rows["metric"] == metric].groupby(["cohort", "perturbation"], sort=False)
            for over in (LEVEL, IOU)
            if part["value"].notna().any() and (over == LEVEL or part["achieved_iou"][part["x"] > 0].notna().any())
        ]
        caption = (
            "Level 0 is the box as given; at every other level each box is redrawn at random within the level. A curve "
            "estimates the metric that is expected when every box is redrawn. Bands are 95 % intervals for further "
            "patients of the same centres, not for further boxes. Click a model in the legend to hide it. Mean IoU: the overlap "
            "of the redrawn boxes with the given one, as it came out on these films."
        )
        menus = ("Metric", "Cohort", "Perturbation", "Over")
        return FigureSet(self.name, "Stability curves", caption, "stability", 0, menus, tuple(drawings))


def _draw(rows: pd.DataFrame, metric: str, where: tuple[str, str, str], facts: RunFacts) -> Drawing:
    cohort, kind, over = where
    words, unit = metric_words(metric), facts.unit(kind)
    axes = (level_axis(kind, unit) if over == LEVEL else IOU_AXIS, words.axis)
    title = f"{words.name} when every box is redrawn"
    figure = blank(title, f"{cohort_name(cohort)}, {kind}; bands: 95 % intervals", axes=axes, facts=facts)
    # the box as given overlaps itself wholly
    rows = rows.assign(achieved_iou=rows["achieved_iou"].astype(float).mask(rows["x"] == 0, 1.0))
    numbers: list[tuple[str, ...]] = []
    for model, own in rows.groupby("model", sort=False):
        own = own.sort_values("x")
        numbers += [_numbers(r, str(model), unit, is_share=words.is_share) for r in own.to_dict("records")]
        column = "x" if over == LEVEL else "achieved_iou"
        seen = own[own["value"].notna() & own[column].notna()]
        hover = [_hover(r, unit, is_share=words.is_share) for r in seen.to_dict("records")]
        add_curve(figure, seen, str(model), facts, hover=hover, has_markers=True, column=column)
    percent_axis(figure, "y", is_share=words.is_share, from_zero=words.from_zero)
    if over == LEVEL:
        _level_ticks(figure, rows["x"], unit)
    else:
        figure.axis("x", autorange="reversed", tickformat=".2f")
    if metric == "auc":
        figure.line("y", 0.5, dash="dot", width=1, color=GREY)
    return Drawing((words.name, cohort_name(cohort), kind, over), figure, Numbers(HEAD, tuple(numbers)))


def _level_ticks(figure: Sheet, at: pd.Series, unit: str) -> None:
    levels = sorted(set(at.dropna()))
    pad = 0.04 * (levels[-1] - levels[0] or 1.0)
    ticks = {"tickvals": levels, "ticktext": [level_text(v, unit) for v in levels]}
    figure.axis("x", **ticks, range=[levels[0] - pad, levels[-1] + pad])


def _hover(r: Mapping[str, float], unit: str, *, is_share: bool) -> str:
    said = with_interval(r["value"], r["low"], r["high"], is_share=is_share)
    at = f"{level_text(r['x'], unit)}, mean IoU {r['achieved_iou']:.2f}"
    return f"<b>{said}</b><br>{at}<br>n = {r['n_cases']:.0f} cases, {r['n_patients']:.0f} patients"


def _numbers(r: Mapping[str, float], model: str, unit: str, *, is_share: bool) -> tuple[str, ...]:
    said = with_interval(r["value"], r["low"], r["high"], is_share=is_share)
    reason = f": {r['reason']}" if r["value"] != r["value"] and r["reason"] else ""
    iou, still = (f"{r['achieved_iou']:.3f}", f"{r['share_unmoved']:.1%}")
    return model, level_text(r["x"], unit), said + reason, f"{r['n_cases']:g}", f"{r['n_patients']:g}", iou, still


PLUGIN = StabilityCurves()
