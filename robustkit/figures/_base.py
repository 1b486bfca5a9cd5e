"""The face of a figure: drawn from tables alone, one drawing per choice of its menus."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib.resources import files
from typing import Any, Literal, Protocol

import pandas as pd

from robustkit.figures._words import DISCLAIMER, SIMULATED
from robustkit.results.schema import TEXT_COLUMNS

PALETTE = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#8A6F00")
"""Okabe and Ito's colours, told apart by colour-blind readers; yellow darkened for white paper."""

SYMBOLS = ("circle", "square", "diamond", "triangle-up", "cross", "hexagon", "star")
"""A second cue beside colour."""

GREY = "#6B7782"
DARK_GREY = "#45505B"
FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, sans-serif"
TOP_PX, FOOT_PX = 108, 84
LEGEND_PX = 68
"""Room for title and legend above, for axis title and disclaimer below."""

Place = Literal["study", "stability", "strata", "errors", "operating", "heatmaps", "readers", "more"]


@dataclass(frozen=True, slots=True)
class Sheet:
    """A plotly figure as plain JSON-able data: a page holds hundreds, and ``go.Figure`` takes 50 ms for each.

    Attributes:
        data: Traces.
        layout: Plotly's layout; ``shapes`` and ``annotations`` are always there.
    """

    data: list[dict[str, Any]]
    layout: dict[str, Any]

    def add(self, **trace: Any) -> None:
        """Add a trace; ``type`` is ``scatter`` unless said."""
        self.data.append({"type": "scatter", **trace})

    def note(self, **annotation: Any) -> None:
        """Add text."""
        self.layout["annotations"].append({"showarrow": False, **annotation})

    def line(self, axis: Literal["x", "y"], value: float, **look: Any) -> None:
        """Add a line across the whole plot at ``x = value`` or ``y = value``."""
        across = {"y0": 0, "y1": 1, "yref": "paper"} if axis == "x" else {"x0": 0, "x1": 1, "xref": "paper"}
        shape = {"type": "line", f"{axis}0": value, f"{axis}1": value, f"{axis}ref": axis, **across, "line": look}
        self.layout["shapes"].append(shape)

    def axis(self, name: Literal["x", "y"], **settings: Any) -> None:
        """Set an axis."""
        self.layout[f"{name}axis"].update(settings)


@dataclass(frozen=True, slots=True)
class Numbers:
    """What a drawing shows, as a table of text."""

    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class Drawing:
    """One figure, the choice of each menu that shows it, and its numbers as text."""

    choice: tuple[str, ...]
    sheet: Sheet
    numbers: Numbers


@dataclass(frozen=True, slots=True)
class FigureSet:
    """All drawings of one figure.

    Attributes:
        name, title, caption: What it is, in words.
        place: The section of a page that it belongs to.
        order: Its rank within the section.
        menus: Names of the menus; every drawing has one choice for each.
        drawings: None where the tables say nothing.
    """

    name: str
    title: str
    caption: str
    place: Place
    order: int
    menus: tuple[str, ...]
    drawings: tuple[Drawing, ...]


@dataclass(frozen=True, slots=True)
class RunFacts:
    """What a figure must know besides tables.

    Attributes:
        models: Names in the order of the run: they fix the colours.
        is_simulated: True where the films are simulated: it is said inside the figure.
        units: Of the levels of each perturbation: ``side``, ``px`` or ``mm``.
        primary: The first perturbation and its first level; None where nothing was perturbed.
    """

    models: tuple[str, ...]
    is_simulated: bool = False
    units: Mapping[str, str] = field(default_factory=dict)
    primary: tuple[str, float] | None = None

    def unit(self, kind: str) -> str:
        """Give the unit of a perturbation's levels."""
        return self.units.get(kind, "side")

    def colour(self, model: str) -> str:
        """Give the colour of a model."""
        return PALETTE[self._place(model) % len(PALETTE)]

    def symbol(self, model: str) -> str:
        """Give the marker of a model."""
        return SYMBOLS[self._place(model) % len(SYMBOLS)]

    def _place(self, model: str) -> int:
        return self.models.index(model) if model in self.models else len(self.models)


def facts_of(record: Mapping[str, Any]) -> RunFacts:
    """Give what figures must know about a run, from its run.json."""
    groups = [g for g in record["perturbations"] if g.get("levels")]
    units = {str(g["kind"]): str(g.get("units", "side")) for g in groups}
    primary = (str(groups[0]["kind"]), float(groups[0]["levels"][0])) if groups else None
    models = tuple(str(m["name"]) for m in record["models"])
    return RunFacts(models, bool(record.get("simulated")), units, primary)


class Figure(Protocol):
    """Draws tables."""

    name: str

    def draw(self, tables: Mapping[str, pd.DataFrame], facts: RunFacts) -> FigureSet:
        """Give all drawings.

        Args:
            tables: ``strata``, ``curves``, ``errors``, ``stability`` as they are on disk; any may be missing.
            facts: Of the run.
        """
        ...


