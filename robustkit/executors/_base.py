"""The face of an executor: computes the parts of a run, here or elsewhere, in any order."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from robustkit.engine.equipment import Equipment
from robustkit.engine.pipeline import Part
from robustkit.engine.plan import Plan
from robustkit.errors import RobustkitError, RunError
from robustkit.results.folder import RunFolder


@dataclass(frozen=True, slots=True)
class Errand:
    """What another process needs to compute parts: names and paths, no pixels and no weights.

    Attributes:
        function: ``module:name`` of a function of ``text`` and lists of case_ids; it writes the parts and
            gives a JSON-able mapping (``error`` where it refuses).
        text: JSON with everything else.
    """

    function: str
    text: str


@dataclass(frozen=True, slots=True)
class Job:
    """A run with parts left to compute.

    Attributes:
        plan: All cases.
        folder: Where the parts go.
        equip: Gives what this process works with; None where it does not compute.
        errand: For other processes.
        devices: Of this machine, e.g. ``("cuda:0", "cuda:1")``.
        scheduler: Address for executors that have one; "" otherwise.
        told: Called with what an errand gave back.
        is_stopped: Whether no other part is to be begun.
    """

    plan: Plan
    folder: RunFolder
    equip: Callable[[], Equipment | None]
    errand: Errand
    devices: tuple[str, ...]
    scheduler: str = ""
    told: Callable[[Mapping[str, Any]], None] = lambda _: None
    is_stopped: Callable[[], bool] = lambda: False

    def case_ids(self, part: Part) -> list[str]:
        """Name the cases of a part."""
        return [self.plan.cases[i].case_id for i in part]


class Executor(Protocol):
    """Computes parts."""

    name: str

    def run(self, job: Job, parts: Sequence[Part]) -> Iterator[Part]:
        """Compute the parts; give each as soon as its file is there.

        Raises:
            RobustkitError: What stopped it; finished parts are kept.
        """
        ...


def shards(parts: Sequence[Part], *, workers: int) -> list[tuple[Part, ...]]:
    """Divide parts into shards of neighbours that grow smaller to the end, so that no worker idles there.

    Each takes half of an even share of what is left, eight parts at most and one at least (guided self-scheduling:
    Polychronopoulos and Kuck 1987).
    """
    pieces, begin = [], 0
    while begin < len(parts):
        size = max(1, min(8, (len(parts) - begin) // (2 * max(1, workers))))
        pieces.append(tuple(parts[begin : begin + size]))
        begin += size
    return pieces


def refusal(answer: Mapping[str, Any]) -> RobustkitError | None:
    """Give the error that an errand came back with, if any."""
    if "error" not in answer:
        return None
    error = answer["error"]
    return RunError(str(error["what"]), where=str(error["where"]), fix=str(error["fix"]))
