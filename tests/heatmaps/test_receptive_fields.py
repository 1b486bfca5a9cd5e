"""What docs/heatmaps.md says of where the cells of a map look: half a cell to the upper left, or towards the middle."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from robustkit.models.builders import empty_network
from torch import nn

pytestmark = pytest.mark.slow


def _middle(arch: str, layer: str, side: int, cell: int, monkeypatch: pytest.MonkeyPatch) -> tuple[float, int]:
    """Give the middle of a cell's receptive field along one side, px, and the number of cells.

    All weights are positive and alike and maxima are means: a pixel has a gradient if and only if the cell can see it.
    """
    network: Any = empty_network(arch, 2)[0].eval()
    for part in network.modules():
        if isinstance(part, nn.Conv2d):
            nn.init.constant_(part.weight, 1.0 / part.weight[0].numel())
        elif isinstance(part, nn.BatchNorm2d):
            part.reset_parameters()
        for name, child in list(part.named_children()):
            if isinstance(child, nn.MaxPool2d):
                setattr(part, name, nn.AvgPool2d(child.kernel_size, child.stride, child.padding))
    mean = nn.functional.avg_pool2d
    monkeypatch.setattr(nn.functional, "max_pool2d", mean)
    seen: list[torch.Tensor] = []
    network.get_submodule(layer).register_forward_hook(lambda _m, _i, out: seen.append(out))
    film = torch.ones(1, 3, side, side, requires_grad=True)
    network(film)
    found = torch.autograd.grad(seen[0][0, :, cell, cell].sum(), film)[0].abs().sum((0, 1, 3)).nonzero()[:, 0]
    assert 0 < found[0] < found[-1] < side - 1
    return float(found[0] + found[-1] + 1) / 2, seen[0].shape[-1]


def test_resnet_50_looks_half_a_cell_to_the_upper_left(monkeypatch: pytest.MonkeyPatch) -> None:
    middle, n = _middle("resnet50", "layer4", 1536, 20, monkeypatch)
    assert (middle - 20.5 * 1536 / n) / (1536 / n) == pytest.approx(-0.5, abs=0.03)


def test_inception_v3_looks_up_to_half_a_cell_towards_the_middle(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its cells are 32 px apart, beginning inside; laid evenly over 299 px they are 37.4 px apart."""
    middle, _ = _middle("inception_v3", "Mixed_7c", 1643, 25, monkeypatch)
    first, cell = middle - 25 * 32, 299 / 8
    assert (first - cell / 2) / cell == pytest.approx(0.5, abs=0.03)
    assert (first + 7 * 32 - 7.5 * cell) / cell == pytest.approx(-0.5, abs=0.03)
