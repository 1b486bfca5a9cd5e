"""stability_by_stratum: each metric over the level of a perturbation, one curve per stratum of a variable."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from robustkit.figures._base import PALETTE, Drawing, FigureSet, Numbers, RunFacts, blank, known, percent_axis
from robustkit.figures._curve import add_curve
from robustkit.figures._words import cohort_name, level_axis, level_text, metric_words, with_interval
from robustkit.results.schema import CURVES_COLUMNS
from robustkit.strata._order import in_order

METRICS = ("flip_rate", "sensitivity", "specificity", "auc")
HEAD = ("Stratum", "Level", "Value (95 % interval)", "Cases", "Patients")
MOST = len(PALETTE)
"""Curves in one drawing: each has a colour of its own."""


class StabilityByStratum:
    """One curve per stratum; menus for metric, variable, model, cohort and perturbation."""

    name = "stability_by_stratum"

    def draw(self, tables: Mapping[str, pd.DataFrame], facts: RunFacts) -> FigureSet:
        """Draw every variable."""
        curves = known(tables.get("curves"), CURVES_COLUMNS)
        rows = curves[(curves["by"] != "all") & curves["value"].notna()]
        keys = ["by", "model", "cohort", "perturbation"]
        drawings = [
            _draw(part, metric, dict(zip(keys, map(str, key), strict=True)), facts)
            for metric in METRICS
            for key, part in rows[rows["metric"] == metric].groupby(keys, sort=False)
            if part["x"].max() > 0
        ]
        caption = (
            f"The strata of a variable side by side, at most the {MOST} with the most patients. Bands are 95 % intervals by patient. "
            "Curves that part may do so by chance: whether a stratum differs from the others is tested in the next section."
        )
        menus = ("Metric", "Variable", "Model", "Cohort", "Perturbation")
        return FigureSet(self.name, "Stability by stratum", caption, "stability", 1, menus, tuple(drawings))


def _draw(rows: pd.DataFrame, metric: str, of: Mapping[str, str], facts: RunFacts) -> Drawing:
    by, model, cohort, kind = of["by"], of["model"], of["cohort"], of["perturbation"]
    words, unit = metric_words(metric), facts.unit(kind)
    most = rows.groupby("stratum")["n_patients"].max().sort_values(ascending=False, kind="stable").index[:MOST]
    strata = in_order(map(str, most))
    shown = RunFacts(tuple(strata), facts.is_simulated, facts.units, facts.primary)
    title, subtitle = f"{words.name} by {by}", f"{model}, {cohort_name(cohort)}, {kind}; bands: 95 % intervals"
    figure = blank(title, subtitle, axes=(level_axis(kind, unit), words.axis), facts=facts)
    numbers: list[tuple[str, ...]] = []
    for stratum in strata:
        own = rows[rows["stratum"] == stratum].sort_values("x")
        said = [with_interval(r["value"], r["low"], r["high"], is_share=words.is_share) for r in own.to_dict("records")]
        counts = [(f"{r['n_cases']:.0f}", f"{r['n_patients']:.0f}") for r in own.to_dict("records")]
        levels = [level_text(v, unit) for v in own["x"]]
        hover = [
            f"<b>{s}</b><br>{v}<br>n = {n} cases, {m} patients"
            for s, v, (n, m) in zip(said, levels, counts, strict=True)
        ]
        add_curve(figure, own, str(stratum), shown, hover=hover, has_markers=True)
        numbers += [(str(stratum), v, s, n, m) for s, v, (n, m) in zip(said, levels, counts, strict=True)]
    percent_axis(figure, "y", is_share=words.is_share, from_zero=words.from_zero)
    ticks = sorted(set(rows["x"]))
    figure.axis("x", tickvals=ticks, ticktext=[level_text(v, unit) for v in ticks])
    return Drawing((words.name, by, model, cohort_name(cohort), kind), figure, Numbers(HEAD, tuple(numbers)))


PLUGIN = StabilityByStratum()
