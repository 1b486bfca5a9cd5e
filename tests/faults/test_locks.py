"""Two processes and one folder: the second is told who holds it; what a dead one left is in nobody's way."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from robustkit.api.heatmaps import heatmaps
from robustkit.api.import_manifest import import_manifest
from robustkit.api.perturb import perturb
from robustkit.api.study import study
from robustkit.api.train import train
from robustkit.errors import InUseError
from robustkit.results.folder import RunFolder

from bright_spots import write_cohort
from made_bone_films import write_bone_films
from made_study_world import write_study
from small_world import write_films, write_network
from trust_rows import TrustRows

_HOLDER = """
import sys, time
from pathlib import Path
from robustkit import lock
with getattr(lock, sys.argv[1])(Path(sys.argv[2]), doing="robustkit test"):
    print("held", flush=True)
    time.sleep(120)
"""


@contextmanager
def _holder(kind: str, place: Path) -> Iterator[subprocess.Popen[str]]:
    """Hold a place in another process; it is killed at the end, as by a machine that goes down."""
    command = [sys.executable, "-c", _HOLDER, kind, str(place)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        try:
            yield process
        finally:
            os.kill(process.pid, signal.SIGKILL)
            process.wait()


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("locks")
    write_films(folder)
    write_network(folder / "a.pt", seed=1)
    return folder


def _perturb(world: Path, out: Path) -> RunFolder:
    result = perturb(
        model=[str(world / "a.pt")], manifest=[world / "cases.csv"], out=out, shifts=["0.1"], repeats=2, device="cpu",
        backend="eager",
    )  # fmt: skip
    return RunFolder(result.run or out)


def _refused_then_done(kind: str, place: Path, call: Callable[[], object], trust: TrustRows, *, what: str) -> None:
    with _holder(kind, place) as other:
        told = rf"another process writes here \(robustkit test, process {other.pid} on .+, since 20.+\).*Wait for it"
        with pytest.raises(InUseError, match=told):
            call()
    call()
    assert not list((place if place.is_dir() else place.parent).rglob(".lock*"))
    trust.row(f"{what}: two at once, and a lock of a dead process", tried=2, found=0)


def test_perturb(world: Path, tmp_path: Path, trust: TrustRows) -> None:
    out = tmp_path / "run"
    _refused_then_done("lock_folder", out, lambda: _perturb(world, out), trust, what="perturb")
    assert RunFolder(out).record()["status"] == "complete"


def test_heatmaps(world: Path, tmp_path: Path, trust: TrustRows) -> None:
    out = _perturb(world, tmp_path / "run").path

    def call() -> object:
        return heatmaps(run=out, repeats=1, draws=100, check_cases=0, device="cpu", workers=1)

    _refused_then_done("lock_folder", out, call, trust, what="heatmaps")


def test_train(tmp_path: Path, trust: TrustRows) -> None:
    write_cohort(tmp_path)
    output = tmp_path / "made" / "ckpt.pt"

    def call() -> object:
        return train(manifest=[tmp_path / "cases.csv"], output=output, arch="test_resnet", input_size=32, epochs=1,
                     batch_size=8, device="cpu", workers=1)  # fmt: skip

    _refused_then_done("lock_file", output, call, trust, what="train")
    assert [p.name for p in output.parent.iterdir()] == ["ckpt.pt"]


def test_import(tmp_path: Path, trust: TrustRows) -> None:
    source, output = write_bone_films(tmp_path / "source", n=4), tmp_path / "made" / "cases.csv"
    _refused_then_done(
        "lock_file", output, lambda: import_manifest(format="btxrd", source=source, output=output), trust, what="import"
    )


def test_study(tmp_path: Path, trust: TrustRows) -> None:
    file, out = write_study(tmp_path), tmp_path / "out"
    with _holder("lock_folder", out) as other, pytest.raises(InUseError, match=f"process {other.pid} on"):
        study(file=file, out=out, device="cpu", workers=1)
    assert [p.name for p in out.iterdir() if p.name not in (".lock", ".lock.json")] == []
    trust.row("study: two at once", tried=1, found=0)


def test_a_run_killed_before_its_first_file_was_whole_goes_on(world: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    out.mkdir()
    (out / ".tmp-0123456789ab-run.json.tmp").write_bytes(b"half")
    (out / ".lock").touch()
    (out / ".lock.json").write_text(json.dumps({"pid": 1}))
    assert _perturb(world, out).record()["status"] == "complete"
    assert not [p for p in out.rglob("*") if p.name.startswith(".")]


def test_shares_of_one_run_write_side_by_side(world: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from robustkit.lock import lock_folder

    monkeypatch.setenv("RANK", "0")
    monkeypatch.setenv("WORLD_SIZE", "2")
    with lock_folder(tmp_path / "run", doing="another share", share="1-of-2"):
        _perturb(world, tmp_path / "run")
    other = tmp_path / "other"
    with lock_folder(other, doing="its twin", share="0-of-2"), pytest.raises(InUseError, match="its twin"):
        _perturb(world, other)
