"""Bootstrap draws some at a time, on all cores: what is worked on stays in the processor's cache."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

CACHED = 60_000
"""Numbers that are worked on at a time: with what is made of them they fit a core's cache."""


def by_block(work: Callable[[slice], Floats], n: int, *, size: int) -> Floats:
    """Give what ``work`` makes of all ``n`` draws, side by side along the last axis.

    numpy lets other threads run while it computes, so the blocks are shared among the cores; each draw's numbers are
    the same however many there are.

    Args:
        work: Gives ``(..., b)`` for a slice of b draws.
        n: Draws, at least 1.
        size: Numbers that one draw needs.
    """
    step = max(1, CACHED // max(1, size))
    blocks = [slice(start, min(n, start + step)) for start in range(0, n, step)]
    if len(blocks) == 1:
        return work(blocks[0])
    with ThreadPoolExecutor(os.cpu_count()) as threads:
        return np.concatenate(list(threads.map(work, blocks)), axis=-1)
