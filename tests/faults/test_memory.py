"""Memory that runs out at any batch size: fewer at a time and the same values, or a sentence; what is finished stays."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from robustkit.api.heatmaps import heatmaps
from robustkit.api.perturb import perturb
from robustkit.api.train import train
from robustkit.backends import eager
from robustkit.engine.heatmaps import MapMaker
from robustkit.errors import DeviceMemoryError
from robustkit.results.folder import RunFolder
from robustkit.results.heatmaps import HeatmapFolder

from bright_spots import write_cohort
from small_world import write_films, write_network
from trust_rows import TrustRows

KEYS = ["model", "case_id", "perturbation", "level", "repeat"]
FULL = "CUDA out of memory. Tried to allocate 2.00 GiB"


class _Room:
    """Lets so many crops through at a time, from the n-th forward on."""

    def __init__(self, room: int, *, begins: int = 0) -> None:
        self.room, self.left = room, begins

    def check(self, n: int) -> None:
        self.left -= 1
        if self.left < 0 and n > self.room:
            raise torch.OutOfMemoryError(FULL)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("memory")
    write_films(folder)
    write_network(folder / "a.pt", seed=1)
    return folder


@pytest.fixture
def narrow(monkeypatch: pytest.MonkeyPatch) -> list[_Room]:
    """Give a list; the last room in it is what a forward of ``eager`` has."""
    rooms: list[_Room] = []
    whole = eager._EagerForward.__call__

    def forward(self: Any, crops: Any, filled: int | None = None) -> torch.Tensor:
        if rooms:
            rooms[-1].check(len(crops))
        return whole(self, crops, filled)

    monkeypatch.setattr(eager._EagerForward, "__call__", forward)
    return rooms


def _run(world: Path, out: Path, **given: object) -> RunFolder:
    flags = {"shifts": ["0.1"], "repeats": 6, "device": "cpu", "backend": "eager", "workers": 1, **given}
    result = perturb(model=[str(world / "a.pt")], manifest=[world / "cases.csv"], out=out, **flags)  # type: ignore[arg-type]
    return RunFolder(result.run or out)


def _rows(folder: RunFolder) -> pd.DataFrame:
    return folder.predictions().sort_values(KEYS, ignore_index=True)


@pytest.mark.parametrize("room", [1, 2, 3, 5, 8])
def test_perturb_takes_the_largest_half_that_fits(
    world: Path, tmp_path: Path, narrow: list[_Room], room: int, trust: TrustRows
) -> None:
    plain = _rows(_run(world, tmp_path / "plain"))
    narrow.append(_Room(room))
    folder = _run(world, tmp_path / "run")
    # from 8 on a CPU: the first of 8, 4, 2, 1 that is not above the room
    assert folder.record()["batch_size"] == {1: 1, 2: 2, 3: 2, 5: 4, 8: 8}[room]
    rows = _rows(folder)
    pd.testing.assert_frame_equal(rows.drop(columns=["logits", "score"]), plain.drop(columns=["logits", "score"]))
    ours, theirs = (np.concatenate(t["logits"].to_list()) for t in (rows, plain))
    assert (np.abs(ours - theirs) <= 1e-4 * np.maximum(1, np.abs(theirs))).all()
    assert folder.record()["counts"] == {"ok": 9, "failed": 0}
    assert not [p for p in folder.path.rglob("*") if p.name.startswith(".")]
    trust.row(f"perturb with room for {room} at a time", tried=1, found=0)


def test_perturb_without_room_for_one_crop(world: Path, tmp_path: Path, narrow: list[_Room], trust: TrustRows) -> None:
    narrow.append(_Room(0))
    with pytest.raises(DeviceMemoryError, match=r"no memory|has no memory left for"):
        _run(world, tmp_path / "run")
    with pytest.raises(
        DeviceMemoryError, match=r"cpu has no memory left for a with a batch of 4 crops.*Give a smaller"
    ):
        _run(world, tmp_path / "four", batch_size="4")
    narrow.append(_Room(99))
    assert _run(world, tmp_path / "run").record()["status"] == "complete"
    trust.row("perturb without room for one crop", tried=2, found=0)


def test_perturb_that_runs_out_half_way_goes_on_to_the_same_values(
    world: Path, tmp_path: Path, narrow: list[_Room], trust: TrustRows
) -> None:
    plain = _rows(_run(world, tmp_path / "plain"))
    narrow.append(_Room(0, begins=6))
    told = r"no memory left for a batch of 8 .*same command again: what is finished is kept\. A smaller --batch-size begins"
    with pytest.raises(DeviceMemoryError, match=told):
        _run(world, tmp_path / "run", part_rows=8)
    kept = list((tmp_path / "run" / "predictions").glob("part-*.parquet"))
    assert kept
    narrow.append(_Room(99))
    pd.testing.assert_frame_equal(_rows(_run(world, tmp_path / "run")), plain)
    trust.row("perturb whose memory runs out half way", tried=1, found=0)


@pytest.mark.parametrize("room", [1, 2, 3])
def test_heatmaps_take_fewer_crops_at_a_time_and_are_the_same(
    world: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, room: int, trust: TrustRows
) -> None:
    run, whole = _run(world, tmp_path / "run").path, MapMaker.maps

    def made(**given: object) -> pd.DataFrame:
        heatmaps(run=run, repeats=2, draws=100, check_cases=0, device="cpu", workers=1, **given)  # type: ignore[arg-type]
        rows = pd.concat(HeatmapFolder.of(run, "grad_cam").parts(0), ignore_index=True)
        return rows.sort_values(["case_id", "perturbation", "repeat"], ignore_index=True)

    plain = made(new=True)
    (run / "heatmaps" / "grad_cam" / "000-00000.parquet").unlink()

    def maps(self: MapMaker, crops: Any) -> Any:
        if len(crops) > room:
            raise DeviceMemoryError("the device is full.")
        return whole(self, crops)

    monkeypatch.setattr(MapMaker, "maps", maps)
    narrow = made()
    assert (narrow["reason"] == "").all()
    pd.testing.assert_frame_equal(narrow.drop(columns=["values", "score"]), plain.drop(columns=["values", "score"]))
    np.testing.assert_allclose(narrow["score"], plain["score"], rtol=0, atol=1e-5)
    np.testing.assert_allclose(np.concatenate(narrow["values"]), np.concatenate(plain["values"]), rtol=1e-3, atol=1e-5)
    trust.row(f"heatmaps with room for {room} at a time", tried=1, found=0)


def test_heatmaps_without_room_for_one_crop(world: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def maps(self: MapMaker, crops: Any) -> Any:
        raise DeviceMemoryError("the device is full.", where="cpu")

    run = _run(world, tmp_path / "run").path
    monkeypatch.setattr(MapMaker, "maps", maps)
    with pytest.raises(DeviceMemoryError, match="cpu: the device is full"):
        heatmaps(run=run, repeats=1, draws=100, check_cases=0, device="cpu", workers=1)


def test_train_says_which_batch_did_not_fit_and_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, trust: TrustRows
) -> None:
    from robustkit.training.learner import Learner

    write_cohort(tmp_path / "world")

    def call(output: Path) -> object:
        return train(manifest=[tmp_path / "world" / "cases.csv"], output=output, arch="test_resnet", input_size=32, epochs=3,
                     batch_size=8, device="cpu", workers=1)  # fmt: skip

    epochs: list[int] = []
    whole = Learner.run

    def run(self: Learner, epoch: int, rate: float) -> float:
        epochs.append(epoch)
        if epoch == 1:
            raise torch.OutOfMemoryError(FULL)
        return whole(self, epoch, rate)

    with monkeypatch.context() as patch:
        patch.setattr(Learner, "run", run)
        told = "cpu has no memory left for batches of 8 crops of 32 x 32 px.*Give a smaller --batch-size"
        with pytest.raises(DeviceMemoryError, match=told):
            call(tmp_path / "a.pt")
    assert epochs == [0, 1]
    call(tmp_path / "a.pt")
    call(tmp_path / "b.pt")
    assert (tmp_path / "a.pt").read_bytes() == (tmp_path / "b.pt").read_bytes()
    trust.row("train whose memory runs out in its second epoch", tried=1, found=0)
