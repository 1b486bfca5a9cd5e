"""compile: torch.compile over the folded network, channels last, one batch shape."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from typing import Any, cast

import torch
from numpy.typing import NDArray

from robustkit.backends._base import Batch, Forward, Precision
from robustkit.backends._graph import Graph, fold_norms, halve, network_copy
from robustkit.backends._numerics import HALF, allowing, to_device
from robustkit.models.classifier import Classifier

_COMPILERS = ("c++", "g++", "clang++", "cl")


class Compile:
    """Batch norms folded, normalisation inside the graph; on a CPU the weights are frozen into it."""

    name = "compile"

    def can_run(self, model: Classifier, *, device: str, precision: Precision) -> str:
        """Give "" where it can, else the reason why not."""
        if model.engine != "torch":
            return "it runs PyTorch networks only"
        if precision in ("fp16", "tf32") and device == "cpu":
            return f"{precision} is for CUDA; use fp32 or bf16 on a CPU"
        if not any(shutil.which(c) for c in _COMPILERS):
            return "torch.compile needs a C++ compiler, and none is found"
        if device != "cpu" and find_spec("triton") is None:
            return "torch.compile needs triton on CUDA"
        return ""

    def prepare(self, model: Classifier, batch: Batch, *, device: str, precision: Precision) -> Forward:
        """Give the forward of a model on that device; the first call compiles."""
        return _CompiledForward(model, torch.device(device), precision)


class _CompiledForward:
    def __init__(self, model: Classifier, device: torch.device, precision: Precision) -> None:
        network = fold_norms(network_copy(model))
        dtype = HALF.get(precision, torch.float32)
        if precision in HALF:
            network = halve(network, dtype, cast_weights=True)
        graph = Graph(network, model.input, dtype).to(device).eval()
        self._graph = torch.compile(graph.to(memory_format=torch.channels_last), dynamic=False)
        self._device = device
        self._precision = precision

    def __call__(self, crops: NDArray[Any] | torch.Tensor, filled: int | None = None) -> torch.Tensor:
        # freezing wants no_grad, not inference_mode
        with torch.no_grad(), allowing(self._precision), _frozen(self._device):
            return cast(torch.Tensor, self._graph(to_device(crops, self._device)))


@contextmanager
def _frozen(device: torch.device) -> Iterator[None]:
    """Let the compiler take the weights as constants, on a CPU."""
    from torch._inductor import config

    with config.patch(freezing=device.type == "cpu"):
        yield


PLUGIN = Compile()
