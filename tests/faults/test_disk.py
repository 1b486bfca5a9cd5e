"""Disks that are full or read-only: an error that names the place, what is finished stays, and the same call goes on."""

from __future__ import annotations

import errno
import gc
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pandas as pd
import pytest
import torch
from robustkit.api.import_manifest import import_manifest
from robustkit.api.perturb import perturb
from robustkit.api.study import study
from robustkit.api.train import train
from robustkit.errors import DiskError
from robustkit.results.folder import RunFolder
from robustkit.training.pause import Pause

from bright_spots import write_cohort
from made_bone_films import write_bone_films
from made_kills import check_whole
from made_study_world import write_study
from small_world import write_films, write_network
from trust_rows import TrustRows

KEYS = ["model", "case_id", "perturbation", "level", "repeat"]
FULL = "the disk is full. Free some space, or choose another place with --out; then run the same command again."


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """Give a folder that is a disk of 64 MiB; skips where none can be mounted."""
    yield from _mounted(tmp_path / "disk", "size=64m")


def _mounted(folder: Path, options: str) -> Iterator[Path]:
    folder.mkdir()
    mount = shutil.which("mount")
    done = mount and subprocess.run(
        [mount, "-t", "tmpfs", "-o", options, "tmpfs", str(folder)], capture_output=True, text=True, check=False
    )
    if not done or done.returncode:
        pytest.skip(f"no disk can be mounted here ({done.stderr.strip() if done else 'no mount'})")
    # nobody tidies up: a file that is forgotten stays open
    gc.disable()
    try:
        yield folder
    finally:
        gc.enable()
        gc.collect()
        subprocess.run(["umount", str(folder)], check=True)


def _fill(disk: Path, *, free: int) -> Path:
    """Leave ``free`` bytes on the disk, to a page."""
    filler = disk / "filler"
    room = shutil.disk_usage(disk).free - free
    filler.write_bytes(b"\0" * max(0, room))
    return filler


def _goes_on(call: Callable[[], object], disk: Path, *, free: tuple[int, ...], trust: TrustRows, what: str) -> None:
    """Call on ever less full disks: each time it says so, all files are whole; then call with room."""
    refused = 0
    for bytes_free in free:
        filler = _fill(disk, free=bytes_free)
        said = _said(call)
        if said:
            refused += 1
            assert said.startswith(str(disk))
            assert said.endswith(FULL)
        # one that is deleted but open would still take its space
        assert not _open_files(disk)
        filler.unlink()
        check_whole(disk)
        assert not [p for p in disk.rglob("*") if p.name.startswith((".tmp-", ".lock"))]
    assert refused >= len(free) - 1
    call()
    trust.row(f"{what} on a full disk", tried=refused, found=0, note="then on with room, to the same values")


def _open_files(folder: Path) -> list[str]:
    """Give this process's open files below a folder, as Linux lists them; none elsewhere."""
    listed = Path("/proc/self/fd")
    files = [str(p.readlink()) for p in listed.iterdir() if p.is_symlink()] if listed.is_dir() else []
    return [f for f in files if f.startswith(str(folder))]


def _said(call: Callable[[], object]) -> str:
    try:
        call()
    except DiskError as error:
        return str(error)
    return ""


def _rows(run: Path) -> pd.DataFrame:
    rows = RunFolder(run).predictions().sort_values(KEYS, ignore_index=True)
    return rows.assign(logits=rows["logits"].map(lambda v: tuple(v.tolist())))


def test_perturb(small_disk: Path, tmp_path: Path, trust: TrustRows) -> None:
    write_films(tmp_path, n=30)
    write_network(tmp_path / "a.pt", seed=1)

    def call(out: Path) -> object:
        return perturb(model=[str(tmp_path / "a.pt")], manifest=[tmp_path / "cases.csv"], out=out, shifts=["0.1"], repeats=6,
                       part_rows=7, device="cpu", backend="eager", workers=1)  # fmt: skip

    call(tmp_path / "plain")
    sizes = (0, 4096, 16384, 32768, 65536, 131072)
    _goes_on(lambda: call(small_disk / "run"), small_disk, free=sizes, trust=trust, what="perturb")
    pd.testing.assert_frame_equal(_rows(small_disk / "run"), _rows(tmp_path / "plain"))


