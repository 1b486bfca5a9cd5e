"""The face of a figure: drawn from tables alone, one drawing per choice of its menus."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import pandas as pd
import plotly.graph_objects as go

DISCLAIMER = "Research use; not for diagnosis or for the care of a patient"
PALETTE = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#8A6F00")
"""Okabe and Ito's colours, told apart by colour-blind readers; yellow darkened for white paper."""

METRIC_NAMES = {
    "auc": "AUC",
    "auc_against": "AUC against the other class",
    "sensitivity": "Sensitivity",
    "specificity": "Specificity",
    "flip_rate": "Decisions that change",
    "score_sd": "Score sd (own scale of each model)",
    "rank_sd": "Reference-rank sd",
    "right_at_10": "Right at every one of 10 boxes",
    "brier": "Brier score",
}


@dataclass(frozen=True, slots=True)
class Drawing:
    """One figure, and the choice of each menu that shows it."""

    choice: tuple[str, ...]
    figure: go.Figure


@dataclass(frozen=True, slots=True)
class FigureSet:
    """All drawings of one figure.

    Attributes:
        name, title, caption: What it is, in words.
        menus: Names of the menus; every drawing has one choice for each.
        drawings: At least one, or none where the tables say nothing.
    """

    name: str
    title: str
    caption: str
    menus: tuple[str, ...]
    drawings: tuple[Drawing, ...]


class Figure(Protocol):
    """Draws tables."""

    name: str

    def draw(self, tables: Mapping[str, pd.DataFrame], *, is_simulated: bool) -> FigureSet:
        """Give all drawings.

        Args:
            tables: ``strata``, ``curves``, ``errors``, ``stability`` as they are on disk.
            is_simulated: True where the films are simulated: it is said inside the figure.
        """
        ...


def blank(x_title: str, y_title: str, *, is_simulated: bool, height_px: int = 420) -> go.Figure:
    """Give an empty figure with axes, type and the words that travel with every export."""
    words = f"simulated films · {DISCLAIMER}" if is_simulated else DISCLAIMER
    figure = go.Figure()
    figure.update_layout(
        height=height_px,
        margin={"l": 64, "r": 20, "t": 16, "b": 92},
        font={"family": "system-ui, -apple-system, 'Segoe UI', Roboto, sans-serif", "size": 13},
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        legend={"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0},
        hovermode="closest",
        modebar={"bgcolor": "rgba(0,0,0,0)", "color": "#a0a8b0", "activecolor": "#0072B2"},
        xaxis={"title": {"text": x_title}, "zeroline": False},
        yaxis={"title": {"text": y_title}, "zeroline": False},
    )
    figure.add_annotation(
        text=words, xref="paper", yref="paper", x=1, y=0, yshift=-88, xanchor="right", yanchor="bottom", showarrow=False,
        font={"size": 10, "color": "#808890"},
    )  # fmt: skip
    return figure


def shade(colour: str, alpha: float) -> str:
    """Give ``rgba(...)`` of a hex colour."""
    red, green, blue = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    return f"rgba({red},{green},{blue},{alpha:g})"


def plain(name: object) -> str:
    """Give a name from a manifest as text that plotly shows as it is (it reads a little HTML)."""
    text = str(name).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return text if len(text) <= 48 else text[:45] + "..."


def colours(names: list[str]) -> dict[str, str]:
    """Give each name its colour, in the order given."""
    return {n: PALETTE[i % len(PALETTE)] for i, n in enumerate(names)}
