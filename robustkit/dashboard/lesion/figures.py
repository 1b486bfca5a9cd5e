"""Figures of the lesion page, as plain JSON-able data: the film with its box, and the maps around the box."""

from __future__ import annotations

import base64
import io
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from robustkit.dashboard.lesion.answers import GridScores
from robustkit.dashboard.lesion.desk import Shown
from robustkit.dashboard.lesion.grids import filled
from robustkit.dashboard.lesion.words import ASSUMED_SHIFT, is_followed
from robustkit.figures._base import FONT, PALETTE
from robustkit.figures._words import DISCLAIMER, SIMULATED

LONGEST_PX = 1024
BELOW, MIDDLE, ABOVE = PALETTE[0], "#f4f4f2", PALETTE[1]
"""Blue below the threshold, orange at or above it: told apart by colour-blind readers."""

BOX_LINE = "#ffb547"
INK = "#16202a"
FOOT_PX = 76
CONFIG: Any = {"displaylogo": False, "displayModeBar": False, "responsive": True}
FILM_CONFIG: Any = {**CONFIG, "scrollZoom": True, "doubleClick": "reset", "edits": {"shapePosition": True}}


@dataclass(frozen=True, slots=True)
class MapFrame:
    """What a map needs besides scores.

    Attributes:
        threshold: The carried one.
        sides_mm: Width and height of the box in mm; None: axes in % of the side.
        readers_shift: Measured disagreement in sides of the box; None: 10 % is assumed.
        is_simulated: True for a phantom's film: it is said inside the figure.
    """

    threshold: float
    sides_mm: tuple[float, float] | None = None
    readers_shift: float | None = None
    is_simulated: bool = False


def picture(pixels: NDArray[Any]) -> str:
    """Give a film as a data URI for the eye: 8 bit, at most 1,024 px on its long side.

    Args:
        pixels: ``(height, width)``, 0..255.
    """
    image = Image.fromarray(np.clip(np.rint(pixels), 0, 255).astype(np.uint8))
    image.thumbnail((LONGEST_PX, LONGEST_PX), Image.Resampling.LANCZOS)
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=92)
    return f"data:image/jpeg;base64,{base64.b64encode(buffer.getvalue()).decode('ascii')}"


def no_film() -> dict[str, Any]:
    """Give an empty viewer."""
    axis = {"visible": False}
    return {"data": [], "layout": {**_viewer_layout(), "xaxis": axis, "yaxis": axis}}


def viewer(shown: Shown) -> dict[str, Any]:
    """Give the film with its box; axes are px of the film, whatever the picture's size."""
    width, height = shown.film.width, shown.film.height
    x0, y0, x1, y1 = shown.box
    axis = {"visible": False, "zeroline": False}
    image = {
        "source": picture(shown.film.pixels), "xref": "x", "yref": "y", "x": 0, "y": 0, "sizex": width, "sizey": height,
        "xanchor": "left", "yanchor": "top", "sizing": "stretch", "layer": "below",
    }  # fmt: skip
    line = {"color": BOX_LINE, "width": 2.5}
    box = {"type": "rect", "x0": x0, "y0": y0, "x1": x1, "y1": y1, "line": line,
           "fillcolor": "rgba(255,181,71,0.01)"}  # fmt: skip
    layout = {
        **_viewer_layout(),
        "xaxis": {**axis, "range": [0, width]},
        "yaxis": {**axis, "range": [height, 0], "scaleanchor": "x"},
        "images": [image],
        "shapes": [box],
        "newshape": {"line": line, "fillcolor": "rgba(255,181,71,0.01)", "drawdirection": "diagonal"},
        "activeshape": {"fillcolor": "rgba(255,181,71,0.12)", "opacity": 1},
        "uirevision": shown.key,
    }
    # a trace without points: Plotly draws no axes, and no shapes on them, without one
    return {"data": [{"type": "scatter", "x": [], "y": [], "hoverinfo": "skip"}], "layout": layout}


def _viewer_layout() -> dict[str, Any]:
    return {
        "margin": {"l": 0, "r": 0, "t": 0, "b": 0}, "paper_bgcolor": "#000000", "plot_bgcolor": "#000000", "dragmode": "pan",
        "hovermode": False, "showlegend": False, "font": {"family": FONT, "size": 13},
    }  # fmt: skip


def no_map() -> dict[str, Any]:
    """Give an empty map."""
    axis = {"visible": False}
    return {"data": [], "layout": {**_map_layout(), "xaxis": axis, "yaxis": axis}}


def score_map(found: GridScores, frame: MapFrame) -> dict[str, Any]:
    """Give the scores of a grid: colour changes at the threshold, the region of the other decision is outlined."""
    x, y = _places(found, frame)
    shown = filled(found.scores)
    data: list[dict[str, Any]] = [_heat(x, y, shown, found=found, frame=frame)]
    if found.is_whole and np.isfinite(found.scores).any():
        data += _outline(x, y, found, frame.threshold)
    data.append({
        "type": "scatter", "mode": "markers", "x": [0], "y": [0], "hoverinfo": "skip",
        "marker": {"symbol": "cross-thin", "size": 13, "line": {"width": 2.5, "color": INK}},
    })  # fmt: skip
    layout = _map_layout() | {"xaxis": _axis("x", found, frame, x), "yaxis": _axis("y", found, frame, y)}
    layout["shapes"] = [_circle(frame)] if found.grid.kind == "shift" else []
    layout["annotations"] = [_words(frame)]
    return {"data": data, "layout": layout}


def _places(found: GridScores, frame: MapFrame) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    steps = found.grid.steps
    if found.grid.kind == "size" or frame.sides_mm is None:
        return 100 * steps, 100 * steps
    return frame.sides_mm[0] * steps, frame.sides_mm[1] * steps


