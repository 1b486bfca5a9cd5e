"""Crops of many cases packed into one fixed batch, so that no answer depends on its neighbours."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from threading import BoundedSemaphore
from typing import Any

import numpy as np
from numpy.typing import NDArray

from robustkit.backends._base import Batch, Forward, fetch
from robustkit.backends._memory import device_memory

_AHEAD = 2
"""Batches handed to a lane that have not come back: one in work, one ready."""


class Lane:
    """Runs forwards in the order given, in a thread of its own or at once.

    On a CPU a forward keeps the caller waiting, so that it gets a thread. CUDA only queues the work.

    Args:
        threaded: Whether it has a thread.
    """

    def __init__(self, *, threaded: bool) -> None:
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="forward") if threaded else None
        self._free = BoundedSemaphore(_AHEAD)

    def run(self, forward: Callable[[Any, int], Any], batch: Any, filled: int) -> Callable[[], Any]:
        """Start a forward; the callable waits for its outputs, or raises what it raised."""
        if self._pool is None:
            out = forward(batch, filled)
            return lambda: out
        self._free.acquire()
        future: Future[Any] = self._pool.submit(forward, batch, filled)
        future.add_done_callback(lambda _: self._free.release())
        return future.result

    def close(self) -> None:
        """Wait for the forward in work; drop what is queued."""
        if self._pool is not None:
            self._pool.shutdown(wait=True, cancel_futures=True)


class Pending:
    """Outputs of one part, on their way.

    Args:
        started: By batch what waits for its outputs, and how many of them are of crops.
        size: Of a batch.
        n_outputs: Numbers per crop.
    """

    def __init__(self, started: list[tuple[Callable[[], Any], int]], *, size: int, n_outputs: int) -> None:
        self._started = started
        self._size = size
        self._n_outputs = n_outputs

    def wait(self) -> NDArray[np.float32]:
        """Give ``(N, K)`` float32 outputs in the order in which the crops were added."""
        if not self._started:
            return np.empty((0, self._n_outputs), dtype=np.float32)
        rows = fetch([result() for result, _ in self._started])
        filled = [k * self._size + np.arange(n) for k, (_, n) in enumerate(self._started)]
        return np.asarray(rows[np.concatenate(filled)])


class Packer:
    """Collects crops, starts a forward whenever the batch is full, pads the last one.

    Args:
        forward: A prepared network.
        batch: The one batch shape of the run.
        n_outputs: Numbers per crop.
        lane: Where forwards run.
        device: For what is said when its memory is full.
    """

    def __init__(self, forward: Forward, batch: Batch, *, n_outputs: int, lane: Lane, device: str = "cpu") -> None:
        self._forward = forward
        self._batch = batch
        self._n_outputs = n_outputs
        self._lane = lane
        self._device = device
        self._filling: Any = None
        self._filled = 0
        self._started: list[tuple[Callable[[], Any], int]] = []

    def add(self, crops: Any) -> None:
        """Add ``(K, h, w)`` crops, numpy or on the device."""
        start = 0
        while start < len(crops):
            if self._filling is None:
                self._filling = _empty(crops, self._batch.shape)
            take = min(self._batch.size - self._filled, len(crops) - start)
            self._filling[self._filled : self._filled + take] = crops[start : start + take]
            self._filled += take
            start += take
            if self._filled == self._batch.size:
                self._run()

    def finish(self) -> Pending:
        """Give the outputs of all crops added since the last call; the last batch is padded with black."""
        if self._filled:
            self._filling[self._filled :] = 0
            self._run()
        started, self._started = self._started, []
        return Pending(started, size=self._batch.size, n_outputs=self._n_outputs)

    def _run(self) -> None:
        # every batch has memory of its own: the last one may still be in work
        batch, self._filling = self._filling, None
        filled, self._filled = self._filled, 0
        self._started.append((self._lane.run(self._guarded, batch, filled), filled))

    def _guarded(self, batch: Any, filled: int) -> Any:
        size, height, width = self._batch.shape
        with device_memory(self._device, doing=f"a batch of {size} crops of {width} x {height} px"):
            return self._forward(batch, filled)


def _empty(crops: Any, shape: tuple[int, int, int]) -> Any:
    """Give an unwritten batch of the crops' kind, in the same memory."""
    if isinstance(crops, np.ndarray):
        return np.empty(shape, dtype=crops.dtype)
    return crops.new_empty(shape)
