"""How many of some numbers lie below each of many others."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Codes = NDArray[np.intp]

_CELLS = 16
"""Cells per number."""

_MOST = 8
"""Numbers of a cell from which on it says too little."""


def n_below(values: Floats, ordered: Floats) -> Codes:
    """Give how many of ``ordered`` are smaller than each value: ``numpy.searchsorted``, five times as fast.

    The range of the numbers is divided into equal cells. What lies in a lower cell is smaller and what lies in a higher
    one is not, so that only the few numbers of a value's own cell are compared with it.

    Args:
        values: Any shape; of NaN the count means nothing.
        ordered: ``(d,)`` rising, finite, at least one.

    Returns:
        The shape of ``values``.
    """
    n, width = _CELLS * len(ordered), float(ordered[-1] - ordered[0])
    scale = (n - 1) / width if width > 0 else np.inf
    if values.size < n or not np.isfinite(scale):
        return np.asarray(np.searchsorted(ordered, values, "left"))
    held = np.bincount(_cells(ordered, ordered[0], scale, n), minlength=n)
    if held.max() > _MOST:
        return np.asarray(np.searchsorted(ordered, values, "left"))
    found = (np.cumsum(held) - held)[_cells(values, ordered[0], scale, n)]
    beyond = np.append(ordered, np.inf)
    for _ in range(held.max()):
        found += beyond[found] < values
    return np.asarray(found)


def _cells(values: Floats, low: float, scale: float, n: int) -> Codes:
    """Give the cell of each value; what lies outside is in the first or the last."""
    at = (values - low) * scale
    np.fmin(at, n - 1, out=at)
    return np.fmax(at, 0, out=at).astype(np.intp)
