"""TorchScript, torch.export and ONNX: refused or run as they say; outputs equal the network that was saved."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from robustkit.backends.eager import PLUGIN as EAGER
from robustkit.backends.onnxruntime import PLUGIN as ONNX
from robustkit.errors import CheckpointError, InputError, MissingExtraError
from robustkit.models.classifier import Classifier
from robustkit.models.open import open_model
from robustkit.models.options import ModelOptions
from torch import nn

from forwards import forward_of
from networks import largest_difference, picture, seeded

LOGIT = ModelOptions(trust_code=True, outputs="sigmoid-logit", input_size=64)


@pytest.fixture(autouse=True)
def _torch_is_talkative() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


class Tiny(nn.Module):
    """A small network with an activation of choice inside."""

    def __init__(self, *, n_channels: int = 3, n_outputs: int = 1, last: nn.Module | None = None) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(n_channels, 6, 3, stride=2), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten()
        )
        self.fc = nn.Linear(6, n_outputs)
        self.last = last or nn.Identity()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Give ``(B, K)``."""
        return self.last(self.fc(self.body(x)))


class Nhwc(Tiny):
    """The same for channels last."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Give ``(B, K)`` of ``(B, H, W, C)``."""
        return super().forward(x.permute(0, 3, 1, 2))


def _torchscript(network: nn.Module, path: Path) -> Path:
    torch.jit.trace(network, picture()).save(str(path))
    return path


def _export(network: nn.Module, path: Path, *, fixed: bool = False) -> Path:
    dynamic = None if fixed else {"x": {0: torch.export.Dim("batch")}}
    torch.export.save(torch.export.export(network, (picture(),), dynamic_shapes=dynamic), path)
    return path


def _onnx(network: nn.Module, path: Path, *, shape: tuple[int, ...] = (2, 3, 64, 64), fixed: bool = False) -> Path:
    axes = None if fixed else {"x": {0: "batch"}, "y": {0: "batch"}}
    names = {"input_names": ["x"], "output_names": ["y"], "dynamic_axes": axes}
    torch.onnx.export(network, (torch.zeros(shape),), str(path), dynamo=False, **names)
    return path


def _onnx_logits(model: Classifier, crops: np.ndarray) -> np.ndarray:
    return forward_of(ONNX, model, crops)(crops)


CROPS = np.random.default_rng(4).integers(0, 256, (5, 64, 64), dtype=np.uint8)


@pytest.mark.parametrize("save", [_torchscript, _export])
def test_archives_are_programs(tmp_path: Path, save) -> None:  # type: ignore[no-untyped-def]
    network = seeded(Tiny())
    path = save(network, tmp_path / "a.bin")
    with pytest.raises(CheckpointError, match="a.bin: this is a .*archive: a program.*ONNX.*--trust-code"):
        open_model(path, ModelOptions(outputs="sigmoid-logit"))
    with pytest.raises(
        CheckpointError, match=r"does not say whether its outputs are logits or probabilities.*--outputs"
    ):
        open_model(path, ModelOptions(trust_code=True))
    model = open_model(path, LOGIT)
    assert largest_difference(model.runner, network, picture()) < 1e-6
    assert model.engine == "torch"
    assert any("scaled as imagenet (robustkit's default)" in a for a in model.assumed)


def test_export_of_one_batch_size(tmp_path: Path) -> None:
    network = seeded(Tiny())
    path = _export(network, tmp_path / "f.pt2", fixed=True)
    model = open_model(path, ModelOptions(trust_code=True, outputs="sigmoid-logit"))
    assert model.input.height_px == 64  # the archive says it
    x = torch.cat([picture(), picture(seed=1), picture(seed=2)[:1]])
    assert largest_difference(model.runner, network, x) < 1e-6
    # the backend tells every network to be in eval mode
    assert forward_of(EAGER, model, CROPS)(CROPS).shape == (5, 1)


def test_archive_with_another_input(tmp_path: Path) -> None:
    path = _torchscript(seeded(Tiny()), tmp_path / "a.ts")
    with pytest.raises(CheckpointError, match="does not take an input of 1 x 64 x 64"):
        open_model(path, ModelOptions(trust_code=True, outputs="sigmoid-logit", input_size=64, channels="grey"))


