"""Crops of many cases packed into one fixed batch, so that no answer depends on its neighbours."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from threading import BoundedSemaphore
from typing import Any

import numpy as np
from numpy.typing import NDArray

from robustkit.backends._base import Batch, fetch
from robustkit.backends._memory import device_memory
from robustkit.engine.feeding import Fed, Feeder
from robustkit.errors import DeviceMemoryError

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


@dataclass(frozen=True, slots=True)
class Outputs:
    """Outputs of a network for the crops of one part.

    Attributes:
        rows: ``(N, K)`` float32, in the order in which the crops were added.
        lost: By the place of a crop why its row is NaN: there was no memory for it.
    """

    rows: NDArray[np.float32]
    lost: Mapping[int, str]


class Pending:
    """Outputs of one part, on their way.

    Args:
        started: By batch what waits for its outputs, and how many of them are of crops.
        feeder: Who started them.
    """

    def __init__(self, started: Sequence[tuple[Callable[[], Fed], int]], feeder: Feeder) -> None:
        self._started = started
        self._feeder = feeder

    def wait(self) -> Outputs:
        """Give the outputs in the order in which the crops were added.

        Raises:
            DeviceMemoryError: Memory ran out for outputs that were on their way.
        """
        if not self._started:
            return Outputs(np.empty((0, self._feeder.n_outputs), dtype=np.float32), {})
        fed = [(result(), n) for result, n in self._started]
        with device_memory(self._feeder.device, doing="the answers of a part"):
            rows = fetch([o for one, _ in fed for o in one.outputs])
        lost: dict[int, str] = {}
        kept, row, crop = [], 0, 0
        for one, n in fed:
            kept.append(np.arange(row, row + n))
            lost |= {crop + place: reason for place, reason in one.lost.items()}
            row, crop = row + one.n_rows, crop + n
        return Outputs(np.asarray(rows[np.concatenate(kept)]), lost)


class Packer:
    """Collects crops, starts a forward whenever the batch is full, pads the last one.

    Args:
        feeder: Of a prepared network.
        batch: The one batch shape of the run.
        lane: Where forwards run.
    """

    def __init__(self, feeder: Feeder, batch: Batch, *, lane: Lane) -> None:
        self._feeder = feeder
        self._batch = batch
        self._lane = lane
        self._filling: Any = None
        self._filled = 0
        self._started: list[tuple[Callable[[], Fed], int]] = []

    def add(self, crops: Any) -> None:
        """Add ``(K, h, w)`` crops, numpy or on the device."""
        start = 0
        while start < len(crops):
            if self._filling is None:
                self._filling = _empty(crops, self._batch.shape)
            take = min(self._batch.size - self._filled, len(crops) - start)
            self._filling[self._filled : self._filled + take] = _like(self._filling, crops[start : start + take])
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
        return Pending(started, self._feeder)

    def _run(self) -> None:
        # every batch has memory of its own: the last one may still be in work
        batch, self._filling = self._filling, None
        filled, self._filled = self._filled, 0
        self._started.append((self._lane.run(self._feeder, batch, filled), filled))


def _empty(crops: Any, shape: tuple[int, int, int]) -> Any:
    """Give an unwritten batch of the crops' kind, in the same memory; on the host where the device is full."""
    if isinstance(crops, np.ndarray):
        return np.empty(shape, dtype=crops.dtype)
    try:
        with device_memory(str(crops.device), doing="a batch"):
            return crops.new_empty(shape)
    except DeviceMemoryError:
        return np.empty(shape, dtype=crops[:0].cpu().numpy().dtype)


def _like(batch: Any, crops: Any) -> Any:
    """Give the crops as they can be put into that batch: a film that found no room on the device was cut on the host."""
    if isinstance(batch, np.ndarray):
        return crops if isinstance(crops, np.ndarray) else crops.cpu().numpy()
    if isinstance(crops, np.ndarray):
        import torch

        return torch.from_numpy(crops)
    return crops
