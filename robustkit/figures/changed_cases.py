"""changed_cases: how many cases change their decision never, sometimes, mostly, when their box is redrawn."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from robustkit.figures._base import Drawing, FigureSet, Numbers, RunFacts, blank, known, plain
from robustkit.figures._words import level_text
from robustkit.results.schema import STABILITY_COLUMNS

EDGES = (-0.001, 0.0, 0.1, 0.25, 0.5, 1.0)
NAMES = ("never", "up to 10%", "10 to 25%", "25 to 50%", "over 50%")
HEAD = ("Model", "Redrawn boxes that change the decision", "Cases", "Share of cases")


class ChangedCases:
    """Bars of case counts per model; a menu for the perturbation and its level."""

    name = "changed_cases"

    def draw(self, tables: Mapping[str, pd.DataFrame], facts: RunFacts) -> FigureSet:
        """Count the cases of stability.csv."""
        rows = known(tables.get("stability"), STABILITY_COLUMNS)
        rows = rows[rows["flip_rate"].notna()]
        drawings = [
            _draw(part, str(kind), float(level), facts)
            for (kind, level), part in rows.groupby(["perturbation", "level"], sort=False)
        ]
        caption = (
            "All judged cases, at the carried threshold. A case counts as never where every redrawn box gave the decision "
            "of the box as given. How many cases reach the middle groups depends on the number of redrawn boxes."
        )
        return FigureSet(self.name, "Cases that change", caption, "stability", 1, ("Perturbation",), tuple(drawings))


def _draw(rows: pd.DataFrame, kind: str, level: float, facts: RunFacts) -> Drawing:
    condition = f"{kind} {level_text(level, facts.unit(kind))}"
    repeats = int(rows["repeats"].max())
    figure = blank(
        "How many cases change their decision", f"{condition}, {repeats} redrawn boxes per case",
        axes=("share of the redrawn boxes that change the decision (% of boxes)", "cases (% of judged cases)"), facts=facts,
        height_px=400,
    )  # fmt: skip
    numbers = []
    for model in facts.models:
        own = rows[rows["model"] == model]
        if own.empty:
            continue
        counts = pd.cut(own["flip_rate"], list(EDGES), labels=list(NAMES)).value_counts().reindex(list(NAMES))
        share = (counts / len(own)).tolist()
        said = [f"{k} of {len(own)}" for k in counts]
        numbers += [(model, n, s, f"{v:.1%}") for n, s, v in zip(NAMES, said, share, strict=True)]
        figure.add(
            type="bar", x=list(NAMES), y=share, name=plain(model), marker={"color": facts.colour(model), "opacity": 0.85}, text=said,
            textposition="outside", textfont={"size": 11}, cliponaxis=False, hovertext=[f"n = {s} cases" for s in said],
            hovertemplate="%{x}: <b>%{y:.1%}</b><br>%{hovertext}<extra>%{fullData.name}</extra>",
        )  # fmt: skip
    figure.layout.update(barmode="group", bargap=0.25, bargroupgap=0.06)
    figure.axis("y", tickformat=".0%", rangemode="tozero")
    return Drawing((condition,), figure, Numbers(HEAD, tuple(numbers)))


PLUGIN = ChangedCases()
