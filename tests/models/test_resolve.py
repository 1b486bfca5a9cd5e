"""Who says what of a model: flags over sidecar over file over published defaults; the rest is listed."""

from __future__ import annotations

from pathlib import Path

import pytest
from robustkit.errors import CheckpointError, InputError
from robustkit.inputs import InputSpec
from robustkit.models.builders import empty_network
from robustkit.models.open import open_model
from robustkit.models.options import ModelOptions, read_sidecar
from robustkit.models.resolve import Outputs, Wanted, resolve_input, resolve_output, wanted_of_config

from networks import save, timm_network

ASSUMED = Wanted(InputSpec(), source="timm's default_cfg of resnet18")
ONE = Outputs(1, "sigmoid-logit")


def _checkpoint(folder: Path, sidecar: str = "", *, n_outputs: int = 1) -> Path:
    path = save(folder / "m.pt", timm_network(n_outputs=n_outputs).state_dict())
    if sidecar:
        (folder / "m.pt.toml").write_text(sidecar, encoding="utf-8")
    return path


def test_silence_is_listed(tmp_path: Path) -> None:
    model = open_model(_checkpoint(tmp_path), ModelOptions())
    # timm's default_cfg of test_resnet: 160 px, bilinear, 0.5
    cfg = "timm's default_cfg of test_resnet"
    assert model.assumed == (
        f"the input is 160 x 160 px ({cfg})",
        f"crops are resized with the bilinear kernel ({cfg})",
        f"grey levels are scaled as inception ({cfg})",
        "the box is grown by a margin of 0 (robustkit's default)",
        "the box is fitted by stretch (robustkit's default)",
        "the one output is that of non-benign",
    )
    assert (model.classes, model.positive) == (("benign", "non-benign"), ("non-benign",))


@pytest.mark.parametrize(
    ("arch", "side", "kernel", "scaling"),
    [("resnet50", 224, "bicubic", "imagenet"), ("inception_v3", 299, "bicubic", "inception")],
)
def test_published_inputs(arch: str, side: int, kernel: str, scaling: str) -> None:
    spec = wanted_of_config(empty_network(arch, 1)[1]).spec
    assert (spec.height_px, spec.width_px, spec.kernel, spec.scaling) == (side, side, kernel, scaling)


FULL = """
name = "side"
input_size = 96
kernel = "bilinear"
scaling = "imagenet"
margin = 0.25
fit = "square"
classes = ["benign", "malignant"]
lineage = "hospital A"
operating_points = { youden = 0.41 }
"""


def test_sidecar_is_stronger_than_defaults(tmp_path: Path) -> None:
    model = open_model(_checkpoint(tmp_path, FULL), ModelOptions())
    spec = model.input
    assert (spec.height_px, spec.kernel, spec.scaling, spec.margin, spec.fit) == (
        96, "bilinear", "imagenet", 0.25, "square",
    )  # fmt: skip
    assert (model.name, model.classes, model.lineage) == ("side", ("benign", "malignant"), "hospital A")
    assert model.operating_points == {"youden": 0.41}
    assert model.assumed == ("the positive classes are malignant (the vocabulary's non-benign ones)",)


def test_flags_are_stronger_than_the_sidecar(tmp_path: Path) -> None:
    flags = ModelOptions(name="flag", input_size=64, scaling="unit", margin=0.0, positive="benign")
    model = open_model(_checkpoint(tmp_path, FULL), flags)
    assert (model.name, model.input.height_px, model.input.margin) == ("flag", 64, 0.0)
    assert (model.input.scaling, model.input.mean) == ("unit", (0.0, 0.0, 0.0))
    assert model.input.kernel == "bilinear"
    assert model.positive == ("benign",)


def test_a_scaling_by_flag_silences_the_sidecars_mean(tmp_path: Path) -> None:
    path = _checkpoint(tmp_path, 'mean = [0.1, 0.2, 0.3]\nstd = [0.4, 0.4, 0.4]\nchannels = "rgb"\n')
    assert open_model(path, ModelOptions()).input.mean == (0.1, 0.2, 0.3)
    spec = open_model(path, ModelOptions(scaling="radimagenet-pm1")).input
    assert (spec.mean, spec.std, spec.channels) == ((0.5, 0.5, 0.5), (0.5, 0.5, 0.5), "bgr")


@pytest.mark.parametrize(
    ("sidecar", "sentence"),
    [
        (
            'kernel = "?"\nscaling = "?"',
            r"m.pt.toml: the sidecar does not say yet what kernel, scaling is.*training used",
        ),
        ('classes = ["?"]', "does not say yet what classes is"),
        ('kernal = "bicubic"', "unknown key kernal; known: arch, channels"),
        ("kernel = ", "no TOML"),
        ('margin = "wide"', "margin cannot be 'wide'"),
        ("input_size = 22.5", "input_size cannot be 22.5"),
        ("trust_code = true", "unknown key trust_code"),
        ("operating_points = { youden = 3 }", "operating_points cannot be"),
    ],
)
def test_sidecars_that_are_refused(tmp_path: Path, sidecar: str, sentence: str) -> None:
    with pytest.raises(CheckpointError, match=sentence):
        open_model(_checkpoint(tmp_path, sidecar), ModelOptions())


