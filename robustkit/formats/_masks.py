"""Polygons to PNG masks, 255 inside the lesion."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from robustkit.atomic import replacing
from robustkit.formats._base import Mask


def write_mask(mask: Mask) -> Path:
    """Write one mask, 8-bit PNG of the size of the displayed film."""
    from PIL import Image

    pixels = np.zeros((mask.height, mask.width), dtype=np.uint8)
    for polygon in mask.polygons:
        pixels |= filled(polygon, width=mask.width, height=mask.height)
    with replacing(mask.path) as temporary:
        Image.fromarray(pixels).save(temporary, format="PNG")
    return mask.path


def filled(polygon: Sequence[tuple[float, float]], *, width: int, height: int) -> NDArray[np.uint8]:
    """Give ``(height, width)`` uint8: 255 where a pixel's middle lies inside the polygon (even-odd rule), else 0.

    Pillow's own polygons take the pixels of their outline in as well: one pixel too wide.

    Example:
        >>> int((filled([(1, 1), (4, 1), (4, 3), (1, 3)], width=6, height=6) > 0).sum())
        6
    """
    pixels = np.zeros((height, width), dtype=np.uint8)
    x, y = np.asarray(polygon, dtype=np.float64).T
    x_next, y_next = np.roll(x, -1), np.roll(y, -1)
    for row in range(max(0, int(np.floor(y.min()))), min(height, int(np.ceil(y.max())))):
        middle = row + 0.5
        crosses = (y <= middle) != (y_next <= middle)
        share = (middle - y[crosses]) / (y_next[crosses] - y[crosses])
        edges = np.sort(x[crosses] + share * (x_next[crosses] - x[crosses]))
        first = np.clip(np.ceil(edges - 0.5), 0, width).astype(int)
        for start, stop in zip(first[::2], first[1::2], strict=True):
            pixels[row, start:stop] = 255
    return pixels
