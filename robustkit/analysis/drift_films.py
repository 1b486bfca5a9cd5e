"""Films of external cohorts against internal ones: intensity, contrast, sharpness, resolution, whole and in the box."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from robustkit.analysis.drift_facts import Row, counts, number_rows
from robustkit.engine.run_films import RunFilms
from robustkit.errors import FilmError
from robustkit.images.measures import Measures, cut, measure, ring_contrast
from robustkit.stats.sides import Sides

Place = Literal["film", "box"]
Progress = Callable[[str, int, int], None]

NO_PATH = "the run does not say where the film is"
OFF_FILM = "the box does not touch its film"
NO_BOX = "the run does not say where the box is"

_GREY = dict.fromkeys(("mean", "sd", "p05", "p50", "p95"), "grey levels")
_BOTH = {**_GREY, "contrast": "", "laplacian_variance": "grey levels^2", "width_px": "px", "height_px": "px"}
UNITS: dict[Place, dict[str, str]] = {
    "film": {**_BOTH, "spacing_mm": "mm"},
    "box": {**_BOTH, "ring_contrast": "grey levels"},
}
"""Measures of either place, with their units."""


@dataclass(frozen=True, slots=True)
class FilmMeasures:
    """Of all N cases.

    Attributes:
        values: By place: a frame of N rows, a column per measure; NaN where it is not known.
        paths: ``(N,)`` of the films; "" where the run does not say.
        reasons: By place: ``(N,)`` why nothing was measured; "" where it was.
    """

    values: dict[Place, pd.DataFrame]
    paths: NDArray[np.object_]
    reasons: dict[Place, NDArray[np.object_]]


def measure_films(
    frame: pd.DataFrame, *, keep: NDArray[np.bool_], workers: int, films: RunFilms, progress: Progress | None
) -> FilmMeasures:
    """Read every film once, in threads; one that cannot be read is counted with the reason.

    Args:
        frame: N cases with boxes and spacing.
        keep: ``(N,)`` the cases whose films are wanted.
        workers: Threads.
        films: How the run read them; one that is another file by now is not measured.
        progress: Told of films.
    """
    n = len(frame)
    boxes, ids = frame[["x0", "y0", "x1", "y1"]].to_numpy(dtype=np.float64), frame["case_id"].tolist()
    paths = np.array([films.paths.get(i, "") for i in ids], dtype=object)
    groups = pd.Series(np.arange(n))[keep & (paths != "")].groupby(paths[keep & (paths != "")]).indices
    rows = {p: np.flatnonzero(keep & (paths != ""))[i] for p, i in groups.items()}
    values = {place: np.full((n, len(UNITS[place])), np.nan) for place in UNITS}
    reasons: dict[Place, NDArray[np.object_]] = {place: np.full(n, NO_PATH, dtype=object) for place in UNITS}
    with ThreadPoolExecutor(workers) as pool:
        found = pool.map(lambda p: _one(films, ids[rows[p][0]], boxes[rows[p]]), rows)
        for done, (path, (film, of_boxes, reason)) in enumerate(zip(rows, found, strict=True), start=1):
            own = rows[path]
            values["film"][own], values["box"][own] = film, of_boxes
            reasons["film"][own] = reason
            off = np.isnan(of_boxes[:, 0])
            no_box = ~np.isfinite(boxes[own]).all(axis=1)
            reasons["box"][own] = np.where(off, reason or np.where(no_box, NO_BOX, OFF_FILM), "").astype(object)
            if progress:
                progress("films", done, len(rows))
    tables = {place: pd.DataFrame(values[place], columns=list(UNITS[place])) for place in UNITS}
    tables["film"]["spacing_mm"] = _spacing(frame).fillna(tables["film"]["spacing_mm"]).to_numpy()
    return FilmMeasures(tables, paths, reasons)


_Found = tuple[NDArray[np.float64], NDArray[np.float64], str]


def _one(films: RunFilms, case_id: str, boxes: NDArray[np.float64]) -> _Found:
    """Give the measures of a case's film, ``(k, c)`` those of its boxes, and why there are none."""
    nothing = np.full(len(UNITS["film"]), np.nan), np.full((len(boxes), len(UNITS["box"])), np.nan)
    try:
        # 8 bit whatever the depth of the run: measures of all films on one scale
        film = films.read(case_id, depth="8")
    except FilmError as error:
        return *nothing, error.what
    pixels = np.asarray(film.pixels, dtype=np.uint8)
    of_boxes = nothing[1]
    for i in np.flatnonzero(np.isfinite(boxes).all(axis=1)):
        inside = cut(pixels, boxes[i])
        if inside.size:
            of_boxes[i] = _ordered(measure(inside), "box", ring_contrast=ring_contrast(pixels, boxes[i]))
    return _ordered(measure(pixels), "film", spacing_mm=film.spacing_mm or np.nan), of_boxes, ""


