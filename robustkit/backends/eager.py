"""eager: plain PyTorch, the reference that every other backend is compared with."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch
from numpy.typing import NDArray

from robustkit.backends._base import Forward, Precision
from robustkit.crops._base import Pixels
from robustkit.models.classifier import Classifier
from robustkit.models.normalise import normaliser

_HALF = {"fp16": torch.float16, "bf16": torch.bfloat16}


class Eager:
    """Runs a torch module as it stands."""

    name = "eager"

    def can_run(self, model: Classifier, *, device: str, precision: Precision) -> str:
        """Give "" where it can, else the reason why not."""
        if model.engine != "torch":
            return "it runs PyTorch networks only"
        if precision == "fp16" and device == "cpu":
            return "fp16 is for CUDA; use fp32 or bf16 on a CPU"
        return ""

    def prepare(self, model: Classifier, *, device: str, precision: Precision) -> Forward:
        """Give the forward of a model on that device."""
        return _EagerForward(model, torch.device(device), precision)


class _EagerForward:
    def __init__(self, model: Classifier, device: torch.device, precision: Precision) -> None:
        self._module = model.runner.to(device).eval()
        self._device = device
        self._precision = precision
        self._normalise = normaliser(model.input, device)

    def __call__(self, crops: Pixels) -> NDArray[np.float32]:
        with torch.inference_mode(), _numerics(self._precision, self._device):
            out = self._module(self._normalise(torch.from_numpy(crops).to(self._device)))
            out = out[0] if isinstance(out, tuple | list) else out
            return np.asarray(out.reshape(len(crops), -1).to(torch.float32).cpu().numpy())


@contextmanager
def _numerics(precision: Precision, device: torch.device) -> Iterator[None]:
    """Set what fp32 products may be rounded to for this forward alone."""
    before = torch.get_float32_matmul_precision()
    convolution = torch.backends.cudnn.allow_tf32
    torch.set_float32_matmul_precision("high" if precision == "tf32" else "highest")
    torch.backends.cudnn.allow_tf32 = precision == "tf32"
    try:
        if precision in _HALF:
            with torch.autocast(device.type, dtype=_HALF[precision]):
                yield
        else:
            yield
    finally:
        torch.set_float32_matmul_precision(before)
        torch.backends.cudnn.allow_tf32 = convolution


PLUGIN = Eager()
