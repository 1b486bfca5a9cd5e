"""Control boxes: where a lesion could have been on a film that has none.

``placed`` follows the lesions in relative position and size alone; then grey levels give the controls away
(many lie on dark background). ``matched`` draws 200 candidates on every film and hands lesions to films so that
the sum of squared distances in relative position, size, mean grey, sd and gradient is least: every control is the
candidate of its film that is nearest to its own lesion.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from robustkit.controls.matching import Offer, hand_out
from robustkit.controls.pairing import Group, Task, groups, tasks
from robustkit.errors import FilmError
from robustkit.features.grey import Grey
from robustkit.geometry import Boxes, overlap
from robustkit.images.film import read_film
from robustkit.seeds import generator

Kind = Literal["matched", "placed"]
Pixels = NDArray[np.uint8] | NDArray[np.float32]
CANDIDATES = 200
_MATCHED_GREY = (0, 1, 4)
"""Mean, sd and gradient among the grey summaries."""
_LEAST_SPREAD = (0.01,) * 4 + (1.0,) * 3
"""Share of the film's sides, grey levels: lesions that differ by less are alike, and their sd is rounding."""
_BOX = ["x0", "y0", "x1", "y1"]


@dataclass(frozen=True, slots=True)
class Controls:
    """Rows with lesions and control boxes, equal in number per site x view, and what was left out."""

    frame: pd.DataFrame
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Lesions:
    """What controls are to be like.

    Attributes:
        place: ``(N, 4)`` relative centre and size; NaN where the film cannot be read.
        grey: ``(N, 3)`` mean, sd and gradient; NaN likewise.
    """

    place: NDArray[np.float64]
    grey: NDArray[np.float64]

    @property
    def known(self) -> NDArray[np.intp]:
        """Positions of the lesions that could be read."""
        return np.flatnonzero(np.isfinite(np.concatenate([self.place, self.grey], axis=1)).all(axis=1))

    @property
    def spread(self) -> NDArray[np.float64]:
        """``(7,)`` sd of place and grey over all lesions: the unit of each, so that none outweighs the others."""
        both = np.concatenate([self.place, self.grey], axis=1)[self.known]
        return np.maximum(both.std(axis=0), _LEAST_SPREAD) if len(both) else np.array(_LEAST_SPREAD)


def add_controls(frame: pd.DataFrame, root: Path, *, kind: Kind, seed: int, workers: int) -> Controls:
    """Draw control boxes on films without a lesion, one for every lesion of the same site and view.

    Where films without a lesion have no site, they serve lesions of the same view, aspect ratio and centre.

    Args:
        frame: Manifest rows; films without a lesion have NaN boxes.
        root: Of the image paths.
        kind: ``matched`` or ``placed``.
        seed: Of candidates and of the choice of films.
        workers: Threads that read films.
    """
    has_box = frame["x0"].notna()
    lesions, free = frame[has_box].reset_index(drop=True), frame[~has_box].reset_index(drop=True)
    with ThreadPoolExecutor(workers) as pool:
        like = _describe(lesions, root, pool)
        drawer = _Drawer(root, like, kind=kind, seed=seed)
        rows, lost = [], 0
        for group in groups(lesions, free, root=root, seed=seed):
            drawn, unread = _fill(group, drawer, pool)
            rows += drawn
            lost += unread
    controls = pd.DataFrame(rows, columns=frame.columns) if rows else frame.iloc[:0]
    said = [f"{len(rows)} control boxes ({kind}) beside {len(lesions)} lesion boxes"]
    if lost:
        said.append(f"{lost} films without a lesion cannot be read; others stand in where there are any")
    if len(like.known) < len(lesions):
        said.append(f"{len(lesions) - len(like.known)} lesions cannot be read; no control is matched to them")
    if len(rows) < len(lesions):
        what = "lesions have no control: too few films without a lesion of their site and view"
        said.append(f"{len(lesions) - len(rows)} {what}")
    out = pd.concat([lesions.assign(box_source="lesion"), controls.assign(box_source="control")], ignore_index=True)
    return Controls(out, tuple(said))


def _fill(group: Group, drawer: _Drawer, pool: ThreadPoolExecutor) -> tuple[list[dict[str, object]], int]:
    """Draw a group's boxes; films that cannot be read leave it, and the others take over."""
    if drawer.kind == "matched":
        return _match(group, drawer, pool)
    done: dict[Task, list[dict[str, object]]] = {}
    broken: set[int] = set()
    while True:
        plan = tasks(group, without=broken)
        new = [t for t in plan if t not in done]
        if not new:
            return [row for t in plan for row in done[t]], len(broken)
        for task, drawn in zip(new, pool.map(lambda t: drawer.draw(group, t), new), strict=True):
            if drawn is None:
                broken.add(task.film)
            else:
                done[task] = drawn


def _match(group: Group, drawer: _Drawer, pool: ThreadPoolExecutor) -> tuple[list[dict[str, object]], int]:
    """Look at every film of the group before any lesion is handed out."""
    offers = list(pool.map(lambda film: drawer.offer(group, film), range(len(group.films))))
    goals = drawer.goals(group)
    handed = hand_out(offers, goals)
    rows = []
    for film, own in handed.items():
        offer = offers[film]
        rows += drawer.choose(group, film, offer, goals[list(own)]) if offer is not None else []
    return rows, sum(o is None for o in offers)


