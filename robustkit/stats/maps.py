"""How alike two maps of one region are: correlation, structural similarity, overlap of their strongest places."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from robustkit.stats.estimate import NAN

Floats = NDArray[np.float64]

TOP = 0.2
"""Share of a region whose strongest places are compared."""

_SIGMA, _K1, _K2, _HALF = 1.5, 0.01, 0.03, 5
"""Of the window (11 x 11 px) and the constants of structural similarity, as published."""


@dataclass(frozen=True, slots=True)
class Likeness:
    """How alike two maps are; all NaN with a reason where one of them says nothing.

    Attributes:
        correlation: Pearson's, over the places of the region; in [-1, 1].
        ssim: Structural similarity of the maps, each scaled to its strongest place; in [-1, 1].
        overlap: Share of the strongest fifth of one that is in the strongest fifth of the other; 0.2 by chance.
        reason: Why they are missing.
    """

    correlation: float = NAN
    ssim: float = NAN
    overlap: float = NAN
    reason: str = ""


def likeness(a: Floats, b: Floats) -> Likeness:
    """Compare two ``(n, n)`` maps of the same places, 0 or more."""
    for one in (a, b):
        if not np.isfinite(one).all():
            return Likeness(reason="a map has no finite values")
        if np.ptp(one) <= 1e-12 * max(float(np.abs(one).max()), 1e-300):
            return Likeness(reason="a map is constant or empty")
    return Likeness(_correlation(a, b), ssim(a / a.max(), b / b.max()), top_overlap(a, b))


def _correlation(a: Floats, b: Floats) -> float:
    x, y = a.ravel() - a.mean(), b.ravel() - b.mean()
    return float(np.clip((x @ y) / np.sqrt((x @ x) * (y @ y)), -1.0, 1.0))


def ssim(a: Floats, b: Floats) -> float:
    """Give the mean structural similarity of two maps in [0, 1], at least 11 x 11.

    Source: Wang et al. 2004, IEEE Transactions on Image Processing 13:600, equation 13, Gaussian window of 11 x 11 with
    standard deviation 1.5; places whose window leaves the map are left out.
    """

    def smooth(x: Floats) -> Floats:
        inner = slice(_HALF, -_HALF)
        return np.asarray(gaussian_filter(x, _SIGMA, radius=_HALF, mode="reflect")[inner, inner])

    mean_a, mean_b = smooth(a), smooth(b)
    var_a, var_b, cov = smooth(a * a) - mean_a**2, smooth(b * b) - mean_b**2, smooth(a * b) - mean_a * mean_b
    c1, c2 = _K1**2, _K2**2
    found = (2 * mean_a * mean_b + c1) * (2 * cov + c2) / ((mean_a**2 + mean_b**2 + c1) * (var_a + var_b + c2))
    return float(found.mean())


def top_overlap(a: Floats, b: Floats, *, share: float = TOP) -> float:
    """Give the share of the strongest places of one map that are among the strongest of the other.

    Args:
        a, b: Maps of the same places.
        share: How many places count as the strongest.

    Places that tie at the cut share what is left: no order of equal values enters.
    """
    quota = share * a.size
    return float(np.minimum(_among_strongest(a, quota), _among_strongest(b, quota)).sum() / quota)


def _among_strongest(values: Floats, quota: float) -> Floats:
    flat = values.ravel()
    cut = np.sort(flat)[::-1][min(int(np.ceil(quota)), flat.size) - 1]
    above, equal = flat > cut, flat == cut
    return np.asarray(above + equal * (quota - above.sum()) / equal.sum(), dtype=np.float64)


def resampled(values: Floats, region: Floats, window: Floats, *, n: int) -> Floats:
    """Give a map at ``n x n`` places that lie evenly over a window of the film, bilinear between the middles of cells.

    Args:
        values: ``(h, w)``, cells that lie evenly over the region.
        region: ``(4,)`` x0, y0, x1, y1, px of the film.
        window: ``(4,)``, inside the region.
        n: Places along a side.
    """
    h, w = values.shape
    rows, columns = (
        _weights(cells, n, *((window[[i, i + 2]] - region[i]) / (region[i + 2] - region[i]) * cells))
        for i, cells in ((1, h), (0, w))
    )
    return np.asarray(rows @ values @ columns.T)


def _weights(cells: int, n: int, low: float, high: float) -> Floats:
    """Give ``(n, cells)`` weights; beyond the middle of the outermost cell its own value holds."""
    place = np.clip(low + (np.arange(n) + 0.5) * (high - low) / n - 0.5, 0, cells - 1)
    first = np.minimum(place.astype(np.intp), max(cells - 2, 0))
    out = np.zeros((n, cells))
    at = np.arange(n)
    out[at, first] = 1 - (place - first)
    if cells > 1:
        out[at, first + 1] = place - first
    return out
