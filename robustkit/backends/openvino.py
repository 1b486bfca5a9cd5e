"""openvino: PyTorch networks on a CPU, several times as fast as eager (extra ``cpu``)."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from dataclasses import replace
from importlib.util import find_spec
from threading import Condition
from typing import Any

import numpy as np
from numpy.typing import NDArray

from robustkit.backends._base import Batch, Forward, Precision
from robustkit.backends._threads import compute_threads
from robustkit.models.classifier import Classifier

_PIECE = 2
"""Crops that one thread takes at a time: what it needs stays in its cache, and no thread waits for another."""

_PATIENCE_S = 60


class OpenVino:
    """Converts the network with normalisation; every thread runs its own pieces of the batch."""

    name = "openvino"

    def can_run(self, model: Classifier, *, device: str, precision: Precision) -> str:
        """Give "" where it can, else the reason why not."""
        if model.engine != "torch":
            return "it runs PyTorch networks only"
        if device != "cpu":
            return "it runs on the CPU here"
        if precision not in ("fp32", "bf16"):
            return f"{precision} is for CUDA; use fp32 or bf16 on a CPU"
        if find_spec("openvino") is None:
            return "OpenVINO is not installed (pip install 'robustkit[cpu]')"
        return ""

    def prepare(self, model: Classifier, batch: Batch, *, device: str, precision: Precision) -> Forward:
        """Give the forward of a model.

        Raises:
            BackendError: OpenVINO cannot convert the network.
        """
        # openvino and torch are heavy, and this file is loaded to ask what it can run
        from robustkit.backends._openvino import compile_network, requests

        piece = replace(batch, size=_PIECE if batch.size % _PIECE == 0 else 1)
        compiled = compile_network(model, piece, precision=precision, streams=compute_threads())
        return _OpenVinoForward(requests(compiled), piece=piece.size, n_outputs=model.n_outputs)


class _OpenVinoForward:
    def __init__(self, queue: Any, *, piece: int, n_outputs: int) -> None:
        self._queue = queue
        self._queue.set_callback(_store)
        # a process that ends while requests are in work would be aborted
        weakref.finalize(self, queue.wait_all)
        self._piece = piece
        self._n_outputs = n_outputs

    def __call__(self, crops: Any, filled: int | None = None) -> _Answers:
        crops = np.ascontiguousarray(crops)
        n_rows = len(crops)
        if n_rows % self._piece:
            # fewer crops than the batch, and the last piece is of two
            crops = np.concatenate([crops, np.zeros_like(crops[:1])])
        starts = range(0, n_rows if filled is None else filled, self._piece)
        answers = _Answers(crops, len(starts), (n_rows, self._n_outputs), self._queue.wait_all)
        for start in starts:
            # waits where all threads have enough to do
            self._queue.start_async([crops[start : start + self._piece]], (answers, start), share_inputs=True)
        return answers


class _Answers:
    """Outputs of one batch, filled in by the threads that compute its pieces; keeps the crops alive until then."""

    def __init__(self, crops: NDArray[Any], pieces: int, shape: tuple[int, int], wait_all: Callable[[], None]) -> None:
        self._wait_all = wait_all
        self._crops: NDArray[Any] | None = crops
        self._out = np.zeros(shape, dtype=np.float32)
        self._left = pieces
        self._changed = Condition()

    def put(self, start: int, found: NDArray[np.float32]) -> None:
        with self._changed:
            own = self._out[start : start + len(found)]
            own[:] = found[: len(own)]
            self._left -= 1
            if not self._left:
                self._crops = None
                self._changed.notify_all()

    def wait(self) -> NDArray[np.float32]:
        with self._changed:
            while not self._changed.wait_for(lambda: not self._left, timeout=_PATIENCE_S):
                # a piece that failed does not come back: this raises why
                self._wait_all()
        return self._out


def _store(request: Any, place: tuple[_Answers, int]) -> None:
    answers, start = place
    answers.put(start, np.asarray(request.get_output_tensor(0).data, dtype=np.float32))


PLUGIN = OpenVino()
