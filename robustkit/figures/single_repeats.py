"""single_repeats: how a metric lies over single repeats of a cohort. Not a measure of stability."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from robustkit.figures._base import Drawing, FigureSet, Numbers, RunFacts, blank, known, percent_axis, plain, shade
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
            "case changes. It says how much one such evaluation would differ from the next. No smallest or largest repeat is "
            "shown: they depend on how many were drawn."
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
    for model, own in rows.groupby("model", sort=False):
        own, colour = own.sort_values("level"), facts.colour(str(model))
        said = [_said(r, str(model), unit, is_share=words.is_share) for r in own.to_dict("records")]
        hover = [f"median <b>{s[2]}</b><br>half of them {s[3]}<br>nine of ten {s[4]}<br>{n}" for s in said]
        x = [level_text(v, unit) for v in own["level"]]
        figure.add(
            type="box", x=x, y=[float(v) for v in own["median"]], q1=_list(own["q25"]), median=_list(own["median"]),
            q3=_list(own["q75"]), lowerfence=_list(own["q05"]), upperfence=_list(own["q95"]), name=plain(model), hovertext=hover,
            line={"color": colour, "width": 1.5}, fillcolor=shade(colour, 0.2), offsetgroup=plain(model), hoverinfo="text",
        )  # fmt: skip
        numbers += said
    percent_axis(figure, "y", is_share=words.is_share)
    figure.layout["boxmode"] = "group"
    figure.axis("x", type="category")
    return Drawing((words.name, cohort_name(cohort), kind), figure, Numbers(HEAD, tuple(numbers)))


def _list(values: pd.Series) -> list[float]:
    return [round(float(v), 5) for v in values]


def _said(r: Mapping[str, float], model: str, unit: str, *, is_share: bool) -> tuple[str, ...]:
    def between(low: str, high: str) -> str:
        return f"{number(r[low], is_share=is_share)} to {number(r[high], is_share=is_share)}"

    return (
        model, level_text(r["level"], unit), number(r["median"], is_share=is_share), between("q25", "q75"), between("q05", "q95"),
        f"{r['repeats']:g}", f"{r['n_cases']:g}", f"{r['n_patients']:g}",
    )  # fmt: skip


PLUGIN = SingleRepeats()
