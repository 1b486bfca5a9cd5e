"""The graph that backends compile: folded norms, half precision with a last layer in full."""

from __future__ import annotations

import torch
from robustkit.backends._graph import fold_norms, halve, last_linear
from torch import nn

from networks import largest_difference, picture, seeded, timm_network


def test_folded_norms_give_the_same_answers_with_fewer_layers() -> None:
    network = seeded(timm_network(n_outputs=2)).eval()
    folded = fold_norms(network)
    assert not any(isinstance(m, nn.BatchNorm2d) for m in folded.modules())
    assert any(isinstance(m, nn.BatchNorm2d) for m in network.modules())
    size = float(network(picture(32)).detach().abs().max())
    assert largest_difference(network, folded, picture(32)) < 1e-5 * max(1.0, size)


class _Branching(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(3, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.layer(x) if x.sum() > 0 else -self.layer(x)


def test_a_network_that_cannot_be_traced_stays_as_it_is() -> None:
    network = _Branching().eval()
    assert fold_norms(network) is network


def test_the_last_linear_layer_computes_in_full_precision() -> None:
    network = nn.Sequential(nn.Linear(4, 4), nn.ReLU(), nn.Linear(4, 2))
    assert last_linear(network) == "2"
    halved = halve(network, torch.bfloat16, cast_weights=True)
    out = halved(torch.ones(1, 4, dtype=torch.bfloat16))
    assert halved[0].weight.dtype == torch.bfloat16
    assert halved[2].layer.weight.dtype == torch.float32
    assert out.dtype == torch.float32


def test_under_autocast_the_last_layer_is_not_rounded() -> None:
    torch.manual_seed(0)
    network = nn.Sequential(nn.Linear(64, 1))
    x = torch.randn(1, 64)
    with torch.inference_mode():
        exact = network(x)
    halved = halve(network, torch.bfloat16, cast_weights=False)
    with torch.inference_mode(), torch.autocast("cpu", dtype=torch.bfloat16):
        assert torch.equal(halved(x), exact)
