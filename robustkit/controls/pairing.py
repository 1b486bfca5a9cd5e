"""Which film without a lesion gets a control box for which lesion."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from robustkit.errors import FilmError
from robustkit.images.film import film_size
from robustkit.seeds import generator

MOST_PER_FILM = 3
"""Where films are few, one film has up to this many boxes."""


@dataclass(frozen=True, slots=True)
class Group:
    """Films without a lesion, in the order that they are used, and the lesions that they stand beside.

    Attributes:
        films: Rows of the manifest without a box.
        lesions: ``(n,)`` positions of lesions, in the order that they get a control.
    """

    films: tuple[Mapping[str, object], ...]
    lesions: NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class Task:
    """One film of a group and the lesions that its boxes are for."""

    film: int
    targets: tuple[int, ...]


def groups(lesions: pd.DataFrame, free: pd.DataFrame, *, root: Path, seed: int) -> list[Group]:
    """Pair lesions and films of the same split, site and view.

    A film without a site stands beside lesions of the same split, view, centre and aspect ratio for which no film
    of their site is there.
    """
    split = ["split"] if "split" in lesions else []
    named = [*split, "site", "view"]
    unnamed = [*split, "view", "centre", "aspect"]
    has_site = _column(free, "site") != ""
    pools = _pools(free[has_site], named)
    spare = _pools(_with_aspect(free[~has_site], root), unnamed)
    wide = _with_aspect(lesions, root) if spare else lesions
    chosen: dict[tuple[str, ...], list[int]] = defaultdict(list)
    for i, row in enumerate(wide.to_dict("records")):
        key = ("site", *(str(row.get(c, "")) for c in named))
        other = ("aspect", *(str(row.get(c, "")) for c in unnamed))
        if key[1:] in pools:
            chosen[key].append(i)
        elif other[1:] in spare:
            chosen[other].append(i)
    found = []
    for key, own in sorted(chosen.items()):
        pool = (pools if key[0] == "site" else spare)[key[1:]]
        films = generator(seed, "control-films", *key).permutation(len(pool))
        order = generator(seed, "control-lesions", *key).permutation(len(own))
        found.append(Group(tuple(pool[f] for f in films), np.array(own, dtype=np.intp)[order]))
    return found


def tasks(group: Group, *, without: set[int]) -> list[Task]:
    """Hand a group's lesions out to its films, one each, then a second and a third round.

    Args:
        group: Films and lesions.
        without: Films that cannot be read.
    """
    films = [i for i in range(len(group.films)) if i not in without]
    targets: dict[int, list[int]] = defaultdict(list)
    for k, lesion in enumerate(group.lesions[: MOST_PER_FILM * len(films)].tolist()):
        targets[films[k % len(films)]].append(lesion)
    return [Task(film, tuple(own)) for film, own in targets.items()]


def _pools(free: pd.DataFrame, columns: list[str]) -> dict[tuple[str, ...], list[Mapping[str, object]]]:
    found: dict[tuple[str, ...], list[Mapping[str, object]]] = defaultdict(list)
    for row in free.to_dict("records"):
        key = tuple(str(row.get(c, "")) for c in columns)
        found[key].append({str(k): v for k, v in row.items() if k != "aspect"})
    return found


def _column(frame: pd.DataFrame, name: str) -> pd.Series:
    return frame[name].fillna("").astype(str) if name in frame else pd.Series("", index=frame.index, dtype=str)


def _with_aspect(frame: pd.DataFrame, root: Path) -> pd.DataFrame:
    return frame.assign(aspect=[_aspect(root / str(i)) for i in frame["image"]])


def _aspect(path: Path) -> str:
    """Give portrait, square or landscape: width over height under 4/5, to 5/4, over it."""
    try:
        size = film_size(path)
    except FilmError:
        return "unknown"
    ratio = size.width / size.height
    return "portrait" if ratio < 0.8 else "landscape" if ratio > 1.25 else "square"
