"""heatmap_stability: how alike the maps of redrawn boxes are to that of the box as given, over the level."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from robustkit.figures._base import Drawing, FigureSet, Numbers, RunFacts, blank, known, percent_axis, plain, rounded
from robustkit.figures._curve import add_curve
from robustkit.figures._heatmap_words import STILL, measure_words
from robustkit.figures._words import cohort_name, level_axis, level_text, number, with_interval
from robustkit.results.schema import HEATMAP_MEASURES_COLUMNS

HEAD = ("Model", "Level", "Mean (95 % interval)", "Mean map", "Cases", "Patients")


class HeatmapStability:
    """One curve per model; menus for method, measure, cohort and perturbation."""

    name = "heatmap_stability"

    def draw(self, tables: Mapping[str, pd.DataFrame], facts: RunFacts) -> FigureSet:
        """Draw whole cohorts."""
        found = known(tables.get("heatmap_measures"), HEATMAP_MEASURES_COLUMNS)
        rows = found[found["measure"].isin(STILL) & (found["by"] == "all") & found["value"].notna()]
        keys = ["heatmap", "measure", "cohort", "perturbation"]
        drawings = [_draw(part, facts) for _, part in rows.groupby(keys, sort=False)]
        caption = (
            "Maps of redrawn boxes are compared with the map of the box as given where both crops show the film. Bands are 95 % "
            "intervals by patient. Dotted: how alike the maps of one cohort are anyhow, each compared with their mean; a curve "
            "near it says that the map moves with the box and not with the film."
        )
        menus = ("Method", "Measure", "Cohort", "Perturbation")
        return FigureSet(self.name, "Does the map hold still?", caption, "heatmaps", 1, menus, tuple(drawings))


def _draw(rows: pd.DataFrame, facts: RunFacts) -> Drawing:
    first = rows.iloc[0]
    words, kind = measure_words(str(first["measure"])), str(first["perturbation"])
    cohort, unit = cohort_name(str(first["cohort"])), facts.unit(kind)
    axes = (level_axis(kind, unit), words.axis)
    figure = blank(
        f"{words.name} of maps", f"{cohort}, {kind}, {first['heatmap']}; bands: 95 % intervals", axes=axes, facts=facts
    )
    numbers: list[tuple[str, ...]] = []
    for model, part in rows.groupby("model", sort=False):
        own = part.sort_values("level")
        said = [_said(r, str(model), unit, is_share=words.is_share) for r in own.to_dict("records")]
        hover = [f"{s[2]}<br>mean map {s[3]}<br>n = {s[4]} cases, {s[5]} patients" for s in said]
        add_curve(figure, own, str(model), facts, hover=hover, has_markers=True, column="level")
        reference = own[own["mean_map"].notna()]
        figure.add(
            x=rounded(reference["level"]), y=rounded(reference["mean_map"]), mode="lines", hoverinfo="skip", showlegend=False,
            legendgroup=plain(model), line={"color": facts.colour(str(model)), "width": 1.5, "dash": "dot"},
        )  # fmt: skip
        numbers += said
    percent_axis(figure, "y", is_share=words.is_share)
    ticks = sorted(set(rows["level"]))
    figure.axis("x", tickvals=ticks, ticktext=[level_text(v, unit) for v in ticks])
    figure.axis("y", range=[min(0.0, float(rows["value"].min())) - 0.02, 1.02])
    return Drawing((str(first["heatmap"]), words.name, cohort, kind), figure, Numbers(HEAD, tuple(numbers)))


def _said(r: Mapping[str, float], model: str, unit: str, *, is_share: bool) -> tuple[str, ...]:
    return (
        model, level_text(r["level"], unit), with_interval(r["value"], r["low"], r["high"], is_share=is_share),
        number(r["mean_map"], is_share=is_share), f"{r['n_cases']:.0f}", f"{r['n_patients']:.0f}",
    )  # fmt: skip


PLUGIN = HeatmapStability()
