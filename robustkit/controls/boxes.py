"""Control boxes: where a lesion could have been on a film that has none.

``placed`` follows the lesions in relative position and size alone; then grey levels give the controls away
(many lie on dark background). ``matched`` takes, of 200 candidates, the one nearest to a lesion box of the
same site and view in relative position, size, mean grey, sd and gradient, too.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from robustkit.errors import FilmError
from robustkit.features.grey import Grey
from robustkit.geometry import Boxes
from robustkit.images.film import read_film
from robustkit.seeds import generator

Kind = Literal["matched", "placed"]
CANDIDATES = 200
MOST_PER_FILM = 3
_MATCHED_GREY = (0, 1, 4)
"""Mean, sd and gradient among the grey summaries."""


@dataclass(frozen=True, slots=True)
class Controls:
    """Rows with lesions and control boxes, equal in number per site x view, and what was left out."""

    frame: pd.DataFrame
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Lesion:
    """A lesion box as others can be like it: relative place and size, grey summaries; and its group."""

    place: NDArray[np.float64]
    grey: NDArray[np.float64]
    group: str


def add_controls(frame: pd.DataFrame, root: Path, *, kind: Kind, seed: int, workers: int) -> Controls:
    """Draw a control box on films without a box, as many as lesions per site x view.

    Args:
        frame: Manifest rows; films without a lesion have NaN boxes.
        root: Of the image paths.
        kind: ``matched`` or ``placed``.
        seed: Of candidates and of the choice of films.
        workers: Threads that read films.
    """
    has_box = frame["x0"].notna()
    lesions, free = frame[has_box], frame[~has_box]
    with ThreadPoolExecutor(workers) as pool:
        described = list(pool.map(lambda r: _describe(r, root), lesions.to_dict("records")))
    known = [d for d in described if d is not None]
    wanted = _wanted(lesions, free, seed)
    with ThreadPoolExecutor(workers) as pool:
        drawn = list(pool.map(lambda pair: _draw(*pair, root=root, lesions=known, kind=kind, seed=seed), wanted))
    rows = [r for r in drawn if r is not None]
    kept = lesions.assign(box_source="lesion")
    controls = pd.DataFrame(rows).assign(box_source="control") if rows else frame.iloc[:0].assign(box_source="")
    said = [f"{len(rows)} control boxes ({kind}) beside {len(kept)} lesion boxes"]
    if len(rows) < len(wanted):
        said.append(f"{len(wanted) - len(rows)} films for control boxes cannot be read")
    if len(known) < len(lesions):
        said.append(f"{len(lesions) - len(known)} films with lesions cannot be read; no control is matched to them")
    short = len(kept) - len(wanted)
    if short > 0:
        said.append(f"{short} lesions have no control: too few films without a lesion of their site and view")
    return Controls(pd.concat([kept, controls], ignore_index=True), tuple(said))


def _group(row: pd.Series | dict[str, object]) -> str:
    return f"{row.get('site', '')}\x1f{row.get('view', '')}"


def _wanted(lesions: pd.DataFrame, free: pd.DataFrame, seed: int) -> list[tuple[dict[str, object], str]]:
    """Choose, per split and site x view, as many boxes on lesion-free films as there are lesions."""
    chosen = []
    keys = [*(["split"] if "split" in lesions else []), "site", "view"]
    pools = dict(iter(free.groupby(keys, sort=True, dropna=False)))
    for key, part in lesions.groupby(keys, sort=True, dropna=False):
        pool = pools.get(key)
        if pool is None:
            continue
        order = generator(seed, "control-films", *map(str, key if isinstance(key, tuple) else (key,))).permutation(
            len(pool)
        )
        rows = pool.iloc[order].to_dict("records")
        # where films are few, a film has up to MOST_PER_FILM boxes
        for k in range(min(len(part), MOST_PER_FILM * len(rows))):
            row = rows[k % len(rows)]
            name = f"{row['case_id']}{k // len(rows) + 1}"
            chosen.append(({**row, "case_id": name}, _group(row)))
    return chosen


def _describe(row: dict[str, object], root: Path) -> _Lesion | None:
    try:
        film = read_film(root / str(row["image"]))
    except FilmError:
        return None
    box = np.array([[float(str(row[c])) for c in ("x0", "y0", "x1", "y1")]])
    return _Lesion(_place(box, film.width, film.height)[0], Grey().values(film.pixels, box)[0], _group(row))


def _place(boxes: Boxes, width: int, height: int) -> NDArray[np.float64]:
    """Give relative centre and size: ``(K, 4)``, shares of the film's sides."""
    side = np.array([width, height], dtype=np.float64)
    centre = (boxes[:, :2] + boxes[:, 2:]) / 2 / side
    return np.concatenate([centre, (boxes[:, 2:] - boxes[:, :2]) / side], axis=1)


def _draw(
    row: dict[str, object], group: str, *, root: Path, lesions: Sequence[_Lesion], kind: Kind, seed: int
) -> dict[str, object] | None:
    try:
        film = read_film(root / str(row["image"]))
    except FilmError:
        return None
    # where no lesion shares site and view, all of them stand in
    own = [lesion for lesion in lesions if lesion.group == group] or list(lesions)
    random = generator(seed, "controls", str(row["case_id"]))
    boxes = _candidates(own, random, film.width, film.height)
    if kind == "placed":
        box = boxes[0]
    else:
        target = own[int(random.integers(len(own)))]
        box = boxes[
            _nearest(target, boxes, grey=Grey().values(film.pixels, boxes), own=own, film=(film.width, film.height))
        ]
    corners = dict(zip(("x0", "y0", "x1", "y1"), box.round(2).tolist(), strict=True))
    return {**row, **corners}


def _candidates(own: Sequence[_Lesion], random: np.random.Generator, width: int, height: int) -> Boxes:
    """Give boxes at the relative places of lesions, each a little off."""
    places = np.stack([lesion.place for lesion in own])[random.integers(len(own), size=CANDIDATES)]
    side = np.array([width, height], dtype=np.float64)
    size = np.clip(places[:, 2:] * side * np.exp(random.normal(0, 0.15, (CANDIDATES, 2))), 2.0, side)
    centre = (places[:, :2] + random.normal(0, 0.05, (CANDIDATES, 2))) * side
    start = np.clip(centre - size / 2, 0, side - size)
    return np.concatenate([start, start + size], axis=1)


def _nearest(
    target: _Lesion, boxes: Boxes, *, grey: NDArray[np.float64], own: Sequence[_Lesion], film: tuple[int, int]
) -> int:
    """Compare in units of the lesions' own spread, so that no feature outweighs the others."""
    columns = list(_MATCHED_GREY)
    theirs = np.stack([np.concatenate([lesion.place, lesion.grey[columns]]) for lesion in own])
    spread = np.where(theirs.std(axis=0) > 0, theirs.std(axis=0), 1.0)
    mine = np.concatenate([_place(boxes, *film), grey[:, columns]], axis=1)
    goal = np.concatenate([target.place, target.grey[columns]])
    return int(np.argmin((((mine - goal) / spread) ** 2).sum(axis=1)))
