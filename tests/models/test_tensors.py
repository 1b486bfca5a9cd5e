"""State dicts in all their wrappings give the same network; programs are refused and not run."""

from __future__ import annotations

import argparse
import pickle
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from robustkit.errors import CheckpointError
from robustkit.models.open import open_model
from robustkit.models.options import ModelOptions
from robustkit.models.tensors import unwrap
from safetensors.torch import save_file
from torch import nn

from networks import largest_difference, picture, save, timm_network

Tensors = dict[str, Any]
SMALL = ModelOptions(input_size=64)


def _prefixed(*prefixes: str) -> Callable[[Tensors], Tensors]:
    return lambda tensors: {"".join(prefixes) + k: v for k, v in tensors.items()}


WRAPPINGS: dict[str, Callable[[Tensors], Tensors]] = {
    "bare": lambda t: t,
    "ordered": OrderedDict,
    "state_dict": lambda t: {"state_dict": t, "epoch": 7, "optimizer": {"state": {0: {"exp_avg": torch.zeros(3)}}}},
    "model": lambda t: {"model": t},
    "model_state_dict": lambda t: {"model_state_dict": t, "loss": 0.1, "best_auc": torch.tensor(0.9)},
    "net": lambda t: {"net": t, "acc": 91.2, "epoch": 3},
    "ema": lambda t: {"ema": t},
    "nested": lambda t: {"model": {"state_dict": t}, "args": argparse.Namespace(lr=0.1)},
    "numpy numbers": lambda t: {"state_dict": t, "best": np.float64(0.93), "epoch": np.int64(4)},
    "module.": _prefixed("module."),
    "model.": _prefixed("model."),
    "backbone.": _prefixed("backbone."),
    "_orig_mod.": _prefixed("_orig_mod."),
    "_orig_mod.module.": _prefixed("_orig_mod.", "module."),
    "module.model.backbone.": _prefixed("module.", "model.", "backbone."),
    "averaged": lambda t: {**_prefixed("module.")(t), "n_averaged": torch.tensor(12)},
    "Lightning": lambda t: {
        "epoch": 4, "global_step": 100, "pytorch-lightning_version": "2.4.0", "state_dict": _prefixed("model.")(t),
        "loops": {"fit_loop": {"state_dict": {}}}, "callbacks": {}, "optimizer_states": [], "lr_schedulers": [],
        "hparams_name": "kwargs", "hyper_parameters": {"arch": "test_resnet", "lr": 1e-3},
    },
    "Lightning with a loss": lambda t: {
        "state_dict": {**_prefixed("model.")(t), "criterion.pos_weight": torch.ones(1)}, "epoch": 4,
    },
    "backbone and fc": lambda t: {
        **{("" if k.startswith("fc.") else "backbone.") + k: v for k, v in t.items()},
    },
    "encoder and classifier": lambda t: {
        **{(f"classifier.{k[3:]}" if k.startswith("fc.") else f"encoder.{k}"): v for k, v in t.items()},
    },
    "other name of the head": lambda t: {(f"head.{k[3:]}" if k.startswith("fc.") else k): v for k, v in t.items()},
    "head after dropout": lambda t: {(f"fc.1.{k[3:]}" if k.startswith("fc.") else k): v for k, v in t.items()},
    "no counters": lambda t: {k: v for k, v in t.items() if not k.endswith("num_batches_tracked")},
}  # fmt: skip


@pytest.mark.parametrize(
    ("wrapping", "legacy"), [*((w, False) for w in WRAPPINGS), ("bare", True), ("net", True), ("Lightning", True)]
)
def test_wrappings(tmp_path: Path, wrapping: str, legacy: bool) -> None:
    network = timm_network()
    path = tmp_path / "w.pt"
    torch.save(WRAPPINGS[wrapping](network.state_dict()), path, _use_new_zipfile_serialization=not legacy)
    model = open_model(path, SMALL)
    assert model.arch == "test_resnet"
    assert largest_difference(model.runner, network, picture()) == 0


@pytest.mark.parametrize("wrapping", ["bare", "module.", "backbone and fc"])
def test_other_safetensors(tmp_path: Path, wrapping: str) -> None:
    network = timm_network()
    save_file(WRAPPINGS[wrapping](network.state_dict()), tmp_path / "w.safetensors")
    model = open_model(tmp_path / "w.safetensors", SMALL)
    assert largest_difference(model.runner, network, picture()) == 0