def _ordered(found: Measures, place: Place, **more: float) -> NDArray[np.float64]:
    named = {**asdict(found), "laplacian_variance": found.sharpness, **more}
    return np.array([named[name] for name in UNITS[place]], dtype=np.float64)


def _spacing(frame: pd.DataFrame) -> pd.Series:
    own = frame["spacing_mm"].astype("float64")
    return own.fillna(frame["film_spacing_mm"].astype("float64")) if "film_spacing_mm" in frame else own


def film_rows(films: FilmMeasures, rows: NDArray[np.intp], sides: Sides) -> list[Row]:
    """Give the rows of one external cohort: effect sizes without tests, and films that could not be measured.

    Args:
        films: Of all cases.
        rows: ``(n,)`` positions of the cases of both cohorts.
        sides: Of these cases. A film with several boxes counts once in ``place=film``.
    """
    found: list[Row] = []
    for place, units in UNITS.items():
        chosen = _firsts(films.paths[rows], sides.is_a) if place == "film" else np.ones(len(rows), dtype=bool)
        own, table = sides.only(chosen), films.values[place].iloc[rows[chosen]]
        for name, unit in units.items():
            values = table[name].to_numpy(dtype=np.float64)
            known = np.isfinite(values)
            fixed: Row = {"part": "films", "name": name, "place": place, "unit": unit, **counts(own, known)}
            found += number_rows(values[known], own.only(known), fixed)
        found += _losses(films.reasons[place][rows[chosen]], own, place)
    return found


def _firsts(paths: NDArray[np.object_], is_a: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """``(n,)`` True for the first case of every film, on either side; cases without a path stand for themselves."""
    again = pd.DataFrame({"path": paths, "is_a": is_a}).duplicated().to_numpy(dtype=bool)
    return np.asarray(~again | (paths == ""))


def _losses(reasons: NDArray[np.object_], sides: Sides, place: Place) -> list[Row]:
    return [
        {
            "part": "films", "name": "not_measured", "place": place, "category": reason, "measure": "count",
            "value_a": float(((reasons == reason) & sides.is_a).sum()), "test": "",
            "value_b": float(((reasons == reason) & ~sides.is_a).sum()),
        }
        for reason in sorted(set(reasons) - {""})
    ]  # fmt: skip


def lost_films(films: FilmMeasures, cohorts: Sequence[tuple[str, NDArray[np.bool_]]]) -> tuple[str, ...]:
    """Say how many films of each cohort were not measured, and why.

    Args:
        films: Of all cases.
        cohorts: Name, and ``(N,)`` its cases.
    """
    said = []
    for name, keep in cohorts:
        first = keep.copy()
        first[keep] = _firsts(films.paths[keep], np.zeros(int(keep.sum()), dtype=bool))
        reasons = pd.Series(films.reasons["film"][first])
        for reason, n in reasons[reasons != ""].value_counts().items():
            said.append(f"{n} of {int(first.sum())} films of {name} were not measured: {str(reason).rstrip('.')}.")
    return tuple(said)
