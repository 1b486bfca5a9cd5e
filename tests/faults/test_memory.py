"""Memory that runs out at any batch size: fewer at a time and the same values, or failed cases; what is finished stays."""

from __future__ import annotations

import itertools
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image
from robustkit.api._outcome import PerturbResult
from robustkit.api.heatmaps import heatmaps
from robustkit.api.perturb import perturb
from robustkit.api.stratify import stratify
from robustkit.api.train import train
from robustkit.backends import eager
from robustkit.crops.gemm import DeviceCrops
from robustkit.crops.pillow import PillowCrops
from robustkit.engine.feeding import Feeder
from robustkit.engine.heatmaps import MapMaker
from robustkit.errors import DeviceMemoryError
from robustkit.results.folder import RunFolder
from robustkit.results.heatmaps import HeatmapFolder

from bright_spots import write_cohort
from small_world import write_films, write_network
from trust_rows import TrustRows

KEYS = ["model", "case_id", "perturbation", "level", "repeat"]
FULL = "CUDA out of memory. Tried to allocate 2.00 GiB"
CPU_FULL = (
    "[enforce fail at alloc_cpu.cpp:127] err == 0. DefaultCPUAllocator: can't allocate memory: you tried to allocate"
)
GREY = 77


class _Room:
    """Lets so many crops through at a time, from the n-th forward on; with films, only theirs are kept out."""

    def __init__(self, room: int, *, begins: int = 0, level: int = -1, error: Exception | None = None) -> None:
        self.room, self.left, self.level = room, begins, level
        self.error = error or torch.OutOfMemoryError(FULL)

    def check(self, crops: Any) -> None:
        self.left -= 1
        is_concerned = self.level < 0 or bool((np.asarray(crops) == self.level).all(axis=(1, 2)).any())
        if self.left < 0 and len(crops) > self.room and is_concerned:
            raise self.error


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
            rooms[-1].check(crops)
        return whole(self, crops, filled)

    monkeypatch.setattr(eager._EagerForward, "__call__", forward)
    return rooms


def _perturb(world: Path, out: Path, *, models: tuple[str, ...] = ("a",), **given: object) -> PerturbResult:
    flags = {"shifts": ["0.1"], "repeats": 6, "device": "cpu", "backend": "eager", "workers": 1, **given}
    files = [str(world / f"{m}.pt") for m in models]
    return perturb(model=files, manifest=[world / "cases.csv"], out=out, **flags)  # type: ignore[arg-type]


def _run(world: Path, out: Path, **given: object) -> RunFolder:
    return RunFolder(_perturb(world, out, **given).run or out)  # type: ignore[arg-type]


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
    _near(rows, plain)
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


def _near(rows: pd.DataFrame, plain: pd.DataFrame) -> None:
    """Equal but for the logits, which are as near as those of another batch size (design, section 3.3)."""
    pd.testing.assert_frame_equal(rows.drop(columns=["logits", "score"]), plain.drop(columns=["logits", "score"]))
    ours, theirs = (np.concatenate(t["logits"].to_list()) for t in (rows, plain))
    assert (np.abs(ours - theirs) <= 1e-4 * np.maximum(1, np.abs(theirs))).all()


@pytest.mark.parametrize("error", [torch.OutOfMemoryError(FULL), MemoryError(), RuntimeError(CPU_FULL)], ids=type)
@pytest.mark.parametrize(("room", "given"), [(4, "auto"), (1, "auto"), (2, "8")])
def test_perturb_goes_on_with_half_the_crops(
    world: Path, tmp_path: Path, narrow: list[_Room], caplog: pytest.LogCaptureFixture, trust: TrustRows, room: int,
    given: str, error: Exception,
) -> None:  # fmt: skip
    plain = _run(world, tmp_path / "plain", part_rows=8)
    narrow.append(_Room(room, begins=6, error=error))
    folder = _run(world, tmp_path / "run", part_rows=8, batch_size=given)
    record = folder.record()
    # the batch of the run stays, and with it its identity
    assert (record["batch_size"], record["identity"]) == (8, plain.record()["identity"])
    assert (record["status"], record["counts"]) == ("complete", {"ok": 9, "failed": 0})
    said = [f"a: memory ran out on cpu, and the network was shown {n} crops at a time." for n in (4, 2, 1) if n >= room]
    assert [w for w in record["warnings"] if "memory" in w] == said
    assert f"Going on with {room} at a time" in caplog.text
    first, *_ = sorted((folder.path / "predictions").glob("*.parquet"), key=lambda p: p.stat().st_mtime_ns)
    assert first.read_bytes() == (plain.path / "predictions" / first.name).read_bytes()
    _near(_rows(folder), _rows(plain))
    trust.row(f"perturb whose memory runs out half way ({type(error).__name__}, room for {room})", tried=1, found=0)


