"""The part of each film that training can see: the box, its margin, and room for the box to move."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from robustkit.cohort.case import Case
from robustkit.errors import FilmError
from robustkit.geometry import Box, Boxes, grow, square
from robustkit.images.film import read_film
from robustkit.images.held import HeldFilm
from robustkit.inputs import InputSpec


@dataclass(frozen=True, slots=True)
class Window:
    """One case ready to be cropped many times.

    Attributes:
        case_id, patient_id: Of the case.
        target: Place of its class; for one logit 1 where positive, else 0.
        pixels: ``(h, w)`` uint8, the film around the box.
        origin: x, y of the window on the film, in px.
        box: ``(4,)`` on the film.
        film: width and height of the film, in px.
        film_sha256: Of the film's file.
    """

    case_id: str
    patient_id: str
    target: int
    pixels: NDArray[np.uint8]
    origin: tuple[int, int]
    box: Boxes
    film: tuple[int, int]
    film_sha256: str

    def local(self, boxes: Boxes) -> Boxes:
        """Give film boxes in the window's own coordinates."""
        return boxes - np.array([*self.origin, *self.origin], dtype=np.float64)


@dataclass(frozen=True, slots=True)
class Loaded:
    """Windows, and why cases are missing among them (``case_id: reason``)."""

    windows: tuple[Window, ...]
    failures: tuple[str, ...]


def load_windows(
    cases: Sequence[Case], *, targets: Sequence[int], spec: InputSpec, jitter: float, workers: int
) -> Loaded:
    """Read every film once, in threads, and keep only what training can see of it.

    Args:
        cases: With boxes.
        targets: Place of each case's class.
        spec: Margin and fit of the network's input.
        jitter: Largest displacement and growth of a box in training, in box sides.
        workers: Threads.
    """
    with ThreadPoolExecutor(workers) as pool:
        pairs = zip(cases, targets, strict=True)
        found = list(pool.map(lambda pair: _load(pair[0], target=pair[1], spec=spec, jitter=jitter), pairs))
    windows = tuple(f for f in found if isinstance(f, Window))
    return Loaded(windows, tuple(f for f in found if isinstance(f, str)))


def _load(case: Case, *, target: int, spec: InputSpec, jitter: float) -> Window | str:
    try:
        # read once: the digest is that of the pixels that are learnt from, whatever becomes of the file
        held = HeldFilm(case.image.read_bytes(), name=str(case.image)) if case.image.is_file() else None
        film = read_film(held or case.image)
    except FilmError as error:
        return f"{case.case_id}: {error.what.rstrip('.')}"
    except OSError as error:
        return f"{case.case_id}: the film cannot be read ({error.strerror or type(error).__name__})"
    if not case.box.touches(film_width=film.width, film_height=film.height):
        return f"{case.case_id}: the box does not touch its film"
    x0, y0, x1, y1 = _reach(case.box, spec, jitter=jitter, film=(film.width, film.height))
    pixels = film.pixels[y0:y1, x0:x1].astype(np.uint8)  # a copy, so that the film itself is let go
    size = (film.width, film.height)
    sha256 = held.sha256 if held else ""
    return Window(case.case_id, case.patient_id, target, pixels, (x0, y0), case.box.array(), size, sha256)


def _reach(box: Box, spec: InputSpec, *, jitter: float, film: tuple[int, int]) -> tuple[int, int, int, int]:
    """Give the whole-pixel window; a window that ends inside the film must never be read beyond."""
    width, height = film
    moved = grow(box.array(), jitter * (1 + jitter) + jitter)
    seen = grow(moved, spec.margin)
    seen = square(seen) if spec.fit == "square" else seen
    x0, y0 = (int(np.floor(v)) - 2 for v in seen[:2])
    x1, y1 = (int(np.ceil(v)) + 2 for v in seen[2:])
    # the border rule moves boxes back into the film by at most their own size
    pad_x = int(np.ceil(max(0.0, -box.x0, box.x1 - width)))
    pad_y = int(np.ceil(max(0.0, -box.y0, box.y1 - height)))
    return max(0, x0 - pad_x), max(0, y0 - pad_y), min(width, x1 + pad_x), min(height, y1 + pad_y)
