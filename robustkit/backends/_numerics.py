"""What torch may round products to, and how crops reach a device."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from numpy.typing import NDArray

from robustkit.backends._base import Precision

HALF = {"fp16": torch.float16, "bf16": torch.bfloat16}


@contextmanager
def allowing(precision: Precision) -> Iterator[None]:
    """Allow TF32 products and convolutions for ``tf32`` alone, and leave the settings as they were."""
    before = torch.get_float32_matmul_precision()
    convolution = torch.backends.cudnn.allow_tf32
    torch.set_float32_matmul_precision("high" if precision == "tf32" else "highest")
    torch.backends.cudnn.allow_tf32 = precision == "tf32"
    try:
        yield
    finally:
        torch.set_float32_matmul_precision(before)
        torch.backends.cudnn.allow_tf32 = convolution


def to_device(crops: NDArray[Any] | torch.Tensor, device: torch.device) -> torch.Tensor:
    """Give the crops on the device; from host memory through pinned memory, without waiting."""
    if isinstance(crops, torch.Tensor):
        return crops.to(device, non_blocking=True)
    with warnings.catch_warnings():
        # the batch is read, never written
        warnings.filterwarnings("ignore", "The given NumPy array is not writable")
        tensor = torch.from_numpy(crops)
    if device.type == "cpu":
        return tensor
    return tensor.pin_memory().to(device, non_blocking=True)
