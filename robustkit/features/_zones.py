"""Zones of equal level in a region."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from robustkit.features._compiled import compiled

Places = NDArray[np.int32]


@compiled
def find_zones(levels: NDArray[np.int32]) -> tuple[Places, Places, Places, Places]:
    """Find the zones: sets of pixels of one level that touch each other, diagonally too.

    Union-find over the rows: a pixel is joined with the neighbours that came before it.

    Args:
        levels: ``(h + 2, w + 2)`` int32 with a frame of 0; 0 is outside.

    Returns:
        Levels, sizes and first pixels of the zones, ``(z,)`` each, and ``((h + 2) (w + 2),)`` first pixel of the zone of each
        pixel; int32, in the order of the first pixels.
    """
    flat, first_of = levels.ravel(), _joined(levels)
    counts = np.zeros(flat.size, dtype=np.int32)
    for at in range(flat.size):
        # a parent comes before its children, so that its own is known
        first_of[at] = first_of[first_of[at]]
        counts[first_of[at]] += 1
    zones, n_zones = np.empty((3, flat.size), dtype=np.int32), 0
    for at in range(flat.size):
        # written over by the next one where no zone begins: cheaper than a branch
        zones[0, n_zones], zones[1, n_zones], zones[2, n_zones] = flat[at], counts[at], at
        n_zones += (counts[at] > 0) & (flat[at] != 0)
    return zones[0, :n_zones], zones[1, :n_zones], zones[2, :n_zones], first_of


@compiled
def _joined(levels: NDArray[np.int32]) -> NDArray[np.int32]:
    """Give a parent for each pixel: one before it, or itself; neighbours of one level have a common ancestor.

    Which of the four neighbours before a pixel have its level is a number of four bits: above 1, left 2, above left 4,
    above right 8. Tables tell what follows, because branches could not be foreseen. Outside is joined as a level is.
    """
    height, width = levels.shape
    flat = levels.ravel()
    parent = np.arange(flat.size).astype(np.int32)
    steps, joins = np.zeros(16, dtype=np.int64), np.zeros(16, dtype=np.bool_)
    for code in range(1, 16):
        steps[code] = -width if code & 1 else -1 if code & 2 else -width - 1 if code & 4 else 1 - width
        # neighbours that touch each other are joined already; above right touches above alone
        joins[code] = (code & 8 != 0) and (code & 6 != 0) and (code & 1 == 0)
    for y in range(1, height - 1):
        for at in range(y * width + 1, (y + 1) * width - 1):
            level, up = flat[at], at - width
            code = 1 * (flat[up] == level) + 2 * (flat[at - 1] == level)
            code += 4 * (flat[up - 1] == level) + 8 * (flat[up + 1] == level)
            parent[at] = parent[at + steps[code]]
            if joins[code]:
                _join(parent, at, up + 1)
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
