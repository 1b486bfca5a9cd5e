"""Where a training begins: from scratch, from any file of weights, from published ones; each strictly."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from huggingface_hub import constants
from robustkit.errors import CheckpointError, InputError
from robustkit.inputs import InputSpec, OutputSpec
from robustkit.models.beginning import auxiliary_note, begin
from robustkit.models.native import save_native
from robustkit.models.open import open_model
from robustkit.models.options import ModelOptions
from safetensors.torch import save_file

from networks import picture, save, seeded, timm_network

SHOWN = ModelOptions(margin=0.25, fit="stretch")


def test_from_scratch() -> None:
    beginning = begin(None, None)
    assert (beginning.arch, beginning.lineage, beginning.sha256) == ("resnet10t", "from scratch", "")
    spec, assumed = beginning.input(SHOWN)
    assert (spec.height_px, spec.width_px, spec.kernel, spec.scaling) == (64, 64, "bilinear", "imagenet")
    assert assumed == ()
    assert begin("test_resnet", None).network(3)(torch.zeros(2, 3, 32, 32)).shape == (2, 3)
    with pytest.raises(CheckpointError, match="timm knows no architecture 'resnet19'"):
        begin("resnet19", None)


def test_from_a_wrapped_state_dict_all_but_the_classifier(tmp_path: Path) -> None:
    source = timm_network(n_outputs=7)
    path = save(tmp_path / "w.pt", {"state_dict": {f"module.{k}": v for k, v in source.state_dict().items()}})
    beginning = begin(None, str(path))
    assert (beginning.arch, beginning.lineage) == ("test_resnet", "from w.pt")
    network = beginning.network(1)
    for key, value in network.state_dict().items():
        if not key.startswith("fc."):
            assert torch.equal(value, source.state_dict()[key])
    assert network.fc.weight.shape == (1, source.fc.weight.shape[1])
    # what it was published with: timm's default_cfg of test_resnet
    spec, assumed = beginning.input(SHOWN)
    assert (spec.height_px, spec.scaling) == (160, "inception")
    assert "the input is 160 x 160 px (timm's default_cfg of test_resnet)" in assumed


def test_from_a_checkpoint_of_ours_its_input_and_what_it_saw_come_along(tmp_path: Path) -> None:
    spec = InputSpec(48, 48, "lanczos", "custom", (0.1, 0.2, 0.3), (1.0, 2.0, 3.0), "bgr", 0.5, "square")
    path = tmp_path / "own.pt"
    save_native(
        path, timm_network(n_outputs=3).state_dict(), arch="test_resnet", input=spec, output=OutputSpec("softmax-logits"),
        classes=("a", "b", "c"), positive=("c",), lineage="x", operating_points={}, seen={"films": ["f"], "salt": "s"},
        training={},
    )  # fmt: skip
    beginning = begin(None, str(path))
    assert beginning.seen == {"films": ["f"], "salt": "s"}
    found, assumed = beginning.input(SHOWN)
    assert (found.height_px, found.kernel, found.mean, found.channels) == (48, "lanczos", spec.mean, "bgr")
    assert (found.margin, found.fit) == (0.25, "stretch")
    assert assumed == ()


def test_what_no_training_begins_from(tmp_path: Path) -> None:
    torch.save(timm_network(), tmp_path / "m.pt")
    with pytest.raises(CheckpointError, match="is a program"):
        begin("test_resnet", str(tmp_path / "m.pt"))
    grey = timm_network("resnet18", in_chans=1).state_dict()
    with pytest.raises(CheckpointError, match="takes one channel; training begins from three"):
        begin(None, str(save(tmp_path / "g.pt", grey)))
    broken = timm_network().state_dict()
    broken["layer1.0.conv1.weight"][0, 0, 0, 0] = float("nan")
    with pytest.raises(CheckpointError, match=r"1 tensors hold NaN or infinity \(layer1.0.conv1.weight\)"):
        begin(None, str(save(tmp_path / "n.pt", broken)))
    with pytest.raises(CheckpointError, match=r"nowhere.pt: there is no such checkpoint"):
        begin(None, str(tmp_path / "nowhere.pt"))
    (tmp_path / "page.pt").write_text("<html>")
    with pytest.raises(CheckpointError, match="web page"):
        begin(None, str(tmp_path / "page.pt"))
    with pytest.raises(InputError, match="unknown scaling 'imagnet'"):
        begin(None, None).input(ModelOptions(scaling="imagnet"))


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give an empty cache of timm's hub, and no network."""
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    return tmp_path / "hub"


def test_imagenet_by_name_without_a_network_says_so(hub: Path) -> None:
    said = r"--weights imagenet: the ImageNet weights of test_resnet can neither be fetched nor are they in the cache .*FILE"
    with pytest.raises(CheckpointError, match=said):
        begin("test_resnet", "imagenet")
    with pytest.raises(CheckpointError, match=r"weights by name are timm's.*Say --arch resnet50"):
        begin("keras/resnet50", "imagenet")


def test_imagenet_by_name_out_of_the_cache(hub: Path) -> None:
    folder = hub / "models--timm--test_resnet.r160_in1k"
    (folder / "refs").mkdir(parents=True)
    (folder / "refs" / "main").write_text("0" * 40)
    snapshot = folder / "snapshots" / ("0" * 40)
    snapshot.mkdir(parents=True)
    source = timm_network(n_outputs=1000)
    save_file(source.state_dict(), snapshot / "model.safetensors")
    beginning = begin("test_resnet", "imagenet")
    assert beginning.lineage == "from ImageNet (timm test_resnet.r160_in1k)"
    assert len(beginning.sha256) == 64
    assert beginning.sha256 == begin("test_resnet", "imagenet").sha256
    network = beginning.network(1)
    for key, value in network.state_dict().items():
        if not key.startswith("fc."):
            assert torch.equal(value, source.state_dict()[key])


def test_a_file_of_that_name_is_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    save(tmp_path / "imagenet", timm_network().state_dict())
    assert begin(None, "imagenet").lineage == "from imagenet"


def test_auxiliary_classifiers_are_spoken_of() -> None:
    for arch in ("inception_v3", "inception_v3.tf_in1k", "torchvision/inception_v3", "torchvision/googlenet"):
        assert "no auxiliary classifier, and no transform_input" in auxiliary_note(arch)
    assert auxiliary_note("resnet50") == auxiliary_note("inception_v4") == ""


@pytest.mark.slow
@pytest.mark.parametrize("arch", ["inception_v3", "torchvision/inception_v3"])
def test_transform_input_of_torchvisions_weights_is_our_scaling(tmp_path: Path, arch: str) -> None:
    """A crop through robustkit's scaling and network is one through ImageNet's, transform_input and torchvision's network."""
    from robustkit.models._torchvision import import_torchvision
    from robustkit.models.normalise import normaliser

    theirs = import_torchvision().models.inception_v3(
        weights=None, num_classes=1, init_weights=False, transform_input=True
    )
    seeded(theirs)
    model = open_model(save(tmp_path / "i.pt", theirs.state_dict()), ModelOptions(arch=arch))
    grey = (picture(96)[:, 0].clamp(-2, 2) + 2) * 63
    mean, std = (torch.tensor(v)[:, None, None] for v in ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)))
    with torch.inference_mode():
        expected = theirs((grey[:, None] / 255 - mean) / std)
        found = model.runner(normaliser(model.input, torch.device("cpu"))(grey))
    assert float((expected - found).abs().max()) < 1e-4 * max(1.0, float(expected.abs().max()))
