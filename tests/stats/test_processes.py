"""What is shared among processes comes out as if one had made it, whatever becomes of the others."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path

import pytest
from robustkit.atomic import replacing
from robustkit.errors import RunError
from robustkit.stats import processes
from robustkit.stats.processes import can_fork, done_in_processes

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="processes are forked on Linux alone"),
    # the test runner's own threads; from Python 3.12 on
    pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning"),
]


@pytest.fixture(autouse=True)
def _two_processes(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Two processes, and no thread of the test runner that would forbid them; no child and no open file are left."""
    monkeypatch.setattr(processes, "n_cores", lambda: 2)
    monkeypatch.setattr(processes, "can_fork", lambda: True)
    before = len(list(Path("/proc/self/fd").iterdir()))
    yield
    assert multiprocessing.active_children() == []
    assert len(list(Path("/proc/self/fd").iterdir())) == before


def _slowly(make: Callable[[], object]) -> object:
    """So slowly that another process takes up the next one."""
    time.sleep(0.05)
    return make()


def test_what_is_made_comes_in_the_order_of_the_tasks_from_two_processes() -> None:
    found = done_in_processes([partial(_slowly, partial(lambda i: (i, os.getpid()), i)) for i in range(12)])
    assert [i for i, _ in found] == list(range(12))
    assert len({process for _, process in found}) == 2


def test_what_is_asked_for_here_is_done_here_and_comes_first() -> None:
    first, *others = done_in_processes([partial(_slowly, os.getpid)], here=[partial(_slowly, os.getpid)])
    assert first == os.getpid()
    assert others != [first]


def test_of_several_errors_the_first_in_order_is_raised() -> None:
    def fail(i: int) -> None:
        time.sleep(0.1 / i)
        raise RunError(f"part {i} is damaged.", where=f"part {i}", fix="Make it again.")

    with pytest.raises(RunError, match="part 1 is damaged"):
        done_in_processes([partial(fail, i) for i in range(1, 5)])


def test_after_a_failure_no_further_task_is_taken_up() -> None:
    done: list[int] = []

    def note(i: int) -> None:
        if i == 0:
            raise RunError("part 0 is damaged.", where="part 0", fix="Make it again.")
        time.sleep(0.3)
        done.append(i)

    with pytest.raises(RunError, match="part 0 is damaged"):
        done_in_processes([partial(note, i) for i in range(50)])
    assert len(done) <= 2


class _NamedError(Exception):
    """What can be pickled but not made again: its argument has to be named."""

    def __init__(self, *, why: str) -> None:
        super().__init__(why)


def test_what_cannot_be_made_again_from_its_pickle_is_made_here() -> None:
    tasks = [partial(_slowly, partial(_NamedError, why=f"{i}")) for i in range(4)]
    assert [str(e) for e in done_in_processes(tasks)] == ["0", "1", "2", "3"]


def test_a_process_that_is_ended_clears_away_what_it_had_begun(tmp_path: Path) -> None:
    own = os.getpid()

    def write() -> None:
        if os.getpid() != own:
            with replacing(tmp_path / "table.csv") as temporary:
                temporary.write_text("begun")
                time.sleep(60)
        while not list(tmp_path.iterdir()):
            time.sleep(0.01)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        done_in_processes([write] * 2)
    assert list(tmp_path.iterdir()) == []


def test_a_process_whose_parent_was_killed_takes_up_nothing_more(tmp_path: Path) -> None:
    def note(i: int) -> None:
        (tmp_path / f"{i}-{os.getpid()}").touch()
        time.sleep(0.5)

    parent = multiprocessing.get_context("fork").Process(
        target=done_in_processes, args=([partial(note, i) for i in range(20)],)
    )
    parent.start()
    while len(list(tmp_path.iterdir())) < 2:
        time.sleep(0.01)
    parent.kill()
    parent.join()
    parent.close()
    time.sleep(1.5)
    assert len(list(tmp_path.iterdir())) <= 4


def test_what_a_killed_process_had_in_hand_is_done_here() -> None:
    own = os.getpid()

    def killed_elsewhere() -> int:
        time.sleep(0.05)
        if os.getpid() != own:
            os.kill(os.getpid(), signal.SIGKILL)
        return os.getpid()

    assert done_in_processes([killed_elsewhere] * 4) == [own] * 4


def test_what_cannot_be_pickled_is_made_here() -> None:
    tasks = [partial(_slowly, partial(lambda i: lambda: i, i)) for i in range(4)]
    assert [made() for made in done_in_processes(tasks)] == [0, 1, 2, 3]


def test_an_interrupt_ends_all_processes() -> None:
    own = os.getpid()

    def interrupted_here() -> None:
        if os.getpid() == own:
            raise KeyboardInterrupt
        time.sleep(60)

    begun = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        done_in_processes([interrupted_here] * 2)
    assert time.monotonic() - begun < 30


def test_work_within_shared_work_is_not_shared_again() -> None:
    def within() -> tuple[int, list[int]]:
        return os.getpid(), done_in_processes([partial(_slowly, os.getpid)] * 3)

    for process, others in done_in_processes([within] * 4):
        assert set(others) == {process}


def test_where_no_process_can_begin_all_is_done_here(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise OSError("no room")

    monkeypatch.setattr(os, "memfd_create", refuse)
    assert done_in_processes([os.getpid] * 3) == [os.getpid()] * 3


def test_one_core_begins_no_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "n_cores", lambda: 1)
    assert done_in_processes([partial(_slowly, os.getpid)] * 3) == [os.getpid()] * 3


def _asked_in_a_worker(into: Connection) -> None:
    into.send((can_fork(), sorted(done_in_processes([os.getpid] * 3)) == [os.getpid()] * 3))


def test_a_worker_of_another_program_begins_no_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "can_fork", can_fork)
    out, into = multiprocessing.Pipe(duplex=False)
    worker = multiprocessing.get_context("fork").Process(target=_asked_in_a_worker, args=(into,), daemon=True)
    worker.start()
    into.close()
    worker.join()
    with out:
        assert out.recv() == (False, True)
    worker.close()


def test_another_thread_or_system_forbids_a_fork(monkeypatch: pytest.MonkeyPatch) -> None:
    stop = threading.Event()
    other = threading.Thread(target=stop.wait)
    other.start()
    try:
        assert not can_fork()
    finally:
        stop.set()
        other.join()
    monkeypatch.setattr(sys, "platform", "darwin")
    assert not can_fork()
