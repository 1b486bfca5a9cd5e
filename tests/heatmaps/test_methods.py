"""Grad-CAM against captum and by hand; the layer that is found; the contract of every method."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, cast

import numpy as np
import pytest
import torch
from robustkit.errors import InputError
from robustkit.heatmaps._base import HeatmapMethod, find_layer
from robustkit.heatmaps._target import decided_logit, positive_logit
from robustkit.inputs import OutputSpec
from robustkit.models.builders import empty_network
from robustkit.models.classifier import Classifier
from robustkit.models.oracle import oracle
from robustkit.models.score import scores
from robustkit.registry import load, names
from torch import nn


def _first(outputs: torch.Tensor) -> torch.Tensor:
    return outputs[:, 0]


class Plain(nn.Module):  # type: ignore[misc]
    """Two convolutions, a mean, a linear layer: ``(B, H, W)`` in."""

    def __init__(self, *, n_outputs: int = 1, in_place: bool = True) -> None:
        super().__init__()
        self.body = nn.Sequential(nn.Conv2d(1, 3, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2))
        self.last = nn.Conv2d(3, 4, 3, padding=1)
        self.act = nn.ReLU(inplace=in_place)
        self.head = nn.Linear(4, n_outputs)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Give ``(B, K)``."""
        return cast(torch.Tensor, self.head(self.act(self.last(self.body(x[:, None]))).mean(dim=(2, 3))))


@pytest.fixture
def plain() -> nn.Module:
    torch.manual_seed(0)
    return Plain().eval()


@pytest.fixture(params=names("heatmaps"))
def method(request: pytest.FixtureRequest) -> HeatmapMethod:
    return cast(HeatmapMethod, load("heatmaps", request.param))


CROPS = torch.linspace(0, 1, 5 * 16 * 16).reshape(5, 16, 16).sin()


def test_contract(method: HeatmapMethod, plain: nn.Module) -> None:
    if not method.needs_layer:
        pytest.importorskip("captum.attr", reason="captum is not installed")
    layer = find_layer(plain, CROPS) if method.needs_layer else None
    found = method.maps(plain, CROPS, _first, layer)
    assert found.dtype == torch.float32
    assert found.shape[0] == 5
    assert (found >= 0).all()
    # neither the batch nor its order enters
    alone = method.maps(plain, CROPS[3:4], _first, layer)
    assert torch.allclose(found[3:4], alone, atol=1e-6)
    assert all(p.grad is None for p in plain.parameters())


def test_grad_cam_by_hand() -> None:
    # one layer of two channels, x and 2x, then means weighed 3 and -1: the logit is 3 mean(x) - 2 mean(x)
    network = nn.Sequential(
        nn.Conv2d(1, 2, 1, bias=False), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(2, 1, bias=False)
    )
    with torch.no_grad():
        network[0].weight[:] = torch.tensor([1.0, 2.0]).reshape(2, 1, 1, 1)
        network[3].weight[:] = torch.tensor([[3.0, -1.0]])
    x = torch.tensor([[[1.0, -2.0], [0.5, 4.0]]])
    wrapped = nn.Sequential(nn.Unflatten(1, (1, 2)), network)
    layer = find_layer(wrapped, x)
    assert layer.name == "1.0"
    found = cast(HeatmapMethod, load("heatmaps", "grad_cam")).maps(wrapped, x, _first, layer)
    # mean gradients are 3/4 and -1/4: 3/4 x - 1/4 2x = x/4, and nothing below 0
    assert torch.allclose(found[0], torch.tensor([[0.25, 0.0], [0.125, 1.0]]), atol=1e-7)


@pytest.mark.parametrize("in_place", [True, False])
def test_grad_cam_is_captums(in_place: bool) -> None:
    captum = pytest.importorskip("captum.attr", reason="captum is not installed")
    torch.manual_seed(1)
    network = Plain(n_outputs=2, in_place=in_place).eval()
    layer = find_layer(network, CROPS)
    assert layer.name == "last"
    mine = cast(HeatmapMethod, load("heatmaps", "grad_cam")).maps(network, CROPS, lambda o: o[:, 1], layer)
    given = CROPS.clone().requires_grad_()
    own = captum.LayerGradCam(network, network.last).attribute(given, target=1, relu_attributions=True)
    assert torch.allclose(mine, own[:, 0].detach(), atol=1e-6)


