"""calibration: the share of positives against the mean score, in tenths of the cases."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from robustkit.figures._base import GREY, Drawing, FigureSet, Numbers, RunFacts, blank, known, plain, rounded, whiskers
from robustkit.figures._words import cohort_name, with_interval
from robustkit.results.schema import CALIBRATION_COLUMNS

HEAD = ("Model", "Mean score", "Share of positives (95 % interval)", "Cases", "Patients")


class Calibration:
    """One line per model; a menu for the cohort."""

    name = "calibration"

    def draw(self, tables: Mapping[str, pd.DataFrame], facts: RunFacts) -> FigureSet:
        """Draw the boxes as given."""
        rows = known(tables.get("calibration"), CALIBRATION_COLUMNS)
        drawings = [_draw(part, str(cohort), facts) for cohort, part in rows.groupby("cohort", sort=False)]
        caption = (
            "Each point holds a tenth of the cases. On the dotted line a score of 0.7 would mean that 7 of 10 such cases are "
            "positive. A score need not be a probability: away from the line it still orders cases as well as the AUC says. "
            "Lines are 95 % intervals by patient."
        )
        return FigureSet(self.name, "Is a score a probability?", caption, "operating", 3, ("Cohort",), tuple(drawings))


def _draw(rows: pd.DataFrame, cohort: str, facts: RunFacts) -> Drawing:
    axes = ("mean score of the tenth (0 to 1)", "positive cases in it (%)")
    figure = blank("Share of positives by score", f"{cohort_name(cohort)}, boxes as given", axes=axes, facts=facts)
    figure.add(
        x=[0, 1],
        y=[0, 1],
        mode="lines",
        line={"dash": "dot", "width": 1, "color": GREY},
        hoverinfo="skip",
        showlegend=False,
    )
    numbers = []
    for model, own in rows.groupby("model", sort=False):
        sure = own[own["value"].notna()]
        hover = [
            f"<b>{with_interval(r['value'], r['low'], r['high'], is_share=True)}</b> positive<br>mean score {r['mean_score']:.2f}<br>"
            f"n = {r['n_cases']:.0f} cases, {r['n_patients']:.0f} patients"
            for r in sure.to_dict("records")
        ]
        colour = facts.colour(str(model))
        figure.add(
            x=rounded(sure["mean_score"]), y=rounded(sure["value"]), mode="lines+markers", name=plain(model), hovertext=hover,
            line={"color": colour, "width": 1.5}, marker={"size": 9, "symbol": facts.symbol(str(model))},
            error_y=whiskers(sure, sure["value"], colour=colour, thickness_px=1.2),
            hovertemplate="%{hovertext}<extra>%{fullData.name}</extra>",
        )  # fmt: skip
        for r in own.to_dict("records"):
            said = with_interval(r["value"], r["low"], r["high"], is_share=True)
            numbers.append((str(model), f"{r['mean_score']:.3f}", said, f"{r['n_cases']:g}", f"{r['n_patients']:g}"))
    figure.axis("x", range=[-0.03, 1.03])
    figure.axis("y", range=[-0.03, 1.03], tickformat=".0%")
    return Drawing((cohort_name(cohort),), figure, Numbers(HEAD, tuple(numbers)))


PLUGIN = Calibration()
