"""robustkit's own checkpoint: everything that was put in comes out, or nothing is written."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from robustkit.errors import CheckpointError
from robustkit.inputs import InputSpec, OutputSpec
from robustkit.models import native
from robustkit.models.native import read_native, save_native
from robustkit.models.open import open_model
from robustkit.models.options import ModelOptions
from safetensors import safe_open
from safetensors.torch import save_file

from networks import largest_difference, picture, timm_network

SPEC = InputSpec(64, 48, "lanczos", "custom", (0.1, 0.2, 0.3), (1.0, 2.0, 3.0), "bgr", 0.25, "square", "nchw")
SAID: dict[str, Any] = {
    "arch": "test_resnet", "input": SPEC, "output": OutputSpec("softmax-logits"), "classes": ("gutartig", "bösartig"),
    "positive": ("bösartig",), "lineage": "robustkit train, from scratch", "operating_points": {"youden": 0.41},
    "seen": {"films": ["ab", "cd"], "patients": ["x"], "salt": "s"}, "training": {"epochs": 3, "best_val_auc": 0.8},
}  # fmt: skip


def test_round_trip(tmp_path: Path) -> None:
    network = timm_network(n_outputs=2)
    path = tmp_path / "ckpt.pt"
    save_native(path, network.state_dict(), **SAID)
    found = read_native(path)
    assert found is not None
    for name, value in SAID.items():
        assert getattr(found, name) == value
    model = open_model(path, ModelOptions())
    assert (model.name, model.arch, model.input, model.classes) == ("ckpt", "test_resnet", SPEC, SAID["classes"])
    assert (model.positive, model.assumed) == (("bösartig",), ())
    assert (model.operating_points, model.seen) == (SAID["operating_points"], SAID["seen"])
    assert largest_difference(model.runner, network, picture()) == 0


def test_flags_are_stronger(tmp_path: Path) -> None:
    path = tmp_path / "ckpt.pt"
    save_native(path, timm_network(n_outputs=2).state_dict(), **SAID)
    model = open_model(path, ModelOptions(margin=0.5, positive="gutartig"))
    assert (model.input.margin, model.positive) == (0.5, ("gutartig",))
    with pytest.raises(CheckpointError, match="do not fit resnet18"):
        open_model(path, ModelOptions(arch="resnet18"))


def test_other_readers_can_open_it(tmp_path: Path) -> None:
    path = tmp_path / "ckpt.safetensors"
    save_native(path, timm_network(n_outputs=2).state_dict(), **SAID)
    with safe_open(path, framework="pt") as handle:
        said = json.loads(handle.metadata()["robustkit"])
    assert (said["format"], said["classes"]) == (1, ["gutartig", "bösartig"])


def test_failed_write_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "ckpt.pt"
    path.write_bytes(b"old")
    with pytest.raises(TypeError, match="not JSON serializable"):
        save_native(path, timm_network(n_outputs=2).state_dict(), **{**SAID, "training": {"x": torch.zeros(1)}})
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    ("metadata", "sentence"),
    [
        ({"robustkit": '{"format": 2}'}, "expected a checkpoint of format 1, got 2"),
        ({"robustkit": "{"}, "metadata of the checkpoint is damaged"),
        ({"robustkit": '{"format": 1, "arch": "x"}'}, "metadata of the checkpoint is damaged"),
    ],
)
def test_damaged_metadata(tmp_path: Path, metadata: dict[str, str], sentence: str) -> None:
    save_file({"a": torch.zeros(1)}, tmp_path / "m.pt", metadata=metadata)
    with pytest.raises(CheckpointError, match=sentence):
        open_model(tmp_path / "m.pt", ModelOptions())


def test_cut_off(tmp_path: Path) -> None:
    path = tmp_path / "ckpt.pt"
    save_native(path, timm_network(n_outputs=2).state_dict(), **SAID)
    content = path.read_bytes()
    for size in (len(content) - 5, len(content) // 2, 5000):
        path.write_bytes(content[:size])
        with pytest.raises(CheckpointError, match="cut off or damaged"):
            open_model(path, ModelOptions())


def test_other_safetensors_are_not_its_own(tmp_path: Path) -> None:
    save_file({"a": torch.zeros(1)}, tmp_path / "m.pt")
    assert read_native(tmp_path / "m.pt") is None
    assert native.FORMAT == 1
