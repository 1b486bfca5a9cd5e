"""From grey crops to a network's input: one formula for training and for every torch backend."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from robustkit.inputs import InputSpec


@dataclass(frozen=True, slots=True)
class Normaliser:
    """``(grey / 255 - mean) / std`` per channel, in the axis order of the network.

    Attributes:
        mean, std: ``(1, C, 1, 1)`` float32.
        is_nhwc: True where the network takes ``(B, H, W, C)``.
    """

    mean: torch.Tensor
    std: torch.Tensor
    is_nhwc: bool

    def __call__(self, grey: torch.Tensor) -> torch.Tensor:
        """Give ``(B, C, H, W)`` float32 of ``(B, H, W)`` crops in 0..255 (any dtype, same device)."""
        scaled = grey.to(torch.float32).div(255)[:, None].expand(-1, self.mean.shape[1], -1, -1)
        batch = (scaled - self.mean) / self.std
        return batch.permute(0, 2, 3, 1).contiguous() if self.is_nhwc else batch


def normaliser(spec: InputSpec, device: torch.device) -> Normaliser:
    """Give the normaliser of an InputSpec on a device."""
    values = [torch.tensor(v, dtype=torch.float32, device=device)[None, :, None, None] for v in (spec.mean, spec.std)]
    return Normaliser(values[0], values[1], spec.layout == "nhwc")
