"""onnxruntime: for models that come as ONNX files."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from robustkit.backends._base import Batch, Forward, Precision
from robustkit.models.classifier import Classifier
from robustkit.models.onnx_file import open_session


class OnnxRuntime:
    """Runs an ONNX graph on the CPU."""

    name = "onnxruntime"

    def can_run(self, model: Classifier, *, device: str, precision: Precision) -> str:
        """Give "" where it can, else the reason why not."""
        if model.engine != "onnx":
            return "it runs ONNX files only"
        if device != "cpu":
            return "ONNX files run on the CPU here; use --device cpu"
        return "" if precision == "fp32" else "ONNX files run in fp32 here"

    def prepare(self, model: Classifier, batch: Batch, *, device: str, precision: Precision) -> Forward:
        """Give the forward of a model."""
        return _OnnxForward(model, open_session(model.runner.path))


class _OnnxForward:
    def __init__(self, model: Classifier, session: Any) -> None:
        spec = model.input
        self._session = session
        self._name = session.get_inputs()[0].name
        batch = session.get_inputs()[0].shape[0]
        self._batch = batch if isinstance(batch, int) and batch > 0 else 0
        self._channels = spec.n_channels
        self._nhwc = spec.layout == "nhwc"
        self._mean = np.array(spec.mean, dtype=np.float32)[None, :, None, None]
        self._std = np.array(spec.std, dtype=np.float32)[None, :, None, None]

    def __call__(self, crops: Any, filled: int | None = None) -> NDArray[np.float32]:
        grey = crops.astype(np.float32) / np.float32(255)
        batch = (np.repeat(grey[:, None], self._channels, axis=1) - self._mean) / self._std
        if self._nhwc:
            batch = np.ascontiguousarray(batch.transpose(0, 2, 3, 1))
        steps = self._batch or len(batch)
        done = [self._run(batch[i : i + steps], steps) for i in range(0, len(batch), steps)]
        return np.concatenate(done).astype(np.float32)

    def _run(self, part: NDArray[np.float32], steps: int) -> NDArray[np.float32]:
        n = len(part)
        if n < steps:
            part = np.concatenate([part, np.zeros((steps - n, *part.shape[1:]), dtype=np.float32)])
        out = np.asarray(self._session.run(None, {self._name: part})[0])
        return out.reshape(steps, -1)[:n]


PLUGIN = OnnxRuntime()
