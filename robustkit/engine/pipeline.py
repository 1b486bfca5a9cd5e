"""Decode, crop and forward, part by part: films are read ahead in threads while the network runs."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from robustkit.backends._base import Forward
from robustkit.crops._base import CropMaker, Pixels
from robustkit.engine.packing import Packer
from robustkit.engine.plan import Plan
from robustkit.engine.rows import Answer, predictions
from robustkit.errors import FilmError
from robustkit.geometry import Boxes
from robustkit.images.film import read_film
from robustkit.images.radiograph import Depth
from robustkit.inputs import InputSpec
from robustkit.models.classifier import Classifier


@dataclass(frozen=True, slots=True)
class Equipment:
    """What a run works with.

    Attributes:
        models: The classifiers, in order.
        forwards: By model name, for those that look at pixels.
        crops: The crop maker.
        batch_size: The one batch shape of the run.
        workers: Threads that decode and crop.
        depth, allow_truncated: How films are read.
    """

    models: tuple[Classifier, ...]
    forwards: Mapping[str, Forward]
    crops: CropMaker
    batch_size: int
    workers: int
    depth: Depth = "8"
    allow_truncated: bool = False

    @property
    def specs(self) -> tuple[InputSpec, ...]:
        """The different inputs that the networks want: crops are made once for each."""
        return tuple(dict.fromkeys(m.input for m in self.models if m.engine != "facts"))


@dataclass(frozen=True, slots=True)
class _Seen:
    """One case after decode and crop: distinct boxes, where each condition finds its own, crops by InputSpec."""

    boxes: Boxes
    distinct: NDArray[np.intp]
    back: NDArray[np.intp]
    crops: Mapping[InputSpec, Pixels] = field(default_factory=dict)
    reason: str = ""
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PartResult:
    """The rows of one part and what its films were noted for, by case."""

    part: tuple[int, ...]
    rows: pa.Table
    n_failed: int
    notes: Mapping[str, tuple[str, ...]]


def run_parts(plan: Plan, equipment: Equipment, parts: Sequence[tuple[int, ...]]) -> Iterator[PartResult]:
    """Give the results of the parts, one after the other; memory does not grow with the number of cases."""
    packers = {
        m.name: Packer(equipment.forwards[m.name], batch_size=equipment.batch_size, n_outputs=m.n_outputs)
        for m in equipment.models
        if m.engine != "facts"
    }
    with ThreadPoolExecutor(equipment.workers) as pool:
        ahead = _Ahead(pool, plan, equipment, parts)
        for part in parts:
            seen = []
            for _ in part:
                one = ahead.next()
                for model in equipment.models:
                    if model.engine != "facts" and not one.reason:
                        packers[model.name].add(one.crops[model.input])
                seen.append(_Seen(one.boxes, one.distinct, one.back, {}, one.reason, one.notes))
            yield _collect(plan, equipment, part, seen=seen, packers=packers)


class _Ahead:
    """Keeps a few films in work beyond the one that is wanted next."""

    def __init__(
        self, pool: ThreadPoolExecutor, plan: Plan, equipment: Equipment, parts: Sequence[tuple[int, ...]]
    ) -> None:
        self._pool = pool
        self._plan = plan
        self._equipment = equipment
        self._parts = iter(parts)
        self._waiting: deque[tuple[int, Boxes]] = deque()
        self._running: deque[Future[_Seen]] = deque()

    def next(self) -> _Seen:
        while len(self._running) < 2 * self._equipment.workers and self._refill():
            index, boxes = self._waiting.popleft()
            self._running.append(self._pool.submit(_look, self._plan, self._equipment, index, boxes))
        return self._running.popleft().result()

    def _refill(self) -> bool:
        if not self._waiting:
            part = next(self._parts, None)
            if part is not None:
                boxes = self._plan.boxes(part)
                self._waiting.extend((i, boxes[k, : self._plan.n_rows(i)]) for k, i in enumerate(part))
        return bool(self._waiting)


def _look(plan: Plan, equipment: Equipment, index: int, boxes: Boxes) -> _Seen:
    """Read the film of one case and cut its distinct boxes."""
    _, distinct, back = np.unique(boxes, axis=0, return_index=True, return_inverse=True)
    fault = plan.headers.faults[index]
    if fault or not equipment.specs:
        return _Seen(boxes, distinct, back.ravel(), reason=fault)
    try:
        film = read_film(plan.cases[index].image, depth=equipment.depth, allow_truncated=equipment.allow_truncated)
    except FilmError as error:
        return _Seen(boxes, distinct, back.ravel(), reason=error.what)
    made = {s: equipment.crops.crops(film.pixels, boxes[distinct], s, snapping=plan.snap) for s in equipment.specs}
    return _Seen(boxes, distinct, back.ravel(), made, notes=film.notes)


def _collect(
    plan: Plan, equipment: Equipment, part: tuple[int, ...], *, seen: Sequence[_Seen], packers: Mapping[str, Packer]
) -> PartResult:
    tables = []
    names = [plan.cases[i].case_id for i in part]
    for model in equipment.models:
        if model.engine == "facts":
            answers = [_ask_facts(model, plan, i, one) for i, one in zip(part, seen, strict=True)]
        else:
            answers = _unpack(packers[model.name].finish(), names, seen)
        tables.append(predictions(model, answers, plan.conditions))
    notes = {n: s.notes for n, s in zip(names, seen, strict=True) if s.notes}
    return PartResult(part, pa.concat_tables(tables), sum(bool(s.reason) for s in seen), notes)


def _ask_facts(model: Classifier, plan: Plan, index: int, one: _Seen) -> Answer:
    case = plan.cases[index]
    if one.reason:
        return Answer(case.case_id, one.boxes, None, one.reason)
    return Answer(case.case_id, one.boxes, model.runner.logits(case, one.boxes))


def _unpack(logits: NDArray[np.float32], names: Sequence[str], seen: Sequence[_Seen]) -> list[Answer]:
    answers = []
    start = 0
    for name, one in zip(names, seen, strict=True):
        if one.reason:
            answers.append(Answer(name, one.boxes, None, one.reason))
            continue
        own = logits[start : start + len(one.distinct)]
        start += len(one.distinct)
        answers.append(Answer(name, one.boxes, own[one.back]))
    return answers
