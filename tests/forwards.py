"""One batch through a backend, as numpy."""

from __future__ import annotations

from typing import Any

import numpy as np
from robustkit.backends._base import Batch, fetch


def forward_of(backend: Any, model: Any, crops: np.ndarray, *, precision: str = "fp32", device: str = "cpu"):  # type: ignore[no-untyped-def]
    """Give a function of ``(B, H, W)`` crops like these to ``(B, K)`` float32 outputs."""
    batch = Batch(*crops.shape, crops.dtype.name)  # type: ignore[arg-type]
    forward = backend.prepare(model, batch, device=device, precision=precision)
    return lambda x: fetch([forward(x)])