def test_damaged_archive(tmp_path: Path) -> None:
    path = _torchscript(seeded(Tiny()), tmp_path / "a.ts")
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    with pytest.raises(CheckpointError, match="cut off or damaged"):
        open_model(path, LOGIT)


@pytest.mark.parametrize("fixed", [False, True])
def test_onnx_logits(tmp_path: Path, fixed: bool) -> None:
    network = seeded(Tiny())
    path = _onnx(network, tmp_path / "m.onnx", fixed=fixed)
    with pytest.raises(CheckpointError, match="does not say whether its outputs are logits or probabilities"):
        open_model(path, ModelOptions())
    model = open_model(path, ModelOptions(outputs="sigmoid-logit", scaling="imagenet"))
    assert (model.engine, model.input.height_px, model.input.layout) == ("onnx", 64, "nchw")
    assert not any("64 x 64" in a for a in model.assumed)
    # by hand: grey / 255, ImageNet mean and std, three equal channels
    mean = torch.tensor([0.485, 0.456, 0.406])[:, None, None]
    std = torch.tensor([0.229, 0.224, 0.225])[:, None, None]
    x = (torch.from_numpy(CROPS).float()[:, None] / 255 - mean) / std
    with torch.inference_mode():
        expected = network(x).numpy()
    assert np.abs(_onnx_logits(model, CROPS) - expected).max() < 1e-5


def test_onnx_channels_last(tmp_path: Path) -> None:
    network = seeded(Nhwc())
    model = open_model(_onnx(network, tmp_path / "m.onnx", shape=(2, 64, 64, 3)), LOGIT)
    assert model.input.layout == "nhwc"
    assert _onnx_logits(model, CROPS).shape == (5, 1)


def test_onnx_grey(tmp_path: Path) -> None:
    network = seeded(Tiny(n_channels=1))
    model = open_model(_onnx(network, tmp_path / "m.onnx", shape=(2, 1, 64, 64)), LOGIT)
    assert (model.input.channels, model.input.mean, model.input.std) == ("grey", (0.0,), (1.0,))
    with torch.inference_mode():
        expected = network(torch.from_numpy(CROPS).float()[:, None] / 255).numpy()
    assert np.abs(_onnx_logits(model, CROPS) - expected).max() < 1e-5


def test_onnx_with_softmax_inside_says_so(tmp_path: Path) -> None:
    path = _onnx(seeded(Tiny(n_outputs=3, last=nn.Softmax(1))), tmp_path / "s.onnx")
    classes = "benign,intermediate,malignant"
    model = open_model(path, ModelOptions(classes=classes))
    assert model.output.kind == "probabilities"
    assert np.abs(_onnx_logits(model, CROPS).sum(axis=1) - 1).max() < 1e-5
    told = open_model(path, ModelOptions(classes=classes, outputs="softmax-logits"))
    assert "the graph ends in Softmax, yet its outputs are taken as softmax-logits" in told.assumed


def test_onnx_with_sigmoid_inside_says_so(tmp_path: Path) -> None:
    model = open_model(_onnx(seeded(Tiny(last=nn.Sigmoid())), tmp_path / "s.onnx"), ModelOptions())
    assert model.output.kind == "probabilities"
    assert "the one output is that of non-benign" in model.assumed
    many = _onnx(seeded(Tiny(n_outputs=3, last=nn.Sigmoid())), tmp_path / "m.onnx")
    with pytest.raises(CheckpointError, match="does not say whether"):  # three sigmoids exclude nothing
        open_model(many, ModelOptions(classes="a,b,c"))


