"""Zones of equal level in a region."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from robustkit.features._compiled import compiled

Found = NDArray[np.int64]


@compiled
def find_zones(levels: NDArray[np.int32]) -> tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.int64]]:
    """Find the zones: sets of pixels of one level that touch each other, diagonally too.

    Union-find over the rows: a pixel is joined with the neighbours that came before it.

    Args:
        levels: ``(h + 2, w + 2)`` int32 with a frame of 0; 0 is outside.

    Returns:
        ``((h + 2) (w + 2),)`` first pixel of the zone of each pixel; number of pixels by first pixel; ``(z,)`` first pixels.
    """
    flat, first = levels.ravel(), _joined(levels)
    sizes = np.zeros(flat.size, dtype=np.int32)
    for at in range(flat.size):
        # a parent comes before its children, so that its own is known
        first[at] = first[first[at]]
        sizes[first[at]] += 1
    return first, sizes, np.flatnonzero((sizes > 0) & (flat > 0))


@compiled
def _joined(levels: NDArray[np.int32]) -> NDArray[np.int32]:
    """Give a parent for each pixel: one before it, or itself; neighbours of one level have a common ancestor."""
    height, width = levels.shape
    flat = levels.ravel()
    parent = np.arange(flat.size).astype(np.int32)
    for y in range(1, height - 1):
        for at in range(y * width + 1, (y + 1) * width - 1):
            level, up = flat[at], at - width
            if level == 0:
                continue
            # two of the four neighbours before it that touch each other are joined already
            if flat[up] == level:
                parent[at] = parent[up]
            elif flat[at - 1] == level:
                parent[at] = parent[at - 1]
                if flat[up + 1] == level:
                    _join(parent, at, up + 1)
            elif flat[up - 1] == level:
                parent[at] = parent[up - 1]
                if flat[up + 1] == level:
                    _join(parent, at, up + 1)
            elif flat[up + 1] == level:
                parent[at] = parent[up + 1]
    return parent


@compiled
def _join(parent: NDArray[np.int32], a: int, b: int) -> None:
    while parent[a] != a:
        parent[a] = parent[parent[a]]
        a = parent[a]
    while parent[b] != b:
        parent[b] = parent[parent[b]]
        b = parent[b]
    parent[max(a, b)] = min(a, b)
