"""roc_curves: sensitivity over the share of false alarms, with bands and the carried thresholds."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from robustkit.figures._base import GREY, Drawing, FigureSet, Numbers, RunFacts, Sheet, blank, known, plain
from robustkit.figures._curve import add_curve
from robustkit.figures._words import cohort_name, with_interval
from robustkit.results.schema import OPERATING_POINTS_COLUMNS, ROC_COLUMNS, STRATA_COLUMNS

HEAD = ("Model", "False alarms", "Sensitivity (95 % band)", "Cases", "Patients", "Positives")
TEXT_STEP = 5
"""Of 51 points every fifth stands in the table."""


class RocCurves:
    """One curve per model; a menu for the cohort."""

    name = "roc_curves"

    def draw(self, tables: Mapping[str, pd.DataFrame], facts: RunFacts) -> FigureSet:
        """Draw the boxes as given."""
        rows = known(tables.get("roc"), ROC_COLUMNS)
        points = known(tables.get("operating_points"), OPERATING_POINTS_COLUMNS)
        strata = known(tables.get("strata"), STRATA_COLUMNS)
        drawings = []
        for cohort, part in rows[rows["value"].notna()].groupby("cohort", sort=False):
            carried = points[
                (points["cohort"] == cohort) & points["operating_point"].astype(str).str.endswith("(judged at)")
            ]
            aucs = strata[(strata["cohort"] == cohort) & (strata["by"] == "all") & (strata["metric"] == "auc")]
            drawings.append(
                _draw(part, str(cohort), facts, carried=carried, aucs=aucs[aucs["perturbation"] == "nominal"])
            )
        caption = (
            "Each point of a curve is a threshold. Bands are pointwise 95 % intervals by patient at a fixed share of false "
            "alarms; they are not a band for the curve as a whole. The large marks are the carried thresholds."
        )
        return FigureSet(
            self.name, "Positives found against false alarms", caption, "operating", 1, ("Cohort",), tuple(drawings)
        )


def _draw(rows: pd.DataFrame, cohort: str, facts: RunFacts, *, carried: pd.DataFrame, aucs: pd.DataFrame) -> Drawing:
    axes = ("false alarms, 1 - specificity (% of negatives)", "sensitivity (% of positives)")
    figure = blank(
        "ROC curve", f"{cohort_name(cohort)}, boxes as given; bands: 95 %, pointwise", axes=axes, facts=facts
    )
    figure.add(
        x=[0, 1], y=[0, 1], mode="lines", line={"dash": "dot", "width": 1, "color": GREY}, hoverinfo="skip", showlegend=False,
    )  # fmt: skip
    numbers: list[tuple[str, ...]] = []
    for model, own in rows.groupby("model", sort=False):
        hover = [
            f"<b>{with_interval(r['value'], r['low'], r['high'], is_share=True)}</b> found<br>{r['x']:.0%} false alarms<br>"
            f"n = {r['n_cases']:.0f} cases, {r['n_patients']:.0f} patients"
            for r in own.to_dict("records")
        ]
        add_curve(figure, own, str(model), facts, hover=hover)
        numbers += [_numbers(r, str(model)) for r in own.iloc[::TEXT_STEP].to_dict("records")]
        _carried(figure, carried[carried["model"] == model], str(model), facts)
        area = aucs[aucs["model"] == model]
        if len(area):
            r = area.iloc[0]
            said = with_interval(r["value"], r["low"], r["high"], is_share=False)
            numbers.append(
                (str(model), "AUC", said, f"{r['n_cases']:g}", f"{r['n_patients']:g}", f"{r['n_positive']:g}")
            )
    figure.axis("x", range=[-0.01, 1.01], tickformat=".0%")
    figure.axis("y", range=[-0.01, 1.01], tickformat=".0%")
    return Drawing((cohort_name(cohort),), figure, Numbers(HEAD, tuple(numbers)))


def _carried(figure: Sheet, points: pd.DataFrame, model: str, facts: RunFacts) -> None:
    own = points.set_index("metric")
    if {"sensitivity", "specificity"} - set(own.index) or not own["value"].notna().all():
        return
    hit, kept = own.loc["sensitivity"], own.loc["specificity"]
    said = [with_interval(r["value"], r["low"], r["high"], is_share=True) for r in (hit, kept)]
    figure.add(
        x=[1 - float(kept["value"])], y=[float(hit["value"])], mode="markers", showlegend=False, name=plain(model),
        legendgroup=plain(model),
        marker={"size": 14, "symbol": facts.symbol(model), "color": facts.colour(model), "line": {"width": 2, "color": "#ffffff"}},
        hovertext=[f"carried threshold {hit['threshold']:.3f}<br>sensitivity <b>{said[0]}</b><br>specificity <b>{said[1]}</b><br>"
                   f"n = {hit['n_cases']:.0f} positives, {kept['n_cases']:.0f} negatives"],
        hovertemplate="%{hovertext}<extra>%{fullData.name}</extra>",
    )  # fmt: skip


def _numbers(r: Mapping[str, float], model: str) -> tuple[str, ...]:
    said = with_interval(r["value"], r["low"], r["high"], is_share=True)
    return model, f"{r['x']:.0%}", said, f"{r['n_cases']:g}", f"{r['n_patients']:g}", f"{r['n_positive']:g}"


PLUGIN = RocCurves()
