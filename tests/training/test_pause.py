"""Unfinished trainings: what was kept comes back to its own training alone."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from robustkit.errors import InputError
from robustkit.training.pause import Pause


class _Program:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return eval, ("1 + 1",)


def test_it_lies_beside_the_checkpoint_and_comes_back(tmp_path: Path) -> None:
    pause = Pause.beside(tmp_path / "ckpt.pt", "mine")
    assert pause.path == tmp_path / ".ckpt.pt.unfinished"
    assert pause.kept() is None
    assert not pause.is_foreign
    pause.keep({"curve": [[0, 0.5]], "w": torch.ones(2)})
    held = pause.kept()
    assert held is not None
    assert held["curve"] == [[0, 0.5]]
    assert torch.equal(held["w"], torch.ones(2))
    assert list(tmp_path.iterdir()) == [pause.path]
    pause.remove()
    pause.remove()
    assert list(tmp_path.iterdir()) == []


def test_another_training_gets_nothing_of_it(tmp_path: Path) -> None:
    Pause(tmp_path / "p", "mine").keep({"curve": []})
    other = Pause(tmp_path / "p", "other")
    assert other.kept() is None
    assert other.is_foreign
    other.keep({"curve": [1]})
    assert Pause(tmp_path / "p", "mine").kept() is None


@pytest.mark.parametrize("content", [b"", b"text", b"PK\x03\x04"])
def test_a_damaged_one_is_named(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "p").write_bytes(content)
    with pytest.raises(InputError, match=r"p: the unfinished training that is kept here cannot be read. Delete it"):
        Pause(tmp_path / "p", "mine").kept()


def test_half_of_one_and_a_program_are_not_opened(tmp_path: Path) -> None:
    pause = Pause(tmp_path / "p", "mine")
    pause.keep({"w": torch.ones(100)})
    pause.path.write_bytes(pause.path.read_bytes()[:-200])
    with pytest.raises(InputError, match="cannot be read"):
        pause.kept()
    torch.save({"format": 1, "identity": "mine", "state": _Program()}, pause.path)
    with pytest.raises(InputError, match="cannot be read"):
        pause.kept()


def test_one_of_another_format_is_foreign(tmp_path: Path) -> None:
    torch.save({"format": 2, "identity": "mine", "state": {}}, tmp_path / "p")
    assert Pause(tmp_path / "p", "mine").kept() is None
    assert Pause(tmp_path / "p", "mine").is_foreign
