"""Parts computed by other processes: the same rows as here, whoever dies; refusals are clear sentences."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from robustkit.api.perturb import perturb
from robustkit.errors import InputError, RobustkitError, RunError
from robustkit.results.folder import RunFolder

from small_world import write_films, write_network

pytest.importorskip("distributed", reason="dask.distributed is not installed")

KEYS = ["model", "case_id", "perturbation", "level", "repeat"]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("world")
    write_films(folder, n=12)
    write_network(folder / "a.pt", seed=1)
    write_network(folder / "b.pt", seed=2, margin=0.25)
    return folder


def _run(world: Path, out: Path, **flags: Any) -> RunFolder:
    given = {
        "shifts": ["0.1,0.3"], "repeats": 6, "device": "cpu", "batch_size": "4", "part_rows": 13,
        "model": [str(world / "a.pt"), str(world / "b.pt")], "manifest": [world / "cases.csv"], "backend": "eager",
        **flags,
    }  # fmt: skip
    result = perturb(out=out, **given)
    assert result.run is not None
    return RunFolder(result.run)


def _rows(folder: RunFolder) -> pd.DataFrame:
    rows = folder.predictions().sort_values(KEYS, ignore_index=True)
    rows["logits"] = rows["logits"].map(lambda v: tuple(v.tolist()))
    return rows


@pytest.fixture(scope="module")
def serial(world: Path, tmp_path_factory: pytest.TempPathFactory) -> pd.DataFrame:
    return _rows(_run(world, tmp_path_factory.mktemp("serial") / "run"))


@contextmanager
def _scheduler(port: int) -> Iterator[str]:
    command = [sys.executable, "-m", "distributed.cli.dask_scheduler", "--host", "127.0.0.1", "--port", str(port)]
    command += ["--no-dashboard", "--no-show"]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            _wait_for("127.0.0.1", port)
            yield f"tcp://127.0.0.1:{port}"
        finally:
            process.terminate()


@contextmanager
def _worker(address: str, host: str, *, folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    command = [sys.executable, "-m", "distributed.cli.dask_worker", address, "--host", host, "--nthreads", "1"]
    command += ["--no-dashboard", "--memory-limit", "0", "--local-directory", str(folder)]
    with subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    ) as process:
        try:
            yield process
        finally:
            _end(process)


def _end(process: subprocess.Popen[bytes]) -> None:
    """Kill a worker with its nanny, as a node that is switched off."""
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)


def _wait_for(host: str, port: int) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        with socket.socket() as probe:
            if probe.connect_ex((host, port)) == 0:
                return
        time.sleep(0.05)
    raise TimeoutError(f"nothing listens on {host}:{port}")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.mark.parametrize("workers", [1, 3])
def test_local_workers_give_the_rows_of_one_process(
    world: Path, serial: pd.DataFrame, tmp_path: Path, workers: int
) -> None:
    folder = _run(world, tmp_path / "run", executor="dask", scheduler=f"local:{workers}", part_rows=5 * workers)
    pd.testing.assert_frame_equal(_rows(folder), serial)
    record = folder.record()
    assert record["status"] == "complete"
    assert record["executor"] == "dask"


def test_two_runs_on_one_machine_do_not_ask_for_one_port(world: Path, tmp_path: Path) -> None:
    # dask's own choice for a page of its scheduler; a warning here would be an error
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        with suppress(OSError):  # somebody has it already, which is as good
            other.bind(("127.0.0.1", 8787))
            other.listen()
        folder = _run(world, tmp_path / "run", executor="dask", scheduler="local:1")
    assert folder.record()["status"] == "complete"


def test_local_workers_listen_on_this_machine_alone() -> None:
    import distributed
    import psutil
    from robustkit.executors.dask import _connect

    with ExitStack() as stack:
        _connect(distributed, SimpleNamespace(scheduler="local:1"), stack)  # type: ignore[arg-type]
        us = [psutil.Process(), *psutil.Process().children(recursive=True)]
        heard = {c.laddr.ip for one in us for c in one.net_connections("inet") if c.status == psutil.CONN_LISTEN}
    assert heard == {"127.0.0.1"}


def test_a_node_goes_and_another_comes(world: Path, serial: pd.DataFrame, tmp_path: Path) -> None:
    with _scheduler(_free_port()) as address, _worker(address, "127.0.0.2", folder=tmp_path) as first:
        child = subprocess.Popen(
            [
                sys.executable, "-c", "from robustkit.cli.main import run; run()", "perturb", "--model", str(world / "a.pt"), "--model",
                str(world / "b.pt"), "--manifest", str(world / "cases.csv"), "--shifts", "0.1,0.3", "--repeats", "6",
                "--device", "cpu", "--batch-size", "4", "--part-rows", "13", "--backend", "eager", "--out",
                str(tmp_path / "run"), "--executor", "dask", "--scheduler", address,
            ],
            stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        deadline = time.monotonic() + 60
        while not list(tmp_path.glob("run/predictions/*.parquet")) and time.monotonic() < deadline:
            time.sleep(0.02)
        found = len(list(tmp_path.glob("run/predictions/part-*.parquet")))
        _end(first)
        with _worker(address, "127.0.0.3", folder=tmp_path):
            _, said = child.communicate(timeout=120)
    assert child.returncode == 0, said
    assert 0 < found < 12
    pd.testing.assert_frame_equal(_rows(RunFolder(tmp_path / "run")), serial)


def test_a_run_begun_by_workers_goes_on_here(world: Path, serial: pd.DataFrame, tmp_path: Path) -> None:
    folder = _run(world, tmp_path / "run", executor="dask", scheduler="local:1")
    parts = sorted((folder.path / "predictions").glob("*.parquet"))
    for part in parts[:5]:
        part.unlink()
    folder.write_record({**folder.record(), "status": "partial"})
    pd.testing.assert_frame_equal(_rows(_run(world, tmp_path / "run")), serial)


def test_several_devices_have_a_process_each(
    world: Path, serial: pd.DataFrame, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("robustkit.api._run.resolve_devices", lambda *a, **k: ("cpu", "cpu"))
    folder = _run(world, tmp_path / "run")
    pd.testing.assert_frame_equal(_rows(folder), serial)


def test_shares_of_two_processes_make_one_run(
    world: Path, serial: pd.DataFrame, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WORLD_SIZE", "2")
    monkeypatch.setenv("RANK", "1")
    first = perturb(
        model=[str(world / "a.pt"), str(world / "b.pt")], manifest=[world / "cases.csv"], shifts=["0.1,0.3"],
        repeats=6, device="cpu", batch_size="4", part_rows=13, backend="eager", out=tmp_path / "run",
    )  # fmt: skip
    assert first.is_partial
    assert "share (RANK=1, WORLD_SIZE=2) is done" in first.warnings[-1]
    assert RunFolder(tmp_path / "run").record()["status"] == "partial"
    monkeypatch.setenv("RANK", "0")
    folder = _run(world, tmp_path / "run")
    assert folder.record()["status"] == "complete"
    pd.testing.assert_frame_equal(_rows(folder), serial)


def test_shares_need_one_folder(world: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("WORLD_SIZE", "2")
    monkeypatch.setenv("RANK", "1")
    with pytest.raises(InputError, match="2 processes are to share one run"):
        perturb(model=[str(world / "a.pt")], manifest=[world / "cases.csv"], shifts=["0.1"], device="cpu")


def test_a_scheduler_that_does_not_answer(world: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("robustkit.executors.dask._CONNECT_S", 1)
    with pytest.raises(RunError, match="the scheduler does not answer within 1 s"):
        _run(world, tmp_path / "run", executor="dask", scheduler=f"tcp://127.0.0.1:{_free_port()}")
    assert RunFolder(tmp_path / "run").record()["status"] == "partial"


def test_a_worker_without_the_checkpoint_says_so(world: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import robustkit.api._work as module

    true_errand = module.errand

    def without(*given: Any) -> Any:
        made = true_errand(*given)
        return type(made)(made.function, made.text.replace("a.pt", "gone.pt"))

    monkeypatch.setattr(module, "errand", without)
    with pytest.raises(RobustkitError, match="gone.pt"):
        _run(world, tmp_path / "run", executor="dask", scheduler="local:1")


def test_a_scheduler_is_for_dask(world: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="a scheduler is for --executor dask"):
        _run(world, tmp_path / "run", scheduler="local:1")
    with pytest.raises(RunError, match="expected local:N with N above 0, got 'local:0'"):
        _run(world, tmp_path / "run", executor="dask", scheduler="local:0")


def test_shards_hold_every_part_once() -> None:
    from robustkit.executors._base import shards

    parts = [(i,) for i in range(37)]
    for workers in (1, 2, 5, 100):
        pieces = shards(parts, workers=workers)
        assert [p for piece in pieces for p in piece] == parts
        assert len(pieces) >= min(len(parts), 4 * workers) or np.max([len(p) for p in pieces]) == 1
        sizes = [len(p) for p in pieces]
        # small shards last: at the end no worker waits for more than one part of another
        assert sizes == sorted(sizes, reverse=True)
        assert set(sizes[-min(workers, len(parts)) :]) == {1}
