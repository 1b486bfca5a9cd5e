"""Reads films ahead of the network, in threads, and has their boxes cut."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from robustkit.backends._memory import device_memory
from robustkit.crops._base import Cropper
from robustkit.engine.equipment import Equipment
from robustkit.engine.plan import Plan
from robustkit.errors import DeviceMemoryError, FilmError
from robustkit.geometry import Boxes
from robustkit.images.film import read_film
from robustkit.images.thumbnail import Thumbnail, thumbnail, window_around
from robustkit.inputs import InputSpec
from robustkit.registry import load

SIZE_PX, QUALITY = 160, 55
"""Of the thumbnails: about 1 kB each."""


@dataclass(frozen=True, slots=True)
class Look:
    """One case after its film was read.

    Attributes:
        boxes: ``(C, 4)`` of all conditions.
        distinct: Positions of the distinct ones among them.
        back: ``(C,)`` which distinct one each condition shows.
        crops: By InputSpec, of the distinct boxes; empty until they are made.
        film: What the cropper loaded, until the crops are made.
        thumbnail: Of the film around the boxes, where it is kept.
        reason: Why the case fails; "" where it does not.
        notes: What the film was noted for.
    """

    boxes: Boxes
    distinct: NDArray[np.intp]
    back: NDArray[np.intp]
    crops: Mapping[InputSpec, Any] = field(default_factory=dict)
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
        self._host: Cropper = equipment.cropper

    def next(self) -> Look:
        """Give the next case, with its crops."""
        while len(self._running) < 2 * self._equipment.workers and self._refill():
            index, boxes = self._waiting.popleft()
            self._running.append(self._pool.submit(self._read, index, boxes))
        look = self._running.popleft().result()
        return self._cut(look) if self._equipment.cropper.is_queued else look

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

    def _read(self, index: int, boxes: Boxes) -> Look:
        """Read the film of one case; crop, too, where that is done on the CPU."""
        _, distinct, back = np.unique(boxes, axis=0, return_index=True, return_inverse=True)
        look = Look(boxes, distinct, back.ravel(), reason=self._plan.headers.faults[index])
        equipment = self._equipment
        if look.reason or not equipment.specs:
            return look
        try:
            path = self._plan.cases[index].image
            film = read_film(path, depth=equipment.depth, allow_truncated=equipment.allow_truncated)
        except FilmError as error:
            return replace(look, reason=error.what)
        if equipment.keeps_images and not self._plan.first_repeat:
            look = replace(
                look, thumbnail=thumbnail(film.pixels, window_around(boxes), size_px=SIZE_PX, quality=QUALITY)
            )
        if equipment.cropper.is_queued:
            # a film that does not fit on the device is cropped here: the pixels are the same
            try:
                with device_memory(equipment.device, doing="a film"):
                    return replace(look, film=equipment.cropper.load(film.pixels), notes=film.notes)
            except DeviceMemoryError:
                return self._cut(replace(look, film=film.pixels, notes=film.notes), load("crops", "pillow"))
        return self._cut(replace(look, film=equipment.cropper.load(film.pixels), notes=film.notes))

    def _cut(self, look: Look, maker: Any = None) -> Look:
        if look.film is None:
            return look
        cropper = maker.prepare("cpu") if maker else self._equipment.cropper
        boxes = look.boxes[look.distinct]
        with device_memory(self._equipment.device, doing="the crops of one film"):
            made = {s: cropper.crops(look.film, boxes, s, snapping=self._plan.snap) for s in self._equipment.specs}
        return replace(look, crops=made, film=None)
