"""The heatmap of the lesion page: the crop that the model saw, and over it where its answer comes from."""

from __future__ import annotations

import base64
import io
from typing import Any

import numpy as np
from dash import html
from numpy.typing import NDArray
from PIL import Image, ImageDraw
from plotly.colors import hex_to_rgb, sequential

from robustkit.dashboard.lesion.answers import Answer
from robustkit.dashboard.lesion.figures import BOX_LINE
from robustkit.heatmaps._heatmap import Heatmap
from robustkit.images.radiograph import Radiograph

SIDE_PX = 320
WHOLE = 0.999
"""Share of the crop from which on the box is the crop."""

_COLOURS = np.array([hex_to_rgb(c) for c in sequential.Inferno], dtype=np.float64)
"""Perceptually uniform, dark to bright."""


def heat_panel(answer: Answer, film: Radiograph | None) -> Any:
    """Give crop and map, and in words how much of it lies in the box."""
    found = answer.heatmap
    if found is None or answer.box is None or film is None:
        return html.P("No heatmap: this model has no map of features, or looks at no pixels.", className="lesion-small")
    if found.fault:
        return html.P(f"No heatmap: {found.fault}.", className="lesion-small")
    crop, heat = pictures(found, film.pixels, box=np.asarray(answer.box))
    label = "Crop that the model saw, with its heatmap"
    shown = [html.Img(src=crop, alt=label), html.Img(src=heat, alt="", className="lesion-heat-over")]
    return [
        html.Div(shown, className="lesion-heat"),
        html.P(words(found, np.asarray(answer.box)), className="lesion-small"),
    ]


def words(found: Heatmap, box: NDArray[np.float64]) -> str:
    """Say how much of the map lies in the box, beside what a uniform map would have there."""
    rows, columns = found.values.shape
    cells = f"Grad-CAM of the last map of features, {rows} x {columns} cells, scaled to its own strongest place."
    area = found.area_share_in(box)
    if area >= WHOLE:
        return f"{cells} The crop is the box: of what lies outside the model saw nothing."
    inside = found.share_in(box)
    return f"{cells} {inside:.0%} of it lies in the box, which is {area:.0%} of the crop."


def pictures(found: Heatmap, pixels: NDArray[Any], *, box: NDArray[np.float64] | None = None) -> tuple[str, str]:
    """Give the crop and the map over it, as data URIs of one size.

    Args:
        found: With a map that says something.
        pixels: ``(height, width)`` of the film, 0..255.
        box: Drawn on the crop.
    """
    x0, y0, x1, y1 = (float(v) for v in found.region)
    zoom = SIDE_PX / max(x1 - x0, y1 - y0)
    size = (max(1, round((x1 - x0) * zoom)), max(1, round((y1 - y0) * zoom)))
    film = Image.fromarray(np.clip(np.rint(pixels), 0, 255).astype(np.uint8))
    around = film.crop((int(np.floor(x0)), int(np.floor(y0)), int(np.ceil(x1)), int(np.ceil(y1))))
    inner = (x0 - np.floor(x0), y0 - np.floor(y0), x1 - np.floor(x0), y1 - np.floor(y0))
    crop = around.resize(size, Image.Resampling.LANCZOS, box=inner)
    if box is not None:
        crop = crop.convert("RGB")
        at = (box - np.array([x0, y0, x0, y0])) * zoom
        ImageDraw.Draw(crop).rectangle(at.tolist(), outline=BOX_LINE, width=2)
    share = Image.fromarray((found.values / found.values.max()).astype(np.float32)).resize(
        size, Image.Resampling.BILINEAR
    )
    return _uri(crop, "JPEG"), _uri(coloured(np.asarray(share, dtype=np.float64)), "PNG")


def coloured(share: NDArray[np.float64]) -> Image.Image:
    """Give a map of 0 to 1 in colours; what is 0 is clear."""
    place = np.clip(share, 0, 1) * (len(_COLOURS) - 1)
    low = np.minimum(place.astype(np.intp), len(_COLOURS) - 2)
    rgb = _COLOURS[low] + (place - low)[..., None] * (_COLOURS[low + 1] - _COLOURS[low])
    alpha = 255 * np.clip(share, 0, 1) ** 0.5
    return Image.fromarray(np.dstack([rgb, alpha]).round().astype(np.uint8), "RGBA")


def _uri(image: Image.Image, kind: str) -> str:
    buffer = io.BytesIO()
    image.save(buffer, kind)
    return f"data:image/{kind.lower()};base64,{base64.b64encode(buffer.getvalue()).decode('ascii')}"
