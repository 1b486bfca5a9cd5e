"""inside_outside: external against internal within each stratum, with the difference and its interval."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from robustkit.figures._base import (
    DARK_GREY,
    FOOT_PX,
    GREY,
    PALETTE,
    TOP_PX,
    Drawing,
    FigureSet,
    Numbers,
    RunFacts,
    Sheet,
    blank,
    known,
    plain,
    rounded,
    rows_axis,
    whiskers,
)
from robustkit.figures._words import KINDS, level_text, metric_words, number, p_text, with_interval
from robustkit.results.schema import TRANSFER_COLUMNS
from robustkit.strata._order import stratum_key

HEAD = ("Stratum", "Internal", "External", "Difference (95 % interval)", "Adjusted p")
METRICS = ("missed", "false_alarm", "flip_rate")
COLOURS = {"b": PALETTE[0], "a": PALETTE[1]}
SYMBOLS = {"b": "circle", "a": "square"}
HALF = 0.18


class InsideOutside:
    """Two dots per stratum, joined; menus for variable, error, model and cohort."""

    name = "inside_outside"

    def draw(self, tables: Mapping[str, pd.DataFrame], facts: RunFacts) -> FigureSet:
        """Draw errors of the boxes as given, and changed decisions at the first level."""
        rows = known(tables.get("transfer"), TRANSFER_COLUMNS)
        rows = rows[(rows["by"] != "all") & rows["metric"].isin(METRICS)]
        rows = rows[(rows["metric"] == "flip_rate") | (rows["perturbation"] == "nominal")]
        drawings = []
        for by in dict.fromkeys(rows["by"]):
            for metric in METRICS:
                part = rows[(rows["by"] == by) & (rows["metric"] == metric)]
                if metric == "flip_rate" and facts.primary:
                    part = part[(part["perturbation"] == facts.primary[0]) & (part["level"] == facts.primary[1])]
                for (model, cohort), own in part.groupby(["model", "cohort_a"], sort=False):
                    if own["value_a"].notna().any() or own["value_b"].notna().any():
                        drawings.append(_draw(own, (str(by), metric, str(model), str(cohort)), facts))
        caption = (
            "The same stratum inside and outside the internal cohort. Lines are 95 % intervals by patient (Wilson, effective "
            "size); the difference has Newcombe's interval and a test by patient, adjusted over the strata of a variable "
            "(Holm). A side of fewer than 5 patients has no rate."
        )
        menus = ("Variable", "Error", "Model", "Outside")
        return FigureSet(self.name, "Internal against external", caption, "errors", 2, menus, tuple(drawings))


def _draw(rows: pd.DataFrame, choice: tuple[str, str, str, str], facts: RunFacts) -> Drawing:
    by, metric, model, cohort = choice
    words = KINDS.get(metric) or metric_words(metric).name
    first = rows.iloc[0]
    kind = str(first["perturbation"])
    boxes = "as given" if kind == "nominal" else f"{kind} up to {level_text(float(first['level']), facts.unit(kind))}"
    rows = rows.assign(order=[stratum_key(str(s)) for s in rows["stratum"]]).sort_values("order", kind="stable")
    height = TOP_PX + FOOT_PX + 40 * len(rows)
    of = {"missed": "% of positives", "false_alarm": "% of negatives"}.get(metric, "% of redrawn boxes")
    figure = blank(
        f"{words} by {by}, inside and outside", f"{model}, boxes {boxes}", axes=(f"{words.lower()} ({of})", ""), facts=facts,
        height_px=height,
    )  # fmt: skip
    places = list(range(len(rows)))
    for side, name, shift in (("b", "internal", -HALF), ("a", cohort, HALF)):
        _dots(figure, rows, side, [p + shift for p in places], name=name)
    for place, r in zip(places, rows.to_dict("records"), strict=True):
        _difference(figure, r, place)
    rows_axis(figure, [plain(s) for s in rows["stratum"]], by)
    figure.axis("y", showgrid=False)
    figure.axis("x", range=[-0.02, 1.42], tickformat=".0%", tickvals=[0, 0.2, 0.4, 0.6, 0.8, 1.0])
    numbers = tuple(_numbers(r) for r in rows.to_dict("records"))
    return Drawing((by, words, plain(model), plain(cohort)), figure, Numbers(HEAD, numbers))


def _dots(figure: Sheet, rows: pd.DataFrame, side: str, y: list[float], *, name: str) -> None:
    sure = rows[f"value_{side}"].notna()
    own = rows[sure].rename(columns={f"low_{side}": "own_low", f"high_{side}": "own_high"})
    own = own.assign(low=own["own_low"], high=own["own_high"])
    value = own[f"value_{side}"]
    hover = [
        f"{plain(r['stratum'])}<br><b>{_side(r, side)}</b><br>{r[f'n_patients_{side}']:g} patients"
        for r in rows[sure].to_dict("records")
    ]
    figure.add(
        x=rounded(value), y=[p for p, s in zip(y, sure, strict=True) if s], mode="markers", name=plain(name),
        marker={"color": COLOURS[side], "size": 9, "symbol": SYMBOLS[side]}, hovertext=hover,
        error_x=whiskers(own, value, colour=COLOURS[side], thickness_px=1.5),
        hovertemplate="%{hovertext}<extra>%{fullData.name}</extra>",
    )  # fmt: skip


def _difference(figure: Sheet, r: Mapping[str, float], place: int) -> None:
    is_sure = r["p_adjusted"] < 0.05
    said = "no difference estimable" if r["diff"] != r["diff"] else f"{_points(r)}, p {p_text(r['p_adjusted'])}"
    figure.note(
        text=f"<b>{said}</b>" if is_sure else said, x=1.04, y=place, xanchor="left", yanchor="middle",
        font={"size": 11, "color": DARK_GREY if is_sure else GREY},
    )  # fmt: skip


def _points(r: Mapping[str, float]) -> str:
    """Give the difference in percentage points."""
    low, high = (number(r[k], is_share=True) for k in ("low", "high"))
    return f"{number(r['diff'], is_share=True)} ({low} to {high})"


def _side(r: Mapping[str, float], side: str) -> str:
    value, low, high = (r[f"{k}_{side}"] for k in ("value", "low", "high"))
    if value != value:
        return f"{r[f'n_cases_{side}']:g} cases, no rate"
    return f"{with_interval(value, low, high, is_share=True)} of {r[f'n_cases_{side}']:g}"


def _numbers(r: Mapping[str, float]) -> tuple[str, ...]:
    said = str(r["reason"]) if r["diff"] != r["diff"] else _points(r)
    return str(r["stratum"]), _side(r, "b"), _side(r, "a"), said, p_text(r["p_adjusted"])


PLUGIN = InsideOutside()
