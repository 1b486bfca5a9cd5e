"""Boxes on a film: source pixels after EXIF orientation, half-open, origin top-left."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Boxes = NDArray[np.float64]
"""``(..., 4)`` float64: x0, y0, x1, y1 in source pixels."""


@dataclass(frozen=True, slots=True)
class Box:
    """One box: columns ``x0 <= x < x1``, rows ``y0 <= y < y1``, in source pixels."""

    x0: float
    y0: float
    x1: float
    y1: float

    @property
    def width(self) -> float:
        """Horizontal side in px."""
        return self.x1 - self.x0

    @property
    def height(self) -> float:
        """Vertical side in px."""
        return self.y1 - self.y0

    @property
    def longest_px(self) -> float:
        """Longest side in px."""
        return max(self.width, self.height)

    def touches(self, *, film_width: int, film_height: int) -> bool:
        """Tell whether at least a part of the box lies on a film of that size in px."""
        return self.x0 < film_width and self.y0 < film_height and self.x1 > 0 and self.y1 > 0

    def array(self) -> Boxes:
        """Give ``(4,)`` float64: x0, y0, x1, y1."""
        return np.array([self.x0, self.y0, self.x1, self.y1], dtype=np.float64)


def overlap(a: Boxes, b: Boxes) -> NDArray[np.float64]:
    """Give the intersection over union of boxes, pair by pair (broadcast).

    Args:
        a: ``(..., 4)`` float64.
        b: ``(..., 4)`` float64.

    Returns:
        ``(...)`` float64 in [0, 1]; NaN where both boxes are empty.
    """
    width = np.minimum(a[..., 2], b[..., 2]) - np.maximum(a[..., 0], b[..., 0])
    height = np.minimum(a[..., 3], b[..., 3]) - np.maximum(a[..., 1], b[..., 1])
    shared = np.clip(width, 0, None) * np.clip(height, 0, None)
    union = area(a) + area(b) - shared
    return np.asarray(np.divide(shared, union, out=np.full(np.shape(union), np.nan), where=union > 0))


def area(boxes: Boxes) -> NDArray[np.float64]:
    """Give the area of boxes in px^2: ``(..., 4)`` to ``(...)``."""
    return (boxes[..., 2] - boxes[..., 0]) * (boxes[..., 3] - boxes[..., 1])


def grow(boxes: Boxes, margin: float) -> Boxes:
    """Grow boxes by ``margin`` of their sides on each side (0.5 doubles them), about the centre."""
    pad_x = margin * (boxes[..., 2] - boxes[..., 0])
    pad_y = margin * (boxes[..., 3] - boxes[..., 1])
    return boxes + np.stack([-pad_x, -pad_y, pad_x, pad_y], axis=-1)


def square(boxes: Boxes) -> Boxes:
    """Widen the shorter side of boxes to the longer one, about the centre."""
    side = np.maximum(boxes[..., 2] - boxes[..., 0], boxes[..., 3] - boxes[..., 1])
    centre_x = (boxes[..., 0] + boxes[..., 2]) / 2
    centre_y = (boxes[..., 1] + boxes[..., 3]) / 2
    half = side / 2
    return np.stack([centre_x - half, centre_y - half, centre_x + half, centre_y + half], axis=-1)


def snap(boxes: Boxes) -> Boxes:
    """Round boxes to whole pixels, each edge ``floor(v + 0.5)``; an empty side becomes one pixel."""
    whole = np.floor(boxes + 0.5)
    whole[..., 2] = np.maximum(whole[..., 2], whole[..., 0] + 1)
    whole[..., 3] = np.maximum(whole[..., 3], whole[..., 1] + 1)
    return whole
