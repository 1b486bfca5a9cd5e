"""size_curves: errors along lesion size, a curve with a band per model."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from robustkit.figures._base import Drawing, FigureSet, Numbers, RunFacts, Sheet, blank, known
from robustkit.figures._curve import add_curve
from robustkit.figures._words import KINDS, cohort_name, level_text, metric_words, with_interval
from robustkit.results.schema import SIZE_CURVE_COLUMNS

HEAD = ("Model", "Size", "Rate (95 % band)", "Cases", "Patients")
AXES = {"size_mm": "longest diameter of the lesion (mm)", "size_frac": "longest side of the box (share of the film)"}
TEXT_POINTS = 9
"""Rows of the table beside a curve of 41 points: every fifth."""


class SizeCurves:
    """Missed, false alarms and changed decisions; menus for error, boxes and cohort."""

    name = "size_curves"

    def draw(self, tables: Mapping[str, pd.DataFrame], facts: RunFacts) -> FigureSet:
        """Draw every cohort that has a curve."""
        rows = known(tables.get("size_curve"), SIZE_CURVE_COLUMNS)
        drawings = []
        for (metric, kind, level, cohort), part in rows.groupby(
            ["metric", "perturbation", "level", "cohort"], sort=False
        ):
            if part["value"].notna().any():
                drawings.append(_draw(part, str(metric), (str(kind), float(level), str(cohort)), facts))
        caption = (
            "The rate along size as a smooth curve (natural cubic spline of the logarithm of size); bands are pointwise 95 % "
            "intervals by patient. Drawn between the 2.5th and the 97.5th percentile of the sizes that there are. A cohort "
            "without a curve has fewer than 10 patients with, or without, the event."
        )
        menus = ("Error", "Boxes", "Cohort")
        return FigureSet(self.name, "Errors along lesion size", caption, "errors", 1, menus, tuple(drawings))


def _draw(rows: pd.DataFrame, metric: str, where: tuple[str, float, str], facts: RunFacts) -> Drawing:
    kind, level, cohort = where
    words = KINDS.get(metric) or metric_words(metric).name
    boxes = "as given" if kind == "nominal" else f"{kind} up to {level_text(level, facts.unit(kind))}"
    scale = str(rows.iloc[0]["scale"])
    axes = (AXES[scale], f"{words.lower()} (% of {_of(metric)})")
    figure = blank(
        f"{words} along lesion size", f"{cohort_name(cohort)}, boxes {boxes}; bands: 95 %", axes=axes, facts=facts
    )
    numbers: list[tuple[str, ...]] = []
    for model, own in rows[rows["value"].notna()].groupby("model", sort=False):
        _curve(figure, own, str(model), facts, scale=scale)
        step = max(1, (len(own) - 1) // (TEXT_POINTS - 1))
        numbers += [_numbers(r, str(model), scale) for r in own.iloc[::step].to_dict("records")]
    figure.axis("y", tickformat=".0%", rangemode="tozero")
    figure.axis("x", type="log", tickvals=_ticks(rows["x"].min(), rows["x"].max()), tickformat="~g")
    return Drawing((words, boxes, cohort_name(cohort)), figure, Numbers(HEAD, tuple(numbers)))


def _of(metric: str) -> str:
    return {"missed": "positives", "false_alarm": "negatives"}.get(metric, "redrawn boxes")


def _curve(figure: Sheet, own: pd.DataFrame, model: str, facts: RunFacts, *, scale: str) -> None:
    hover = [
        f"<b>{with_interval(r['value'], r['low'], r['high'], is_share=True)}</b><br>{_size(r['x'], scale)}<br>"
        f"n = {r['n_cases']:.0f} cases, {r['n_patients']:.0f} patients"
        for r in own.to_dict("records")
    ]
    add_curve(figure, own, model, facts, hover=hover)


def _size(value: float, scale: str) -> str:
    return f"{value:.0f} mm" if scale == "size_mm" else f"{value:.1%} of the film"


def _numbers(r: Mapping[str, float], model: str, scale: str) -> tuple[str, ...]:
    said = with_interval(r["value"], r["low"], r["high"], is_share=True)
    return model, _size(r["x"], scale), said, f"{r['n_cases']:g}", f"{r['n_patients']:g}"


def _ticks(low: float, high: float) -> list[float]:
    """Give round sizes between the ends: 1, 2, 5 of every decade."""
    steps = [m * 10.0**e for e in range(-3, 5) for m in (1, 2, 5)]
    return [s for s in steps if low <= s <= high]


PLUGIN = SizeCurves()
