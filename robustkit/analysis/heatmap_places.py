"""Which part of every cell of a heatmap lies in the lesion, in its border zone, outside bone, on a marker."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.ndimage import distance_transform_edt

from robustkit.errors import FilmError, InputError
from robustkit.images.mask import read_mask

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

INSIDE, BORDER, ELSEWHERE = "inside", "border", "elsewhere"
OUTSIDE_BONE, ON_MARKER = "outside_bone", "on_marker"
MASKS = {OUTSIDE_BONE: "bone_mask", ON_MARKER: "marker_mask"}
"""Facts of a manifest that name further masks; paths as of ``mask``."""

_EVEN = 1e-9

WHOLE = 0.999
"""Share of a map's area from which on a place is the whole map: nothing outside was seen."""


@dataclass(frozen=True, slots=True)
class Width:
    """A length: in mm, or as a share of the longer side of the box.

    Attributes:
        value: Above 0.
        is_mm: True in mm.
    """

    value: float
    is_mm: bool

    @classmethod
    def read(cls, text: str, *, where: str) -> Width:
        """Read ``15%`` or ``5mm``.

        Raises:
            InputError: Neither.
        """
        number = text.strip().removesuffix("%").removesuffix("mm").strip()
        try:
            value = float(number)
        except ValueError:
            value = float("nan")
        if not 0 < value < float("inf") or not text.strip().endswith(("%", "mm")):
            what = f"expected a width above 0 in % of the box or in mm, got {text!r}."
            raise InputError(what, where=where, fix="Write for example 15% or 5mm.")
        is_mm = text.strip().endswith("mm")
        return cls(value if is_mm else value / 100, is_mm)

    def px(self, box: Floats, spacing_mm: float) -> float:
        """Give it in px of the film; NaN in mm where the spacing is unknown."""
        if self.is_mm:
            return self.value / spacing_mm if spacing_mm > 0 else float("nan")
        return self.value * float(max(box[2] - box[0], box[3] - box[1]))

    def __str__(self) -> str:
        """Give it as it is written."""
        return f"{self.value:g} mm" if self.is_mm else f"{100 * self.value:g} % of the box"


@dataclass(frozen=True, slots=True)
class Lesion:
    """Where the lesion of a case is.

    Attributes:
        box: ``(4,)`` px of the film.
        mask: ``(H, W)`` of the film; None where there is none.
        fault: Why a mask that is named is not there; "" where nothing is wrong.
        spacing_mm: NaN where unknown.
        others: Further masks, or why they are not there, by place.
    """

    box: Floats
    mask: Flags | None
    fault: str
    spacing_mm: float
    others: Mapping[str, Flags | str]

    @property
    def drawn_as(self) -> str:
        """``mask`` or ``box``."""
        return "box" if self.mask is None else "mask"


def read_lesion(case: Mapping[str, Any]) -> Lesion:
    """Read the masks of a case of cases.parquet."""
    box = np.array([float(case[c]) for c in ("x0", "y0", "x1", "y1")])
    size = (_number(case, "film_height_px"), _number(case, "film_width_px"))
    mask = _mask(case, "mask", size)
    others = {place: _mask(case, column, size) for place, column in MASKS.items() if _text(case, column)}
    spacing = _number(case, "spacing_mm")
    spacing = spacing if spacing > 0 else _number(case, "film_spacing_mm")
    found = mask if isinstance(mask, np.ndarray) else None
    return Lesion(box, found, mask if isinstance(mask, str) else "", spacing, others)


def _text(case: Mapping[str, Any], column: str) -> str:
    value = case.get(column)
    return value if isinstance(value, str) else ""


def _number(case: Mapping[str, Any], column: str) -> float:
    return float(pd.to_numeric(case.get(column, np.nan), errors="coerce"))


def _mask(case: Mapping[str, Any], column: str, size: tuple[float, float]) -> Flags | str:
    """Give a mask, or why there is none; "" where none is named."""
    name = _text(case, column)
    if not name:
        return ""
    root = Path(_text(case, "image_path").removesuffix(_text(case, "image")))
    if not (root / name).resolve().is_relative_to(root.resolve()):
        return f"the {column.replace('_', ' ')} leaves the folder of the films"
    try:
        return read_mask(root / name, size=size, name=column.replace("_", " "))
    except FilmError as error:
        return error.what


@dataclass(frozen=True, slots=True)
class Place:
    """A place of the film, as a map sees it.

    Attributes:
        covered: ``(h, w)`` share of every cell that lies in it; None where the place cannot be told.
        reason: Why it cannot.
    """

    covered: Floats | None
    reason: str = ""

    @property
    def uniform(self) -> float:
        """Give the share that a uniform map would have in it: that of the area."""
        return float("nan") if self.covered is None else float(self.covered.mean())

    def share(self, values: Floats) -> float:
        """Give the share of a map's energy in it."""
        return float("nan") if self.covered is None else float((values * self.covered).sum() / values.sum())


