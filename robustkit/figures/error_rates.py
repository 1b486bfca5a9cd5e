"""error_rates: missed lesions and false alarms by stratum, internal against external side by side."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd
import plotly.graph_objects as go

from robustkit.figures._base import Drawing, FigureSet, blank, colours, plain

KINDS = {
    "missed": "Missed (non-benign)",
    "missed_malignant": "Missed (malignant)",
    "missed_intermediate": "Missed (intermediate)",
    "false_alarm": "False alarms",
}


class ErrorRates:
    """Bars with intervals and counts, one colour per cohort; menus for variable, error and model."""

    name = "error_rates"

    def draw(self, tables: Mapping[str, pd.DataFrame], *, is_simulated: bool) -> FigureSet:
        """Draw nominal errors at the carried threshold."""
        errors = tables.get("errors", pd.DataFrame(columns=["by", "perturbation", "kind", "model", "cohort"]))
        rows = errors[(errors["by"] != "all") & (errors["perturbation"] == "nominal")]
        drawings = [
            Drawing((str(by), KINDS[str(kind)], plain(model)), _draw(part, is_simulated=is_simulated))
            for (by, kind, model), part in rows.groupby(["by", "kind", "model"], sort=False)
        ]
        caption = (
            "Share of non-benign lesions below the carried threshold (missed) and of benign ones at or above it (false alarms), on the "
            "nominal boxes. Intervals by patient; a stratum of fewer than 5 patients shows its count only."
        )
        return FigureSet(self.name, "Which errors", caption, ("Variable", "Error", "Model"), tuple(drawings))


def _draw(rows: pd.DataFrame, *, is_simulated: bool) -> go.Figure:
    cohorts = [c for c in dict.fromkeys(rows["cohort"]) if c != "all"] or list(dict.fromkeys(rows["cohort"]))
    strata = list(dict.fromkeys(rows["stratum"]))
    figure = blank("rate", "", is_simulated=is_simulated, height_px=140 + 24 * len(strata) * max(1, len(cohorts)))
    palette = colours(cohorts)
    for cohort in cohorts:
        own = rows[rows["cohort"] == cohort].set_index("stratum").reindex(strata)
        rate, low, high = own["rate"], own["low"], own["high"]
        text = ["" if n != n else f"{k:g} of {n:g}" for k, n in zip(own["k"], own["n_cases"], strict=True)]
        figure.add_bar(
            orientation="h", name=plain(cohort), y=[plain(s) for s in strata], x=rate.astype(object).where(rate.notna(), None).tolist(),
            marker={"color": palette[cohort], "opacity": 0.75}, text=text, textposition="none",
            error_x={"type": "data", "symmetric": False, "array": (high - rate).fillna(0).tolist(),
                     "arrayminus": (rate - low).fillna(0).tolist(), "thickness": 1.5, "width": 3, "color": "#808890"},
            hovertemplate="%{y}: %{x:.1%}<br>%{text} cases<extra>%{fullData.name}</extra>",
        )  # fmt: skip
    figure.update_layout(barmode="group", bargap=0.3)
    figure.update_xaxes(range=[0, 1.02], tickformat=".0%")
    figure.update_yaxes(automargin=True, autorange="reversed")
    return figure


PLUGIN = ErrorRates()
