"""heatmap_checks: what is left of a network's maps when more and more of its weights are random."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from robustkit.figures._base import GREY, Drawing, FigureSet, Numbers, RunFacts, blank, known, rounded, shade, whiskers
from robustkit.figures._words import number, with_interval
from robustkit.results.schema import HEATMAP_CHECKS_COLUMNS

HEAD = ("Random down to", "Correlation (95 % interval)", "Mean map", "Cases")
CHECK = "randomised weights"


class HeatmapChecks:
    """Correlation over the parts of the network, from its output on; menus for method and model."""

    name = "heatmap_checks"

    def draw(self, tables: Mapping[str, pd.DataFrame], facts: RunFacts) -> FigureSet:
        """Draw every model."""
        found = known(tables.get("heatmap_checks"), HEATMAP_CHECKS_COLUMNS)
        rows = found[found["check"] == CHECK]
        drawings = [
            _draw(part, (str(method), str(model)), facts)
            for (method, model), part in rows.groupby(["heatmap", "model"], sort=False)
            if part["value"].notna().any()
        ]
        caption = (
            "The weights of the network are dealt out anew, part by part from its output on, and the maps are compared with those "
            "of the network itself (Adebayo et al. 2018). A map that stays as it was is one of the film's edges, not of the model. "
            "Dotted: how alike any map of the cohort is to their mean. Parts after which no map says anything are left out."
        )
        menus = ("Method", "Model")
        return FigureSet(self.name, "Is it a map of the model?", caption, "heatmaps", 2, menus, tuple(drawings))


def _draw(rows: pd.DataFrame, of: tuple[str, str], facts: RunFacts) -> Drawing:
    method, model = of
    shown = rows[rows["value"].notna()]
    stages = [str(s) for s in rows["stage"]]
    axes = ("weights random down to (part of the network)", "correlation (1 = the same map)")
    figure = blank(
        "Maps of a network with random weights", f"{model}, {method}; lines: 95 % intervals", axes=axes, facts=facts
    )
    said = [
        (str(r["stage"]), with_interval(r["value"], r["low"], r["high"]), number(r["expected"]), f"{r['n_cases']:.0f}")
        for r in rows.to_dict("records")
    ]
    by_stage = {s[0]: s for s in said}
    hover = [
        f"{by_stage[s][1]}<br>mean map {by_stage[s][2]}<br>n = {by_stage[s][3]} cases" for s in map(str, shown["stage"])
    ]
    x = [stages.index(str(s)) for s in shown["stage"]]
    expected = shown[shown["expected"].notna()]
    colour = facts.colour(model)
    figure.add(
        x=[stages.index(str(s)) for s in expected["stage"]], y=rounded(expected["expected"]), mode="lines", hoverinfo="skip",
        showlegend=False, line={"color": GREY, "width": 1.5, "dash": "dot"},
    )  # fmt: skip
    figure.add(
        x=x, y=rounded(shown["value"]), mode="lines+markers", hovertext=hover, showlegend=False,
        hovertemplate="%{hovertext}<extra></extra>", line={"color": shade(colour, 0.5), "width": 1.5},
        marker={"color": colour, "symbol": facts.symbol(model), "size": 10},
        error_y=whiskers(shown, shown["value"], colour=colour, thickness_px=2.5),
    )  # fmt: skip
    figure.line("y", 0.0, color=GREY, width=1)
    figure.axis("x", tickvals=list(range(len(stages))), ticktext=stages, range=[-0.5, len(stages) - 0.5])
    figure.axis("y", range=[-1.02, 1.02])
    return Drawing((method, model), figure, Numbers(HEAD, tuple(said)))


PLUGIN = HeatmapChecks()
