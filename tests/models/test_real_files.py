"""The real files beside the checkout: each gives the logits of a hand-written forward, or its sentence."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from robustkit.backends.eager import PLUGIN as EAGER
from robustkit.backends.onnxruntime import PLUGIN as ONNX
from robustkit.errors import CheckpointError
from robustkit.models.open import open_model
from robustkit.models.options import ModelOptions
from torch.nn import functional as f

from forwards import forward_of
from shared_data import CHECKPOINTS, needs_checkpoints

TEN = ModelOptions(classes=",".join("abcdefghij"), positive="b")
RESNET20 = CHECKPOINTS / "akamaster+pytorch_resnet_cifar10" / "resnet20-12fca82f.th"
TUTORIAL = CHECKPOINTS / "pytorch+captum" / "cifar_torchvision.pt"
TINY = CHECKPOINTS / "Avafly+tiny-cnn" / "model.onnx"
BURN = CHECKPOINTS / "tracel-ai+burn"


def _crops(side: int) -> np.ndarray:
    return np.random.default_rng(1).integers(0, 256, (6, side, side), dtype=np.uint8)


def _scaled(crops: np.ndarray, mean: tuple[float, ...], std: tuple[float, ...]) -> torch.Tensor:
    grey = torch.from_numpy(crops).double() / 255
    return torch.stack([(grey - m) / s for m, s in zip(mean, std, strict=True)], dim=1)


@needs_checkpoints
def test_resnet20_of_akamaster() -> None:
    held = torch.load(RESNET20, map_location="cpu", weights_only=True)["state_dict"]
    w = {k.removeprefix("module."): v.double() for k, v in held.items()}

    def norm(x: torch.Tensor, name: str) -> torch.Tensor:
        shape = (1, -1, 1, 1)
        scale = w[f"{name}.weight"] / torch.sqrt(w[f"{name}.running_var"] + 1e-5)
        return (x - w[f"{name}.running_mean"].view(shape)) * scale.view(shape) + w[f"{name}.bias"].view(shape)

    x = _scaled(_crops(32), (0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
    x = norm(f.conv2d(x, w["conv1.weight"], padding=1), "bn1").clamp(min=0)
    for stage in (1, 2, 3):
        for block in range(3):
            name = f"layer{stage}.{block}"
            stride = 2 if stage > 1 and block == 0 else 1
            y = norm(f.conv2d(x, w[f"{name}.conv1.weight"], stride=stride, padding=1), f"{name}.bn1").clamp(min=0)
            y = norm(f.conv2d(y, w[f"{name}.conv2.weight"], padding=1), f"{name}.bn2")
            if stride == 2:  # option A: every second pixel, a quarter of empty channels before and after
                x = x[:, :, ::2, ::2]
                empty = torch.zeros(x.shape[0], x.shape[1] // 2, *x.shape[2:], dtype=x.dtype)
                x = torch.cat([empty, x, empty], dim=1)
            x = (x + y).clamp(min=0)
    expected = x.mean(dim=(2, 3)) @ w["linear.weight"].T + w["linear.bias"]

    model = open_model(RESNET20, TEN)
    assert model.arch == "small/cifar_resnet20"
    logits = forward_of(EAGER, model, _crops(32))(_crops(32))
    assert np.abs(logits - expected.numpy()).max() < 1e-5 * max(1.0, float(expected.abs().max()))


@needs_checkpoints
def test_tutorial_network_of_captum() -> None:
    w = {k: v.double() for k, v in torch.load(TUTORIAL, map_location="cpu", weights_only=True).items()}
    x = _scaled(_crops(32), (0.5,) * 3, (0.5,) * 3)
    for name in ("conv1", "conv2"):
        x = f.conv2d(x, w[f"{name}.weight"], w[f"{name}.bias"]).clamp(min=0)
        x = x.unfold(2, 2, 2).unfold(3, 2, 2).amax(dim=(4, 5))
    x = x.reshape(len(x), -1)
    for name in ("fc1", "fc2"):
        x = (x @ w[f"{name}.weight"].T + w[f"{name}.bias"]).clamp(min=0)
    expected = x @ w["fc3.weight"].T + w["fc3.bias"]

    model = open_model(TUTORIAL, TEN)
    assert (model.arch, model.input.scaling) == ("small/tutorial_net", "inception")
    logits = forward_of(EAGER, model, _crops(32))(_crops(32))
    assert np.abs(logits - expected.numpy()).max() < 1e-5


@needs_checkpoints
def test_tiny_cnn_of_avafly() -> None:
    """Two convolutions with leaky ReLU (slope 0.1) and pooling, two dense layers, softmax inside the graph."""
    import onnx
    from onnx import numpy_helper

    tensors = {t.name: numpy_helper.to_array(t) for t in onnx.load(str(TINY)).graph.initializer}
    w = {k.removeprefix("sequential_1/"): torch.tensor(v).double() for k, v in tensors.items() if v.dtype == np.float32}

    def weight(name: str, kind: str) -> torch.Tensor:
        return w[f"{name}/{kind}/ReadVariableOp:0"]

    x = torch.from_numpy(_crops(16)).double()[:, None] / 255
    for name, padding in (("conv2d_2", 0), ("conv2d_3", 1)):
        x = f.conv2d(x, weight(name, "Conv2D"), weight(name, "BiasAdd"), padding=padding)
        x = f.max_pool2d(torch.where(x > 0, x, 0.1 * x), 2)
    x = x.permute(0, 2, 3, 1).reshape(len(x), -1)  # the dense layers count channels last
    x = x @ weight("dense_2", "MatMul") + weight("dense_2", "BiasAdd")
    x = torch.where(x > 0, x, 0.1 * x) @ weight("dense_3", "MatMul") + weight("dense_3", "BiasAdd")
    expected = torch.softmax(x, dim=1)

    model = open_model(TINY, TEN)
    assert (model.output.kind, model.input.layout, model.input.channels) == ("probabilities", "nhwc", "grey")
    out = forward_of(ONNX, model, _crops(16))(_crops(16))
    assert np.abs(out - expected.numpy()).max() < 1e-5


@needs_checkpoints
@pytest.mark.parametrize(
    ("file", "n_tensors"),
    [("mnist.pt", 20), ("mnist.safetensors", 20), ("checkpoint.pt", 4), ("complex_nested.pt", 23)],
)
def test_networks_that_nobody_knows_are_refused(file: str, n_tensors: int) -> None:
    """Keys without a published forward: activations and order cannot be told from weights alone."""
    said = f"{file}: the architecture of these {n_tensors} tensors is not known here; the closest.*--arch, or export"
    with pytest.raises(CheckpointError, match=said):
        open_model(BURN / file, TEN)


@needs_checkpoints
def test_every_file_is_spoken_for() -> None:
    here = {p for p in CHECKPOINTS.rglob("*") if p.is_file() and "LICENSE" not in p.name}
    known: set[Path] = {RESNET20, TUTORIAL, TINY}
    assert here == known | {BURN / n for n in ("mnist.pt", "mnist.safetensors", "checkpoint.pt", "complex_nested.pt")}
