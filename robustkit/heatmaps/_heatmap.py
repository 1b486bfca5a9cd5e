"""The noun Heatmap: a map that lies on a film."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from robustkit.crops._base import Snap, regions
from robustkit.geometry import Boxes, snap
from robustkit.inputs import InputSpec

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Heatmap:
    """Cells that lie evenly over a region of a film.

    Attributes:
        values: ``(h, w)`` float64, 0 or more, unscaled; NaN where there is no map.
        region: ``(4,)`` x0, y0, x1, y1 of what the crop shows, px of the film; it may leave the film.
    """

    values: Floats
    region: Floats

    @property
    def cell_px(self) -> tuple[float, float]:
        """Width and height of a cell, px of the film."""
        h, w = self.values.shape
        x0, y0, x1, y1 = self.region
        return (x1 - x0) / w, (y1 - y0) / h

    @property
    def fault(self) -> str:
        """Say why the map says nothing; "" where it does."""
        if not np.isfinite(self.values).all():
            return "the map has no finite values"
        if not self.values.any():
            return "the map is empty: nothing speaks for the positive class"
        return "the map is constant" if np.ptp(self.values) == 0 else ""

    def to_film(self, row: float, column: float) -> tuple[float, float]:
        """Give x and y on the film of a place on the map, in cells from its top left corner."""
        width, height = self.cell_px
        return float(self.region[0] + column * width), float(self.region[1] + row * height)

    def to_map(self, x: float, y: float) -> tuple[float, float]:
        """Give row and column, in cells from the top left corner, of a place on the film."""
        width, height = self.cell_px
        return float((y - self.region[1]) / height), float((x - self.region[0]) / width)

    def share_in(self, box: Floats) -> float:
        """Give the share of the map's energy inside a box of the film; a cell that is cut counts with its part.

        Args:
            box: ``(4,)`` px of the film.

        Returns:
            In [0, 1]; NaN where the map says nothing (``fault``).
        """
        if self.fault:
            return float("nan")
        down, across = self._covered(box)
        return float(down @ self.values @ across / self.values.sum())

    def area_share_in(self, box: Floats) -> float:
        """Give the share that a uniform map would have inside a box: that of the area."""
        down, across = self._covered(box)
        return float(down.mean() * across.mean())

    def peak(self) -> tuple[float, float]:
        """Give x and y of the middle of the strongest cell; NaN where the map says nothing."""
        if self.fault:
            return float("nan"), float("nan")
        row, column = np.unravel_index(int(np.argmax(self.values)), self.values.shape)
        return self.to_film(float(row) + 0.5, float(column) + 0.5)

    def _covered(self, box: Floats) -> tuple[Floats, Floats]:
        """Share of each row, and of each column, of cells that lies inside a box."""
        h, w = self.values.shape
        top, left = self.to_map(float(box[0]), float(box[1]))
        bottom, right = self.to_map(float(box[2]), float(box[3]))
        return _overlap(h, top, bottom), _overlap(w, left, right)


def _overlap(n: int, low: float, high: float) -> Floats:
    edges = np.arange(n + 1, dtype=np.float64)
    return np.asarray(np.clip(np.minimum(edges[1:], high) - np.maximum(edges[:-1], low), 0.0, 1.0), dtype=np.float64)


def shown_regions(boxes: Boxes, spec: InputSpec, *, snapping: Snap) -> Boxes:
    """Give ``(N, 4)`` regions of the film that the crops of boxes show: margin, square and rounding as the cropper's."""
    wanted = regions(boxes, spec)
    return snap(wanted) if snapping == "whole" else wanted
