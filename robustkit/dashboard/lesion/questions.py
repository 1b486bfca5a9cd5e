"""One wish of a visitor: the score of a box, then the grids around it, coarse first."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from robustkit.dashboard.lesion.answers import Answer, GridScores
from robustkit.dashboard.lesion.grids import SHIFT, SIZE, Grid, judged_box
from robustkit.dashboard.lesion.opened import Opened, Seen, Workbench
from robustkit.errors import InputError
from robustkit.geometry import Box

Floats = NDArray[np.float64]
Known = dict[tuple[float, ...], float]
"""Scores by box: boxes that are the same after rounding are asked once."""


@dataclass(frozen=True, slots=True)
class Question:
    """A box on a film, for one model of a run.

    Attributes:
        run, record, model: Key of the run, its run.json, the model's name.
        box: x0, y0, x1, y1 as drawn, px of the film.
        seen: Gives the film (read by the worker, not by the page).
        has_grids: False asks for the score alone.
    """

    run: str
    record: Mapping[str, Any]
    model: str
    box: tuple[float, float, float, float]
    seen: Callable[[], Seen]
    has_grids: bool = True


@dataclass(slots=True)
class _Sheet:
    """A grid that fills up."""

    grid: Grid
    boxes: Floats
    scores: Floats
    is_asked: NDArray[np.bool_]
    is_bounded: NDArray[np.bool_]

    def frozen(self) -> GridScores:
        return GridScores(self.grid, self.boxes, self.scores.copy(), self.is_asked.copy(), self.is_bounded)


def answers(question: Question, workbench: Workbench) -> Iterator[Answer]:
    """Give the score, then the grids stage by stage; each answer holds all that is known.

    Raises:
        RobustkitError: Checkpoint, film or box are at fault.
    """
    begun = time.perf_counter()
    yield Answer(0, "working", message="opening film and model")
    seen = question.seen()
    film = (float(seen.film.width), float(seen.film.height))
    opened = workbench.opened(question.run, question.record, question.model)
    box = checked_box(question.box, film)
    shown = judged_box(box, rules=opened.rules, film=film)
    known: Known = {}
    _ask(opened, seen, shown[None], known)
    score = known[_key(shown)]
    if not np.isfinite(score):
        raise InputError("the model gave no finite number for this box.", fix="Choose another box.")
    base: dict[str, Any] = {"box": _key(shown), "score": score, "seconds": time.perf_counter() - begun}
    yield Answer(0, "working", **base)
    if question.has_grids:
        base["heatmap"] = opened.heatmap(seen, shown)
        yield Answer(0, "working", **base)
        sheets = [_sheet(g, box, opened, film=film) for g in (SHIFT, SIZE)]
        yield from _grids(sheets, opened, seen, known=known, base=base)


def checked_box(box: tuple[float, float, float, float], film: tuple[float, float]) -> Floats:
    """Give ``(4,)`` float64.

    Raises:
        InputError: Not finite, a side under 1 px, or beside the film.
    """
    values = np.asarray(box, dtype=np.float64)
    whole = Box(*values.tolist())
    width, height = film
    is_box = np.isfinite(values).all() and whole.width >= 1 and whole.height >= 1
    if not is_box or not whole.touches(film_width=int(width), film_height=int(height)):
        shown = ", ".join(f"{v:g}" for v in values)
        what = f"expected a box with sides of at least 1 px on the film of {width:g} x {height:g} px, got ({shown})."
        raise InputError(what, fix="Draw it again.")
    return values


def _sheet(grid: Grid, box: Floats, opened: Opened, *, film: tuple[float, float]) -> _Sheet:
    boxes = grid.boxes(box, rules=opened.rules, film=film)
    free = grid.boxes(box, rules=replace(opened.rules, border="pad"), film=film)
    shape = (grid.n, grid.n)
    is_bounded = (boxes != free).any(axis=-1)
    return _Sheet(grid, boxes, np.full(shape, np.nan), np.zeros(shape, dtype=bool), is_bounded)


def _grids(
    sheets: list[_Sheet], opened: Opened, seen: Seen, *, known: Known, base: Mapping[str, Any]
) -> Iterator[Answer]:
    """Go through the stages of all grids together, a batch at a time."""
    for stage in zip(*(s.grid.stages() for s in sheets), strict=True):
        for sheet, places in zip(sheets, stage, strict=True):
            for part in np.array_split(places, -(-len(places) // opened.step)):
                boxes = sheet.boxes.reshape(-1, 4)[part]
                _ask(opened, seen, boxes, known)
                sheet.scores.flat[part] = [known[_key(b)] for b in boxes]
                sheet.is_asked.flat[part] = True
                shift, size = (s.frozen() for s in sheets)
                yield Answer(0, "working", shift=shift, size=size, **base)


def _ask(opened: Opened, seen: Seen, boxes: Floats, known: Known) -> None:
    new = {_key(b): b for b in boxes if _key(b) not in known}
    if new:
        found = opened.scores(seen, np.stack(list(new.values())))
        known.update(zip(new, found.tolist(), strict=True))


def _key(box: Floats) -> tuple[float, ...]:
    return tuple(box.tolist())
