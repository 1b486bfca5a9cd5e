"""RadImageNet's files: keys, counts and the network that they mean; shapes exact, weights seeded noise."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest
import torch
from robustkit.errors import CheckpointError
from robustkit.models._torchvision import import_timm, import_torchvision
from robustkit.models.beginning import begin
from robustkit.models.open import open_model
from robustkit.models.options import ModelOptions
from torch import nn
from torch.nn import functional as f

from networks import largest_difference, picture, save, seeded, timm_network

PUBLISHED = {"resnet50": 318, "densenet121": 725, "inception_v3": 564}
SLOW = [
    "resnet50",
    pytest.param("densenet121", marks=pytest.mark.slow),
    pytest.param("inception_v3", marks=pytest.mark.slow),
]
KEPT = {
    "resnet50": ("backbone.5.0.conv2.weight", "layer2.0.conv2.weight"),
    "densenet121": ("backbone.0.denseblock2.denselayer3.norm2.bias", "features.denseblock2.denselayer3.norm2.bias"),
    "inception_v3": ("backbone.10.branch3x3.conv.weight", "Mixed_6a.branch3x3.conv.weight"),
}
"""A key as the file has it, and as the network has it."""
Tensors = dict[str, torch.Tensor]


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


@cache
def _empty(arch: str) -> Tensors:
    """Give the file's keys and shapes, all weights one and the same 0, so that the file is small."""
    shapes = {k: v.shape for k, v in _sequential(arch).state_dict().items()}
    return {f"backbone.{k}": torch.zeros(()).expand(s) for k, s in shapes.items()}


@pytest.mark.parametrize("arch", SLOW)
def test_backbone_equals_the_hand_made_sequential(tmp_path: Path, arch: str) -> None:
    path = _file(tmp_path / "R.pt", arch)
    assert len(torch.load(path, weights_only=True)) == PUBLISHED[arch]
    beginning = begin(None, str(path))
    assert (beginning.arch, beginning.lineage) == (arch, "from R.pt (RadImageNet (PyTorch))")
    network = beginning.network(1)
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
    for other in ("resnet18", "densenet121", "inception_v3"):
        with pytest.raises(CheckpointError, match=f"do not fit {other} .*These are the tensors of resnet50"):
            begin(other, str(path))


def _without(tensors: Tensors, key: str) -> Tensors:
    return {k: v for k, v in tensors.items() if k != key}


FAULTS: dict[str, tuple[Callable[[Tensors, str], Tensors], str]] = {
    "dropped": (_without, "1 faults.: {own} is missing"),
    "renamed": (lambda t, key: {**_without(t, key), key + "x": t[key]}, "{own} is missing; {own}x is unexpected"),
    "reshaped": (lambda t, key: {**t, key: t[key][1:]}, "{own} has shape .*, expected "),
}


@pytest.mark.parametrize("arch", PUBLISHED)
@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("told", [False, True])
def test_a_tensor_that_is_dropped_renamed_or_reshaped_is_named(
    tmp_path: Path, arch: str, fault: str, told: bool
) -> None:
    key, own = KEPT[arch]
    change, sentence = FAULTS[fault]
    path = save(tmp_path / "F.pt", change(_empty(arch), key))
    match = rf"do not fit {arch}.* \({sentence.format(own=own)}" if fault == "dropped" else sentence.format(own=own)
    with pytest.raises(CheckpointError, match=match):
        begin(arch if told else None, str(path))
    with pytest.raises(CheckpointError, match=match):
        open_model(path, ModelOptions(arch=arch if told else None))


@pytest.mark.parametrize(("arch", "key", "own"), [
    ("resnet50", "backbone.0.weight", "conv1.weight"), ("densenet121", "backbone.0.conv0.weight", "features.conv0.weight"),
    ("inception_v3", "backbone.0.conv.weight", "Conv2d_1a_3x3.conv.weight"),
])  # fmt: skip
def test_the_only_tensor_of_a_place_is_named_too(tmp_path: Path, arch: str, key: str, own: str) -> None:
    with pytest.raises(CheckpointError, match=f"{own} is missing"):
        begin(None, str(save(tmp_path / "F.pt", _without(_empty(arch), key))))
    moved = {**_without(_empty(arch), key), key.replace("backbone.0", "backbone.77"): _empty(arch)[key]}
    with pytest.raises(CheckpointError, match=f"{own} is missing; 77.* is unexpected"):
        begin(None, str(save(tmp_path / "G.pt", moved)))


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


def _ported(n_outputs: int = 0) -> Tensors:
    """Give tensors as the ported file has them: ResNet50's, and a bias for every one of the 53 convolutions."""
    network = timm_network("resnet50", n_outputs=n_outputs)
    generator = torch.Generator().manual_seed(5)
    tensors = dict(network.state_dict())
    for name, module in network.named_modules():
        if isinstance(module, nn.Conv2d):
            tensors[f"{name}.bias"] = torch.randn(module.out_channels, generator=generator)
    return tensors


