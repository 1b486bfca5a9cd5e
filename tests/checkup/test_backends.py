"""Backends are measured; one that is too far away is a fault, one that is missing is not."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from robustkit.checkup import _bench, backends
from robustkit.checkup._base import Place
from robustkit.findings import Finding


def _found(scratch: Path) -> dict[str, Finding]:
    return {
        f.subject.split(" on ")[0]: f for f in backends.PLUGIN.look(Place(scratch, scratch, scratch, is_quick=True))
    }


@pytest.fixture(autouse=True)
def _fast(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_bench, "_SECONDS", 0.0)


@pytest.fixture
def eager(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], Finding]:
    """Look at eager alone."""
    monkeypatch.setattr(backends, "names", lambda _: ("eager",))
    monkeypatch.setattr(
        backends.Backends, "_onnx", lambda *_: Finding("backends", "onnxruntime on cpu", "ok", "not tried")
    )
    return lambda: _found(tmp_path)["eager"]


def test_each_is_measured_here(tmp_path: Path) -> None:
    found = _found(tmp_path)
    assert "differs from eager fp32 by at most 0.0e+00 (allowed 0.0001)" in found["eager"].said
    assert "crops/s of resnet10t at 64 px" in found["eager"].said
    assert found["compile"].status in ("note", "missing")
    assert {f.status for n, f in found.items() if n in ("openvino", "onnxruntime")} <= {"ok", "missing"}


def test_one_that_is_too_far_away_is_a_fault(eager: Callable[[], Finding], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backends, "distance", lambda ours, reference: 1e-3)
    bad = eager()
    assert bad.status == "broken"
    assert "1.0e-03 (allowed 0.0001)" in bad.said


@pytest.mark.parametrize("away", [float("nan"), float("inf")])
def test_no_number_is_no_pass(eager: Callable[[], Finding], monkeypatch: pytest.MonkeyPatch, away: float) -> None:
    monkeypatch.setattr(backends, "distance", lambda ours, reference: away)
    assert eager().status == "broken"


def test_one_that_cannot_be_prepared_names_the_way_on(
    eager: Callable[[], Finding], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> float:
        raise RuntimeError("no such kernel\nlong story")

    monkeypatch.setattr(_bench, "per_second", fail)
    found = eager()
    assert "RuntimeError: no such kernel" in found.said
    assert "long story" not in found.said
    assert "auto falls back to eager" in found.fix
    assert found.status == "broken"


def test_crops_are_of_films_and_all_different() -> None:
    crops = _bench.crops()
    assert crops.shape == (32, 64, 64)
    assert len({c.tobytes() for c in crops}) == 32
    assert np.ptp(crops) > 100


def test_the_network_is_the_same_every_time(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    first, second = (_bench.small_network(tmp_path / n).read_bytes() for n in "ab")
    assert first == second
