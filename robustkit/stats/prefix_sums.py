"""Prefix sums: how much the first j rows of a table come to, column by column."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

_STEPS = 16
"""Rows of a block, and so additions of one after the other."""

Codes = NDArray[np.intp]
Numbers = NDArray[Any]


class PrefixSums:
    """Sums of the first 0..n rows of ``(n, k)`` numbers, in several orders of the rows at once.

    numpy's cumsum goes down each column number by number. Here the rows lie in blocks of 16, the j-th rows of all blocks
    next to each other: they are added to the rows before them all at once, and then what the blocks before came to.
    """

    def __init__(self, rows: Numbers, *, n_orders: int = 1) -> None:
        """Prepare.

        Args:
            rows: ``(n + 1, k)``; the last one is empty, and their sums fit their dtype.
            n_orders: Orders at a time.
        """
        n, k = len(rows) - 1, rows.shape[1]
        self._blocks = -(-(n + 1) // _STEPS)
        self._n, self._rows = n, rows
        # place i holds the row that is the (first[i] - 1)-th in the order; 0, and what is beyond the end, are empty rows
        place = np.arange(_STEPS * self._blocks)
        self._first = place % self._blocks * _STEPS + place // self._blocks
        self._flat = np.zeros((n_orders * _STEPS * self._blocks, k), dtype=rows.dtype)
        self._sums = self._flat.reshape(n_orders, _STEPS * self._blocks, k)

    def put(self, orders: Codes) -> None:
        """Sum the rows in these ``(r, n)`` orders, at most as many as were prepared for."""
        r, k = len(orders), self._rows.shape[1]
        taken = np.full((r, _STEPS * self._blocks), self._n)
        taken[:, 1 : 1 + self._n] = orders
        # every place is within the rows: "clip" writes to where it is told, without a copy
        self._rows.take(taken[:, self._first], axis=0, out=self._sums[:r], mode="clip")
        sums = self._sums[:r].reshape(r, _STEPS, self._blocks, k)
        for step in range(1, _STEPS):
            sums[:, step] += sums[:, step - 1]
        sums[:, :, 1:] += sums[:, -1:, :-1].cumsum(axis=2, dtype=sums.dtype)

    def take(self, counts: Codes, out: Numbers) -> None:
        """Write the sums of the first ``(r, c)`` counts of rows, 0..n, order by order, to ``(r, c, k)``."""
        place = counts % _STEPS * self._blocks + counts // _STEPS
        place += np.arange(len(counts))[:, None] * self._sums.shape[1]
        self._flat.take(place, axis=0, out=out, mode="clip")