def _describe(lesions: pd.DataFrame, root: Path, pool: ThreadPoolExecutor) -> Lesions:
    """Read every film with lesions once."""
    place, grey = np.full((len(lesions), 4), np.nan), np.full((len(lesions), len(_MATCHED_GREY)), np.nan)
    boxes = lesions[_BOX].astype("float64").to_numpy()
    films = [(str(image), np.asarray(rows)) for image, rows in lesions.groupby("image", sort=True).indices.items()]
    for (_, rows), found in zip(films, pool.map(lambda f: _look(root / f[0], boxes[f[1]]), films), strict=True):
        if found is not None:
            place[rows], grey[rows] = found[:, :4], found[:, 4:]
    return Lesions(place, grey)


def _look(path: Path, boxes: Boxes) -> NDArray[np.float64] | None:
    try:
        film = read_film(path)
    except FilmError:
        return None
    return _features(boxes, film.pixels)


def _features(boxes: Boxes, pixels: Pixels) -> NDArray[np.float64]:
    """Give ``(K, 7)``: relative centre and size, mean grey, sd, gradient."""
    side = np.array(pixels.shape[::-1], dtype=np.float64)
    centre = (boxes[:, :2] + boxes[:, 2:]) / 2 / side
    grey = Grey().values(pixels, boxes)[:, list(_MATCHED_GREY)]
    return np.concatenate([centre, (boxes[:, 2:] - boxes[:, :2]) / side, grey], axis=1)


class _Drawer:
    """Draws the boxes of one film at a time."""

    def __init__(self, root: Path, like: Lesions, *, kind: Kind, seed: int) -> None:
        self.kind = kind
        self._root, self._like, self._seed = root, like, seed

    def draw(self, group: Group, task: Task) -> list[dict[str, object]] | None:
        """Give the rows of one film, the first candidate for each lesion; None where the film cannot be read."""
        film = self._read(group, task.film)
        if film is None:
            return None
        boxes: list[Boxes] = []
        for copy in range(len(task.targets)):
            drawn = self._offered(group, task.film, film, copy=copy)
            if len(drawn):
                boxes.append(_apart(drawn, boxes)[0])
        return _rows(group.films[task.film], boxes)

    def offer(self, group: Group, film: int) -> Offer | None:
        """Give a film's candidates and how they look; None where it cannot be read."""
        pixels = self._read(group, film)
        if pixels is None:
            return None
        boxes = self._offered(group, film, pixels, copy=0)
        return Offer(boxes, _features(boxes, pixels) / self._like.spread)

    def goals(self, group: Group) -> NDArray[np.float64]:
        """Give ``(n, 7)`` what the group's lesions look like, in sd; one that cannot be read borrows another's."""
        own = self._own(group)
        if not len(own):
            return np.empty((0, 7))
        stand_in = [i if i in own else own[i % len(own)] for i in group.lesions]
        return np.concatenate([self._like.place, self._like.grey], axis=1)[stand_in] / self._like.spread

    def choose(self, group: Group, film: int, offer: Offer, goals: NDArray[np.float64]) -> list[dict[str, object]]:
        """Give the rows of one film: for each goal the nearest candidate that overlaps no box taken before."""
        boxes: list[Boxes] = []
        for goal in goals:
            ordered = offer.boxes[np.argsort(((offer.looks - goal) ** 2).sum(axis=1), kind="stable")]
            boxes.append(_apart(ordered, boxes)[0])
        return _rows(group.films[film], boxes)

    def _own(self, group: Group) -> NDArray[np.intp]:
        # where none of the group's lesions can be read, all others stand in
        own = np.intersect1d(group.lesions, self._like.known)
        return own if len(own) else self._like.known

    def _read(self, group: Group, film: int) -> Pixels | None:
        try:
            return read_film(self._root / str(group.films[film]["image"])).pixels
        except FilmError:
            return None

    def _offered(self, group: Group, film: int, pixels: Pixels, *, copy: int) -> Boxes:
        own = self._own(group)
        random = generator(self._seed, "controls", str(group.films[film]["case_id"]), copy)
        height, width = pixels.shape
        return _candidates(self._like.place[own], random, width, height) if len(own) else np.empty((0, 4))


def _rows(film: Mapping[str, object], boxes: Sequence[Boxes]) -> list[dict[str, object]]:
    corners = [dict(zip(_BOX, b.round(2).tolist(), strict=True)) for b in boxes]
    return [{**film, "case_id": f"{film['case_id']}{k + 1}", **c} for k, c in enumerate(corners)]


def _candidates(places: NDArray[np.float64], random: np.random.Generator, width: int, height: int) -> Boxes:
    """Give ``(200, 4)`` boxes on the film, at the relative places of lesions, each a little off."""
    chosen = places[random.integers(len(places), size=CANDIDATES)]
    side = np.array([width, height], dtype=np.float64)
    size = np.clip(chosen[:, 2:] * side * np.exp(random.normal(0, 0.15, (CANDIDATES, 2))), np.minimum(2.0, side), side)
    centre = (chosen[:, :2] + random.normal(0, 0.05, (CANDIDATES, 2))) * side
    start = np.clip(centre - size / 2, 0, side - size)
    return np.concatenate([start, start + size], axis=1)


def _apart(boxes: Boxes, drawn: Sequence[Boxes]) -> Boxes:
    """Leave out candidates that overlap a box that the film already has, unless all do."""
    if not drawn:
        return boxes
    free = (overlap(boxes[:, None], np.stack(drawn)[None]) == 0).all(axis=1)
    return boxes[free] if free.any() else boxes


def facts_of_both(frame: pd.DataFrame, names: Sequence[str]) -> Mapping[str, bool]:
    """Tell which facts lesions and controls both have: one that only lesions have gives them away by its absence."""
    by_source = [part for _, part in frame.groupby("box_source")]
    return {n: n in frame and all((p[n].astype(str) != "").any() for p in by_source) for n in names}
