"""stability_curves: each metric over the level of a perturbation, with bands."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd
import plotly.graph_objects as go

from robustkit.figures._base import METRIC_NAMES, Drawing, FigureSet, blank, colours, plain, shade

METRICS = ("auc", "flip_rate", "sensitivity", "specificity", "rank_sd", "right_at_10", "score_sd")


class StabilityCurves:
    """One curve per model; menus for metric, cohort and perturbation."""

    name = "stability_curves"

    def draw(self, tables: Mapping[str, pd.DataFrame], *, is_simulated: bool) -> FigureSet:
        """Draw the whole cohorts."""
        curves = tables.get("curves", pd.DataFrame(columns=["by", "metric", "cohort", "perturbation"]))
        rows = curves[curves["by"] == "all"]
        drawings = [
            Drawing(
                (METRIC_NAMES[metric], str(cohort), str(kind)),
                _draw(part, metric, str(kind), is_simulated=is_simulated),
            )
            for metric in METRICS
            for (cohort, kind), part in rows[rows["metric"] == metric].groupby(["cohort", "perturbation"], sort=False)
            if part["value"].notna().any()
        ]
        caption = (
            "Every box is redrawn at random within the level; level 0 is the box as given. Bands are 95 % intervals for further "
            "patients, not for further boxes. The curve estimates the metric expected when every box is redrawn."
        )
        return FigureSet(self.name, "How stable", caption, ("Metric", "Cohort", "Perturbation"), tuple(drawings))


def _draw(rows: pd.DataFrame, metric: str, kind: str, *, is_simulated: bool) -> go.Figure:
    figure = blank(f"level of {kind} (share of the box sides)", METRIC_NAMES[metric], is_simulated=is_simulated)
    palette = colours(list(dict.fromkeys(rows["model"])))
    for model, own in rows.groupby("model", sort=False):
        own = own[own["value"].notna()].sort_values("x")
        colour = palette[model]
        band = own[own["low"].notna()]
        figure.add_scatter(
            x=[*band["x"], *band["x"][::-1]], y=[*band["high"], *band["low"][::-1]], fill="toself", mode="lines",
            fillcolor=shade(colour, 0.16), line={"width": 0}, hoverinfo="skip", showlegend=False, legendgroup=str(model),
        )  # fmt: skip
        counts = (
            own[["low", "high", "n_cases", "n_patients", "achieved_iou"]].astype(float).round(4).to_numpy().tolist()
        )
        figure.add_scatter(
            x=own["x"].tolist(), y=own["value"].tolist(), mode="lines+markers", name=plain(model), legendgroup=str(model),
            line={"color": colour, "width": 2.5}, marker={"size": 8}, customdata=counts,
            hovertemplate="%{y:.3f} (%{customdata[0]:.3f} to %{customdata[1]:.3f})<br>level %{x}, mean IoU %{customdata[4]:.2f}"
            "<br>n = %{customdata[2]:.0f} cases, %{customdata[3]:.0f} patients<extra>%{fullData.name}</extra>",
        )  # fmt: skip
    figure.update_xaxes(rangemode="tozero")
    if metric in ("flip_rate", "rank_sd", "score_sd"):
        figure.update_yaxes(rangemode="tozero")
    if metric == "auc":
        figure.add_hline(y=0.5, line={"dash": "dot", "width": 1, "color": "#808890"})
    return figure


PLUGIN = StabilityCurves()
