"""decision_curves: net benefit over the threshold probability, beside calling everybody and nobody."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from robustkit.figures._base import DARK_GREY, GREY, Drawing, FigureSet, Numbers, RunFacts, blank, known, rounded
from robustkit.figures._curve import add_curve
from robustkit.figures._words import cohort_name, with_interval
from robustkit.results.schema import DECISION_CURVE_COLUMNS

HEAD = ("Model", "Threshold probability", "Net benefit (95 % band)", "Everybody called", "Cases", "Patients")
TEXT_STEP = 10


class DecisionCurves:
    """One curve per model; a menu for the cohort."""

    name = "decision_curves"

    def draw(self, tables: Mapping[str, pd.DataFrame], facts: RunFacts) -> FigureSet:
        """Draw the boxes as given."""
        rows = known(tables.get("decision_curve"), DECISION_CURVE_COLUMNS)
        found = rows[rows["value"].notna()].groupby("cohort", sort=False)
        drawings = [_draw(part, str(cohort), facts) for cohort, part in found]
        caption = (
            "Whoever acts at a probability of 20 % holds four false alarms as bad as one miss. Net benefit counts the positives "
            "found per case, less the false alarms at that price (Vickers and Elkin 2006). The score is taken for a "
            "probability, and the share of positives for that of these cases: read it for calibrated scores in a cohort like "
            "the one in use. Bands are pointwise 95 % intervals by patient."
        )
        return FigureSet(self.name, "Is acting on it worth it?", caption, "operating", 2, ("Cohort",), tuple(drawings))


def _draw(rows: pd.DataFrame, cohort: str, facts: RunFacts) -> Drawing:
    axes = ("threshold probability (%)", "net benefit (true positives per case)")
    figure = blank(
        "Decision curve", f"{cohort_name(cohort)}, boxes as given; bands: 95 %, pointwise", axes=axes, facts=facts
    )
    numbers: list[tuple[str, ...]] = []
    for model, own in rows.groupby("model", sort=False):
        hover = [
            f"<b>{with_interval(r['value'], r['low'], r['high'], is_share=False)}</b><br>at {r['x']:.0%}<br>"
            f"n = {r['n_cases']:.0f} cases, {r['n_patients']:.0f} patients"
            for r in own.to_dict("records")
        ]
        add_curve(figure, own, str(model), facts, hover=hover)
        numbers += [_numbers(r, str(model)) for r in own.iloc[TEXT_STEP - 1 :: TEXT_STEP].to_dict("records")]
    share = float(rows["n_positive"].iloc[0] / rows["n_cases"].iloc[0])
    first = rows[rows["model"] == rows["model"].iloc[0]]
    fixed = {"mode": "lines", "hoverinfo": "skip"}
    figure.add(
        x=rounded(first["x"]), y=rounded(first["treat_all"]), name="everybody called", **fixed,
        line={"color": GREY, "width": 1.5, "dash": "dash"},
    )  # fmt: skip
    figure.add(
        x=[0, 1], y=[0, 0], name="nobody called", **fixed, line={"color": DARK_GREY, "width": 1.5, "dash": "dot"}
    )
    top = max(share, float(rows["high"].max()), float(rows["value"].max()))
    figure.axis("x", range=[0, 1], tickformat=".0%")
    figure.axis("y", range=[-0.25 * top, 1.08 * top])
    return Drawing((cohort_name(cohort),), figure, Numbers(HEAD, tuple(numbers)))


def _numbers(r: Mapping[str, float], model: str) -> tuple[str, ...]:
    said = with_interval(r["value"], r["low"], r["high"], is_share=False)
    return model, f"{r['x']:.0%}", said, f"{r['treat_all']:.3f}", f"{r['n_cases']:g}", f"{r['n_patients']:g}"


PLUGIN = DecisionCurves()
