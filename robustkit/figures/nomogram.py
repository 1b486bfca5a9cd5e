"""nomogram: a logistic model as scales, points for every fact and a score for their sum."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise

import numpy as np
import pandas as pd

from robustkit.figures._base import (
    DARK_GREY,
    FOOT_PX,
    GREY,
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
)
from robustkit.results.schema import NOMOGRAM_COLUMNS

HEAD = ("Scale", "Mark", "Points", "Log-odds", "Fitted cases")
SCORE = "score"
POINTS, TOTAL = "points", "sum of points"
ROW_PX = 58
TURN = 0.24
"""Rows that a scale goes down where it turns back."""
_CHARACTER = 1.05
"""Points that a letter is wide, about, on a figure of 900 px."""


class Nomogram:
    """One drawing per model of facts."""

    name = "nomogram"

    def draw(self, tables: Mapping[str, pd.DataFrame], facts: RunFacts) -> FigureSet:
        """Draw ``nomogram.csv``."""
        rows = known(tables.get("nomogram"), NOMOGRAM_COLUMNS)
        rows = rows[np.isfinite(pd.to_numeric(rows["points"], errors="coerce").astype("float64"))]
        drawings = [
            _draw(own, str(model), facts) for model, own in rows.groupby("model", sort=False) if (own["fact"] != SCORE).any()
        ]  # fmt: skip
        caption = (
            "For each fact, the mark of a case gives points: read them off the scale on top. Below the sum of all points stands "
            "the score: the share of positives among cases like those that the model was fitted on, where positives are as "
            "frequent as there. A fact whose marks lie far apart moves the score most. Where a scale turns back, it goes on "
            "one step lower. Marks without room for a label tell it on hover, and in the table of numbers."
        )
        return FigureSet(
            self.name, "How facts become a score", caption, "baselines", 0, ("Model",), tuple(drawings)
        )  # fmt: skip


def _draw(rows: pd.DataFrame, model: str, facts: RunFacts) -> Drawing:
    score = rows[rows["fact"] == SCORE]
    names = list(dict.fromkeys(rows.loc[rows["fact"] != SCORE, "fact"]))
    own = {n: rows[rows["fact"] == n] for n in names}
    most = sum(float(part["points"].max()) for part in own.values())
    n_cases = int(own[names[0]]["n_cases"].sum())
    height = TOP_PX + FOOT_PX + ROW_PX * (len(names) + 3)
    axes = ("points of one fact (0 = least, 100 = most of the widest)", "")
    title = f"{plain(model)}: points of {len(names)} facts"
    figure = blank(title, f"fitted on {n_cases} cases", axes=axes, facts=facts, height_px=height)
    _ruler(figure, [float(v) for v in range(0, 101, 10)], row=0, scale=1.0)
    for k, (name, part) in enumerate(own.items(), start=1):
        _scale(figure, part, name, row=k, look=(facts.colour(model), facts.symbol(model)), model=model)
    scale = 100 / most if most > 0 else 1.0
    step = next(s for s in (5, 10, 20, 25, 50, 100, 200, 500) if most / s <= 12)
    _ruler(figure, [float(v) for v in range(0, int(most) + 1, step)], row=len(names) + 1, scale=scale)
    _score(figure, score, row=len(names) + 2, scale=scale)
    figure.axis("x", range=[-4, 104], showgrid=False, tickvals=[])
    figure.axis("y", showgrid=False)
    rows_axis(figure, [POINTS, *(plain(n, 32) for n in names), TOTAL, SCORE], "scales")
    numbers = [
        (str(r["fact"]), str(r["label"]), f"{r['points']:.1f}", f"{r['log_odds']:+.3f}", f"{r['n_cases']:g}")
        for r in rows.to_dict("records")
    ]
    return Drawing((plain(model),), figure, Numbers(HEAD, tuple(numbers)))


def _ruler(figure: Sheet, values: Sequence[float], *, row: int, scale: float) -> None:
    """Draw a scale of points."""
    figure.add(
        x=[round(v * scale, 3) for v in values], y=[row] * len(values), mode="lines+markers+text", text=[f"{v:g}" for v in values],
        textposition="top center", textfont={"size": 11, "color": DARK_GREY}, line={"color": GREY, "width": 1},
        marker={"color": GREY, "size": 7, "symbol": "line-ns-open"}, hoverinfo="skip", showlegend=False,
    )  # fmt: skip


def _scale(figure: Sheet, part: pd.DataFrame, name: str, *, row: int, look: tuple[str, str], model: str) -> None:
    """Draw one fact: a line through its values, or marks for its levels."""
    x = rounded(part["points"])
    is_number = part["x"].notna().sum() > 1
    depth = _depths(x, is_number=is_number)
    shown, places = _labels(x, [str(v) for v in part["label"]], depth)
    hover = [
        f"{plain(name)} {plain(r['label'])}<br><b>{r['points']:.1f} points</b> (log-odds {r['log_odds']:+.2f})<br>n = "
        f"{r['n_cases']:g} fitted cases"
        for r in part.to_dict("records")
    ]
    colour, symbol = look
    figure.add(
        x=x, y=[round(row + d, 3) for d in depth], mode="lines+markers+text" if is_number else "markers+text",
        text=[plain(t, 24) for t in shown], textposition=places, textfont={"size": 11}, name=plain(model), showlegend=False,
        line={"color": colour, "width": 1.5}, marker={"color": colour, "size": 8, "symbol": symbol}, hovertext=hover,
        hovertemplate="%{hovertext}<extra></extra>",
    )  # fmt: skip


def _depths(x: Sequence[float], *, is_number: bool) -> list[float]:
    """Give how far below its row each mark lies: a step more whenever the scale turns back."""
    if not is_number:
        return [0.0] * len(x)
    found, direction, depth = [0.0], 0.0, 0.0
    for before, now in pairwise(x):
        turned = np.sign(now - before)
        if direction and turned and turned != direction:
            depth += TURN
        direction = turned or direction
        found.append(depth)
    return found


def _labels(x: Sequence[float], labels: Sequence[str], depth: Sequence[float]) -> tuple[list[str], list[str]]:
    """Give labels and where they stand: over the line, under it, or none where neither has room."""
    ends: dict[tuple[float, str], float] = {}
    shown, places = [""] * len(x), ["top center"] * len(x)
    for i in sorted(range(len(x)), key=lambda i: x[i]):
        half = _CHARACTER * (len(labels[i]) + 1) / 2
        for place in ("top center", "bottom center"):
            # the lower side of one pass is the upper side of the next
            lane = (round(depth[i] + (TURN if place.startswith("bottom") else 0.0), 3), "")
            if x[i] - half >= ends.get(lane, -np.inf):
                ends[lane] = x[i] + half
                shown[i], places[i] = labels[i], place
                break
    return shown, places


def _score(figure: Sheet, score: pd.DataFrame, *, row: int, scale: float) -> None:
    x = [round(float(v) * scale, 3) for v in score["points"]]
    shown, places = _labels(x, [str(v) for v in score["label"]], [0.0] * len(x))
    hover = [
        f"score {plain(r['label'])}<br><b>{r['points']:.0f} points</b> of all facts together<br>n = {r['n_cases']:g} fitted cases "
        "nearest to it"
        for r in score.to_dict("records")
    ]
    figure.add(
        x=x, y=[row] * len(x), mode="lines+markers+text", text=[plain(t) for t in shown], textposition=places, textfont={"size": 11},
        line={"color": DARK_GREY, "width": 1.5}, marker={"color": DARK_GREY, "size": 8, "symbol": "line-ns-open"}, showlegend=False,
        hovertext=hover, hovertemplate="%{hovertext}<extra></extra>",
    )  # fmt: skip


PLUGIN = Nomogram()
