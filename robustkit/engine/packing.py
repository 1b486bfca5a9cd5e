"""Crops of many cases packed into one fixed batch, so that no answer depends on its neighbours."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from robustkit.backends._base import Forward
from robustkit.crops._base import Pixels


class Packer:
    """Collects crops, runs a forward whenever the batch is full, pads the last one.

    Args:
        forward: A prepared network.
        batch_size: The one batch shape of the run.
        n_outputs: Numbers per crop.
    """

    def __init__(self, forward: Forward, *, batch_size: int, n_outputs: int) -> None:
        self._forward = forward
        self._size = batch_size
        self._n_outputs = n_outputs
        self._batch: Pixels | None = None
        self._filled = 0
        self._done: list[NDArray[np.float32]] = []

    def add(self, crops: Pixels) -> None:
        """Add ``(K, h, w)`` crops."""
        if self._batch is None:
            self._batch = np.zeros((self._size, *crops.shape[1:]), dtype=crops.dtype)
        start = 0
        while start < len(crops):
            take = min(self._size - self._filled, len(crops) - start)
            self._batch[self._filled : self._filled + take] = crops[start : start + take]
            self._filled += take
            start += take
            if self._filled == self._size:
                self._run()

    def finish(self) -> NDArray[np.float32]:
        """Give ``(N, K)`` outputs of all crops added since the last call, in their order."""
        if self._filled and self._batch is not None:
            self._batch[self._filled :] = 0
            self._run()
        done = self._done or [np.empty((0, self._n_outputs), dtype=np.float32)]
        self._done = []
        return np.concatenate(done)

    def _run(self) -> None:
        assert self._batch is not None
        self._done.append(self._forward(self._batch)[: self._filled].copy())
        self._filled = 0
