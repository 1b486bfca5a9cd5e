"""The face of a backend: from a batch of grey crops to a model's outputs."""

from __future__ import annotations

from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from robustkit.crops._base import Pixels
from robustkit.models.classifier import Classifier

Precision = Literal["fp32", "tf32", "fp16", "bf16"]


class Forward(Protocol):
    """One prepared network with a fixed batch size."""

    def __call__(self, crops: Pixels) -> NDArray[np.float32]:
        """Give ``(B, K)`` float32 outputs of ``(B, H, W)`` crops (uint8 or float32, 0..255)."""
        ...


class Backend(Protocol):
    """A way to run a network forward."""

    name: str

    def can_run(self, model: Classifier, *, device: str, precision: Precision) -> str:
        """Give "" where it can, else the reason why not (one sentence)."""
        ...

    def prepare(self, model: Classifier, *, device: str, precision: Precision) -> Forward:
        """Give the forward of that model on ``cpu`` or ``cuda[:n]``."""
        ...
