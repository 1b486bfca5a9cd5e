"""Recognition, strict loading and rebuilt heads."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import torch
from robustkit.errors import CheckpointError
from robustkit.models._torchvision import import_timm, import_torchvision
from robustkit.models.architectures import closest, find, fingerprint, table
from robustkit.models.builders import empty_network, row_of
from robustkit.models.match import match
from robustkit.models.open import open_model
from robustkit.models.options import ModelOptions
from torch import nn

from networks import largest_difference, picture, save, seeded, timm_network

SMALL = ModelOptions(input_size=64)


def _shapes(network: nn.Module) -> dict[str, tuple[int, ...]]:
    return {k: tuple(v.shape) for k, v in network.state_dict().items()}


def _meta(arch: str) -> nn.Module:
    with torch.device("meta"):
        return import_timm().create_model(arch, pretrained=False, num_classes=5)


def test_table_is_of_use() -> None:
    names = [a.name for a in table()]
    assert 150 <= len(names) <= 250
    assert len(set(names)) == len(names)
    for family in ("resnet", "densenet", "inception", "vgg", "efficientnet", "mobilenet", "convnext", "vit", "swin"):
        assert any(n.startswith(family) for n in names)


@pytest.mark.parametrize(
    "arch",
    ["resnet18", "resnet50", "densenet121", "inception_v3", "efficientnet_b0", "convnext_tiny", "vit_tiny_patch16_224"],
)
def test_table_agrees_with_timm(arch: str) -> None:
    found = find(_shapes(_meta(arch)), table())
    assert found is not None
    assert found.architecture.name == arch


@pytest.mark.slow
@pytest.mark.parametrize("row", table(), ids=lambda r: r.name)
def test_every_row_is_what_the_script_makes(row: Any) -> None:
    assert row_of(row.name) == row


def test_counts_of_the_published_backbones() -> None:
    """318, 725 and 564 tensors without a classifier, as in RadImageNet's files."""
    counts = {a.name: a.n_tensors for a in table()}
    assert (counts["resnet50"], counts["densenet121"], counts["inception_v3"]) == (318, 725, 564)


def test_plain_original_first_and_others_named() -> None:
    found = find(_shapes(_meta("resnetblur50")), table())
    assert found is not None
    assert found.architecture.name == "resnet50"
    assert set(found.others) == {"resnetaa50", "resnetblur50"}


def test_fingerprint_knows_shapes_not_order() -> None:
    shapes = {"a.weight": (2, 3), "b.weight": (4,), "fc.weight": (1, 2)}
    turned = dict(reversed(shapes.items()))
    assert fingerprint(shapes, "fc") == fingerprint(turned, "fc")
    assert fingerprint(shapes, "fc") == fingerprint({**shapes, "fc.weight": (9, 9)}, "fc")
    assert fingerprint(shapes, "fc") != fingerprint({**shapes, "a.weight": (3, 2)}, "fc")
    assert fingerprint(shapes, "fc")[0] == 2


def test_others_are_listed_as_assumed(tmp_path: Path) -> None:
    path = save(tmp_path / "r.pt", timm_network("vit_tiny_patch16_224").state_dict())
    model = open_model(path, ModelOptions())
    assert model.arch == "vit_tiny_patch16_224"
    said = "the architecture is vit_tiny_patch16_224; the same keys and shapes: deit_tiny_patch16_224"
    assert said in model.assumed
    named = open_model(path, ModelOptions(arch="deit_tiny_patch16_224"))
    assert named.arch == "deit_tiny_patch16_224"
    assert not any("the same keys" in a for a in named.assumed)


def test_closest_are_named(tmp_path: Path) -> None:
    tensors = {f"layer{i}.weight": torch.zeros(2, 2) for i in range(122)}
    assert closest(dict.fromkeys(tensors, (2, 2)))[0].n_tensors == 120
    with pytest.raises(CheckpointError, match=r"these 122 tensors is not known.*resnet18 \(120 tensors\).*--arch"):
        open_model(save(tmp_path / "x.pt", tensors), ModelOptions())


def _without(tensors: Mapping[str, torch.Tensor], key: str) -> dict[str, torch.Tensor]:
    return {k: v for k, v in tensors.items() if k != key}


