"""The noun Region: the pixels of one box that lie on film and mask, as values and as grey levels."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from robustkit.errors import FilmError
from robustkit.features._film import Film, Mask, Pixels
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

    @cached_property
    def counted(self) -> Counted:
        """The values of the region."""
        inside = _inside(self.pixels, self.mask)
        if inside.dtype == np.uint8:
            all_counts = np.bincount(inside, minlength=256)
            levels = np.flatnonzero(all_counts)
            return Counted(self._scaled(levels), all_counts[levels])
        levels, counts = np.unique(inside, return_counts=True)
        return Counted(self._scaled(levels), counts)

    @cached_property
    def levels(self) -> Levels:
        """``(h, w)`` int32: 1..n_levels, 0 outside the mask."""
        found = self._discretised[0]
        return found if self.mask is None else np.where(self.mask, found, np.int32(0))

    @property
    def n_levels(self) -> int:
        """Grey levels that there can be: ``bins``, or the greatest that occurs (IBSI's N_g)."""
        return self._discretised[1]

    @cached_property
    def _discretised(self) -> tuple[Levels, int]:
        inside = _inside(self.pixels, self.mask)
        low, high = self._scaled(np.array([inside.min(), inside.max()])).tolist()
        values = self._scaled(self.pixels)
        if self.discretisation == "count":
            if high == low:
                return np.ones(values.shape, dtype=np.int32), self.bins
            # multiplied first: where a whole number comes out, it comes out exactly
            raised = np.floor(self.bins * (values - low) / (high - low)) + 1
            return np.clip(raised, 1, self.bins).astype(np.int32), self.bins
        first = np.floor(low / self.bin_width)
        n_levels = int(np.floor(high / self.bin_width) - first) + 1
        if n_levels > MAX_LEVELS:
            what = f"bin_width {self.bin_width:g} gives {n_levels} grey levels in one region, more than {MAX_LEVELS}."
            raise FilmError(what, where="features", fix="Choose a larger bin_width.")
        raised = np.floor(values / self.bin_width) - first + 1
        return np.clip(raised, 1, n_levels).astype(np.int32), n_levels

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
    scale = film.scale or (float(inside.mean(dtype=np.float64)), float(inside.std(dtype=np.float64)))
    if scale[1] == 0:
        return None
    return Region(film, box, pixels, mask, scale, discretisation, bins, bin_width)


def _inside(pixels: Pixels, mask: Mask | None) -> NDArray[Any]:
    return pixels.ravel() if mask is None else pixels[mask]
