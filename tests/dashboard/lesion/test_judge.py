"""The one worker: newest wish, turns, failures."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator

import pytest
from robustkit.dashboard.lesion.answers import Answer
from robustkit.dashboard.lesion.judge import ABSENT_S, FORGET_S, Judge
from robustkit.errors import CheckpointError

BOX = (0.0, 0.0, 1.0, 1.0)


@pytest.fixture
def judge() -> Iterator[Judge]:
    found = Judge()
    yield found
    found.close()


class Work:
    """Steps that wait until they are let go, and write down their order."""

    def __init__(self, log: list[str]) -> None:
        self.log = log
        self.gate = threading.Semaphore(0)
        self.begun = threading.Event()

    def of(self, name: str, steps: int = 3) -> Callable[[], Iterator[Answer]]:
        def work() -> Iterator[Answer]:
            for k in range(steps):
                self.begun.set()
                self.gate.acquire(timeout=10)
                self.log.append(f"{name}{k}")
                yield Answer(0, "working", box=BOX, score=k / 10)

        return work

    def free(self) -> None:
        for _ in range(1000):
            self.gate.release()


def test_answers_come_in_steps_and_end(judge: Judge) -> None:
    work = Work([])
    ticket = judge.ask("a", work.of("a"))
    assert judge.answer("a", ticket).state == "waiting"
    work.gate.release()
    first = judge.wait("a", ticket, seconds=10)
    assert (first.state, first.score, first.ticket) == ("working", 0.0, ticket)
    work.free()
    last = judge.wait_done("a", ticket, seconds=10)
    assert (last.state, last.score) == ("done", 0.2)
    assert last.version > first.version


def test_a_newer_wish_of_a_visitor_takes_the_place_of_the_older(judge: Judge) -> None:
    work = Work([])
    old = judge.ask("a", work.of("old"))
    assert work.begun.wait(10)
    between = judge.ask("a", work.of("between"))
    new = judge.ask("a", work.of("new"))
    work.free()
    assert judge.wait_done("a", new, seconds=10).state == "done"
    # the step in hand is finished; nothing else of the old ones is begun
    assert work.log == ["old0", "new0", "new1", "new2"]
    assert judge.answer("a", old).state == judge.answer("a", between).state == "gone"


def test_visitors_are_served_in_turn_and_scores_come_first(judge: Judge) -> None:
    work = Work([])
    a = judge.ask("a", work.of("a"))
    assert work.begun.wait(10)
    b, c = judge.ask("b", work.of("b")), judge.ask("c", work.of("c"))
    assert (judge.answer("b", b).n_before, judge.answer("c", c).n_before) == (0, 1)
    work.free()
    for visitor, ticket in (("a", a), ("b", b), ("c", c)):
        assert judge.wait_done(visitor, ticket, seconds=10).state == "done"
    # a has its score: b and c get theirs before a goes on, then all take turns
    assert work.log == ["a0", "b0", "c0", "a1", "b1", "c1", "a2", "b2", "c2"]


def test_a_known_error_is_a_sentence(judge: Judge) -> None:
    def work() -> Iterator[Answer]:
        raise CheckpointError("the checkpoint of the run is missing.", where="net.pt", fix="Put it back.")
        yield

    ticket = judge.ask("a", work)
    answer = judge.wait("a", ticket, seconds=10)
    assert (answer.state, answer.message) == ("failed", "net.pt: the checkpoint of the run is missing. Put it back.")
    assert judge.wait_done("a", judge.ask("a", Work([]).of("b", 0)), seconds=10).state == "done"


def test_an_error_that_nobody_foresaw_leaves_nobody_waiting(judge: Judge, monkeypatch: pytest.MonkeyPatch) -> None:
    work = Work([])
    said = threading.Event()
    monkeypatch.setattr(
        threading, "excepthook", lambda args: said.set() if args.exc_type is ZeroDivisionError else None
    )

    def broken() -> Iterator[Answer]:
        work.gate.acquire(timeout=10)
        raise ZeroDivisionError
        yield

    first = judge.ask("a", broken)
    other = judge.ask("b", work.of("b"))
    work.free()
    assert judge.wait("a", first, seconds=10).state == "failed"
    assert said.wait(10)
    assert judge.wait_done("b", other, seconds=10).state == "done"


def test_who_does_not_ask_any_more_is_forgotten() -> None:
    now = [0.0]
    judge = Judge(clock=lambda: now[0])
    work = Work([])
    work.free()
    ticket = judge.ask("a", work.of("a"))
    judge.wait_done("a", ticket, seconds=10)
    now[0] = FORGET_S + 1
    judge.wait_done("b", judge.ask("b", work.of("b")), seconds=10)
    assert judge.answer("a", ticket).state == "gone"
    judge.close()


def test_work_for_a_page_that_was_closed_is_dropped() -> None:
    now = [0.0]
    judge = Judge(clock=lambda: now[0])
    work = Work([])
    closed = judge.ask("closed", work.of("closed"))
    assert work.begun.wait(10)
    other = judge.ask("other", work.of("other", 0))
    now[0] = ABSENT_S + 1
    assert judge.answer("other", other).state == "waiting"
    assert judge.n_waiting == 1
    work.free()
    assert judge.wait_done("other", other, seconds=10).state == "done"
    judge.close()
    assert work.log == ["closed0"]
    assert judge.answer("closed", closed).state == "gone"


def test_leaving_drops_the_wish(judge: Judge) -> None:
    work = Work([])
    ticket = judge.ask("a", work.of("a"))
    judge.leave("a")
    assert judge.wait("a", ticket, seconds=1).state == "gone"
    work.free()
