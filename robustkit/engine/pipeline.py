"""Films, crops, forwards and rows, part by part: each in its own thread, so that the network never waits."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

import pyarrow as pa

from robustkit.engine.equipment import Equipment, batch_of
from robustkit.engine.looking import Look, Looker
from robustkit.engine.packing import Lane, Outputs, Packer, Pending
from robustkit.engine.plan import Plan
from robustkit.engine.questions import Said, guarded
from robustkit.engine.rows import Answer, predictions
from robustkit.images.thumbnail import Thumbnail
from robustkit.models.classifier import Classifier

Part = tuple[int, ...]
"""Positions of the cases of one part."""

_PARTS_IN_WRITING = 2


@dataclass(frozen=True, slots=True)
class PartResult:
    """The rows of one part.

    Attributes:
        part: Its cases.
        tables: The rows of each model.
        n_failed: Cases that failed.
        notes: What films were noted for, by case.
        thumbnails: Of the films, by case.
    """

    part: Part
    tables: tuple[pa.Table, ...]
    n_failed: int
    notes: Mapping[str, tuple[str, ...]]
    thumbnails: Mapping[str, Thumbnail]


Write = Callable[[PartResult], None]


def run_parts(
    plan: Plan,
    equipment: Equipment,
    parts: Sequence[Part],
    *,
    write: Write,
    is_stopped: Callable[[], bool] = lambda: False,
) -> Iterator[Part]:
    """Compute the parts one after the other; give each when ``write`` has returned.

    Memory does not grow with the number of cases: a few films, batches and parts are held at a time.

    Args:
        plan: Cases and boxes.
        equipment: Models, forwards, cropper.
        parts: To be computed.
        write: Called in a thread of its own, one part at a time.
        is_stopped: Asked before each part: no other one is begun then.
    """
    looker = Looker(plan, equipment, parts)
    lane = Lane(threaded=equipment.device == "cpu")
    writer = ThreadPoolExecutor(1, thread_name_prefix="rows")
    packers = _packers(equipment, lane)
    writing: deque[tuple[Part, Future[None]]] = deque()
    try:
        for part in parts:
            if is_stopped():
                break
            seen, pending = _show(part, looker, equipment, packers)
            writing.append(
                (part, writer.submit(_finish, plan, equipment, part, seen=seen, pending=pending, write=write))
            )
            while len(writing) > _PARTS_IN_WRITING or (writing and writing[0][1].done()):
                yield _written(writing)
        while writing:
            yield _written(writing)
    finally:
        # a part that is being written is finished first: it is whole, and need not be made again
        looker.close()
        lane.close()
        writer.shutdown(wait=True, cancel_futures=True)


def _packers(equipment: Equipment, lane: Lane) -> dict[str, Packer]:
    return {
        m.name: Packer(
            equipment.feeders[m.name], batch_of(m, size=equipment.batch_size, depth=equipment.depth), lane=lane
        )
        for m in equipment.networks
    }


def _show(
    part: Part, looker: Looker, equipment: Equipment, packers: Mapping[str, Packer]
) -> tuple[list[Look], dict[str, Pending]]:
    """Show the cases of a part to the networks; the answers are on their way."""
    seen = []
    for _ in part:
        look = looker.next()
        for name, crops in look.crops.items():
            packers[name].add(crops)
        seen.append(look.without_pixels())
    return seen, {name: packer.finish() for name, packer in packers.items()}


def _written(writing: deque[tuple[Part, Future[None]]]) -> Part:
    part, done = writing.popleft()
    done.result()
    return part


def _finish(
    plan: Plan,
    equipment: Equipment,
    part: Part,
    *,
    seen: Sequence[Look],
    pending: Mapping[str, Pending],
    write: Write,
) -> None:
    """Wait for the answers of a part, make its rows, write them."""
    names = [plan.cases[i].case_id for i in part]
    given = {leaf: _Reel(one.wait()) for leaf, one in pending.items()}
    facts_models = [m for m in equipment.leaves if m.engine == "facts"]
    rows: list[list[Answer]] = [[] for _ in equipment.models]
    for name, look in zip(names, seen, strict=True):
        for own, one in zip(rows, _said(look, given, facts_models, n=len(rows)), strict=True):
            own.append(_answer(name, look, one))
    tables = tuple(predictions(m, a, plan.conditions) for m, a in zip(equipment.models, rows, strict=True))
    notes = {n: look.notes for n, look in zip(names, seen, strict=True) if look.notes}
    pictures = {n: look.thumbnail for n, look in zip(names, seen, strict=True) if look.thumbnail}
    write(PartResult(part, tables, sum(bool(look.reason) for look in seen), notes, pictures))


@dataclass(slots=True)
class _Reel:
    """Outputs of a network for all cases of a part, taken off one case after the other."""

    outputs: Outputs
    begun: int = 0

    def take(self, n: int) -> Said:
        """Give the next ``n``; where one is lost, why: answers of the other boxes alone are not those of the case."""
        own = range(self.begun, self.begun + n)
        self.begun += n
        lost = self.outputs.lost
        return next((lost[k] for k in own if k in lost), self.outputs.rows[own.start : own.stop])


def _said(look: Look, given: Mapping[str, _Reel], facts_models: Sequence[Classifier], *, n: int) -> Sequence[Said]:
    """Give what each of the ``n`` models says of one case."""
    asked = look.questions
    if asked is None:
        return [look.reason] * n
    said = dict(look.said) | {leaf: reel.take(len(asked.wanted[leaf])) for leaf, reel in given.items()}
    said |= {m.name: guarded(m.runner.logits, asked.case, asked.boxes(m.name)) for m in facts_models}
    return asked.answers(said)


def _answer(name: str, look: Look, said: Said) -> Answer:
    if isinstance(said, str):
        return Answer(name, look.boxes, None, said)
    return Answer(name, look.boxes, said)
