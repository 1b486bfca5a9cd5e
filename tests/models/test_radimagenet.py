"""RadImageNet's files: keys, counts and the network that they mean; shapes exact, weights seeded noise."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from robustkit.errors import CheckpointError
from robustkit.models._torchvision import import_torchvision
from robustkit.models.backbone import load_backbone
from robustkit.models.builders import empty_network
from robustkit.models.open import open_model
from robustkit.models.options import ModelOptions
from torch import nn

from networks import largest_difference, picture, save, seeded, timm_network

PUBLISHED = {"resnet50": 318, "densenet121": 725, "inception_v3": 564}
SLOW = [
    "resnet50",
    pytest.param("densenet121", marks=pytest.mark.slow),
    pytest.param("inception_v3", marks=pytest.mark.slow),
]


def _sequential(arch: str) -> nn.Sequential:
    """Give the children of torchvision's network in a Sequential, as the published files were made: no classifier."""
    models = import_torchvision().models
    extra = {"init_weights": False, "aux_logits": False} if arch == "inception_v3" else {}
    network = seeded(models.get_model(arch, weights=None, **extra))
    children = list(network.children())
    return nn.Sequential(*(children[:1] if arch == "densenet121" else children[:-1])).eval()


def _file(path: Path, arch: str) -> Path:
    tensors = {f"backbone.{k}": v for k, v in _sequential(arch).state_dict().items()}
    return save(path, tensors)


@pytest.mark.parametrize("arch", SLOW)
def test_backbone_equals_the_hand_made_sequential(tmp_path: Path, arch: str) -> None:
    path = _file(tmp_path / "R.pt", arch)
    assert len(torch.load(path, weights_only=True)) == PUBLISHED[arch]
    network, _ = empty_network(arch, 1)
    load_backbone(network, arch, path)
    x = picture(96)
    with torch.inference_mode():
        expected = _sequential(arch)(x)
        features = network.eval().forward_features(x)
    if arch == "densenet121":
        expected = torch.relu(expected)  # timm's features end in the ReLU that torchvision's forward adds
    if arch != "inception_v3":
        expected = expected if expected.shape == features.shape else expected.mean((2, 3), keepdim=True)
        features = features if expected.shape == features.shape else features.mean((2, 3), keepdim=True)
    else:
        expected, features = expected.flatten(1), features.mean((2, 3))
    scale = float(expected.abs().max())
    assert scale > 0
    assert float((expected - features).abs().max()) < 1e-5 * max(1.0, scale)


@pytest.mark.parametrize("arch", SLOW)
def test_judging_a_backbone_is_refused(tmp_path: Path, arch: str) -> None:
    path = _file(tmp_path / "R.pt", arch)
    said = rf"without a classifier \(RadImageNet \(PyTorch\): {arch}, {PUBLISHED[arch]} tensors\)"
    with pytest.raises(CheckpointError, match=said):
        open_model(path, ModelOptions())


def test_one_file_is_not_loaded_into_another_network(tmp_path: Path) -> None:
    path = _file(tmp_path / "R.pt", "resnet50")
    for other in ("resnet18", "densenet121"):
        network, _ = empty_network(other, 1)
        before = {k: v.clone() for k, v in network.state_dict().items()}
        with pytest.raises(CheckpointError, match=f"do not fit {other} .*These are the tensors of resnet50"):
            load_backbone(network, other, path)
        assert all(torch.equal(v, before[k]) for k, v in network.state_dict().items())


def test_one_tensor_short(tmp_path: Path) -> None:
    tensors = torch.load(_file(tmp_path / "R.pt", "resnet50"), weights_only=True)
    del tensors["backbone.5.0.conv2.weight"]
    with pytest.raises(CheckpointError, match="do not fit resnet50.*layer2.0.conv2.weight is missing"):
        open_model(save(tmp_path / "S.pt", tensors), ModelOptions())


class _Classifier(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.drop_out = nn.Dropout()
        self.linear = nn.Linear(2048, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.linear(self.drop_out(x.flatten(1)))


class _Backbone(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.backbone = _sequential("resnet50")

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.backbone(x)


def test_fine_tuned_as_a_pair_of_backbone_and_classifier(tmp_path: Path) -> None:
    network = nn.Sequential(_Backbone(), seeded(_Classifier())).eval()
    keys = list(network.state_dict())
    assert keys[0] == "0.backbone.0.weight"
    assert keys[-1] == "1.linear.bias"
    path = save(tmp_path / "p.pt", {"state_dict": network.state_dict()})
    model = open_model(path, ModelOptions(scaling="radimagenet-pm1", input_size=64))
    assert model.arch == "resnet50"
    assert (model.input.channels, model.input.mean) == ("bgr", (0.5, 0.5, 0.5))
    x = picture(64)
    with torch.inference_mode():
        scale = max(1.0, float(network(x).abs().max()))
    assert largest_difference(model.runner, network, x) < 1e-5 * scale


def test_ported_keras_file_is_told_apart(tmp_path: Path) -> None:
    tensors = dict(timm_network("resnet50").state_dict())
    # every one of the 53 convolutions of the Keras lineage has a bias
    for key in [k for k in tensors if k.endswith("conv1.weight") or ".conv" in k or ".downsample.0" in k]:
        tensors[key.replace("weight", "bias")] = torch.zeros(len(tensors[key]))
    tensors = {k: v for k, v in tensors.items() if not k.startswith("fc.")}
    assert sum(k.endswith(".bias") and "bn" not in k and "downsample.1" not in k for k in tensors) == 53
    with pytest.raises(CheckpointError, match="RadImageNet's Keras network ported to PyTorch.*ONNX"):
        open_model(save(tmp_path / "RadImageNet-ResNet50_notop.pth", tensors), ModelOptions())


def test_training_from_a_program_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "m.pt"
    torch.save(timm_network(), path)
    with pytest.raises(CheckpointError, match="is a program"):
        load_backbone(empty_network("test_resnet", 1)[0], "test_resnet", path)


def test_training_from_a_wrapped_state_dict(tmp_path: Path) -> None:
    source = timm_network(n_outputs=7)
    path = save(tmp_path / "w.pt", {"state_dict": {f"module.{k}": v for k, v in source.state_dict().items()}})
    network, _ = empty_network("test_resnet", 1)
    head = network.fc.weight.clone()
    load_backbone(network, "test_resnet", path)
    assert torch.equal(network.layer1[0].conv1.weight, source.layer1[0].conv1.weight)
    assert torch.equal(network.fc.weight, head)
