"""Reads films ahead of the network, in threads, and has their boxes cut."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import numpy as np

from robustkit.backends._memory import device_memory, no_room
from robustkit.engine.equipment import Equipment
from robustkit.engine.expect import boxes_per_row
from robustkit.engine.films import read_same_film
from robustkit.engine.plan import Plan
from robustkit.engine.questions import Places, Questions, Said, guarded
from robustkit.errors import DeviceMemoryError, FilmError
from robustkit.geometry import Boxes
from robustkit.images.thumbnail import Thumbnail, thumbnail, window_around
from robustkit.registry import load

SIZE_PX, QUALITY = 160, 55
"""Of the thumbnails: about 1 kB each."""

CROPS_BYTES = 2**30
"""Of crops that wait for the networks, about: where a case needs many, fewer films are read ahead."""


@dataclass(frozen=True, slots=True)
class Look:
    """One case after its film was read.

    Attributes:
        boxes: ``(C, 4)`` of all conditions.
        questions: What the models are asked; None where the case fails.
        crops: By name of a network, of the boxes that it is asked; empty until they are made.
        said: By name of a film model, of the boxes that it is asked.
        film: What the cropper loaded, until the crops are made.
        thumbnail: Of the film around the boxes, where it is kept.
        reason: Why the case fails; "" where it does not.
        notes: What the film was noted for.
    """

    boxes: Boxes
    questions: Questions | None = None
    crops: Mapping[str, Any] = field(default_factory=dict)
    said: Mapping[str, Said] = field(default_factory=dict)
    film: Any = None
    thumbnail: Thumbnail | None = None
    reason: str = ""
    notes: tuple[str, ...] = ()

    def without_pixels(self) -> Look:
        """Give the same without film and crops, which need much memory."""
        return replace(self, crops={}, film=None)


class Looker:
    """Gives the cases of some parts in order; a few films beyond the one wanted next are in work.

    Args:
        plan, equipment: Of the run.
        parts: Positions of cases.
    """

    def __init__(self, plan: Plan, equipment: Equipment, parts: Sequence[tuple[int, ...]]) -> None:
        self._plan = plan
        self._equipment = equipment
        self._parts = iter(parts)
        self._pool = ThreadPoolExecutor(equipment.workers, thread_name_prefix="film")
        self._waiting: deque[tuple[int, Boxes]] = deque()
        self._running: deque[Future[Look]] = deque()
        self._specs = equipment.specs
        self._film_models = equipment.film_models
        self._needs_film = bool(self._specs or self._film_models)
        self._ahead = films_ahead(plan, equipment)

    def next(self) -> Look:
        """Give the next case, with its crops."""
        while len(self._running) < self._ahead and self._refill():
            index, boxes = self._waiting.popleft()
            self._running.append(self._pool.submit(self._held, Look(boxes), partial(self._read, index)))
        look = self._running.popleft().result()
        return self._held(look, self._cut_there) if self._equipment.cropper.is_queued else look

    def close(self) -> None:
        """Wait for the films in work; drop what is queued."""
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _refill(self) -> bool:
        if not self._waiting:
            part = next(self._parts, None)
            if part is not None:
                boxes = self._plan.boxes(part)
                self._waiting.extend((i, boxes[k, : self._plan.n_rows(i)]) for k, i in enumerate(part))
        return bool(self._waiting)

    def _held(self, look: Look, step: Callable[[Look], Look]) -> Look:
        """Take a step with a case; one that the machine has no memory for has failed, and the others go on."""
        try:
            with device_memory("cpu", doing="a case"):
                return step(look)
        except DeviceMemoryError:
            return Look(look.boxes, reason=no_room("cpu", "the film and the crops of this case"))

    def _read(self, index: int, look: Look) -> Look:
        """Read the film of one case; ask film models, and crop where that is done on the CPU."""
        equipment, headers, boxes = self._equipment, self._plan.headers, look.boxes
        look = replace(look, reason=headers.faults[index])
        if look.reason:
            return look
        size = (float(headers.size[index, 0]), float(headers.size[index, 1]))
        case = self._plan.case(index)
        questions = Questions.of(equipment.models, case, boxes, film=size, rules=self._plan.rules)
        look = replace(look, questions=questions)
        if not self._needs_film:
            return look
        try:
            film = read_same_film(
                case.image, headers.digest(index), depth=equipment.depth, allow_truncated=equipment.allow_truncated
            )
        except FilmError as error:
            return replace(look, questions=None, reason=error.what)
        said = {m.name: guarded(m.runner.logits, case, film.pixels, questions.boxes(m.name)) for m in self._film_models}
        look = replace(look, said=said, notes=film.notes)
        if equipment.keeps_images and not self._plan.first_repeat:
            look = replace(
                look, thumbnail=thumbnail(film.pixels, window_around(boxes), size_px=SIZE_PX, quality=QUALITY)
            )
        return self._handed_over(look, film.pixels) if self._specs else look

    def _handed_over(self, look: Look, pixels: Any) -> Look:
        """Crop, or bring the film to where that is done later."""
        equipment = self._equipment
        if not equipment.cropper.is_queued:
            return self._cut(replace(look, film=equipment.cropper.load(pixels)))
        # a film that does not fit on the device is cropped here: the pixels are the same
        try:
            with device_memory(equipment.device, doing="a film"):
                return replace(look, film=equipment.cropper.load(pixels))
        except DeviceMemoryError:
            return self._cut(replace(look, film=pixels), load("crops", "pillow"))

    def _cut_there(self, look: Look) -> Look:
        """Crop on the device; where it is full, here."""
        try:
            with device_memory(self._equipment.device, doing="the crops of one film"):
                return self._cut(look)
        except DeviceMemoryError:
            return self._cut(replace(look, film=look.film.cpu().numpy()), load("crops", "pillow"))

    def _cut(self, look: Look, maker: Any = None) -> Look:
        if look.film is None or look.questions is None:
            return look
        cropper = maker.prepare("cpu") if maker else self._equipment.cropper
        asked = look.questions
        made: dict[str, Any] = {}
        for spec, names in self._specs.items():
            shared = asked.shared(names)
            crops = cropper.crops(look.film, asked.table[shared], spec, snapping=self._plan.snap)
            made |= {n: _picked(crops, shared, asked.wanted[n]) for n in names}
        return replace(look, crops=made, film=None)


def films_ahead(plan: Plan, equipment: Equipment) -> int:
    """Give how many films are in work at a time: two for each thread, fewer where their crops would not fit."""
    most = 2 * equipment.workers
    specs = equipment.specs
    if equipment.cropper.is_queued or not specs:
        return most
    level = 1 if equipment.depth == "8" else 4
    crop_bytes = sum(level * s.height_px * s.width_px for s in specs)
    case_bytes = crop_bytes * len(plan.conditions) * boxes_per_row(equipment.models, plan)
    return max(1, min(most, int(CROPS_BYTES // case_bytes)))


def _picked(crops: Any, shared: Places, wanted: Places) -> Any:
    """Give the crops that one network wants out of those made for several; the same array where it wants all."""
    if len(wanted) == len(shared):
        return crops
    chosen = np.searchsorted(shared, wanted)
    return crops[chosen] if isinstance(crops, np.ndarray) else crops[chosen.tolist()]
