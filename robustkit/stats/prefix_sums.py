"""Prefix sums: how much the first j rows of a table come to, column by column."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

_STEPS = 16
"""Rows of a block, and so additions of one after the other."""

Numbers = NDArray[Any]


class PrefixSums:
    """Sums of the first 0..n rows of ``(n, k)`` numbers, in any order of the rows.

    numpy's cumsum goes down each column number by number. Here the rows lie in blocks of 16, the j-th rows of all blocks
    next to each other: they are added to the rows before them all at once, and then what the blocks before came to.
    """

    def __init__(self, rows: Numbers) -> None:
        """Prepare for ``(n, k)`` rows; their sums must fit their dtype."""
        n, k = rows.shape
        blocks = -(-(n + 1) // _STEPS)
        self._rows = np.concatenate([rows, np.zeros((1, k), dtype=rows.dtype)])
        self._blocks = blocks
        # place i holds the row that is the (first[i] - 1)-th in the order; 0, and what is beyond the end, are empty rows
        place = np.arange(_STEPS * blocks)
        self._first = place % blocks * _STEPS + place // blocks
        self._taken = np.full(_STEPS * blocks, n, dtype=np.intp)
        self._sums = np.zeros((_STEPS * blocks, k), dtype=rows.dtype)

    def put(self, order: NDArray[np.intp]) -> None:
        """Sum the rows in this ``(n,)`` order."""
        self._taken[1 : 1 + len(order)] = order
        # every place is within the rows: "clip" writes to where it is told, without a copy
        self._rows.take(self._taken[self._first], axis=0, out=self._sums, mode="clip")
        sums = self._sums.reshape(_STEPS, self._blocks, self._sums.shape[1])
        for step in range(1, _STEPS):
            sums[step] += sums[step - 1]
        sums[:, 1:] += sums[-1, :-1].cumsum(axis=0, dtype=sums.dtype)

    def take(self, counts: NDArray[np.intp], out: Numbers) -> None:
        """Write the sums of the first ``(c,)`` counts of rows, 0..n, to ``(c, k)``."""
        place = counts % _STEPS * self._blocks + counts // _STEPS
        self._sums.take(place, axis=0, out=out, mode="clip")