def test_onnx_data_beside_but_not_above(tmp_path: Path) -> None:
    import onnx

    network = seeded(Tiny())
    folder = tmp_path / "model"
    folder.mkdir()
    path = _onnx(network, folder / "m.onnx")
    graph = onnx.load(str(path))
    onnx.save_model(graph, str(path), save_as_external_data=True, location="w.bin", size_threshold=0)
    model = open_model(path, LOGIT)
    inside = _onnx_logits(model, CROPS)
    assert inside.shape == (5, 1)
    weights = bytearray((folder / "w.bin").read_bytes())
    weights[3] ^= 1
    (folder / "w.bin").write_bytes(weights)
    assert open_model(path, LOGIT).sha256 != model.sha256  # the hash covers the data file
    (folder / "w.bin").rename(tmp_path / "w.bin")
    with pytest.raises(CheckpointError, match=r"its weights are missing \(w.bin\)"):
        open_model(path, LOGIT)
    above = onnx.load(str(path), load_external_data=False)
    for tensor in above.graph.initializer:
        tensor.external_data[0].value = "../w.bin"
    path.write_bytes(above.SerializeToString())
    with pytest.raises(CheckpointError, match=r"its weights lie outside its folder \(../w.bin\)"):
        open_model(path, LOGIT)


def test_onnx_damaged(tmp_path: Path) -> None:
    path = _onnx(seeded(Tiny()), tmp_path / "m.onnx")
    content = path.read_bytes()
    for size in (5, 60, len(content) // 2):
        path.write_bytes(content[:size])
        with pytest.raises(CheckpointError, match="m.onnx: "):
            open_model(path, LOGIT)


def test_onnx_with_open_sizes_and_two_outputs(tmp_path: Path) -> None:
    class Two(Tiny):
        def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:  # type: ignore[override]
            features = self.body(x)
            return self.fc(features), features

    network = seeded(Two())
    path = tmp_path / "m.onnx"
    axes = {"x": {0: "b", 2: "h", 3: "w"}, "y": {0: "b"}, "z": {0: "b"}}
    names = {"input_names": ["x"], "output_names": ["y", "z"], "dynamic_axes": axes}
    torch.onnx.export(network, (torch.zeros(2, 3, 64, 64),), str(path), dynamo=False, **names)
    model = open_model(path, ModelOptions(outputs="sigmoid-logit"))
    assert model.input.height_px == 224
    assert "the input is 224 x 224 px (robustkit's default)" in model.assumed
    assert "of its 2 outputs the first, y, is taken" in model.assumed
    assert _onnx_logits(open_model(path, LOGIT), CROPS).shape == (5, 1)


def test_onnx_with_another_input(tmp_path: Path) -> None:
    path = _onnx(seeded(Tiny()), tmp_path / "m.onnx")
    with pytest.raises(CheckpointError, match="m.onnx: the model does not take an input of 3 x 32 x 32"):
        open_model(path, ModelOptions(outputs="sigmoid-logit", input_size=32))


def test_onnx_with_whole_numbers(tmp_path: Path) -> None:
    class Bytes(Tiny):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return super().forward(x.to(torch.float32))

    path = tmp_path / "m.onnx"
    torch.onnx.export(seeded(Bytes()), (torch.zeros(2, 3, 64, 64, dtype=torch.uint8),), str(path), dynamo=False)
    with pytest.raises(CheckpointError, match=r"expected a float32 input, got tensor\(uint8\)"):
        open_model(path, LOGIT)


def test_onnx_without_its_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = _onnx(seeded(Tiny()), tmp_path / "m.onnx")
    for package in ("onnxruntime", "onnx"):
        monkeypatch.setitem(sys.modules, package, None)
        with pytest.raises(MissingExtraError, match=rf"ONNX files need {package}.*pip install 'robustkit\[onnx\]'"):
            open_model(path, LOGIT)


def test_onnx_of_another_kind(tmp_path: Path) -> None:
    network = nn.Linear(4, 1)
    path = tmp_path / "l.onnx"
    torch.onnx.export(network, (torch.zeros(2, 4),), str(path), dynamo=False)
    with pytest.raises(CheckpointError, match="expected one input of four axes"):
        open_model(path, LOGIT)


def test_outputs_that_do_not_fit(tmp_path: Path) -> None:
    path = _onnx(seeded(Tiny(n_outputs=2)), tmp_path / "m.onnx")
    with pytest.raises(InputError, match=r"sigmoid-logit does not fit a model of 2 outputs.*softmax-logits"):
        open_model(path, ModelOptions(outputs="sigmoid-logit", classes="a,b"))
