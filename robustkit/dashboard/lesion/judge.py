"""One worker for all visitors: the newest wish of each, served in turn, the quick answers first."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from robustkit.dashboard.lesion.answers import Answer
from robustkit.errors import RobustkitError

Work = Callable[[], Iterator[Answer]]
"""Gives better and better answers; between two of them the worker may turn to another visitor, or drop it."""

FORGET_S = 900.0
IDLE_S = 20.0
ABSENT_S = 60.0
"""Work is dropped where nobody has asked for its answer for so long: the page was closed."""

MOST_VISITORS = 200
_STOPPED = "The worker stopped on this box; the server's log says why. Change the box to try again."


@dataclass(slots=True)
class _Visitor:
    answer: Answer
    steps: Iterator[Answer] | None
    seen: float


class Judge:
    """A queue with one worker thread.

    A visitor has one wish at a time: a newer one takes the place of the older, also of one that is being worked on.

    Args:
        on_idle: Called by the worker now and then, where nothing else is to do.
        clock: Seconds; for tests.
    """

    def __init__(self, *, on_idle: Callable[[], None] | None = None, clock: Callable[[], float] = time.monotonic):
        self._on_idle = on_idle
        self._clock = clock
        self._changed = threading.Condition()
        self._visitors: OrderedDict[str, _Visitor] = OrderedDict()
        self._line: list[str] = []
        self._ticket = 0
        self._is_open = True
        self._thread: threading.Thread | None = None

    def ask(self, visitor: str, work: Work) -> int:
        """Give the ticket of a wish; an older one of the same visitor is dropped."""
        with self._changed:
            self._ticket += 1
            self._drop(visitor)
            self._visitors[visitor] = _Visitor(Answer(self._ticket, "waiting"), work(), self._clock())
            self._line.append(visitor)
            self._forget()
            self._start()
            self._changed.notify_all()
            return self._ticket

    def answer(self, visitor: str, ticket: int) -> Answer:
        """Give what is known by now; state ``gone`` where the wish was dropped or forgotten."""
        with self._changed:
            own = self._visitors.get(visitor)
            if own is None or own.answer.ticket != ticket:
                return Answer(ticket, "gone")
            own.seen = self._clock()
            return replace(own.answer, n_before=self._place(visitor))

    def wait(self, visitor: str, ticket: int, *, seconds: float) -> Answer:
        """Give the first answer that has a score, or fails; what is known by then where it takes too long."""
        with self._changed:
            self._changed.wait_for(lambda: self.answer(visitor, ticket).is_told, timeout=seconds)
            return self.answer(visitor, ticket)

    def wait_done(self, visitor: str, ticket: int, *, seconds: float) -> Answer:
        """Give the last answer, or what is known after that time."""
        with self._changed:
            self._changed.wait_for(
                lambda: self.answer(visitor, ticket).state not in ("waiting", "working"), timeout=seconds
            )
            return self.answer(visitor, ticket)

    @property
    def n_waiting(self) -> int:
        """Visitors whose wish is in the line."""
        with self._changed:
            return len(self._line)

    def leave(self, visitor: str) -> None:
        """Drop what a visitor wished."""
        with self._changed:
            self._drop(visitor)

    def close(self) -> None:
        """End the worker after the step in hand."""
        with self._changed:
            self._is_open = False
            self._line.clear()
            self._changed.notify_all()
            thread = self._thread
        if thread is not None and thread is not threading.current_thread():
            thread.join(timeout=60)

    def _drop(self, visitor: str) -> None:
        self._visitors.pop(visitor, None)
        if visitor in self._line:
            self._line.remove(visitor)

    def _forget(self) -> None:
        now = self._clock()
        for name, own in list(self._visitors.items()):
            if now - own.seen > FORGET_S or len(self._visitors) > MOST_VISITORS:
                self._drop(name)

    def _place(self, visitor: str) -> int:
        """Give how many others wait before a visitor for a first answer."""
        if self._visitors[visitor].answer.is_told or visitor not in self._line:
            return 0
        before = self._line[: self._line.index(visitor)]
        return sum(not self._visitors[v].answer.is_told for v in before)

    def _start(self) -> None:
        if self._thread is None:
            self._thread = threading.Thread(target=self._serve, name="judge", daemon=True)
            self._thread.start()

    def _serve(self) -> None:
        try:
            self._loop()
        finally:
            # an error that nobody foresaw ends this thread, and another one goes on with the others' wishes
            with self._changed:
                self._thread = None
                if self._is_open:
                    self._start()

    def _loop(self) -> None:
        while True:
            with self._changed:
                while self._is_open and not self._line:
                    if not self._changed.wait(timeout=IDLE_S) and self._on_idle:
                        self._on_idle()
                if not self._is_open:
                    return
                visitor = self._next()
                own = self._visitors[visitor]
                if self._clock() - own.seen > ABSENT_S:
                    self._drop(visitor)
                    continue
            self._step(visitor, own)

    def _next(self) -> str:
        """Take the first who has no score yet, else the first of the line."""
        chosen = next((v for v in self._line if not self._visitors[v].answer.is_told), self._line[0])
        self._line.remove(chosen)
        return chosen

    def _step(self, visitor: str, own: _Visitor) -> None:
        """Work on one wish until its next answer, and put the visitor at the end of the line again."""
        found: Answer | None = Answer(0, "failed", message=_STOPPED)
        try:
            found = next(own.steps, None) if own.steps else None
        except RobustkitError as error:
            found = Answer(0, "failed", message=str(error))
        finally:
            # also where the error is one that nobody foresaw: no visitor is left waiting for ever
            with self._changed:
                self._store(visitor, own, found)
                self._changed.notify_all()

    def _store(self, visitor: str, own: _Visitor, found: Answer | None) -> None:
        before = own.answer
        is_wanted = self._visitors.get(visitor) is own
        if found is None:
            own.answer, own.steps = replace(before, state="done", version=before.version + 1), None
        else:
            own.answer = replace(found, ticket=before.ticket, version=before.version + 1)
            if found.state == "failed":
                own.steps = None
        if is_wanted and own.steps is not None and self._is_open:
            self._line.append(visitor)
