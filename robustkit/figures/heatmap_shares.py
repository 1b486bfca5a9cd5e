"""heatmap_shares: where the heatmaps lie, by answer, class and stratum, beside a uniform map and the cohort's mean map."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from robustkit.figures._base import (
    DARK_GREY,
    FOOT_PX,
    TOP_PX,
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
    rows_axis,
    spread_out,
    whiskers,
)
from robustkit.figures._heatmap_words import STILL, measure_words
from robustkit.figures._words import cohort_name, number, p_text, with_interval
from robustkit.results.schema import HEATMAP_MEASURES_COLUMNS
from robustkit.strata._order import in_order

HEAD = ("Group", "Model", "Share (95 % interval)", "Uniform map", "Mean map", "Cases", "Patients", "Adjusted p")
EVERYONE = "all cases"
ROW_PX = 40
FIRST = ("answer", "class")


class HeatmapShares:
    """A point for each group and model; menus for method, measure, variable and cohort."""

    name = "heatmap_shares"

    def draw(self, tables: Mapping[str, pd.DataFrame], facts: RunFacts) -> FigureSet:
        """Draw every measure of the boxes as given."""
        found = known(tables.get("heatmap_measures"), HEATMAP_MEASURES_COLUMNS)
        rows = found[(found["perturbation"] == "nominal") & found["value"].notna() & ~found["measure"].isin(STILL)]
        every, strata = rows[rows["by"] == "all"], rows[rows["by"] != "all"]
        order = sorted(set(strata["by"]), key=lambda b: (FIRST.index(b) if b in FIRST else len(FIRST), str(b)))
        drawings = []
        for (method, measure, cohort), whole in every.groupby(["heatmap", "measure", "cohort"], sort=False):
            same = (strata["heatmap"] == method) & (strata["measure"] == measure) & (strata["cohort"] == cohort)
            for by in order:
                part = strata[same & (strata["by"] == by)]
                if len(part):
                    drawings.append(_draw(pd.concat([whole, part]), str(by), facts))
        caption = (
            "Points are means over cases, lines 95 % intervals by patient. A thin line marks the share that a uniform map would "
            "have: that of the area. A cross marks the cohort's mean map: what is owed to the middle of the crop alone."
        )
        menus = ("Method", "Measure", "Variable", "Cohort")
        return FigureSet(self.name, "Where the maps lie", caption, "heatmaps", 0, menus, tuple(drawings))


def _draw(rows: pd.DataFrame, by: str, facts: RunFacts) -> Drawing:
    first = rows.iloc[0]
    words, cohort = measure_words(str(first["measure"])), cohort_name(str(first["cohort"]))
    names = [EVERYONE, *in_order({str(s) for s in rows.loc[rows["by"] != "all", "stratum"]})]
    models = list(dict.fromkeys(rows["model"]))
    subtitle = f"{cohort}, {first['heatmap']}; lines: 95 % intervals"
    height = TOP_PX + FOOT_PX + ROW_PX * max(3, len(names))
    figure = blank(f"{words.name} by {by}", subtitle, axes=(words.axis, ""), facts=facts, height_px=height)
    numbers: list[tuple[str, ...]] = []
    for model, offset in zip(models, spread_out(len(models), 0.6 / max(1, len(models))), strict=True):
        own = rows[rows["model"] == model]
        group = [EVERYONE if b == "all" else str(s) for b, s in zip(own["by"], own["stratum"], strict=True)]
        y = [names.index(g) + offset for g in group]
        said = [
            _said(r, g, str(model), is_share=words.is_share) for r, g in zip(own.to_dict("records"), group, strict=True)
        ]
        hover = [
            f"<b>{plain(s[0])}</b><br>{s[2]}<br>uniform map {s[3]}, mean map {s[4]}<br>n = {s[5]} cases, {s[6]} patients"
            for s in said
        ]
        _references(figure, own, y)
        figure.add(
            x=rounded(own["value"]), y=y, mode="markers", name=plain(model), hovertext=hover,
            hovertemplate="%{hovertext}<extra>%{fullData.name}</extra>",
            marker={"color": facts.colour(str(model)), "symbol": facts.symbol(str(model)), "size": 11},
            error_x=whiskers(own, own["value"], colour=facts.colour(str(model)), thickness_px=2.5),
        )  # fmt: skip
        numbers += said
    rows_axis(figure, [plain(n, 30) for n in names], by)
    percent_axis(figure, "x", is_share=words.is_share)
    if words.is_share:
        figure.axis("x", range=[-0.02, 1.02])
    return Drawing((str(first["heatmap"]), words.name, by, cohort), figure, Numbers(HEAD, tuple(numbers)))


def _references(figure: Sheet, own: pd.DataFrame, y: list[float]) -> None:
    """Mark the uniform and the mean map of each row."""
    for column, symbol, size in (("uniform", "line-ns-open", 16), ("mean_map", "x-thin-open", 9)):
        there = own[column].notna().to_list()
        figure.add(
            x=rounded(own.loc[there, column]), y=[v for v, is_there in zip(y, there, strict=True) if is_there],
            mode="markers", hoverinfo="skip", showlegend=False,
            marker={"symbol": symbol, "size": size, "color": DARK_GREY, "line": {"width": 2, "color": DARK_GREY}},
        )  # fmt: skip


def _said(r: Mapping[str, float], group: str, model: str, *, is_share: bool) -> tuple[str, ...]:
    return (
        group, model, with_interval(r["value"], r["low"], r["high"], is_share=is_share),
        number(r["uniform"], is_share=is_share), number(r["mean_map"], is_share=is_share), f"{r['n_cases']:.0f}",
        f"{r['n_patients']:.0f}", p_text(r["p_adjusted"]),
    )  # fmt: skip


PLUGIN = HeatmapShares()
