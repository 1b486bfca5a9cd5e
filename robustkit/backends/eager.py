"""eager: plain PyTorch, the reference that every other backend is compared with."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, cast

import torch
from numpy.typing import NDArray

from robustkit.backends._base import Batch, Forward, Precision
from robustkit.backends._graph import Graph, halve, network_copy
from robustkit.backends._numerics import HALF, allowing, to_device
from robustkit.models.classifier import Classifier


class Eager:
    """Runs a torch module as it stands."""

    name = "eager"

    def can_run(self, model: Classifier, *, device: str, precision: Precision) -> str:
        """Give "" where it can, else the reason why not."""
        if model.engine != "torch":
            return "it runs PyTorch networks only"
        if precision in ("fp16", "tf32") and device == "cpu":
            return f"{precision} is for CUDA; use fp32 or bf16 on a CPU"
        return ""

    def prepare(self, model: Classifier, batch: Batch, *, device: str, precision: Precision) -> Forward:
        """Give the forward of a model on that device."""
        return _EagerForward(model, torch.device(device), precision)


class _EagerForward:
    def __init__(self, model: Classifier, device: torch.device, precision: Precision) -> None:
        network = network_copy(model)
        if precision in HALF:
            network = halve(network, HALF[precision], cast_weights=False)
        self._graph = Graph(network, model.input).to(device).eval()
        self._device = device
        self._precision = precision

    def __call__(self, crops: NDArray[Any] | torch.Tensor, filled: int | None = None) -> torch.Tensor:
        with torch.inference_mode(), allowing(self._precision), self._casting():
            return cast(torch.Tensor, self._graph(to_device(crops, self._device)))

    @contextmanager
    def _casting(self) -> Iterator[None]:
        half = HALF.get(self._precision)
        with torch.autocast(self._device.type, dtype=half, enabled=half is not None):
            yield


PLUGIN = Eager()
