"""Work shared among processes, where that is safe: threads that make short calls in Python wait for each other.

A process is a fork of this one: it has everything that was read and imported, and hands back what it made. Nothing
depends on how many there are but the time.
"""

from __future__ import annotations

import os
import pickle
import signal
import sys
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from multiprocessing import current_process, get_context, parent_process
from multiprocessing.process import BaseProcess
from typing import Any, BinaryIO, TypeVar

from robustkit.stats.cores import done_on_all_cores, is_busy, n_cores, one_core_each

Made = TypeVar("Made")
Tasks = Sequence[Callable[[], Made]]

_WIDTH = 2
"""Bytes of a task's number."""

MOST = 2048
"""Tasks whose numbers fit into the smallest pipe, which nobody reads yet."""

_PATIENCE = 5.0
"""Seconds in which a process that is no longer needed may end by itself and clear away what it had begun to write."""


def done_in_processes(tasks: Tasks[Made], *, here: Tasks[Made] = ()) -> list[Made]:
    """Give what these tasks make, in their order; each is taken up by the first process that has nothing to do.

    Args:
        tasks: What they make is pickled.
        here: Tasks for this process, before it takes up others: imports, or what is large and soon made. What they make
            comes first.

    What a process could not do, because it failed or was killed, is done here again, so that an error is raised as if
    there had been no other process: a task may be done twice. After a failure no further task is taken up. Where it is not
    safe to fork, threads do the work: see ``can_fork``.
    """
    n = min(n_cores(), len(tasks) + bool(here))
    if n < 2 or is_busy() or len(tasks) > MOST or not can_fork():
        return done_on_all_cores([*here, *tasks])
    with one_core_each(), _numbers(len(tasks)) as waiting, _children(n - 1, tasks, waiting) as children:
        first = [task() for task in here]
        made = _take_up(tasks, waiting)
        for child in children:
            made |= child.handed_back()
        return [*first, *(made[i] if i in made else task() for i, task in enumerate(tasks))]


def can_fork() -> bool:
    """Tell whether a fork is allowed and safe: on Linux, in a process that runs no other Python thread, which might hold a
    lock, and that may have children, as another program's worker may not.

    The threads of numpy's BLAS and of Arrow are no Python threads: these libraries are made to be forked.
    """
    is_linux = sys.platform == "linux" and hasattr(os, "memfd_create")
    return is_linux and not current_process().daemon and len(sys._current_frames()) == 1


@contextmanager
def _numbers(n: int) -> Iterator[int]:
    """Give the end of a pipe from which every process reads the number of its next task."""
    waiting, into = os.pipe()
    try:
        os.write(into, b"".join(i.to_bytes(_WIDTH, "big") for i in range(n)))
        os.close(into)
        yield waiting
    finally:
        os.close(waiting)


def _take_up(tasks: Tasks[Made], waiting: int, *, is_wanted: Callable[[], bool] = lambda: True) -> dict[int, Made]:
    """Do tasks while any is waiting, and wanted; give what they made by number, without what failed."""
    made = {}
    while is_wanted() and (taken := os.read(waiting, _WIDTH)):
        i = int.from_bytes(taken, "big")
        try:
            made[i] = tasks[i]()
        except Exception:
            # whoever asked does it again, and finds out why. Numbers are handed out in order: the first task that fails is
            # among those that were taken up, and none of the others is still needed
            os.read(waiting, _WIDTH * MOST)
    return made


@dataclass(frozen=True, slots=True)
class _Child:
    """A process, and the file in memory that it fills before it ends."""

    process: BaseProcess
    file: BinaryIO

    def handed_back(self) -> dict[int, Any]:
        """Wait for its end and give what it made by number; nothing if it did not get so far as to write that."""
        self.process.join()
        self.file.seek(0)
        try:
            # our own child wrote it, into a file that has no name
            return dict(pickle.load(self.file))
        except Exception:
            # cut off, or what can be pickled but not made again: then it is made here
            return {}


@contextmanager
def _children(n: int, tasks: Tasks[Any], waiting: int) -> Iterator[list[_Child]]:
    """Let up to n more processes take up tasks while the block runs; none is left behind."""
    begun: list[_Child] = []
    try:
        # a terminal sends Ctrl-C to all processes, and the parent decides: children are begun deaf
        heard = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        try:
            # a machine may have no room for more processes: then there are fewer
            with suppress(OSError), warnings.catch_warnings():
                warnings.filterwarnings("ignore", "This process .* is multi-threaded", DeprecationWarning)
                for _ in range(n):
                    begun.append(_begun(tasks, waiting))
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, heard)
        yield begun
    finally:
        for child in begun:
            child.process.terminate()
        for child in begun:
            child.process.join(_PATIENCE)
            child.process.kill()
            child.process.join()
            child.file.close()


def _begun(tasks: Tasks[Any], waiting: int) -> _Child:
    with ExitStack() as stack:
        file = stack.enter_context(os.fdopen(os.memfd_create("made"), "w+b"))
        process = get_context("fork").Process(target=_fill, args=(file, tasks, waiting), daemon=True)
        process.start()
        stack.pop_all()
        return _Child(process, file)


def _fill(file: BinaryIO, tasks: Tasks[Any], waiting: int) -> None:
    """Do tasks in a child, and write what they made."""
    # so that blocks are left, and what they hold is cleared away
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    parent = parent_process()
    with suppress(Exception):
        # who was left behind by a parent that was killed works for nobody
        made = _take_up(tasks, waiting, is_wanted=lambda: parent is None or parent.is_alive())
        pickle.dump(made, file, pickle.HIGHEST_PROTOCOL)
        file.flush()