KEY = "layer2.0.conv1.weight"
FAULTS: dict[str, tuple[Any, str]] = {
    "dropped": (lambda t: _without(t, KEY), f"1 faults.: {KEY} is missing"),
    "renamed": (lambda t: {**_without(t, KEY), "layer2.0.convA.weight": t[KEY]}, "layer2.0.convA.weight is unexpected"),
    "reshaped": (lambda t: {**t, KEY: t[KEY][:, :, :1, :1]}, rf"{KEY} has shape \(.*, 1, 1\), expected \(.*, 3, 3\)"),
    "added": (lambda t: {**t, "extra.weight": torch.zeros(2)}, "extra.weight is unexpected"),
}


@pytest.mark.parametrize("arch", [None, "test_resnet"])
@pytest.mark.parametrize("fault", FAULTS)
def test_every_fault_is_listed(tmp_path: Path, fault: str, arch: str | None) -> None:
    change, sentence = FAULTS[fault]
    path = save(tmp_path / "f.pt", change(timm_network().state_dict()))
    with pytest.raises(CheckpointError, match=f"do not fit test_resnet.*{sentence}"):
        open_model(path, ModelOptions(arch=arch))


def test_many_faults_are_counted(tmp_path: Path) -> None:
    path = save(tmp_path / "f.pt", timm_network().state_dict())
    with pytest.raises(
        CheckpointError, match=r"do not fit resnet18 .*; and \d+ more.*tensors of test_resnet: leave out"
    ):
        open_model(path, ModelOptions(arch="resnet18"))
    with pytest.raises(CheckpointError, match=r"--arch: timm knows no architecture 'resnet51'.*Near names: .*resnet"):
        open_model(path, ModelOptions(arch="resnet51"))


def test_broken_weights(tmp_path: Path) -> None:
    tensors = timm_network().state_dict()
    tensors["layer1.0.conv1.weight"][0, 0, 0, 0] = float("nan")
    with pytest.raises(CheckpointError, match=r"1 tensors hold NaN or infinity \(layer1.0.conv1.weight\)"):
        open_model(save(tmp_path / "n.pt", tensors), ModelOptions())


HEADS: dict[str, nn.Sequential] = {
    "dropout, linear": nn.Sequential(nn.Dropout(0.3), nn.Linear(96, 1)),
    "two layers": nn.Sequential(nn.Linear(96, 16), nn.ReLU(), nn.Dropout(0.5), nn.Linear(16, 1)),
    "with batch norm": nn.Sequential(nn.Linear(96, 16), nn.BatchNorm1d(16), nn.ReLU(), nn.Linear(16, 3)),
    "with layer norm": nn.Sequential(nn.LayerNorm(96), nn.Dropout(), nn.Linear(96, 2)),
    "nothing between": nn.Sequential(nn.Linear(96, 8), nn.Linear(8, 1)),
}


@pytest.mark.parametrize("name", ["fc", "classifier", "head"])
@pytest.mark.parametrize("head", HEADS)
def test_small_heads(tmp_path: Path, head: str, name: str) -> None:
    network = timm_network()
    network.fc = seeded(HEADS[head], 5)
    tensors = {(name + k[2:] if k.startswith("fc.") else k): v for k, v in network.state_dict().items()}
    n = HEADS[head][-1].out_features
    classes = {1: None, 2: "benign,malignant", 3: "benign,intermediate,malignant"}[n]
    model = open_model(save(tmp_path / "h.pt", tensors), ModelOptions(classes=classes, input_size=64))
    assert largest_difference(model.runner, network.eval(), picture()) == 0
    guessed = [a for a in model.assumed if "ReLU" in a]
    assert len(guessed) == (head in ("two layers", "with batch norm"))


def test_heads_that_cannot_be_rebuilt(tmp_path: Path) -> None:
    body = {k: v for k, v in timm_network().state_dict().items() if not k.startswith("fc.")}
    odd = {"fc.attention.weight": torch.zeros(4, 96), "fc.out.weight": torch.zeros(1, 4)}
    with pytest.raises(
        CheckpointError, match=r"not numbered as in a Sequential .attention.weight \(4, 96\); out.weight"
    ):
        open_model(save(tmp_path / "a.pt", {**body, **odd}), ModelOptions())
    wide = {"fc.1.weight": torch.zeros(1, 99)}
    with pytest.raises(CheckpointError, match="a layer takes 99 numbers where 96 come"):
        open_model(save(tmp_path / "b.pt", {**body, **wide}), ModelOptions())
    conv = {"fc.0.weight": torch.zeros(1, 96, 1, 1), "fc.1.weight": torch.zeros(3)}
    with pytest.raises(CheckpointError, match="layers other than linear ones"):
        open_model(save(tmp_path / "c.pt", {**body, **conv}), ModelOptions())


