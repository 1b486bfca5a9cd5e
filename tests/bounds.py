"""The contract on hostile input: an error of ours or an answer, within time and memory; and the count of what was tried."""

from __future__ import annotations

import json
import resource
import signal
import time
import timeit
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import pandas as pd
from robustkit.errors import FilmError, RobustkitError

Outcome = Literal["error", "failed_case", "accepted"]

_FILTERS = 100
_FILTERS_S = 0.013
"""So long a processor takes for them on which the contract was set."""


def _slowness() -> float:
    """Tell how many times as long this processor takes for what commands spend their time on: what is bounded is work."""
    frame = pd.DataFrame({"name": ["x", "y"] * 50, "number": range(100)})
    # the least of several: what else the machine does must not widen the bound
    found = timeit.repeat(lambda: frame[frame["name"] == "x"], timer=time.process_time, repeat=5, number=_FILTERS)
    return max(1.0, min(found) / _FILTERS_S)


CPU_S = 10.0 * _slowness()
WALL_S = 12 * CPU_S
"""Time of the processor is what counts; the clock is there for what waits without working."""
MEMORY = 4 * 2**30


class TooSlow(BaseException):
    """The contract is broken: nothing in the library may catch this."""


@contextmanager
def bounded() -> Iterator[None]:
    """Allow 10 s of the processor (more of a slow one, see ``_slowness``) and 4 GiB beyond what the process holds already."""

    def stop(*_: object) -> None:
        raise TooSlow

    held = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    before = {s: signal.signal(s, stop) for s in (signal.SIGPROF, signal.SIGALRM)}
    resource.setrlimit(resource.RLIMIT_AS, (held + MEMORY, hard))
    signal.setitimer(signal.ITIMER_PROF, CPU_S)
    signal.setitimer(signal.ITIMER_REAL, WALL_S)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.setitimer(signal.ITIMER_REAL, 0)
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))
        for number, handler in before.items():
            signal.signal(number, handler)


@dataclass(slots=True)
class Tally:
    """What was tried, by kind, and what happened."""

    counts: dict[str, Counter[str]] = field(default_factory=dict)
    notes: dict[str, str] = field(default_factory=dict)

    def judge(self, what: str, act: Callable[[], Any], *, note: str = "") -> tuple[Outcome, str]:
        """Do something with hostile input; whatever is no error of ours fails the test.

        Args:
            what: Kind of input, a row of the count.
            act: The doing.
            note: For the row.

        Returns:
            What happened, and the sentence.
        """
        outcome, said = self._outcome(act)
        if outcome != "accepted":
            check_sentence(said)
        self.counts.setdefault(what, Counter())[outcome] += 1
        if note:
            self.notes[what] = note
        return outcome, said

    def add(self, what: str, outcome: Outcome) -> None:
        """Count what was judged elsewhere."""
        self.counts.setdefault(what, Counter())[outcome] += 1

    def rows(self) -> list[dict[str, Any]]:
        """Give the rows of the count."""
        names = ("error", "failed_case", "accepted")
        return [
            {"what": w, "tried": c.total(), **{n: c[n] for n in names}, "note": self.notes.get(w, "")}
            for w, c in sorted(self.counts.items())
        ]

    def write(self, file: Path) -> None:
        """Write the count."""
        file.parent.mkdir(parents=True, exist_ok=True)
        content = {"part": "hostile input", "rows": self.rows()}
        file.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")

    @staticmethod
    def _outcome(act: Callable[[], Any]) -> tuple[Outcome, str]:
        with bounded():
            try:
                act()
            except FilmError as error:
                return "failed_case", str(error)
            except RobustkitError as error:
                return "error", str(error)
        return "accepted", ""


def check_sentence(said: str) -> None:
    """An error says something, is no novel, and holds nothing that a terminal would act on."""
    assert said.strip()
    assert "Traceback" not in said
    assert len(said) < 20_000
    assert all(c.isprintable() or c == "\n" for c in said)
