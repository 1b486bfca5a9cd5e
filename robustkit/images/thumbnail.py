"""A small picture of a film around its boxes."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from robustkit.images.raster import FAULTS

if TYPE_CHECKING:
    from PIL import Image

CONTEXT = 1.9
"""The picture shows at least the given box grown to this many times its longest side, and every redrawn box."""

CONTEXT_PX = 160
"""And at least so much of the film: around a box of 20 px nobody would see which bone it is."""

LARGEST_PX = 4096
"""Side beyond which a file is no thumbnail: it is not decoded."""

_ROOM = 1.15


@dataclass(frozen=True, slots=True)
class Window:
    """A square on a film, px of the film; it may leave the film.

    Attributes:
        x0, y0: Top left corner.
        side: Of the square.
    """

    x0: int
    y0: int
    side: int


@dataclass(frozen=True, slots=True)
class Thumbnail:
    """A window of a film, made small.

    Attributes:
        window: What it shows.
        size_px: Its side.
        webp: The picture, as a file.
    """

    window: Window
    size_px: int
    webp: bytes


def window_around(boxes: NDArray[np.float64]) -> Window:
    """Give the square around the middle of the first box that has every box in it.

    Args:
        boxes: ``(n, 4)`` x0, y0, x1, y1; the given box first.
    """
    centre = (boxes[0, :2] + boxes[0, 2:]) / 2
    reach = np.maximum(centre - boxes[:, :2].min(axis=0), boxes[:, 2:].max(axis=0) - centre).max()
    longest = (boxes[0, 2:] - boxes[0, :2]).max()
    half = int(np.ceil(max(_ROOM * reach, CONTEXT / 2 * longest, CONTEXT_PX / 2)))
    x0, y0 = (int(v) - half for v in centre)
    return Window(x0, y0, 2 * half)


def thumbnail(
    pixels: NDArray[np.uint8] | NDArray[np.float32], window: Window, *, size_px: int, quality: int
) -> Thumbnail:
    """Give a window of a film as WebP, black where it leaves the film.

    Args:
        pixels: ``(height, width)`` in 0..255.
        window: What is shown.
        size_px: Side of the picture.
        quality: Of the WebP file, 0 to 100.
    """
    from PIL import Image

    w = window
    part = np.zeros((w.side, w.side), dtype=np.uint8)
    top, left = max(0, w.y0), max(0, w.x0)
    seen = pixels[top : max(top, w.y0 + w.side), left : max(left, w.x0 + w.side)]
    part[top - w.y0 : top - w.y0 + seen.shape[0], left - w.x0 : left - w.x0 + seen.shape[1]] = np.clip(seen, 0, 255)
    # by whole steps to twice the size first, which Pillow does faster than the last step
    image = Image.fromarray(part)
    small = image.resize((size_px, size_px), Image.Resampling.LANCZOS, reducing_gap=2.0)
    return Thumbnail(window, size_px, encoded(small, quality=quality))


def encoded(image: Image.Image, *, quality: int) -> bytes:
    """Give a Pillow image as a WebP file."""
    buffer = io.BytesIO()
    image.save(buffer, "WEBP", quality=quality, method=4)
    return buffer.getvalue()


def smaller(webp: bytes, *, size_px: int, quality: int) -> bytes:
    """Give a thumbnail at another size; nothing where it is no WebP file, or larger than ``LARGEST_PX``.

    Args:
        webp: The file; a run folder may come from others, so it may hold anything.
        size_px: Side of the picture.
        quality: Of the WebP file, 0 to 100.
    """
    from PIL import Image
    from PIL.WebPImagePlugin import WebPImageFile

    try:
        with WebPImageFile(io.BytesIO(webp)) as image:
            if max(image.size) > LARGEST_PX:
                return b""
            small = image.convert("L").resize((size_px, size_px), Image.Resampling.LANCZOS)
    except FAULTS:
        return b""
    return encoded(small, quality=quality)