def test_two_classifiers_are_refused(tmp_path: Path) -> None:
    tensors = {f"backbone.{k}": v for k, v in timm_network().state_dict().items()}
    tensors["head.weight"] = torch.zeros(1, 96)
    with pytest.raises(CheckpointError, match="two classifiers: fc of test_resnet, and head"):
        open_model(save(tmp_path / "t.pt", tensors), ModelOptions())


def test_backbone_alone_is_no_classifier(tmp_path: Path) -> None:
    body = {k: v for k, v in timm_network().state_dict().items() if not k.startswith("fc.")}
    with pytest.raises(CheckpointError, match=r"a backbone without a classifier \(test_resnet, \d+ tensors\).*train"):
        open_model(save(tmp_path / "b.pt", body), ModelOptions())


def test_one_channel(tmp_path: Path) -> None:
    network = timm_network("resnet18", in_chans=1)
    model = open_model(save(tmp_path / "g.pt", network.state_dict()), SMALL)
    assert model.input.channels == "grey"
    # timm's default_cfg: ImageNet, averaged over the three equal channels
    assert model.input.mean == pytest.approx(((0.485 + 0.456 + 0.406) / 3,))
    assert largest_difference(model.runner, network, picture(n_channels=1)) == 0


@pytest.mark.parametrize(
    "name", ["mobilenet_v3_small", "resnet18", pytest.param("densenet121", marks=pytest.mark.slow)]
)
def test_torchvision(tmp_path: Path, name: str) -> None:
    network = seeded(import_torchvision().models.get_model(name, weights=None, num_classes=1))
    model = open_model(save(tmp_path / "t.pt", network.state_dict()), SMALL)
    assert model.arch in (name, f"torchvision/{name}")
    assert largest_difference(model.runner, network, picture()) < 1e-5


def test_torchvision_says_its_input(tmp_path: Path) -> None:
    network = import_torchvision().models.get_model("efficientnet_b1", weights=None, num_classes=1)
    model = open_model(save(tmp_path / "t.pt", network.state_dict()), ModelOptions())
    # EfficientNet_B1_Weights.IMAGENET1K_V1: crop 240, bicubic
    assert (model.input.height_px, model.input.kernel, model.input.scaling) == (240, "bicubic", "imagenet")
    assert "the input is 240 x 240 px (torchvision's efficientnet_b1)" in model.assumed


@pytest.mark.slow
def test_auxiliary_classifier_is_left_out(tmp_path: Path) -> None:
    models = import_torchvision().models
    inception = seeded(models.inception_v3(weights=None, num_classes=1, init_weights=False))
    model = open_model(save(tmp_path / "i.pt", inception.state_dict()), ModelOptions())
    assert model.arch == "inception_v3"
    assert "the auxiliary classifier of the training is left out" in model.assumed
    assert largest_difference(model.runner, inception, picture(96)) < 1e-5


def test_old_names_of_densenet() -> None:
    """Files of torchvision 0.2 and before write ``norm.1`` where today's write ``norm1``."""
    tensors = _meta("densenet121").state_dict()
    old = {k.replace("norm1.", "norm.1.").replace("conv2.", "conv.2."): v for k, v in tensors.items()}
    assert old.keys() != tensors.keys()
    found = match(old, table(), where="old.pth")
    assert found is not None
    assert found.found.architecture.name == "densenet121"
    assert found.body.keys() == {k for k in tensors if not k.startswith("classifier.")}


def test_empty_network_counts_its_outputs() -> None:
    for arch in ("test_resnet", "torchvision/mobilenet_v3_small", "small/cifar_resnet20", "small/tutorial_net"):
        network, config = empty_network(arch, 4)
        with torch.inference_mode():
            assert network.eval()(torch.zeros(2, 3, 32, 32)).shape == (2, 4)
        assert len(config["mean"]) == 3
    with pytest.raises(CheckpointError, match="torchvision knows no classifier 'resnet19'"):
        empty_network("torchvision/resnet19", 1)
