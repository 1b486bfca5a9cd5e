"""Backends are tried against eager fp32 on the run's own crops before anything is written."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from robustkit.api.perturb import perturb
from robustkit.backends.eager import PLUGIN as EAGER
from robustkit.engine.trial import Trial, distance, remember, remembered
from robustkit.errors import BackendError, DeviceMemoryError
from robustkit.results.folder import RunFolder

from small_world import write_films, write_network


class _Spoilt:
    """Eager, off by ``away`` of one logit; or not to be prepared at all."""

    def __init__(self, away: float, fault: str = "") -> None:
        self.name, self._away, self._fault = "openvino", away, fault
        self.prepared = 0

    def can_run(self, *_: Any, **__: Any) -> str:
        return ""

    def prepare(self, model: Any, batch: Any, **flags: Any) -> Any:
        self.prepared += 1
        if self._fault:
            raise BackendError(self._fault, fix="Use --backend eager.")
        forward = EAGER.prepare(model, batch, **flags)

        def spoilt(crops: Any, filled: int | None = None) -> Any:
            out = forward(crops)
            return out * (1 + self._away) + self._away

        return spoilt


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    write_films(tmp_path, n=6)
    write_network(tmp_path / "a.pt", seed=1)
    return tmp_path


def _run(world: Path, out: str, **flags: Any) -> Any:
    given = {"shifts": ["0.1"], "repeats": 3, "device": "cpu", "batch_size": "4", **flags}
    return perturb(model=[str(world / "a.pt")], manifest=[world / "cases.csv"], out=world / out, **given)


def _offer(monkeypatch: pytest.MonkeyPatch, spoilt: _Spoilt) -> None:
    for module in ("equip", "choose"):
        monkeypatch.setattr(f"robustkit.engine.{module}.backend", lambda n: EAGER if n == "eager" else spoilt)


def test_distance_is_relative_above_one_and_absolute_below() -> None:
    ours = np.array([[10.5], [0.3]], dtype=np.float32)
    theirs = np.array([[10.0], [0.1]], dtype=np.float32)
    assert distance(ours, theirs) == pytest.approx(0.2)  # |0.3 - 0.1| / 1 over |0.5| / 10


def test_distance_of_outputs_that_are_not_finite() -> None:
    nan = np.array([[np.nan], [1.0]], dtype=np.float32)
    assert distance(nan, nan) == 0.0
    assert distance(nan, np.ones((2, 1), dtype=np.float32)) == float("inf")
    assert np.isnan(distance(nan[:1], nan[:1]))


def test_a_near_backend_is_used_and_its_error_recorded(world: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spoilt = _Spoilt(1e-6)
    _offer(monkeypatch, spoilt)
    result = _run(world, "run")
    record = RunFolder(world / "run").record()
    (trial,) = record["trials"]
    assert (trial["backend"], trial["precision"], trial["n_crops"]) == ("openvino", "fp32", 16)
    assert 0 < trial["error"] < 1e-5
    assert trial["tolerance"] == 1e-4
    assert not trial["is_remembered"]
    assert record["backend"] == {"a": "openvino"}
    assert result.trials == (trial,)


def test_a_trial_is_remembered_by_checkpoint_and_precision(world: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _offer(monkeypatch, _Spoilt(1e-6))
    _run(world, "first")
    _run(world, "second")
    assert RunFolder(world / "second").record()["trials"][0]["is_remembered"]
    _run(world, "third", precision="bf16")
    assert not RunFolder(world / "third").record()["trials"][0]["is_remembered"]


def test_auto_falls_back_and_says_so(world: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _offer(monkeypatch, _Spoilt(0.01))
    result = _run(world, "run")
    assert RunFolder(world / "run").record()["backend"] == {"a": "eager"}
    assert any("openvino is not used" in w and "allowed 0.0001" in w for w in result.warnings)


def test_what_was_asked_for_stops_the_run_before_anything_is_written(
    world: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _offer(monkeypatch, _Spoilt(0.01))
    with pytest.raises(BackendError, match=r"differs from eager fp32 by at most .* Use --backend eager"):
        _run(world, "run", backend="openvino")
    assert not (world / "run").exists()


def test_a_network_that_cannot_be_converted_is_run_by_eager(world: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _offer(monkeypatch, _Spoilt(0, fault="OpenVINO cannot convert test_resnet (no such operator)."))
    result = _run(world, "run")
    assert any("no such operator" in w for w in result.warnings)
    assert result.n_ok == 6


def test_a_second_call_on_a_complete_run_prepares_nothing(world: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spoilt = _Spoilt(1e-6)
    _offer(monkeypatch, spoilt)
    _run(world, "run")
    before = spoilt.prepared
    assert _run(world, "run").was_complete
    assert spoilt.prepared == before


def test_a_damaged_memory_is_no_memory(world: Path) -> None:
    trial = Trial("m", "openvino", "fp32", 16, 1e-6, 1e-4)
    remember("0" * 64, trial)
    assert remembered("0" * 64, "other") == Trial("other", "openvino", "fp32", 16, 1e-6, 1e-4, is_remembered=True)
    (world / "cache" / "robustkit" / "trials" / f"{'0' * 32}.json").write_text("{")
    assert remembered("0" * 64, "m") is None


class _Small:
    """Eager on a device with memory for ``room`` crops."""

    name = "openvino"

    def __init__(self, room: int) -> None:
        self._room = room

    def can_run(self, *_: Any, **__: Any) -> str:
        return ""

    def prepare(self, model: Any, batch: Any, **flags: Any) -> Any:
        import torch

        if batch.size > self._room:
            raise torch.OutOfMemoryError("CUDA out of memory.")
        return EAGER.prepare(model, batch, **flags)


@pytest.mark.parametrize(("room", "batch"), [(3, 2), (1, 1)])
def test_a_free_batch_is_halved_until_it_fits(
    world: Path, monkeypatch: pytest.MonkeyPatch, room: int, batch: int
) -> None:
    _offer(monkeypatch, _Small(room))  # type: ignore[arg-type]
    _run(world, "run", batch_size="auto")
    assert RunFolder(world / "run").record()["batch_size"] == batch
    assert _run(world, "run", batch_size="auto").was_complete


def test_no_memory_at_batch_1_is_a_clear_sentence(world: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _offer(monkeypatch, _Small(0))  # type: ignore[arg-type]
    with pytest.raises(DeviceMemoryError, match="no memory for a batch of one crop"):
        _run(world, "run", batch_size="auto")
    with pytest.raises(DeviceMemoryError, match="cpu has no memory left for a with a batch of 4 crops"):
        _run(world, "run", batch_size="4")