def fitting_script() -> str:
    """Give the script that fits a drawing to its place: ``robustkitFigures.prepared(drawing, screen)``."""
    return files("robustkit.figures").joinpath("assets", "prepare.js").read_text(encoding="utf-8")


def blank(title: str, subtitle: str, *, axes: tuple[str, str], facts: RunFacts, height_px: int = 440) -> Sheet:
    """Give an empty figure with title, axes, type and the words that travel with every export.

    Args:
        title, subtitle: Plain text; the subtitle says cohort and condition.
        axes: Titles of x and y, with units.
        facts: Of the run.
        height_px: Of the figure.
    """
    words = f"{SIMULATED} · {DISCLAIMER}" if facts.is_simulated else DISCLAIMER
    layout = {
        "height": height_px,
        "title": {
            "text": plain(title, 120), "x": 0, "xref": "container", "xanchor": "left", "yref": "container", "y": 1, "yanchor": "top",
            "pad": {"l": 8, "t": 14}, "font": {"size": 16, "weight": 600},
            "subtitle": {"text": plain(subtitle, 120), "font": {"size": 13, "color": GREY}},
        },
        "margin": {"l": 64, "r": 24, "t": TOP_PX, "b": FOOT_PX},
        "font": {"family": FONT, "size": 13},
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "legend": {"orientation": "h", "yref": "container", "y": 1 - LEGEND_PX / height_px, "yanchor": "top",
                   "xref": "container", "x": 0.003, "xanchor": "left"},
        "hovermode": "closest",
        "hoverlabel": {"font": {"family": FONT, "size": 13}, "align": "left"},
        "xaxis": {"title": {"text": axes[0], "font": {"size": 13}, "standoff": 10}, "zeroline": False},
        "yaxis": {"title": {"text": axes[1], "font": {"size": 13}, "standoff": 10}, "zeroline": False},
        "shapes": [],
        "annotations": [],
    }  # fmt: skip
    sheet = Sheet([], layout)
    sheet.note(
        name="disclaimer", text=words, xref="paper", yref="paper", x=1, y=0, yshift=8 - FOOT_PX, xanchor="right", yanchor="bottom",
        font={"size": 10, "color": GREY},
    )  # fmt: skip
    return sheet


def rows_axis(sheet: Sheet, labels: Sequence[str], what: str) -> None:
    """Make y a list of rows, the first on top; row i lies at y = i.

    Args:
        sheet: Changed in place.
        labels: One per row.
        what: What the rows are, kept as the axis' name for screen readers and tests; it is not drawn.
    """
    ticks = {"tickvals": list(range(len(labels))), "ticktext": list(labels), "range": [len(labels) - 0.4, -0.6]}
    sheet.axis("y", **ticks, automargin=True, title={"text": ""})
    sheet.layout["meta"] = {"rows": what}


def spread_out(n: int, step: float) -> list[float]:
    """Give n offsets around 0, ``step`` apart, so that marks of one row do not cover each other."""
    return [(i - (n - 1) / 2) * step for i in range(n)]


def percent_axis(sheet: Sheet, axis: Literal["x", "y"], *, is_share: bool, from_zero: bool = False) -> None:
    """Write shares as percentages, and begin at 0 where the metric does."""
    if is_share:
        sheet.axis(axis, tickformat=".0%")
    if from_zero:
        sheet.axis(axis, rangemode="tozero")


def whiskers(own: pd.DataFrame, value: pd.Series, *, colour: str, thickness_px: float) -> dict[str, Any]:
    """Give plotly's error bars from ``low`` and ``high``; none where they are NaN."""
    low, high = own["low"].fillna(value), own["high"].fillna(value)
    return {
        "type": "data", "symmetric": False, "array": rounded(high - value), "arrayminus": rounded(value - low), "width": 0,
        "thickness": thickness_px, "color": colour,
    }  # fmt: skip


def rounded(values: pd.Series) -> list[float]:
    """Give numbers with five decimals, finer than any screen."""
    return [round(float(v), 5) for v in values]


def shade(colour: str, alpha: float) -> str:
    """Give ``rgba(...)`` of a hex colour."""
    red, green, blue = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    return f"rgba({red},{green},{blue},{alpha:g})"


def plain(name: object, longest: int = 48) -> str:
    """Give a name from a manifest as text that plotly shows as it is (it reads a little HTML)."""
    text = str(name)
    text = text if len(text) <= longest else text[: longest - 3] + "..."
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def known(table: pd.DataFrame | None, columns: Sequence[str]) -> pd.DataFrame:
    """Give a table with these columns at least: those that another program left out are empty."""
    if table is None or table.empty:
        return pd.DataFrame(columns=list(columns))
    return table.assign(**{c: "" if c in TEXT_COLUMNS else float("nan") for c in columns if c not in table})
