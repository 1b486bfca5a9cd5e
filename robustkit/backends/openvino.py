"""openvino: PyTorch networks on a CPU, several times as fast as eager (extra ``cpu``)."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Any

import numpy as np
from numpy.typing import NDArray

from robustkit.backends._base import Batch, Forward, Precision
from robustkit.backends._openvino import compile_network
from robustkit.models.classifier import Classifier


class OpenVino:
    """Converts the network with normalisation and compiles it for one batch shape."""

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
        """Give the forward of a model."""
        return _OpenVinoForward(compile_network(model, batch, precision=precision))


class _OpenVinoForward:
    def __init__(self, compiled: Any) -> None:
        self._request = compiled.create_infer_request()

    def __call__(self, crops: Any) -> NDArray[np.float32]:
        found = self._request.infer([np.ascontiguousarray(crops)], share_inputs=True)
        return np.array(found[0], dtype=np.float32)


PLUGIN = OpenVino()
