"""The heatmap of the lesion page: the crop that the model saw, and over it where its answer comes from."""

from __future__ import annotations

import base64
import io
from typing import Any

import numpy as np
from dash import html
from numpy.typing import NDArray
from PIL import Image

from robustkit.dashboard.lesion.answers import Answer
from robustkit.heatmaps._heatmap import Heatmap
from robustkit.images.heat import coloured, film_part, fine
from robustkit.images.radiograph import Radiograph

SIDE_PX = 320
WHOLE = 0.999
"""Share of the crop from which on the box is the crop."""


def heat_panel(answer: Answer, film: Radiograph | None) -> Any:
    """Give crop and map, and in words how much of it lies in the box."""
    found = answer.heatmap
    if found is None or answer.box is None or film is None:
        said = "No heatmap: this model has no map of features, is made of other models, or looks at no crops."
        return html.P(said, className="lesion-small")
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
    crop = film_part(pixels, found.region, side_px=SIDE_PX, box=box)
    heat = coloured(fine(found.values, crop.size, strongest=float(found.values.max())))
    return _uri(crop, "JPEG"), _uri(heat, "PNG")


def _uri(image: Image.Image, kind: str) -> str:
    buffer = io.BytesIO()
    image.save(buffer, kind)
    return f"data:image/{kind.lower()};base64,{base64.b64encode(buffer.getvalue()).decode('ascii')}"
