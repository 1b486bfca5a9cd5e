"""Small networks with seeded weights, and files made of them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from robustkit.models._torchvision import import_timm
from torch import nn


def seeded(network: nn.Module, seed: int = 0) -> nn.Module:
    """Fill every tensor with seeded noise, running variances above 0, and give the network in eval mode."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for key, value in network.state_dict().items():
            if key.endswith("running_var"):
                value.copy_(torch.rand(value.shape, generator=generator) + 0.5)
            elif value.is_floating_point():
                fan = value[0].numel() if value.ndim > 1 else 1
                value.copy_(torch.randn(value.shape, generator=generator) * (1.5 / fan) ** 0.5)
    return network.eval()


def timm_network(arch: str = "test_resnet", *, n_outputs: int = 1, seed: int = 0, **more: Any) -> nn.Module:
    """Build one of timm's networks with seeded weights."""
    return seeded(import_timm().create_model(arch, pretrained=False, num_classes=n_outputs, **more), seed)


def picture(side: int = 64, *, n_channels: int = 3, seed: int = 9) -> torch.Tensor:
    """Give two seeded pictures ``(2, C, side, side)``."""
    return torch.randn(2, n_channels, side, side, generator=torch.Generator().manual_seed(seed))


def save(path: Path, tensors: Mapping[str, Any]) -> Path:
    """Write a torch file and give its path."""
    torch.save(dict(tensors), path)
    return path


def largest_difference(a: nn.Module, b: nn.Module, x: torch.Tensor) -> float:
    """Give the largest difference of two networks' outputs."""
    with torch.inference_mode():
        return float((a(x) - b(x)).abs().max())
