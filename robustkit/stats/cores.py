"""Work shared among the cores: numpy lets other threads run while it computes.

Nothing depends on how many cores there are but the time.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import cache
from threading import local
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Item = TypeVar("Item")
Made = TypeVar("Made")

CACHED = 60_000
"""Numbers that are worked on at a time: with what is made of them they fit a core's cache."""


class _Worker(local):
    """What a thread is for."""

    is_busy = False


_WORKER = _Worker()


def _begin() -> None:
    _WORKER.is_busy = True


@cache
def _libraries() -> Any:
    """Find the libraries that have threads of their own; to look for them takes milliseconds."""
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()


def n_cores() -> int:
    """Give how many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def is_busy() -> bool:
    """Tell whether this is done within work that is already shared."""
    return _WORKER.is_busy


@contextmanager
def one_core_each() -> Iterator[None]:
    """Let what is done in the block, and in processes that it begins, do with one core."""
    with _libraries().limit(limits=1, user_api="blas"):
        _WORKER.is_busy = True
        try:
            yield
        finally:
            _WORKER.is_busy = False


def on_all_cores(work: Callable[[Item], Made], items: Iterable[Item]) -> list[Made]:
    """Give what ``work`` makes of each item, in their order; within such work there is one core for each."""
    if is_busy():
        return [work(item) for item in items]
    # a product would itself ask for all cores, and wait for those that others have
    one_each = _libraries().limit(limits=1, user_api="blas")
    with one_each, ThreadPoolExecutor(n_cores(), initializer=_begin) as threads:
        return list(threads.map(work, items))


def done_on_all_cores(tasks: Sequence[Callable[[], Made]]) -> list[Made]:
    """Give what these tasks make, in their order: see ``on_all_cores``."""
    return on_all_cores(lambda task: task(), tasks)


def by_block(work: Callable[[slice], Floats], n: int, *, size: int) -> Floats:
    """Give what ``work`` makes of all ``n`` draws, some at a time, side by side along the last axis.

    Args:
        work: Gives ``(..., b)`` for a slice of b draws.
        n: Draws, at least 1.
        size: Numbers that one draw needs.
    """
    step = max(1, CACHED // max(1, size))
    blocks = [slice(start, min(n, start + step)) for start in range(0, n, step)]
    return np.concatenate(on_all_cores(work, blocks), axis=-1) if len(blocks) > 1 else work(blocks[0])
