"""single_repeats: how a metric lies over single repeats of a cohort. Not a measure of stability."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from robustkit.figures._base import (
    Drawing,
    FigureSet,
    Numbers,
    RunFacts,
    blank,
    known,
    percent_axis,
    plain,
    rounded,
    shade,
    spread_out,
    whiskers,
)
from robustkit.figures._words import cohort_name, level_axis, level_text, metric_words, number
from robustkit.results.schema import REPEATS_COLUMNS

HEAD = ("Model", "Level", "Median", "Quarter to three quarters", "5 % to 95 %", "Repeats", "Cases", "Patients")


class SingleRepeats:
    """A box for each model and level; menus for metric, cohort and perturbation."""

    name = "single_repeats"

    def draw(self, tables: Mapping[str, pd.DataFrame], facts: RunFacts) -> FigureSet:
        """Draw whole cohorts."""
        found = known(tables.get("repeats"), REPEATS_COLUMNS)
        rows = found[(found["by"] == "all") & found["median"].notna()]
        drawings = [
            _draw(part, str(metric), (str(cohort), str(kind)), facts)
            for (metric, cohort, kind), part in rows.groupby(["metric", "cohort", "perturbation"], sort=False)
        ]
        caption = (
            "Every repeat redraws the box of every case once and gives one number for the whole cohort. The spread of these "
            "numbers is not a measure of stability: single errors cancel, so it shrinks as the cohort grows, however much each "
            "case changes. Thick bars hold half of the repeats, thin ones nine of ten. No smallest or largest repeat is shown: "
            "they depend on how many were drawn."
        )
        menus = ("Metric", "Cohort", "Perturbation")
        return FigureSet(self.name, "The cohort, repeat by repeat", caption, "stability", 5, menus, tuple(drawings))


def _draw(rows: pd.DataFrame, metric: str, where: tuple[str, str], facts: RunFacts) -> Drawing:
    cohort, kind = where
    words, unit = metric_words(metric), facts.unit(kind)
    n = f"n = {rows['n_cases'].max():g} cases, {rows['repeats'].max():g} repeats"
    axes = (level_axis(kind, unit), words.axis)
    figure = blank(f"{words.name} of single repeats", f"{cohort_name(cohort)}, {kind}; {n}", axes=axes, facts=facts)
    numbers: list[tuple[str, ...]] = []
    levels = sorted(set(rows["level"]))
    models = list(dict.fromkeys(rows["model"]))
    for model, offset in zip(models, spread_out(len(models), 0.5 / max(1, len(models))), strict=True):
        own, colour = rows[rows["model"] == model].sort_values("level"), facts.colour(str(model))
        said = [_said(r, str(model), unit, is_share=words.is_share) for r in own.to_dict("records")]
        hover = [f"median <b>{s[2]}</b><br>half of them {s[3]}<br>nine of ten {s[4]}<br>{n}" for s in said]
        x = [levels.index(v) + offset for v in own["level"]]
        both = {
            "x": x,
            "y": rounded(own["median"]),
            "mode": "markers",
            "legendgroup": plain(model),
            "name": plain(model),
        }
        look = {"color": colour, "symbol": facts.symbol(str(model))}
        figure.add(
            **both, showlegend=False, hoverinfo="skip", marker={**look, "size": 1},
            error_y=_between(own, "q05", "q95", colour=colour, thickness_px=1.5),
        )  # fmt: skip
        figure.add(
            **both, hovertext=hover, hovertemplate="%{hovertext}<extra>%{fullData.name}</extra>", marker={**look, "size": 11},
            error_y=_between(own, "q25", "q75", colour=shade(colour, 0.45), thickness_px=9),
        )  # fmt: skip
        numbers += said
    percent_axis(figure, "y", is_share=words.is_share)
    figure.axis(
        "x",
        tickvals=list(range(len(levels))),
        ticktext=[level_text(v, unit) for v in levels],
        range=[-0.6, len(levels) - 0.4],
    )
    return Drawing((words.name, cohort_name(cohort), kind), figure, Numbers(HEAD, tuple(numbers)))


def _between(own: pd.DataFrame, low: str, high: str, *, colour: str, thickness_px: float) -> dict[str, object]:
    bounds = pd.DataFrame({"low": own[low], "high": own[high]})
    return whiskers(bounds, own["median"], colour=colour, thickness_px=thickness_px)


def _said(r: Mapping[str, float], model: str, unit: str, *, is_share: bool) -> tuple[str, ...]:
    def between(low: str, high: str) -> str:
        return f"{number(r[low], is_share=is_share)} to {number(r[high], is_share=is_share)}"

    return (
        model, level_text(r["level"], unit), number(r["median"], is_share=is_share), between("q25", "q75"), between("q05", "q95"),
        f"{r['repeats']:g}", f"{r['n_cases']:g}", f"{r['n_patients']:g}",
    )  # fmt: skip


PLUGIN = SingleRepeats()
