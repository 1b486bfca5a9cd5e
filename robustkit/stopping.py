"""Ctrl-C: what is in hand is finished first, and a second one stops at once."""

from __future__ import annotations

import logging
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

_log = logging.getLogger(__name__)


class Stop:
    """Whether a stop was asked for; it is the handler of SIGINT, so that work inside other work finds it."""

    def __init__(self) -> None:
        self._asked = False

    def is_wanted(self) -> bool:
        """Tell whether work should end after what is in hand."""
        return self._asked

    def __call__(self, *_: object) -> None:
        """Ask for it; a second time, stop at once."""
        if self._asked:
            raise KeyboardInterrupt
        self._asked = True
        _log.warning("stopping when what is in hand is finished; Ctrl-C again stops at once")


@contextmanager
def stoppable() -> Iterator[Stop]:
    """Yield what Ctrl-C sets while the block runs; what asks for it ends with a StoppedError of its own.

    Outside the main thread, or where the caller handles SIGINT in its own way, nothing is changed. Inside a block of
    this kind it is the outer one's.
    """
    before = signal.getsignal(signal.SIGINT)
    if isinstance(before, Stop):
        yield before
        return
    stop = Stop()
    if threading.current_thread() is not threading.main_thread() or before is not signal.default_int_handler:
        yield stop
        return
    signal.signal(signal.SIGINT, stop)
    try:
        yield stop
    finally:
        signal.signal(signal.SIGINT, before)


@contextmanager
def deaf_children() -> Iterator[None]:
    """Begin processes, and threads that begin some, which do not hear Ctrl-C: a terminal sends it to all of them.

    The process that hands out work decides, once the block has ended; a worker that went by itself would be waited for in
    vain. That the signal is blocked is handed down, also to workers that are begun later in the place of others.
    """
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    from multiprocessing import resource_tracker

    # Python's own helper process unblocks the signal in whatever thread begins it (bpo-33613): so it is begun first
    resource_tracker.ensure_running()
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