def test_resnet18_of_timm(tmp_path: Path) -> None:
    network = timm_network("resnet18", n_outputs=3)
    path = save(tmp_path / "r.pth", {"state_dict": network.state_dict()})
    model = open_model(path, ModelOptions(classes="benign,intermediate,malignant", input_size=64))
    assert (model.arch, model.output.kind) == ("resnet18", "softmax-logits")
    assert model.positive == ("intermediate", "malignant")
    assert largest_difference(model.runner, network, picture()) == 0


def test_half_precision_weights_become_float(tmp_path: Path) -> None:
    network = timm_network().half()
    path = save(tmp_path / "h.pt", network.state_dict())
    model = open_model(path, SMALL)
    assert {p.dtype for p in model.runner.parameters()} == {torch.float32}
    assert largest_difference(model.runner, network.float(), picture()) == 0


def test_file_saved_on_cuda(tmp_path: Path) -> None:
    """A legacy file names the place of every storage in plain text: made here without a GPU."""
    network = timm_network()
    path = tmp_path / "c.pt"
    torch.save(network.state_dict(), path, _use_new_zipfile_serialization=False)
    content = path.read_bytes()
    # pickle writes short text as X, four bytes of length, text
    on_cuda = content.replace(b"X\x03\x00\x00\x00cpu", b"X\x06\x00\x00\x00cuda:0")
    assert on_cuda != content
    path.write_bytes(on_cuda)
    model = open_model(path, SMALL)
    assert {str(p.device) for p in model.runner.parameters()} == {"cpu"}
    assert largest_difference(model.runner, network, picture()) == 0


def test_which_of_two_weights_is_said(tmp_path: Path) -> None:
    network, average = timm_network(seed=0), timm_network(seed=1)
    path = save(tmp_path / "t.pt", {"state_dict_ema": average.state_dict(), "state_dict": network.state_dict()})
    model = open_model(path, SMALL)
    assert largest_difference(model.runner, network, picture()) == 0
    assert "the weights are those under state_dict; the file also holds state_dict_ema" in model.assumed


class _Touches:
    """Unpickling this writes a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> Any:
        return (open, (str(self.path), "w"))


@pytest.mark.parametrize("legacy", [False, True])
@pytest.mark.parametrize("place", ["alone", "beside", "inside"])
def test_pickled_code_is_refused_and_does_not_run(tmp_path: Path, legacy: bool, place: str) -> None:
    touched = tmp_path / "touched"
    payload = _Touches(touched)
    weights = timm_network().state_dict()
    held = {"alone": payload, "beside": {"state_dict": weights, "args": payload}, "inside": {**weights, "x": payload}}
    path = tmp_path / "p.pt"
    torch.save(held[place], path, _use_new_zipfile_serialization=not legacy)
    with pytest.raises(
        CheckpointError, match=r"p.pt: .*pickled Python objects.*is a program.*state_dict.*--trust-code"
    ):
        open_model(path, ModelOptions())
    assert not touched.exists()


def test_plain_pickle_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "p.pkl"
    path.write_bytes(pickle.dumps(_Touches(tmp_path / "touched"), protocol=2))
    with pytest.raises(CheckpointError, match="p.pkl: "):
        open_model(path, ModelOptions())
    assert not (tmp_path / "touched").exists()


def test_whole_module_needs_trust(tmp_path: Path) -> None:
    network = nn.Sequential(nn.Conv2d(3, 2, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(2, 1)).eval()
    path = tmp_path / "m.pt"
    torch.save(network, path)
    with pytest.raises(CheckpointError, match=r"pickled Python objects \(torch.nn.modules.container.Sequential\)"):
        open_model(path, ModelOptions())
    with pytest.raises(CheckpointError, match="does not say whether its outputs are logits"):
        open_model(path, ModelOptions(trust_code=True))
    model = open_model(path, ModelOptions(trust_code=True, outputs="sigmoid-logit", input_size=64))
    assert largest_difference(model.runner, network, picture()) == 0


@pytest.mark.parametrize("held", [{}, {"epoch": 3}, {"state_dict": {"a": 1}}])
def test_no_tensors(tmp_path: Path, held: Tensors) -> None:
    with pytest.raises(CheckpointError, match="no tensors in this checkpoint"):
        open_model(save(tmp_path / "n.pt", held), ModelOptions())


def test_wrapping_is_told() -> None:
    found = unwrap({"state_dict": {"module.model.a": torch.zeros(1)}}, where="x")
    assert found.wrapping == ("state_dict", "module.", "model.")
    assert list(found.tensors) == ["a"]
