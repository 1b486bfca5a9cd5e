"""The noun Region: the pixels of one box that lie on film and mask, as values and as grey levels."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal, NamedTuple, cast

import numpy as np
from numpy.typing import NDArray

from robustkit.errors import FilmError
from robustkit.features._film import Film, Mask, Pixels, mean_and_sd
from robustkit.geometry import Boxes, snap

Discretisation = Literal["count", "width"]
Levels = NDArray[np.int32]

MAX_LEVELS = 1024
"""A matrix of grey levels has so many rows and columns at most."""


class Counted(NamedTuple):
    """Different values, in order, and how often each occurs.

    Attributes:
        values: ``(v,)`` float64, ascending.
        counts: ``(v,)`` int64; histograms have empty bins too.
    """

    values: NDArray[np.float64]
    counts: NDArray[np.int64]


class Zones(NamedTuple):
    """Sets of pixels of one level that touch each other, diagonally too.

    Attributes:
        levels: ``(z,)`` int32, 1..n_levels.
        sizes: ``(z,)`` int32, pixels.
        firsts: ``(z,)`` int32, position of its first pixel in ``region.levels.ravel()``.
        first_of: ``((h + 2) (w + 2),)`` int32, position of the first pixel of each pixel's zone.
    """

    levels: Levels
    sizes: Levels
    firsts: Levels
    first_of: Levels


@dataclass(frozen=True)
class Region:
    """What families measure; nothing is computed before it is asked for, and then once.

    Attributes:
        film: Where it was cut.
        box: ``(4,)`` float64 as it was given, in px of ``film``.
        pixels: ``(h, w)`` uint8 or float32: the box in whole pixels, as far as it lies on the film.
        mask: ``(h, w)`` bool, at least one True; None where every pixel counts.
        scale: Mean and sd: values are (pixel - mean) / sd.
        discretisation, bins, bin_width: See ``FeatureSettings``.
    """

    film: Film
    box: Boxes
    pixels: Pixels
    mask: Mask | None
    scale: tuple[float, float]
    discretisation: Discretisation
    bins: int
    bin_width: float

    @property
    def n_pixels(self) -> int:
        """Pixels of the region."""
        return int(self.pixels.size if self.mask is None else np.count_nonzero(self.mask))

    @cached_property
    def counted(self) -> Counted:
        """The values of the region."""
        inside = _inside(self.pixels, self.mask)
        if inside.dtype == np.uint8:
            counts = np.bincount(inside)
            values = np.flatnonzero(counts)
            return Counted(self._scaled(values), counts[values])
        values, counts = np.unique(inside, return_counts=True)
        return Counted(self._scaled(values), counts)

    @cached_property
    def levels(self) -> Levels:
        """``(h + 2, w + 2)`` int32: 1..n_levels; 0 outside the mask, and in a frame of one pixel around all."""
        low, high = self._ends
        if self.pixels.dtype == np.uint8:
            # at most 256 values are raised, not every pixel
            table = self._raised(self._scaled(np.arange(256)), low, high)
            found: Levels = table.take(cast(NDArray[np.uint8], self.pixels))
        else:
            found = self._raised(self._scaled(self.pixels), low, high)
        framed = np.zeros((found.shape[0] + 2, found.shape[1] + 2), dtype=np.int32)
        framed[1:-1, 1:-1] = found if self.mask is None else np.where(self.mask, found, 0)
        return framed

    @cached_property
    def n_levels(self) -> int:
        """Grey levels that there can be: ``bins``, or the greatest that occurs (IBSI's N_g)."""
        if self.discretisation == "count":
            return self.bins
        low, high = (np.floor(end / self.bin_width) for end in self._ends)
        n_levels = int(high - low) + 1
        if n_levels > MAX_LEVELS:
            what = f"bin_width {self.bin_width:g} gives {n_levels} grey levels in one region, more than {MAX_LEVELS}."
            raise FilmError(what, where="features", fix="Choose a larger bin_width.")
        return n_levels

    @cached_property
    def level_counts(self) -> Counted:
        """The levels 1..n_levels, those that do not occur too."""
        counts = np.bincount(self.levels.ravel(), minlength=self.n_levels + 1)[1:]
        return Counted(np.arange(1.0, self.n_levels + 1), counts)

    @cached_property
    def zones(self) -> Zones:
        """Its zones of equal level, which two families need."""
        # numba is an extra: what is measured without it must not import it
        from robustkit.features._zones import find_zones

        return Zones(*find_zones(self.levels))

    @cached_property
    def _ends(self) -> tuple[float, float]:
        inside = _inside(self.pixels, self.mask)
        low, high = self._scaled(np.array([inside.min(), inside.max()])).tolist()
        return low, high

    def _raised(self, values: NDArray[np.float64], low: float, high: float) -> Levels:
        if self.discretisation == "width":
            raised = np.floor(values / self.bin_width) - np.floor(low / self.bin_width)
        elif high == low:
            raised = np.zeros(values.shape)
        else:
            # multiplied first: where a whole number comes out, it comes out exactly
            raised = np.floor(self.bins * (values - low) / (high - low))
        # the greatest value itself belongs to the last level; what lies beyond the ends is outside the mask
        levels: Levels = np.clip(raised + 1, 1, self.n_levels).astype(np.int32)
        return levels

    def _scaled(self, pixels: NDArray[Any]) -> NDArray[np.float64]:
        mean, sd = self.scale
        values: NDArray[np.float64] = pixels.astype(np.float64)
        return values if (mean, sd) == (0.0, 1.0) else (values - mean) / sd


def cut(film: Film, box: Boxes, *, discretisation: Discretisation, bins: int, bin_width: float) -> Region | None:
    """Give the region of ``(4,)`` box, or None where no value is defined.

    That is so where it holds no pixel of film and mask, and where the sd that values are divided by is 0.
    """
    height, width = film.pixels.shape
    if not np.isfinite(box).all():
        return None
    x0, y0, x1, y1 = snap(box).tolist()
    columns = slice(int(max(0, x0)), int(max(0, min(width, x1))))
    rows = slice(int(max(0, y0)), int(max(0, min(height, y1))))
    pixels = film.pixels[rows, columns]
    mask = None if film.mask is None else film.mask[rows, columns]
    inside = _inside(pixels, mask)
    if inside.size == 0:
        return None
    scale = film.scale or mean_and_sd(inside)
    if scale[1] == 0:
        return None
    return Region(film, box, pixels, mask, scale, discretisation, bins, bin_width)


def _inside(pixels: Pixels, mask: Mask | None) -> NDArray[Any]:
    return pixels.ravel() if mask is None else pixels[mask]
