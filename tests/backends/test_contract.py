"""What every backend that runs PyTorch networks on a CPU must do: the answers of plain PyTorch, fast or not."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
import torch
from robustkit.backends._base import Backend, Batch, fetch
from robustkit.inputs import InputSpec, OutputSpec
from robustkit.models.classifier import Classifier
from robustkit.models.open import open_model
from robustkit.models.options import ModelOptions
from robustkit.registry import load, names

from networks import save, timm_network

CROPS = np.random.default_rng(4).integers(0, 256, (5, 32, 32), dtype=np.uint8)
BATCH = Batch(5, 32, 32)
TORCH = [n for n in names("backends") if n != "onnxruntime"]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Classifier:
    path: Path = save(tmp_path_factory.mktemp("m") / "m.pt", timm_network(n_outputs=3).state_dict())
    return open_model(path, ModelOptions(classes="benign,intermediate,malignant", input_size=32))


def _plain(model: Classifier, crops: np.ndarray) -> np.ndarray:
    grey = torch.from_numpy(crops.astype(np.float32) / 255)[:, None].expand(-1, model.input.n_channels, -1, -1)
    mean, std = (torch.tensor(v)[None, :, None, None] for v in (model.input.mean, model.input.std))
    with torch.inference_mode():
        return model.runner((grey - mean) / std).numpy()


def _backend(name: str, model: Classifier) -> Backend:
    backend = cast(Backend, load("backends", name))
    reason = backend.can_run(model, device="cpu", precision="fp32")
    if reason:
        pytest.skip(f"{name}: {reason}")
    return backend


def _near(a: np.ndarray, b: np.ndarray, bound: float) -> bool:
    return bool((np.abs(a - b) <= bound * np.maximum(1, np.abs(b))).all())


@pytest.fixture(scope="module", params=TORCH)
def forwards(request: pytest.FixtureRequest, model: Classifier) -> Any:
    """One preparation serves all tests: compiling takes seconds."""
    backend = _backend(request.param, model)
    made = {p: backend.prepare(model, BATCH, device="cpu", precision=p) for p in ("fp32", "bf16")}
    deep = backend.prepare(model, Batch(5, 32, 32, "float32"), device="cpu", precision="fp32")
    return made | {"deep": deep}


def test_answers_are_those_of_the_network(forwards: Any, model: Classifier) -> None:
    out = fetch([forwards["fp32"](CROPS)])
    assert (out.dtype, out.shape) == (np.float32, (5, 3))
    assert _near(out, _plain(model, CROPS), 1e-4)
    assert np.ptp(out[:, 0]) > 1e-3


def test_deeper_films_are_not_rounded(forwards: Any, model: Classifier) -> None:
    crops = CROPS.astype(np.float32) * np.float32(0.37) + np.float32(0.21)
    assert _near(fetch([forwards["deep"](crops)]), _plain(model, crops), 1e-4)


def test_a_row_depends_neither_on_its_neighbours_nor_on_its_place(forwards: Any) -> None:
    first = fetch([forwards["fp32"](CROPS)])
    others = np.zeros_like(CROPS)
    others[0] = CROPS[0]
    assert np.array_equal(fetch([forwards["fp32"](others)])[0], first[0])
    assert _near(fetch([forwards["fp32"](CROPS[::-1].copy())])[::-1], first, 1e-5)


def test_padding_changes_nothing_before_it(forwards: Any) -> None:
    first = fetch([forwards["fp32"](CROPS)])
    padded = CROPS.copy()
    padded[3:] = 0
    assert np.array_equal(fetch([forwards["fp32"](padded, 3)])[:3], first[:3])


@pytest.mark.parametrize("n", [1, 2, 3, 4])
def test_fewer_crops_than_the_batch_have_their_answers(forwards: Any, n: int) -> None:
    if n > 1 and "Compiled" in type(forwards["fp32"]).__name__:
        pytest.skip("compiling for every number takes longer than it tells")
    found = fetch([forwards["fp32"](CROPS[:n], n)])
    assert found.shape == (n, 3)
    assert _near(found, fetch([forwards["fp32"](CROPS)])[:n], 1e-4)


def test_earlier_answers_are_not_overwritten_and_crops_not_touched(forwards: Any) -> None:
    before = CROPS.copy()
    first = forwards["fp32"](CROPS)
    kept = fetch([first]).copy()
    forwards["fp32"](np.zeros_like(CROPS))
    assert np.array_equal(fetch([first]), kept)
    assert np.array_equal(CROPS, before)


def test_bf16_is_near_and_is_not_fp32(forwards: Any) -> None:
    if "OpenVino" in type(forwards["bf16"]).__name__:
        from openvino import Core

        if "BF16" not in Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES"):
            pytest.skip("OpenVINO computes in fp32 on a processor without bf16 instructions")
    exact, near = (fetch([forwards[p](CROPS)]) for p in ("fp32", "bf16"))
    assert _near(near, exact, 0.2)
    assert not np.array_equal(near, exact)


@pytest.mark.parametrize("name", TORCH)
def test_the_model_itself_is_left_as_it_is(name: str, model: Classifier) -> None:
    before = {k: v.clone() for k, v in model.runner.state_dict().items()}
    backend = _backend(name, model)
    backend.prepare(model, BATCH, device="cpu", precision="bf16")
    after = model.runner.state_dict()
    assert list(after) == list(before)
    assert all(torch.equal(v, before[k]) and v.dtype == before[k].dtype for k, v in after.items())


@pytest.mark.parametrize("name", TORCH)
@pytest.mark.parametrize(
    ("spec", "n_channels"),
    [
        (InputSpec(32, 32, scaling="custom", mean=(0.3,), std=(0.2,), channels="grey"), 1),
        (InputSpec(24, 40, scaling="custom", mean=(0.1, 0.2, 0.3), std=(0.5, 0.6, 0.7)), 3),
    ],
    ids=["grey", "not square"],
)
def test_other_inputs(name: str, spec: InputSpec, n_channels: int) -> None:
    if name == "compile":
        pytest.skip("compiling again takes longer than it tells; the graph is the same")
    net = timm_network(n_outputs=1, in_chans=n_channels).eval()
    model = Classifier(
        name="m", path=None, sha256="0", arch="test_resnet", input=spec, output=OutputSpec("sigmoid-logit"), classes=("a", "b"),
        positive=("b",), engine="torch", runner=net,
    )  # fmt: skip
    crops = np.random.default_rng(1).integers(0, 256, (3, spec.height_px, spec.width_px), dtype=np.uint8)
    batch = Batch(3, spec.height_px, spec.width_px)
    forward = _backend(name, model).prepare(model, batch, device="cpu", precision="fp32")
    assert _near(fetch([forward(crops)]), _plain(model, crops), 1e-4)


def test_every_backend_says_why_it_cannot(model: Classifier) -> None:
    oracle = open_model("phantom-oracle", ModelOptions())
    for name in names("backends"):
        backend = cast(Backend, load("backends", name))
        assert backend.name == name
        assert "runs" in backend.can_run(oracle, device="cpu", precision="fp32")
        assert backend.can_run(model, device="cpu", precision="fp16")