def test_a_killed_run_goes_on_where_its_batch_does_not_fit(
    world: Path, tmp_path: Path, narrow: list[_Room], trust: TrustRows
) -> None:
    plain = _run(world, tmp_path / "plain", part_rows=8)
    _run(world, tmp_path / "run", part_rows=8)
    record = RunFolder(tmp_path / "run").record()
    RunFolder(tmp_path / "run").write_record({**record, "status": "partial"})
    kept, *lost = sorted((tmp_path / "run" / "predictions").glob("*.parquet"))
    for file in lost:
        file.unlink()
    narrow.append(_Room(0))
    with pytest.raises(DeviceMemoryError, match="no memory for a batch of one crop"):
        _run(world, tmp_path / "run")
    assert list((tmp_path / "run" / "predictions").glob("*.parquet")) == [kept]
    narrow.append(_Room(2))
    folder = _run(world, tmp_path / "run")
    assert (folder.record()["status"], folder.record()["batch_size"]) == ("complete", 8)
    assert any("shown 2 crops at a time" in w for w in folder.record()["warnings"])
    assert kept.read_bytes() == (plain.path / "predictions" / kept.name).read_bytes()
    _near(_rows(folder), _rows(plain))
    trust.row("perturb killed, and begun again with less memory", tried=1, found=0)


UNFIT = r"cpu has no memory left for one crop of 32 x 32 px (free some there, or use fewer --workers or a smaller --input-size)"


@pytest.fixture
def marked(world: Path, tmp_path: Path) -> Path:
    """Give a manifest whose ``case-4`` is a film of one grey, so that its crops are known in any batch."""
    shutil.copytree(world, tmp_path / "marked")
    Image.new("L", (150, 130), GREY).save(tmp_path / "marked" / "films" / "f4.png")
    return tmp_path / "marked"


def test_a_case_whose_crops_do_not_fit_fails_and_is_in_no_mean(
    marked: Path, tmp_path: Path, narrow: list[_Room], trust: TrustRows
) -> None:
    plain = _rows(_run(marked, tmp_path / "plain"))
    narrow.append(_Room(0, begins=1, level=GREY))
    result = _perturb(marked, tmp_path / "run")
    assert (result.n_ok, result.n_failed, result.failures) == (8, 1, (f"case-4: {UNFIT}",))
    rows = _rows(RunFolder(tmp_path / "run"))
    lost = rows["case_id"] == "case-4"
    assert (rows.loc[lost, "status"] == "failed").all()
    assert rows.loc[lost, "score"].isna().all()
    assert (rows.loc[lost, "reason"] == UNFIT).all()
    _near(rows[~lost].reset_index(drop=True), plain[~lost].reset_index(drop=True))
    pd.testing.assert_frame_equal(rows[["x0", "y0", "x1", "y1"]], plain[["x0", "y0", "x1", "y1"]])
    stratify(run=tmp_path / "run", draws=100)
    folder = RunFolder(tmp_path / "run")
    assert "case-4" not in set(folder.table("stability").dropna(subset=["mean"])["case_id"])
    assert folder.table("flow")["step"].str.contains("failed").any()
    # the same command finds it complete, as with any failed case
    again = _perturb(marked, tmp_path / "run")
    assert (again.was_complete, again.failures) == (True, result.failures)
    trust.row("a case whose crops do not fit", tried=1, found=0)


