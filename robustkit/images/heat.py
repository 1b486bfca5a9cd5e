"""Heatmaps as pictures: a map in colours, the part of the film that it lies over, and both side by side."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

Floats = NDArray[np.float64]

INFERNO = (
    (0, 0, 4), (27, 12, 65), (74, 12, 107), (120, 28, 109), (165, 44, 96), (207, 68, 70), (237, 105, 37), (251, 155, 6),
    (247, 209, 61), (252, 255, 164),
)  # fmt: skip
"""Ten steps of the colour map Inferno (matplotlib, CC0): perceptually uniform, dark to bright."""

BOX_LINE = "#ffb547"
PANEL_PX, _GAP, _STRIP = 320, 8, 34
_COLOURS = np.array(INFERNO, dtype=np.float64)


def coloured(share: Floats) -> Image.Image:
    """Give a map of 0 to 1 in colours; what is 0 is clear."""
    place = np.clip(share, 0, 1) * (len(_COLOURS) - 1)
    low = np.minimum(place.astype(np.intp), len(_COLOURS) - 2)
    rgb = _COLOURS[low] + (place - low)[..., None] * (_COLOURS[low + 1] - _COLOURS[low])
    alpha = 255 * np.clip(share, 0, 1) ** 0.5
    return Image.fromarray(np.dstack([rgb, alpha]).round().astype(np.uint8), "RGBA")


def film_part(pixels: NDArray[np.generic], region: Floats, *, side_px: int, box: Floats | None = None) -> Image.Image:
    """Give a region of a film, its longer side so many px, black where it leaves the film.

    Args:
        pixels: ``(height, width)`` of the film, 0..255.
        region: ``(4,)`` px of the film.
        side_px: Of the picture.
        box: Drawn on it, px of the film.
    """
    x0, y0, x1, y1 = (float(v) for v in region)
    zoom = side_px / max(x1 - x0, y1 - y0)
    size = (max(1, round((x1 - x0) * zoom)), max(1, round((y1 - y0) * zoom)))
    film = Image.fromarray(np.clip(np.rint(pixels.astype(np.float64)), 0, 255).astype(np.uint8))
    around = film.crop((int(np.floor(x0)), int(np.floor(y0)), int(np.ceil(x1)), int(np.ceil(y1))))
    inner = (x0 - np.floor(x0), y0 - np.floor(y0), x1 - np.floor(x0), y1 - np.floor(y0))
    part = around.resize(size, Image.Resampling.LANCZOS, box=inner)
    if box is None:
        return part
    drawn = part.convert("RGB")
    ImageDraw.Draw(drawn).rectangle(((box - np.array([x0, y0, x0, y0])) * zoom).tolist(), outline=BOX_LINE, width=2)
    return drawn


def fine(values: Floats, size: tuple[int, int], *, strongest: float) -> Floats:
    """Give a map in px of a picture, 0 to 1 on a scale that ends at ``strongest``, bilinear between cells."""
    share = Image.fromarray((values / strongest).astype(np.float32)).resize(size, Image.Resampling.BILINEAR)
    return np.clip(np.asarray(share, dtype=np.float64), 0, 1)


def triptych(
    pixels: NDArray[np.generic],
    region: Floats,
    values: Floats,
    *,
    box: Floats,
    strongest: float,
    lines: tuple[str, str],
) -> Image.Image:
    """Give film with box, film with map over it, and the map, side by side, with two lines of text below.

    Args:
        pixels, region, box: See ``film_part``.
        values: ``(h, w)`` map over the region; an empty one stays empty.
        strongest: End of the scale.
        lines: What it is, and what it is for.
    """
    plain, boxed = film_part(pixels, region, side_px=PANEL_PX), film_part(pixels, region, side_px=PANEL_PX, box=box)
    heat = coloured(fine(values, plain.size, strongest=strongest))
    over = boxed.convert("RGBA")
    over.alpha_composite(Image.blend(Image.new("RGBA", heat.size), heat, 0.6))
    alone = Image.new("RGBA", heat.size, (0, 0, 0, 255))
    alone.alpha_composite(heat)
    width, height = plain.size
    page = Image.new("RGB", (3 * width + 4 * _GAP, height + 2 * _GAP + _STRIP), "white")
    for k, panel in enumerate((boxed, over, alone)):
        page.paste(panel.convert("RGB"), (_GAP + k * (width + _GAP), _GAP))
    pen = ImageDraw.Draw(page)
    for k, line in enumerate(lines):
        pen.text((_GAP, height + 2 * _GAP + 16 * k - 2), line, fill="black")
    return page