def places(lesion: Lesion, region: Floats, cells: tuple[int, int], width: Width) -> dict[str, Place]:
    """Give the places of a case.

    Args:
        lesion: Of the case.
        region: ``(4,)`` what the map lies over, px of the film.
        cells: Height and width of the map.
        width: Of the border zone on either side of the mask's outline.
    """
    found = {}
    if lesion.mask is None:
        inside = _box_share(lesion.box, region, cells)
        found[INSIDE] = Place(None, lesion.fault) if lesion.fault else Place(inside)
        found[BORDER] = Place(None, lesion.fault or "a border zone is drawn around a mask, and there is none")
        found[ELSEWHERE] = Place(None, lesion.fault) if lesion.fault else Place(1 - inside)
        if not lesion.fault and inside.mean() >= WHOLE:
            seen = "the crop is the box: of what lies outside the model saw nothing (--margin shows more)"
            found[INSIDE] = found[ELSEWHERE] = Place(None, seen)
    else:
        inside = covered(lesion.mask, region, cells)
        zone = _zone(lesion.mask, region, cells, width.px(lesion.box, lesion.spacing_mm))
        found[INSIDE] = Place(inside)
        found[BORDER] = Place(None, zone) if isinstance(zone, str) else Place(covered(zone, region, cells))
        rest = lesion.mask if isinstance(zone, str) else lesion.mask | zone
        found[ELSEWHERE] = Place(1 - covered(rest, region, cells))
    found = {n: _tellable(p) for n, p in found.items()}
    for place, mask in lesion.others.items():
        if isinstance(mask, str):
            found[place] = Place(None, mask)
            continue
        share = covered(mask, region, cells)
        found[place] = Place(1 - share if place == OUTSIDE_BONE else share)
    return found


def _tellable(place: Place) -> Place:
    """A place of which every cell shows the same share says nothing about a map."""
    if place.covered is None or np.ptp(place.covered) > _EVEN:
        return place
    if place.covered.mean() < _EVEN:
        return Place(None, "the crop shows nothing of it")
    height, width = place.covered.shape
    return Place(
        None, f"every cell of the map of {height} x {width} shows as much of it: the map is too coarse (--layer)"
    )


def _zone(mask: Flags, region: Floats, cells: tuple[int, int], width_px: float) -> Flags | str:
    """Give the pixels whose middle is at most so far from the outline, inside and outside, or why there are none."""
    if not width_px > 0:
        return "the border zone is in mm and the pixel spacing is unknown"
    cell = max((region[2] - region[0]) / cells[1], (region[3] - region[1]) / cells[0])
    if 2 * width_px < cell:
        return f"the border zone is {2 * width_px:.0f} px wide, narrower than a cell of the map ({cell:.0f} px)"
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    more = int(np.ceil(width_px)) + 2
    window = (
        slice(max(0, rows[0] - more), rows[-1] + more + 1),
        slice(max(0, columns[0] - more), columns[-1] + more + 1),
    )
    part = np.pad(mask[window], 1)
    # distances are between middles of pixels: the outline lies half a pixel before the next one
    outside, inside = distance_transform_edt(~part) - 0.5, distance_transform_edt(part) - 0.5
    near = np.where(part, inside <= width_px, outside <= width_px)[1:-1, 1:-1]
    zone = np.zeros_like(mask)
    zone[window] = near
    return zone


def _box_share(box: Floats, region: Floats, cells: tuple[int, int]) -> Floats:
    edges = [np.linspace(region[i], region[i + 2], n + 1) for i, n in ((0, cells[1]), (1, cells[0]))]
    across, down = (
        np.clip(np.minimum(e[1:], box[i + 2]) - np.maximum(e[:-1], box[i]), 0, None) / np.diff(e)
        for i, e in enumerate(edges)
    )
    return np.asarray(np.outer(down, across))


def covered(mask: Flags, region: Floats, cells: tuple[int, int]) -> Floats:
    """Give ``(h, w)`` the share of every cell that lies in a mask; a pixel that is cut counts with its part.

    Args:
        mask: ``(H, W)`` of the film; beyond it there is nothing.
        region: ``(4,)`` px of the film; it may leave the film.
        cells: h and w.
    """
    down = _overlap(region[1], region[3], cells[0], mask.shape[0])
    across = _overlap(region[0], region[2], cells[1], mask.shape[1])
    rows, columns = down.any(axis=0), across.any(axis=0)
    part = mask[np.ix_(rows, columns)].astype(np.float64)
    area = (region[2] - region[0]) / cells[1] * ((region[3] - region[1]) / cells[0])
    return np.asarray(down[:, rows] @ part @ across[:, columns].T / area)


def _overlap(low: float, high: float, cells: int, pixels: int) -> Floats:
    """Give ``(cells, pixels)``: px of every pixel that lie in every cell."""
    edges = np.linspace(low, high, cells + 1)
    start = np.arange(pixels, dtype=np.float64)
    return np.asarray(np.clip(np.minimum(edges[1:, None], start + 1) - np.maximum(edges[:-1, None], start), 0, None))
