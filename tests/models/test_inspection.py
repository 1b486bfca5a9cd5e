"""inspect tells what is known and what is open, and writes a sidecar that asks."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from robustkit.api.inspect_checkpoint import inspect_checkpoint
from robustkit.errors import CheckpointError, InputError
from robustkit.models.open import open_model
from robustkit.models.options import ModelOptions

from networks import save, timm_network
from small_world import write_network


def test_own_checkpoint_leaves_nothing_open(tmp_path: Path) -> None:
    found = inspect_checkpoint(str(write_network(tmp_path / "c.pt")))
    assert (found.kind, found.arch, found.outputs, found.positive) == (
        "robustkit", "test_resnet", "sigmoid-logit", ("non-benign",),
    )  # fmt: skip
    assert (found.question, found.assumed, found.lineage) == ("", (), "seeded stand-in")
    page = "\n".join(found.lines())
    assert "32 x 32 px, bilinear, imagenet, rgb, nchw, margin 0, stretch" in page
    assert found.sha256 in page


def test_open_questions_are_asked_not_raised(tmp_path: Path) -> None:
    tensors = {f"module.{k}": v for k, v in timm_network(n_outputs=3).state_dict().items()}
    path = save(tmp_path / "c.pt", {"state_dict": tensors})
    found = inspect_checkpoint(str(path))
    assert (found.n_outputs, found.classes, found.wrapping) == (3, (), ("state_dict", "module."))
    assert "3 outputs and nothing names their classes" in found.question
    assert found.lines()[-1].startswith("open")
    told = inspect_checkpoint(str(path), classes="benign,intermediate,malignant")
    assert (told.question, told.positive) == ("", ("intermediate", "malignant"))


def test_backbone_is_shown(tmp_path: Path) -> None:
    tensors = {k: v for k, v in timm_network("resnet50").state_dict().items() if not k.startswith("fc.")}
    found = inspect_checkpoint(str(save(tmp_path / "b.pt", tensors)))
    assert (found.arch, found.n_tensors, found.n_outputs) == ("resnet50", 318, 0)
    assert set(found.others) == {"resnetaa50", "resnetblur50"}
    assert "without a classifier" in found.question
    assert "none: no classifier" in "\n".join(found.lines())


def test_sidecar_asks_and_its_answers_are_taken(tmp_path: Path) -> None:
    path = save(tmp_path / "c.pt", timm_network().state_dict())
    found = inspect_checkpoint(str(path), write_sidecar=True)
    assert found.sidecar == tmp_path / "c.pt.toml"
    text = found.sidecar.read_text(encoding="utf-8")
    said = tomllib.loads(text)
    assert (said["arch"], said["outputs"]) == ("test_resnet", "sigmoid-logit")
    asked = {k for k, v in said.items() if v == "?"}
    assert asked == {"input_size", "kernel", "scaling", "margin", "fit", "classes", "positive"}
    assert 'classes = "?"  # a guess: ["benign", "non-benign"]' in text
    with pytest.raises(CheckpointError, match="does not say yet what classes, fit, input_size, kernel"):
        open_model(path, ModelOptions())
    with pytest.raises(CheckpointError, match="a sidecar is there already"):
        inspect_checkpoint(str(path), write_sidecar=True)
    lines = [line.split("#")[0] + f"# {line}" if "#" in line else line for line in text.splitlines()]
    answered = "\n".join(
        f"{line.partition(' =')[0]} = {line.partition('a guess: ')[2]}" if "a guess: " in line else line
        for line in lines
    )
    found.sidecar.write_text(answered, encoding="utf-8")
    model = open_model(path, ModelOptions())
    assert model.assumed == ()
    assert model.positive == ("non-benign",)


def test_bundled_and_wrong(tmp_path: Path) -> None:
    found = inspect_checkpoint("phantom-oracle")
    assert (found.kind, found.classes) == ("bundled", ("benign", "non-benign"))
    assert "no pixels" in "\n".join(found.lines())
    with pytest.raises(CheckpointError, match="no such checkpoint"):
        inspect_checkpoint(str(tmp_path / "none.pt"))
    path = save(tmp_path / "c.pt", timm_network().state_dict())
    with pytest.raises(InputError, match="unknown kernel"):
        inspect_checkpoint(str(path), kernel="nearest")