def test_no_sidecar_says_nothing(tmp_path: Path) -> None:
    assert read_sidecar(tmp_path / "m.pt") == ModelOptions()


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (ModelOptions(scaling="zscore"), "unknown scaling 'zscore'; known: unit"),
        (ModelOptions(kernel="nearest"), "unknown kernel 'nearest'; known: bilinear, bicubic"),
        (ModelOptions(fit="pad"), "unknown fit 'pad'"),
        (ModelOptions(channels="hsv"), "unknown channels 'hsv'"),
        (ModelOptions(mean="a,b"), "expected numbers with commas"),
        (ModelOptions(mean="0.5"), "expected 3 values of mean"),
        (ModelOptions(input_size=0), "1 to 8192 px a side, got 0 x 0"),
        (ModelOptions(margin=-0.1), "margin must be 0 to 100"),
    ],
)
def test_wrong_flags(options: ModelOptions, sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        resolve_input(options, ASSUMED)


def test_grey_is_the_average_of_equal_channels() -> None:
    spec, _ = resolve_input(ModelOptions(channels="grey"), ASSUMED)
    # (0.485 + 0.456 + 0.406) / 3 and (0.229 + 0.224 + 0.225) / 3
    assert (spec.mean, spec.std) == (pytest.approx((0.449,)), pytest.approx((0.226,)))
    back, _ = resolve_input(ModelOptions(channels="rgb"), Wanted(spec))
    assert back.mean == pytest.approx((0.449,) * 3)
    grey, _ = resolve_input(ModelOptions(scaling="unit"), Wanted(spec))
    assert (grey.channels, grey.mean, grey.std) == ("grey", (0.0,), (1.0,))


def test_mean_and_std_by_flag() -> None:
    spec, assumed = resolve_input(ModelOptions(mean="0.1,0.2,0.3", std="1,1,1"), ASSUMED)
    assert (spec.mean, spec.std, spec.scaling) == ((0.1, 0.2, 0.3), (1.0, 1.0, 1.0), "custom")
    assert not any("scaled" in a for a in assumed)


def test_positive_classes_by_the_vocabulary() -> None:
    three = Outputs(3, "softmax-logits")
    meaning = resolve_output(ModelOptions(classes="benign,intermediate,malignant"), three, where="m")
    assert meaning.positive == ("intermediate", "malignant")
    turned = resolve_output(ModelOptions(classes="malignant,benign"), ONE, where="m")
    assert turned.positive == ("malignant",)  # the output is that of benign: the score is 1 - p
    strange = resolve_output(ModelOptions(classes="no,yes"), ONE, where="m")
    assert strange.positive == ("yes",)
    assert strange.assumed == ("the positive class is yes, the one that the output is of",)
    with pytest.raises(CheckpointError, match=r"which of the classes cat, dog, cow are positive.*--positive"):
        resolve_output(ModelOptions(classes="cat,dog,cow"), three, where="m")
    with pytest.raises(CheckpointError, match="intermediate, malignant are positive"):
        resolve_output(ModelOptions(classes="intermediate,malignant"), Outputs(2, "softmax-logits"), where="m")


@pytest.mark.parametrize(
    ("options", "n", "sentence"),
    [
        (ModelOptions(), 2, "2 outputs and nothing names their classes.*--classes benign,non-benign"),
        (ModelOptions(), 3, "3 outputs and nothing names their classes.*--classes benign,intermediate,malignant"),
        (ModelOptions(classes="a,b,c"), 2, "expected 2 different class names for 2 outputs, got a, b, c"),
        (ModelOptions(classes="a,a"), 2, "expected 2 different class names"),
        (ModelOptions(classes="a"), 1, "expected 2 different class names for one output, got a"),
        (ModelOptions(positive="b"), 1, "b is no class of the model; its classes are benign, non-benign"),
        (ModelOptions(outputs="logits"), 1, "unknown outputs 'logits'"),
        (ModelOptions(outputs="softmax-logits"), 1, "softmax-logits does not fit a model of 1 outputs"),
    ],
)
def test_wrong_outputs(options: ModelOptions, n: int, sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        resolve_output(options, Outputs(n, "sigmoid-logit" if n == 1 else "softmax-logits"), where="m")


def test_input_that_the_network_does_not_take(tmp_path: Path) -> None:
    path = save(tmp_path / "v.pt", timm_network("vit_tiny_patch16_224").state_dict())
    with pytest.raises(CheckpointError, match="does not take an input of 3 x 96 x 96.*--input-size"):
        open_model(path, ModelOptions(input_size=96))


def test_bundled_oracle_keeps_its_name_unless_told() -> None:
    assert open_model("phantom-oracle", ModelOptions()).engine == "facts"
    assert open_model("phantom-oracle", ModelOptions(name="planted")).name == "planted"
