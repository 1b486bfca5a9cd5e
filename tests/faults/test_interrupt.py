"""Ctrl-C: what is in hand is finished, how to go on is said, exit 130; a second one stops at once."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pandas as pd
import pytest
from robustkit.api.heatmaps import heatmaps
from robustkit.api.perturb import perturb
from robustkit.api.study import study
from robustkit.api.train import train
from robustkit.errors import StoppedError
from robustkit.results.folder import RunFolder
from robustkit.results.heatmaps import HeatmapFolder
from robustkit.stopping import Stop, stoppable

from bright_spots import write_cohort
from made_kills import check_whole
from made_study_world import write_study
from small_world import write_films, write_network
from trust_rows import TrustRows

KEYS = ["model", "case_id", "perturbation", "level", "repeat"]


def _rows(run: Path) -> pd.DataFrame:
    rows = RunFolder(run).predictions().sort_values(KEYS, ignore_index=True)
    return rows.assign(logits=rows["logits"].map(lambda v: tuple(v.tolist())))


def _press(*_: object) -> None:
    """Press Ctrl-C, as the terminal does."""
    os.kill(os.getpid(), signal.SIGINT)


def _once(work: str, done: int = 1) -> Callable[[str, int, int], None]:
    """Give a listener that presses Ctrl-C once, when so much of some work is done."""
    pressed: list[int] = []

    def told(what: str, now: int, total: int) -> None:
        if what == work and done <= now < total and not pressed:
            pressed.append(now)
            _press()

    return told


@pytest.fixture(autouse=True)
def _heard() -> Iterator[None]:
    """Listen to SIGINT: a process that a shell began in the background ignores it, and so would its children."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("interrupt")
    write_films(folder, n=40)
    write_network(folder / "a.pt", seed=1)
    return folder


def _perturb(world: Path, out: Path, **given: object) -> object:
    flags = {
        "shifts": ["0.1"],
        "repeats": 4,
        "part_rows": 5,
        "device": "cpu",
        "backend": "eager",
        "workers": 1,
        **given,
    }
    return perturb(model=[str(world / "a.pt")], manifest=[world / "cases.csv"], out=out, **flags)  # type: ignore[arg-type]


def test_perturb_finishes_the_parts_in_hand_and_goes_on(world: Path, tmp_path: Path, trust: TrustRows) -> None:
    out = tmp_path / "run"
    told = r"run: stopped; \d+ answers are still to be made, all others are kept\. The same command goes on from here\."
    with pytest.raises(StoppedError, match=told) as stopped:
        _perturb(world, out, progress=_once("answers"))
    assert stopped.value.exit_code == 130
    assert RunFolder(out).record()["status"] == "partial"
    assert 0 < len(_rows(out)) < 40 * 5
    check_whole(out)
    assert not [p for p in out.rglob("*") if p.name.startswith(".")]
    # the handler is the caller's again
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    _perturb(world, out)
    _perturb(world, tmp_path / "plain")
    pd.testing.assert_frame_equal(_rows(out), _rows(tmp_path / "plain"))
    trust.row("Ctrl-C in perturb", tried=1, found=0)


