"""Two small networks for small pictures that are published under fixed keys and stand in no library."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import torch
from torch import nn
from torch.nn import functional

_IMAGENET = {"mean": (0.485, 0.456, 0.406), "std": (0.229, 0.224, 0.225)}
_CENTRED = {"mean": (0.5, 0.5, 0.5), "std": (0.5, 0.5, 0.5)}


class CifarResNet(nn.Module):  # type: ignore[misc]  # torch is not followed by the type checker
    """ResNet of depth 6n + 2 for 32 x 32 px, shortcuts without weights.

    Source: He et al. 2016, arXiv:1512.03385, section 4.2, option A; keys as in akamaster/pytorch_resnet_cifar10.
    """

    def __init__(self, blocks: int, n_outputs: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 16, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(16)
        self.layer1 = _stage(16, 16, blocks)
        self.layer2 = _stage(16, 32, blocks)
        self.layer3 = _stage(32, 64, blocks)
        self.linear = nn.Linear(64, n_outputs)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Give ``(B, K)`` logits of ``(B, 3, H, W)``."""
        x = functional.relu(self.bn1(self.conv1(x)))
        x = self.layer3(self.layer2(self.layer1(x)))
        out: torch.Tensor = self.linear(x.mean(dim=(2, 3)))
        return out


class _Block(nn.Module):  # type: ignore[misc]  # torch is not followed by the type checker
    def __init__(self, before: int, after: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(before, after, 3, stride=stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(after)
        self.conv2 = nn.Conv2d(after, after, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(after)
        self._stride = stride
        self._added = (after - before) // 2

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = self.bn2(self.conv2(functional.relu(self.bn1(self.conv1(x)))))
        short = x[:, :, :: self._stride, :: self._stride]
        return functional.relu(y + functional.pad(short, (0, 0, 0, 0, self._added, self._added)))


def _stage(before: int, after: int, blocks: int) -> nn.Sequential:
    first = _Block(before, after, 1 if before == after else 2)
    return nn.Sequential(first, *(_Block(after, after, 1) for _ in range(blocks - 1)))


class TutorialNet(nn.Module):  # type: ignore[misc]  # torch is not followed by the type checker
    """The network of PyTorch's CIFAR tutorial, 32 x 32 px."""

    def __init__(self, n_outputs: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 6, 5)
        self.conv2 = nn.Conv2d(6, 16, 5)
        self.fc1 = nn.Linear(16 * 5 * 5, 120)
        self.fc2 = nn.Linear(120, 84)
        self.fc3 = nn.Linear(84, n_outputs)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Give ``(B, K)`` logits of ``(B, 3, 32, 32)``."""
        x = functional.max_pool2d(functional.relu(self.conv1(x)), 2)
        x = functional.max_pool2d(functional.relu(self.conv2(x)), 2)
        x = functional.relu(self.fc2(functional.relu(self.fc1(x.flatten(1)))))
        out: torch.Tensor = self.fc3(x)
        return out


BUILDERS: Mapping[str, tuple[Callable[[int], nn.Module], str, Mapping[str, Any]]] = {
    **{f"cifar_resnet{6 * n + 2}": (partial(CifarResNet, n), "linear", _IMAGENET) for n in (3, 5, 7, 9, 18)},
    "tutorial_net": (TutorialNet, "fc3", _CENTRED),
}
"""Name to: builder from the number of outputs, prefix of the classifier, mean and std that it was published with."""


def small_network(name: str, n_outputs: int) -> tuple[nn.Module, Mapping[str, Any]]:
    """Build one, and give what it wants to see in the words of timm's default_cfg."""
    build, head, scale = BUILDERS[name]
    said = {"input_size": (3, 32, 32), "interpolation": "bilinear", "classifier": head, **scale}
    return build(n_outputs), {**said, "source": "the published training"}