def _heat(
    x: NDArray[np.float64], y: NDArray[np.float64], shown: NDArray[np.float64], *, found: GridScores, frame: MapFrame
) -> dict[str, Any]:
    cut = min(max(frame.threshold, 1e-6), 1 - 1e-6)
    words = [[_hover(found, i, k, frame) for k in range(found.grid.n)] for i in range(found.grid.n)]
    return {
        "type": "heatmap", "x": _rounded(x), "y": _rounded(y), "z": _cells(shown), "zmin": 0, "zmax": 1,
        "colorscale": [[0, BELOW], [cut, MIDDLE], [1, ABOVE]], "text": words, "hovertemplate": "%{text}<extra></extra>",
        "colorbar": {
            "orientation": "h", "thickness": 10, "len": 1, "y": 1.02, "yanchor": "bottom", "outlinewidth": 0,
            "tickvals": [0, round(frame.threshold, 4), 1], "ticktext": ["0", f"{frame.threshold:.3f} threshold", "1"],
            "ticklabelposition": "outside", "tickfont": {"size": 12},
        },
    }  # fmt: skip


def _hover(found: GridScores, row: int, column: int, frame: MapFrame) -> str:
    a, b = 100 * found.grid.steps[column], 100 * found.grid.steps[row]
    what = ("sideways", "down") if found.grid.kind == "shift" else ("width", "height")
    if found.grid.kind == "shift" and b < 0:
        b, what = -b, ("sideways", "up")
    where = f"{what[0]} {a:+.1f} %, {what[1]} {b:{'.1f' if found.grid.kind == 'shift' else '+.1f'}} %"
    if not found.is_asked[row, column]:
        return f"{where}<br>not judged yet"
    score = found.scores[row, column]
    if not np.isfinite(score):
        return f"{where}<br>no number"
    side = "at or above" if is_followed(float(score), frame.threshold) else "below"
    return f"{where}<br>score {score:.3f}, {side} the threshold"


def _outline(
    x: NDArray[np.float64], y: NDArray[np.float64], found: GridScores, threshold: float
) -> list[dict[str, Any]]:
    """Give the line between the two decisions: light below, dark on it, so that it is seen on every colour."""
    base = {
        "type": "contour", "x": _rounded(x), "y": _rounded(y), "z": _cells(found.scores), "showscale": False,
        "hoverinfo": "skip", "connectgaps": False, "autocontour": False,
        "contours": {"coloring": "none", "start": threshold, "end": threshold, "size": 1, "showlabels": False},
    }  # fmt: skip
    return [{**base, "line": {"color": c, "width": w, "smoothing": 0}} for c, w in (("#ffffff", 5), (INK, 2.5))]


def _axis(name: str, found: GridScores, frame: MapFrame, places: NDArray[np.float64]) -> dict[str, Any]:
    unit = "mm" if found.grid.kind == "shift" and frame.sides_mm is not None else "%"
    if found.grid.kind == "shift":
        side = ("width" if name == "x" else "height") if unit == "%" else ""
        of = f"% of the {side}" if side else "mm"
        title = f"moved sideways ({of}, right +)" if name == "x" else f"moved up or down ({of}, down +)"
    else:
        title = "width changed (%)" if name == "x" else "height changed (%)"
    half = (places[1] - places[0]) / 2
    ends = [float(places[0] - half), float(places[-1] + half)]
    is_down = name == "y" and found.grid.kind == "shift"
    axis: dict[str, Any] = {
        "title": {"text": title, "font": {"size": 12}, "standoff": 6}, "range": ends[::-1] if is_down else ends, "zeroline": False,
        "showgrid": False, "constrain": "domain", "ticks": "outside", "ticklen": 4, "nticks": 6, "fixedrange": True,
    }  # fmt: skip
    return axis | ({"scaleanchor": "x"} if name == "y" else {})


def _words(frame: MapFrame) -> dict[str, Any]:
    return {
        "name": "disclaimer", "text": f"{SIMULATED}<br>{DISCLAIMER}" if frame.is_simulated else DISCLAIMER, "showarrow": False,
        "xref": "paper", "yref": "paper", "x": 1, "y": 0, "xanchor": "right", "yanchor": "bottom", "yshift": -FOOT_PX,
        "font": {"size": 10}, "align": "right",
    }  # fmt: skip


def _circle(frame: MapFrame) -> dict[str, Any]:
    """Give the readers' disagreement: a circle in sides of the box."""
    level = ASSUMED_SHIFT if frame.readers_shift is None else frame.readers_shift
    rx, ry = (level * s for s in (frame.sides_mm or (100.0, 100.0)))
    dash = "dash" if frame.readers_shift is None else "solid"
    line = {"color": INK, "width": 1.8, "dash": dash}
    return {"type": "circle", "x0": -rx, "x1": rx, "y0": -ry, "y1": ry, "line": line, "name": "readers"}


def _map_layout() -> dict[str, Any]:
    return {
        "margin": {"l": 58, "r": 12, "t": 40, "b": FOOT_PX}, "paper_bgcolor": "rgba(0,0,0,0)", "plot_bgcolor": "rgba(0,0,0,0)",
        "font": {"family": FONT, "size": 12}, "showlegend": False, "hovermode": "closest", "dragmode": False, "uirevision": "map",
        "hoverlabel": {"font": {"family": FONT, "size": 13}, "align": "left"},
    }  # fmt: skip


def _cells(values: NDArray[np.float64]) -> list[list[float | None]]:
    return [[round(float(v), 5) if np.isfinite(v) else None for v in row] for row in values]


def _rounded(values: NDArray[np.float64]) -> list[float]:
    return [round(float(v), 5) for v in values]
