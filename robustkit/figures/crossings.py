"""crossings: errors where two variables cross, a grid of cells with k of n in each."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from robustkit.figures._base import (
    FOOT_PX,
    TOP_PX,
    Drawing,
    FigureSet,
    Numbers,
    RunFacts,
    blank,
    known,
    plain,
    rows_axis,
)
from robustkit.figures._words import KINDS, cohort_name, with_interval
from robustkit.results.schema import ERRORS_COLUMNS
from robustkit.strata._order import SEPARATOR, in_order

HEAD = ("Row", "Column", "Errors", "Rate (95 % interval)", "Patients")
SCALE = [[0.0, "#eef3f8"], [0.5, "#7fb2d6"], [1.0, "#00507f"]]
"""From few to many errors: light to dark in one hue, so that it holds in grey and for colour-blind readers."""
UNKNOWN = "rgba(127,127,127,0.12)"
DARK_FROM = 0.7
"""Share from which white letters are read more easily than dark ones."""


class Crossings:
    """One grid for every pair of variables; menus for pair, error, model and cohort."""

    name = "crossings"

    def draw(self, tables: Mapping[str, pd.DataFrame], facts: RunFacts) -> FigureSet:
        """Draw nominal errors at the carried threshold."""
        errors = known(tables.get("errors"), ERRORS_COLUMNS)
        pairs = errors["by"].astype(str).str.count(r"\*") == 1
        rows = errors[pairs & (errors["perturbation"] == "nominal") & (errors["n_cases"] > 0)]
        keys = ["by", "kind", "model", "cohort"]
        found = [(dict(zip(keys, map(str, k), strict=True)), part) for k, part in rows.groupby(keys, sort=False)]
        drawings = [_draw(part, of, facts) for kind in KINDS for of, part in found if of["kind"] == kind]
        caption = (
            "Errors of n cases where two facts meet; the darker, the larger the share. Boxes as given, carried threshold. A cell "
            "of fewer than 5 patients shows its count alone, without colour; an empty place has no such case. Many small cells: "
            "the darkest of them may be chance."
        )
        menus = ("Variables", "Error", "Model", "Cohort")
        return FigureSet(self.name, "Where two facts meet", caption, "errors", 2, menus, tuple(drawings))


def _draw(rows: pd.DataFrame, of: Mapping[str, str], facts: RunFacts) -> Drawing:
    (first, second), kind, model, cohort = of["by"].split("*"), of["kind"], of["model"], of["cohort"]
    names = rows["stratum"].astype(str).str.split(SEPARATOR, n=1, regex=False)
    own = rows.assign(row=names.str[0], column=names.str[-1])
    down, across = (in_order(set(own[c])) for c in ("row", "column"))
    title, subtitle = f"{KINDS[kind]} by {first} and {second}", f"{model}, {cohort_name(cohort)}, boxes as given"
    height = TOP_PX + FOOT_PX + 38 * len(down)
    figure = blank(title, subtitle, axes=(f"{second} (k of n in each cell)", ""), facts=facts, height_px=height)
    hover = [
        f"{plain(r['row'])}, {plain(r['column'])}<br><b>{r['k']:g} of {r['n_cases']:g}</b>, {r['n_patients']:g} patients<br>{_said(r)}"
        for r in own.to_dict("records")
    ]
    rates = [float(v) for v in own["rate"]]
    x, y = [across.index(v) for v in own["column"]], [down.index(v) for v in own["row"]]
    figure.layout["shapes"] += [
        {"type": "rect", "x0": a - 0.47, "x1": a + 0.47, "y0": b - 0.45, "y1": b + 0.45, "fillcolor": _colour(v), "line": {"width": 0},
         "layer": "below"}
        for a, b, v in zip(x, y, rates, strict=True)
    ]  # fmt: skip
    figure.add(
        x=x, y=y, mode="text", hovertext=hover, showlegend=False, hovertemplate="%{hovertext}<extra></extra>",
        text=[f"{k:g} of {n:g}" for k, n in zip(own["k"], own["n_cases"], strict=True)],
        textfont={"size": 12, "color": [_ink(v) for v in rates]},
    )  # fmt: skip
    figure.axis(
        "x", tickvals=list(range(len(across))), ticktext=[plain(v, 24) for v in across], range=[-0.6, len(across) - 0.4], side="bottom",
    )  # fmt: skip
    figure.axis("x", showgrid=False)
    figure.axis("y", showgrid=False)
    rows_axis(figure, [plain(v, 32) for v in down], first)
    numbers = [
        (r["row"], r["column"], f"{r['k']:g} of {r['n_cases']:g}", _said(r), f"{r['n_patients']:g}")
        for r in own.to_dict("records")
    ]
    choice = (f"{first} and {second}", KINDS[kind], plain(model), cohort_name(cohort))
    return Drawing(choice, figure, Numbers(HEAD, tuple(numbers)))


def _said(r: Mapping[str, object]) -> str:
    rate, low, high = (float(str(r[k])) for k in ("rate", "low", "high"))
    return with_interval(rate, low, high, is_share=True) + (f": {r['reason']}" if rate != rate and r["reason"] else "")


def _colour(rate: float) -> str:
    if rate != rate:
        return UNKNOWN
    low, high = (SCALE[0], SCALE[1]) if rate < 0.5 else (SCALE[1], SCALE[2])
    share = (rate - float(str(low[0]))) / 0.5
    ends = [[int(str(c[1])[i : i + 2], 16) for i in (1, 3, 5)] for c in (low, high)]
    return "#" + "".join(f"{round(a + share * (b - a)):02x}" for a, b in zip(*ends, strict=True))


def _ink(rate: float) -> str:
    if rate != rate:
        return "#6B7782"
    return "#ffffff" if rate > DARK_FROM else "#16202a"


PLUGIN = Crossings()
