"""The reference backend: equals a loop by hand, whatever the batch; one contract for all torch backends."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from robustkit.backends.eager import PLUGIN
from robustkit.inputs import SCALINGS, InputSpec
from robustkit.models.classifier import Classifier
from robustkit.models.open import open_model
from robustkit.models.options import ModelOptions

from forwards import forward_of
from networks import save, timm_network

CROPS = np.random.default_rng(2).integers(0, 256, (7, 32, 32), dtype=np.uint8)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Classifier:
    path: Path = save(tmp_path_factory.mktemp("m") / "m.pt", timm_network(n_outputs=3).state_dict())
    return open_model(path, ModelOptions(classes="benign,intermediate,malignant", input_size=32))


def _by_hand(model: Classifier, crops: np.ndarray) -> np.ndarray:
    """One crop at a time, scaled in numpy."""
    rows = []
    for crop in crops:
        channels = [(crop / 255.0 - m) / s for m, s in zip(model.input.mean, model.input.std, strict=True)]
        x = torch.from_numpy(np.stack(channels)[None].astype(np.float32))
        with torch.inference_mode():
            rows.append(model.runner(x)[0].numpy())
    return np.stack(rows)


@pytest.mark.parametrize("scaling", SCALINGS)
def test_equals_a_plain_loop(model: Classifier, scaling: str) -> None:
    mean, std, channels = SCALINGS[scaling]
    scaled = replace(model, input=InputSpec(32, 32, scaling=scaling, mean=mean, std=std, channels=channels))
    out = forward_of(PLUGIN, scaled, CROPS)(CROPS)
    expected = _by_hand(scaled, CROPS)
    assert (out.dtype, out.shape) == (np.float32, (7, 3))
    assert np.all(np.abs(out - expected) <= 1e-4 * np.maximum(1, np.abs(expected)))


def test_same_answer_twice_and_input_untouched(model: Classifier) -> None:
    forward = forward_of(PLUGIN, model, CROPS)
    before = CROPS.copy()
    assert np.array_equal(forward(CROPS), forward(CROPS))
    assert np.array_equal(CROPS, before)


def test_a_row_does_not_depend_on_its_neighbours(model: Classifier) -> None:
    forward = forward_of(PLUGIN, model, CROPS)
    others = CROPS.copy()
    others[1:] = 0
    assert np.array_equal(forward(CROPS)[0], forward(others)[0])


def test_float_crops(model: Classifier) -> None:
    forward = forward_of(PLUGIN, model, CROPS)
    assert np.array_equal(forward(CROPS), forward(CROPS.astype(np.float32)))


def test_network_is_judged_not_trained_and_left_as_it_is(model: Classifier) -> None:
    judged = forward_of(PLUGIN, model, CROPS)(CROPS)
    model.runner.train()
    try:
        assert np.array_equal(forward_of(PLUGIN, model, CROPS)(CROPS), judged)
        assert model.runner.training
    finally:
        model.runner.eval()
    assert not any(p.grad is not None for p in model.runner.parameters())


def test_lower_precision_is_near_and_leaves_no_trace(model: Classifier) -> None:
    exact = forward_of(PLUGIN, model, CROPS)(CROPS)
    before = torch.get_float32_matmul_precision(), torch.backends.cudnn.allow_tf32
    near = forward_of(PLUGIN, model, CROPS, precision="bf16")(CROPS)
    assert (torch.get_float32_matmul_precision(), torch.backends.cudnn.allow_tf32) == before
    assert near.dtype == np.float32
    assert 0 < np.abs(near - exact).max() < 0.1 * max(1.0, float(np.abs(exact).max()))


def test_what_it_cannot_run(model: Classifier) -> None:
    assert PLUGIN.can_run(model, device="cpu", precision="fp32") == ""
    assert "fp16 is for CUDA" in PLUGIN.can_run(model, device="cpu", precision="fp16")
    oracle = open_model("phantom-oracle", ModelOptions())
    assert "PyTorch networks only" in PLUGIN.can_run(oracle, device="cpu", precision="fp32")


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
@pytest.mark.parametrize(("precision", "bound"), [("fp32", 1e-4), ("tf32", 2e-2), ("fp16", 2e-2), ("bf16", 2e-1)])
def test_cuda(model: Classifier, precision: str, bound: float) -> None:
    exact = forward_of(PLUGIN, model, CROPS)(CROPS)
    near = forward_of(PLUGIN, model, CROPS, device="cuda:0", precision=precision)(CROPS)  # type: ignore[arg-type]
    model.runner.to("cpu")
    assert np.all(np.abs(near - exact) <= bound * np.maximum(1, np.abs(exact)))