def test_train(small_disk: Path, tmp_path: Path, trust: TrustRows) -> None:
    write_cohort(tmp_path / "world")

    def call(output: Path) -> object:
        return train(manifest=[tmp_path / "world" / "cases.csv"], output=output, arch="test_resnet", input_size=32, epochs=3,
                     batch_size=8, device="cpu", workers=1)  # fmt: skip

    call(tmp_path / "plain.pt")
    size = (tmp_path / "plain.pt").stat().st_size
    sizes = (0, 8192, size, size * 3)
    _goes_on(lambda: call(small_disk / "ckpt.pt"), small_disk, free=sizes, trust=trust, what="train")
    assert (small_disk / "ckpt.pt").read_bytes() == (tmp_path / "plain.pt").read_bytes()


def test_import(small_disk: Path, tmp_path: Path, trust: TrustRows) -> None:
    source = write_bone_films(tmp_path / "source", n=12)

    def call(folder: Path) -> object:
        return import_manifest(
            format="btxrd", source=source, output=folder / "cases.csv", masks=folder / "masks", workers=1
        )

    call(tmp_path / "plain")
    _goes_on(lambda: call(small_disk), small_disk, free=(0, 8192, 32768), trust=trust, what="import")
    assert len(pd.read_csv(small_disk / "cases.csv")) == 12


@pytest.mark.slow
def test_study(small_disk: Path, tmp_path: Path, trust: TrustRows) -> None:
    file = write_study(tmp_path)

    def call(out: Path) -> object:
        return study(file=file, out=out, device="cpu", workers=1)

    call(tmp_path / "plain")
    sizes = (0, 65536, 2**18, 2**20, 2**21, 2**22)
    _goes_on(lambda: call(small_disk / "out"), small_disk, free=sizes, trust=trust, what="study")
    for table in sorted((tmp_path / "plain" / "tables").glob("*.csv")):
        whole, other = (
            pd.read_csv(p).drop(columns="seconds", errors="ignore")
            for p in (table, small_disk / "out" / "tables" / table.name)
        )
        pd.testing.assert_frame_equal(other, whole)


def test_a_pause_on_a_full_disk_is_an_error_of_ours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pause = Pause(tmp_path / "p", "mine")
    pause.keep({"w": torch.ones(3)})

    def full(*_: object) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(Path, "write_bytes", full)
        with pytest.raises(DiskError, match="p: the disk is full"):
            pause.keep({"w": torch.zeros(3)})
    held = pause.kept()
    assert held is not None
    assert torch.equal(held["w"], torch.ones(3))
    assert [p.name for p in tmp_path.iterdir()] == ["p"]


@pytest.fixture
def read_only_disk(tmp_path: Path) -> Iterator[Path]:
    """Give a folder of a disk that nobody may write to, root neither."""
    yield from _mounted(tmp_path / "disk", "size=1m,ro")


def test_read_only_folders(read_only_disk: Path, tmp_path: Path, trust: TrustRows) -> None:
    write_films(tmp_path)
    write_network(tmp_path / "a.pt", seed=1)
    write_cohort(tmp_path / "world")
    source, made, disk = write_bone_films(tmp_path / "source", n=2), tmp_path / "made" / "c.csv", read_only_disk
    file = write_study(tmp_path / "study")
    model, cases = [str(tmp_path / "a.pt")], [tmp_path / "world" / "cases.csv"]
    calls: tuple[Callable[[], object], ...] = (
        lambda: perturb(model=model, manifest=[tmp_path / "cases.csv"], out=disk / "run", device="cpu"),
        lambda: train(manifest=cases, output=disk / "a.pt", arch="test_resnet", device="cpu"),
        lambda: import_manifest(format="btxrd", source=source, output=disk / "cases.csv"),
        lambda: import_manifest(format="btxrd", source=source, output=made, masks=disk / "masks"),
        lambda: study(file=file, out=disk / "out", device="cpu"),
    )
    for call in calls:
        with pytest.raises(DiskError, match=rf"^{disk}.*cannot write here \(.*Choose a folder that you may write to"):
            call()
    assert not made.exists()
    trust.row("a read-only folder", tried=len(calls), found=0)