@pytest.mark.parametrize(
    "arch", ["resnet18", "mobilenetv3_small_050", "densenet121", "inception_v3", "efficientnet_b0"]
)
def test_layer_of_known_families(arch: str) -> None:
    class Grey(nn.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.network = empty_network(arch, 1)[0].eval()

        def forward(self, x: torch.Tensor) -> Any:
            return self.network(x[:, None].expand(-1, 3, -1, -1))

    network, crops = Grey().eval(), torch.rand(1, 160, 160)
    wanted = {"resnet18": "network.layer4", "densenet121": "network.features", "inception_v3": "network.Mixed_7c"}
    layer = find_layer(network, crops)
    assert layer.name == wanted.get(arch, layer.name)
    assert min(layer.cells) > 1
    found = cast(HeatmapMethod, load("heatmaps", "grad_cam")).maps(network, crops, _first, layer)
    assert found.shape == (1, *layer.cells)
    assert torch.isfinite(found).all()


def test_a_layer_by_name_and_what_is_said_where_it_is_none(plain: nn.Module) -> None:
    assert find_layer(plain, CROPS, name="body.0").cells == (16, 16)
    with pytest.raises(InputError, match="no map of features called 'head'"):
        find_layer(plain, CROPS, name="head")
    flat = nn.Sequential(nn.Flatten(), nn.Linear(256, 1))
    with pytest.raises(InputError, match="no convolution"):
        find_layer(flat, CROPS)


@pytest.mark.parametrize(
    ("kind", "classes", "positive"),
    [
        ("sigmoid-logit", ("benign", "non-benign"), ("non-benign",)),
        ("sigmoid-logit", ("non-benign", "benign"), ("non-benign",)),
        ("softmax-logits", ("a", "b", "c"), ("b", "c")),
        ("probabilities", ("a", "b", "c"), ("c",)),
        ("probabilities", ("a", "b"), ("b",)),
    ],
)
def test_the_target_is_the_logit_of_the_score(kind: str, classes: tuple[str, ...], positive: tuple[str, ...]) -> None:
    model = replace(oracle(), output=OutputSpec(kind), classes=classes, positive=positive)  # type: ignore[arg-type]
    width = 1 if kind == "sigmoid-logit" or len(classes) == 2 else len(classes)
    outputs = torch.randn(6, width, generator=torch.Generator().manual_seed(2))
    if kind == "probabilities":
        outputs = outputs.softmax(dim=1) if width > 1 else outputs.sigmoid()
    score = scores(outputs.numpy(), kind=kind, classes=classes, positive=positive)  # type: ignore[arg-type]
    assert np.allclose(torch.sigmoid(positive_logit(model)(outputs)).numpy(), score, atol=1e-6)


def test_the_decision_is_explained_from_its_own_side() -> None:
    model: Classifier = oracle()
    outputs = torch.tensor([[2.0], [-1.0], [0.5]])
    assert decided_logit(model, 0.7)(outputs)[:,].tolist() == [2.0, 1.0, -0.5]  # logit(.7) = .85


def test_integrated_gradients_sum_to_the_change_of_the_answer() -> None:
    pytest.importorskip("captum.attr", reason="captum is not installed")
    # of a linear answer they are weight times pixel: here only pixels of positive weight speak for it
    weight = torch.tensor([[1.0, -2.0], [0.5, 0.0]])
    network = nn.Sequential(nn.Flatten(), nn.Linear(4, 1, bias=False))
    with torch.no_grad():
        network[1].weight[:] = weight.reshape(1, 4)
    crops = torch.tensor([[[2.0, 1.0], [4.0, 3.0]]])
    found = cast(HeatmapMethod, load("heatmaps", "integrated_gradients")).maps(network, crops, _first, None)
    assert torch.allclose(found[0], torch.tensor([[2.0, 0.0], [2.0, 0.0]]), atol=1e-5)


def test_occlusion_finds_the_only_part_that_counts() -> None:
    pytest.importorskip("captum.attr", reason="captum is not installed")

    class Corner(nn.Module):  # type: ignore[misc]
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x[:, :8, :8].mean(dim=(1, 2))[:, None]

    found = cast(HeatmapMethod, load("heatmaps", "occlusion")).maps(Corner(), torch.ones(1, 32, 32), _first, None)
    assert found[0, :8, :8].min() > 0
    assert found[0, 12:, :].max() == 0
    assert found[0, :, 12:].max() == 0
