"""Films, crops, forwards and rows, part by part: each in its own thread, so that the network never waits."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from robustkit.engine.equipment import Equipment, batch_of
from robustkit.engine.looking import Look, Looker
from robustkit.engine.packing import Lane, Packer, Pending
from robustkit.engine.plan import Plan
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


def run_parts(plan: Plan, equipment: Equipment, parts: Sequence[Part], *, write: Write) -> Iterator[Part]:
    """Compute the parts one after the other; give each when ``write`` has returned.

    Memory does not grow with the number of cases: a few films, batches and parts are held at a time.

    Args:
        plan: Cases and boxes.
        equipment: Models, forwards, cropper.
        parts: To be computed.
        write: Called in a thread of its own, one part at a time.
    """
    looker = Looker(plan, equipment, parts)
    lane = Lane(threaded=equipment.device == "cpu")
    writer = ThreadPoolExecutor(1, thread_name_prefix="rows")
    packers = _packers(equipment, lane)
    writing: deque[tuple[Part, Future[None]]] = deque()
    try:
        for part in parts:
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
            equipment.forwards[m.name],
            batch_of(m, size=equipment.batch_size, depth=equipment.depth),
            n_outputs=m.n_outputs,
            lane=lane,
            device=equipment.device,
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
        for model in equipment.networks:
            if not look.reason:
                packers[model.name].add(look.crops[model.input])
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
    tables = []
    names = [plan.cases[i].case_id for i in part]
    for model in equipment.models:
        if model.engine == "facts":
            answers = [_ask_facts(model, plan, i, look) for i, look in zip(part, seen, strict=True)]
        else:
            answers = _unpack(pending[model.name].wait(), names, seen)
        tables.append(predictions(model, answers, plan.conditions))
    notes = {n: look.notes for n, look in zip(names, seen, strict=True) if look.notes}
    pictures = {n: look.thumbnail for n, look in zip(names, seen, strict=True) if look.thumbnail}
    write(PartResult(part, tuple(tables), sum(bool(look.reason) for look in seen), notes, pictures))


def _ask_facts(model: Classifier, plan: Plan, index: int, look: Look) -> Answer:
    case = plan.cases[index]
    if look.reason:
        return Answer(case.case_id, look.boxes, None, look.reason)
    return Answer(case.case_id, look.boxes, model.runner.logits(case, look.boxes))


def _unpack(logits: NDArray[np.float32], names: Sequence[str], seen: Sequence[Look]) -> list[Answer]:
    answers = []
    start = 0
    for name, look in zip(names, seen, strict=True):
        if look.reason:
            answers.append(Answer(name, look.boxes, None, look.reason))
            continue
        own = logits[start : start + len(look.distinct)]
        start += len(look.distinct)
        answers.append(Answer(name, look.boxes, own[look.back]))
    return answers