def _keras_forward(t: Tensors, x: torch.Tensor) -> torch.Tensor:
    """Run keras.applications' ResNet50, written down by hand: the stride on the first 1 x 1, eps 1.001e-5."""

    def norm(name: str, x: torch.Tensor) -> torch.Tensor:
        mean, var, w, b = (t[f"{name}.{k}"][:, None, None] for k in ("running_mean", "running_var", "weight", "bias"))
        return (x - mean) / torch.sqrt(var + 1.001e-5) * w + b

    def conv(name: str, x: torch.Tensor, stride: int = 1, pad: int = 0) -> torch.Tensor:
        return f.conv2d(f.pad(x, (pad,) * 4), t[f"{name}.weight"], t[f"{name}.bias"], stride=stride)

    x = torch.relu(norm("bn1", conv("conv1", x, 2, 3)))
    x = f.max_pool2d(f.pad(x, (1, 1, 1, 1)), 3, 2)
    for stage, blocks in ((1, 3), (2, 4), (3, 6), (4, 3)):
        for i in range(blocks):
            here, stride = f"layer{stage}.{i}", 2 if stage > 1 and i == 0 else 1
            short = norm(f"{here}.downsample.1", conv(f"{here}.downsample.0", x, stride)) if i == 0 else x
            y = torch.relu(norm(f"{here}.bn1", conv(f"{here}.conv1", x, stride)))
            y = torch.relu(norm(f"{here}.bn2", conv(f"{here}.conv2", y, 1, 1)))
            x = torch.relu(norm(f"{here}.bn3", conv(f"{here}.conv3", y)) + short)
    return x


def test_the_ported_keras_file_is_told_apart_and_loaded_as_what_it_is(tmp_path: Path) -> None:
    tensors = _ported()
    assert sum(k.endswith(".bias") and "bn" not in k and "downsample.1" not in k for k in tensors) == 53
    path = save(tmp_path / "RadImageNet-ResNet50_notop.pth", tensors)
    beginning = begin(None, str(path))
    assert beginning.arch == "keras/resnet50"
    assert beginning.lineage == "from RadImageNet-ResNet50_notop.pth (RadImageNet (Keras, ported to PyTorch))"
    spec, assumed = beginning.input(ModelOptions())
    assert (spec.height_px, spec.scaling, spec.channels) == (224, "caffe255", "bgr")
    assert spec.mean == pytest.approx((103.9 / 255, 116.8 / 255, 123.7 / 255))
    assert "grey levels are scaled as caffe255 (RadImageNet's Keras scripts)" in assumed
    x = picture(96)
    with torch.inference_mode():
        expected = _keras_forward(tensors, x)
        found = beginning.network(1).eval().forward_features(x)
        as_the_other = import_timm().create_model("resnet50", num_classes=0)
        as_the_other.load_state_dict(tensors, strict=False)
        other = as_the_other.eval().forward_features(x)
    scale = float(expected.abs().max())
    assert float((expected - found).abs().max()) < 1e-5 * max(1.0, scale)
    # what comes of loading it into PyTorch's ResNet50 without noticing
    assert float((expected - other).abs().max()) > 0.1 * scale
    with pytest.raises(
        CheckpointError, match=r"a classifier \(RadImageNet \(Keras, ported to PyTorch\): keras/resnet50, 371"
    ):
        open_model(path, ModelOptions())
    with pytest.raises(
        CheckpointError, match=r"do not fit resnet50 .*tensors of keras/resnet50: leave out --arch.*mean nothing"
    ):
        begin("resnet50", str(path))


def test_the_ported_network_fine_tuned_is_judged(tmp_path: Path) -> None:
    tensors = _ported(n_outputs=1)
    model = open_model(save(tmp_path / "k.pt", tensors), ModelOptions())
    assert (model.arch, model.input.scaling, model.input.channels) == ("keras/resnet50", "caffe255", "bgr")
    x = picture(64)
    with torch.inference_mode():
        expected = _keras_forward(tensors, x).mean((2, 3)) @ tensors["fc.weight"].T + tensors["fc.bias"]
        found = model.runner(x)
    assert float((expected - found).abs().max()) < 1e-5 * max(1.0, float(expected.abs().max()))


@pytest.mark.parametrize("fault", FAULTS)
def test_faults_of_the_ported_file_are_named(tmp_path: Path, fault: str) -> None:
    change, sentence = FAULTS[fault]
    key = "layer3.2.conv2.bias"
    with pytest.raises(CheckpointError, match=sentence.format(own=key)):
        begin(None, str(save(tmp_path / "F.pt", change(_ported(), key))))


def test_input_of_each_lineage(tmp_path: Path) -> None:
    path = str(save(tmp_path / "R.pt", _empty("resnet50")))
    spec, assumed = begin(None, path).input(ModelOptions(margin=0.25, fit="stretch"))
    assert (spec.height_px, spec.kernel, spec.scaling, spec.channels) == (224, "bilinear", "radimagenet-pm1", "bgr")
    assert "grey levels are scaled as radimagenet-pm1 (RadImageNet's PyTorch notebook; others are in use)" in assumed
    spec, assumed = begin(None, path).input(ModelOptions(scaling="unit", margin=0.25, fit="stretch"))
    assert (spec.scaling, spec.mean) == ("unit", (0.0, 0.0, 0.0))
    assert not any("grey levels" in a for a in assumed)
    inception = begin(None, str(save(tmp_path / "I.pt", _empty("inception_v3"))))
    assert inception.input(ModelOptions())[0].height_px == 299