def test_rounds_stop_between_two_of_them(world: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from robustkit.api import _work

    whole = _work._run_parts

    def run_parts(*given: object, **named: object) -> object:
        done = whole(*given, **named)  # type: ignore[arg-type]
        _press()
        return done

    with monkeypatch.context() as patch:
        patch.setattr(_work, "_run_parts", run_parts)
        with pytest.raises(StoppedError, match="stopped after a round of 4 repeats"):
            _perturb(world, tmp_path / "run", until=1e-6, max_repeats=8)
    _perturb(world, tmp_path / "run", until=1e-6, max_repeats=8)
    assert RunFolder(tmp_path / "run").record()["repeats"] == 8


def test_train_finishes_the_epoch_in_hand_and_goes_on_to_the_same_weights(tmp_path: Path, trust: TrustRows) -> None:
    write_cohort(tmp_path / "world")

    def call(output: Path, **given: object) -> object:
        return train(manifest=[tmp_path / "world" / "cases.csv"], output=output, arch="test_resnet", input_size=32, epochs=4,
                     batch_size=8, device="cpu", workers=1, **given)  # type: ignore[arg-type]  # fmt: skip

    told = r"\.a\.pt\.unfinished: the training was stopped after 2 of at most 4 epochs\. The same command goes on"
    with pytest.raises(StoppedError, match=told):
        call(tmp_path / "a.pt", progress=_once("epochs", 2))
    assert not (tmp_path / "a.pt").exists()
    call(tmp_path / "a.pt")
    call(tmp_path / "b.pt")
    assert (tmp_path / "a.pt").read_bytes() == (tmp_path / "b.pt").read_bytes()
    trust.row("Ctrl-C in train", tried=1, found=0)


@pytest.mark.slow
def test_study_finishes_what_is_in_hand_and_goes_on(tmp_path: Path, trust: TrustRows) -> None:
    file, said = write_study(tmp_path), list[str]()

    def say(line: str) -> None:
        said.append(line)
        if line.endswith(" stratify"):
            _press()

    def call(**given: object) -> object:
        return study(file=file, device="cpu", workers=1, say=say, **given)  # type: ignore[arg-type]

    with pytest.raises(StoppedError, match="the training was stopped after 1 of at most 2 epochs"):
        call(progress=_once("epochs"))
    with pytest.raises(StoppedError, match="the study was stopped after the step stratify; all that is done is kept"):
        call()
    out = next(p.parent for p in tmp_path.rglob("study.json"))
    check_whole(out)
    said.clear()
    call()
    assert any("stratify: done already" in line for line in said)
    assert (out / "report.html").is_file()
    trust.row("Ctrl-C in study: in a training and in a step", tried=2, found=0)


def test_heatmaps_keep_the_maps_that_are_made(world: Path, tmp_path: Path, trust: TrustRows) -> None:
    out = tmp_path / "run"
    _perturb(world, out)
    given = {"run": out, "repeats": 1, "draws": 100, "check_cases": 0, "device": "cpu", "workers": 1, "batch_size": "4"}
    with pytest.raises(StoppedError, match=r"stopped; \d+ cases have no heatmap of a yet, all others are kept"):
        heatmaps(**given, progress=_once("cases", 3))  # type: ignore[arg-type]
    assert 0 < len(HeatmapFolder.of(out, "grad_cam").done(0)) < 30
    heatmaps(**given)  # type: ignore[arg-type]
    trust.row("Ctrl-C in heatmaps", tried=1, found=0)


def test_a_second_one_stops_at_once() -> None:
    with stoppable() as stop:
        _press()
        assert stop.is_wanted()
        with stoppable() as inner:
            assert inner is stop
            with pytest.raises(KeyboardInterrupt):
                _press()
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_the_callers_own_handler_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    pressed: list[object] = []
    before = signal.signal(signal.SIGINT, lambda *_: pressed.append(1))
    try:
        with stoppable() as stop:
            _press()
        assert not stop.is_wanted()
    finally:
        signal.signal(signal.SIGINT, before)
    assert pressed == [1]


def test_beside_the_main_thread_nothing_is_changed() -> None:
    found: list[Stop] = []

    def work() -> None:
        with stoppable() as stop:
            found.append(stop)
            assert signal.getsignal(signal.SIGINT) is signal.default_int_handler

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert not found[0].is_wanted()


@pytest.mark.parametrize("presses", [1, 2])
def test_the_command_says_how_to_go_on_and_exits_130(
    world: Path, tmp_path: Path, presses: int, trust: TrustRows
) -> None:
    command = [sys.executable, "-c", _SLOW, "perturb", "--model", str(world / "a.pt"), "--manifest", str(world / "cases.csv"),
               "--out", str(tmp_path / "run"), "--shifts", "0.1", "--repeats", "4", "--part-rows", "5", "--device", "cpu",
               "--backend", "eager"]  # fmt: skip
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as child:
        deadline = time.monotonic() + 60
        while not list(tmp_path.glob("run/predictions/part-*")) and time.monotonic() < deadline:
            time.sleep(0.02)
        for _ in range(presses):
            child.send_signal(signal.SIGINT)
            time.sleep(0.05)
        out, said = child.communicate(timeout=60)
    assert (child.returncode, out) == (130, "")
    assert said.startswith("stopping when what is in hand is finished; Ctrl-C again stops at once\nrobustkit: ")
    assert said.endswith("goes on from here.\n")
    assert ("stopped at once" in said) == (presses == 2)
    assert "Traceback" not in said
    check_whole(tmp_path / "run")
    trust.row(f"Ctrl-C at the command, {('once', 'twice')[presses - 1]}", tried=1, found=0)


_TWO_DEVICES = """
import robustkit.api._run as made
made.resolve_devices = lambda *a, **k: ("cpu", "cpu")
from robustkit.cli.main import run
run()
"""
_ONE_DEVICE = "from robustkit.cli.main import run; run()"


@pytest.mark.parametrize(
    ("workers", "script", "flags"),
    [
        ("dask", _ONE_DEVICE, ["--executor", "dask", "--scheduler", "local:1"]),
        ("processes", _TWO_DEVICES, []),
    ],
    ids=["dask", "processes"],
)
def test_ctrl_c_in_a_terminal_reaches_no_local_worker(
    tmp_path: Path, trust: TrustRows, workers: str, script: str, flags: list[str]
) -> None:
    """The terminal sends it to all processes: workers that end would be waited for without end."""
    if workers == "dask":
        pytest.importorskip("distributed", reason="dask.distributed is not installed")
    write_films(tmp_path, n=12)
    write_network(tmp_path / "a.pt", seed=1)
    command = [sys.executable, "-c", script, "perturb", "--model", str(tmp_path / "a.pt"),
               "--manifest", str(tmp_path / "cases.csv"), "--out", str(tmp_path / "run"), "--shifts", "0.1,0.2", "--repeats",
               "400", "--part-rows", "100", "--batch-size", "4", "--device", "cpu", "--backend", "eager", *flags]  # fmt: skip
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    ) as child:
        deadline = time.monotonic() + 60
        while not list(tmp_path.glob("run/predictions/part-*")) and time.monotonic() < deadline:
            time.sleep(0.02)
        os.killpg(child.pid, signal.SIGINT)
        try:
            out, said = child.communicate(timeout=90)
        finally:
            if child.poll() is None:
                os.killpg(child.pid, signal.SIGKILL)
    assert (child.returncode, out) == (130, "")
    assert said.startswith("stopping when what is in hand is finished; Ctrl-C again stops at once\nrobustkit: ")
    assert said.endswith("goes on from here.\n")
    assert said.count("\n") == 2
    assert "stopped at once" not in said
    check_whole(tmp_path / "run")
    trust.row(f"Ctrl-C in a terminal, with local workers ({workers})", tried=1, found=0)


_SLOW = """
import time
import robustkit.engine.runner as runner
whole = runner._write
runner._write = lambda *a: (time.sleep(0.1), whole(*a))[1]
from robustkit.cli.main import run
run()
"""