def test_a_case_that_fails_for_one_model_stays_for_the_other(
    marked: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_network(marked / "b.pt", seed=2)
    whole = Feeder.__call__

    def feed(self: Feeder, crops: Any, filled: int | None = None) -> Any:
        fed = whole(self, crops, filled)
        grey = np.flatnonzero((np.asarray(crops) == GREY).all(axis=(1, 2)))
        return replace(fed, lost=dict.fromkeys(grey.tolist(), UNFIT)) if self._name == "b" else fed

    monkeypatch.setattr(Feeder, "__call__", feed)
    result = _perturb(marked, tmp_path / "run", models=("a", "b"))
    rows = _rows(RunFolder(tmp_path / "run"))
    assert set(rows.loc[rows["status"] == "failed", ["model", "case_id"]].itertuples(index=False, name=None)) == {
        ("b", "case-4")
    }
    assert result.failures == (f"case-4: {UNFIT}",)


def test_every_case_fails_where_no_crop_fits(
    world: Path, tmp_path: Path, narrow: list[_Room], trust: TrustRows
) -> None:
    narrow.append(_Room(0, begins=1))
    result = _perturb(world, tmp_path / "run")
    assert (result.n_ok, result.n_failed) == (0, 9)
    rows = RunFolder(tmp_path / "run").predictions()
    assert rows["score"].isna().all()
    assert set(rows["reason"]) == {UNFIT}
    stratify(run=tmp_path / "run", draws=100)
    strata = RunFolder(tmp_path / "run").table("strata")
    assert strata["value"].isna().all()
    assert (strata["reason"] != "").all()
    trust.row("perturb whose memory is gone for good half way", tried=1, found=0)


def test_a_film_that_the_machine_has_no_memory_for(
    world: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, trust: TrustRows
) -> None:
    plain = _rows(_run(world, tmp_path / "plain"))
    whole = PillowCrops.crops
    nth = itertools.count()

    def crops(self: PillowCrops, *given: Any, **flags: Any) -> Any:
        if next(nth) == 2:
            raise MemoryError
        return whole(self, *given, **flags)

    monkeypatch.setattr(PillowCrops, "crops", crops)
    result = _perturb(world, tmp_path / "run")
    told = "cpu has no memory left for the film and the crops of this case (free some there, or use fewer --workers)"
    assert result.failures == (f"case-2: {told}",)
    rows = _rows(RunFolder(tmp_path / "run"))
    lost = rows["case_id"] == "case-2"
    assert (rows["status"] == "failed").equals(lost)
    _near(rows[~lost].reset_index(drop=True), plain[~lost].reset_index(drop=True))
    trust.row("a case whose film the machine has no memory for", tried=1, found=0)


@pytest.mark.parametrize("at", ["load", "crops"])
def test_a_film_that_does_not_fit_on_the_device_is_cut_on_the_host(
    world: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, at: str
) -> None:
    """The cropper of a device, made to be queued as it is on CUDA; the pixels are the same."""
    plain = _rows(_run(world, tmp_path / "plain", crops="gemm"))
    whole, nth = getattr(DeviceCrops, at), itertools.count()
    begun = DeviceCrops.__init__

    def queued(self: DeviceCrops, *given: Any, **flags: Any) -> None:
        begun(self, *given, **flags)
        self.is_queued = True

    def full(self: DeviceCrops, *given: Any, **flags: Any) -> Any:
        if next(nth) % 3 == 1:
            raise torch.OutOfMemoryError(FULL)
        return whole(self, *given, **flags)

    monkeypatch.setattr(DeviceCrops, "__init__", queued)
    monkeypatch.setattr(DeviceCrops, at, full)
    pd.testing.assert_frame_equal(_rows(_run(world, tmp_path / "run", crops="gemm")), plain)


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


def test_heatmaps_of_a_case_that_does_not_fit(
    marked: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, trust: TrustRows
) -> None:
    run, whole = _run(marked, tmp_path / "run").path, MapMaker.maps

    def maps(self: MapMaker, crops: Any) -> Any:
        if (crops == GREY).all(axis=(1, 2)).any():
            raise DeviceMemoryError("the device is full.")
        return whole(self, crops)

    monkeypatch.setattr(MapMaker, "maps", maps)
    result = heatmaps(run=run, repeats=2, draws=100, check_cases=0, device="cpu", workers=1)
    # of the 9 cases 2 are of the validation split, which have no maps
    assert [(m.n_cases, m.n_failed) for m in result.models] == [(6, 1)]
    rows = pd.concat(HeatmapFolder.of(run, "grad_cam").parts(0), ignore_index=True)
    (failed,) = rows[rows["reason"] != ""].to_dict("records")
    assert failed["case_id"] == "case-4"
    assert failed["reason"].startswith("cpu has no memory left for the heatmap of one crop of 32 x 32 px (free some")
    trust.row("heatmaps of a case that does not fit", tried=1, found=0)


def test_checks_of_heatmaps_take_fewer_crops_at_a_time(
    world: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = _run(world, tmp_path / "run").path

    def checks() -> pd.DataFrame:
        heatmaps(run=run, repeats=1, draws=100, check_cases=6, device="cpu", workers=1)
        return RunFolder(run).table("heatmap_checks")

    plain = checks()
    maps, outputs = MapMaker.maps, MapMaker.outputs

    def narrow(whole: Any) -> Any:
        def asked(self: MapMaker, crops: Any) -> Any:
            if len(crops) > 2:
                raise DeviceMemoryError("the device is full.")
            return whole(self, crops)

        return asked

    monkeypatch.setattr(MapMaker, "maps", narrow(maps))
    monkeypatch.setattr(MapMaker, "outputs", narrow(outputs))
    pd.testing.assert_frame_equal(checks(), plain, rtol=1e-3, atol=1e-4)


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
