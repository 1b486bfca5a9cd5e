"""Where the lesions of the phantom lie on their films, how large they are, and the boxes that a reader draws."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from robustkit.phantom.anatomy import SITES, Site
from robustkit.phantom.patients import Kind
from robustkit.phantom.subtypes import SUBTYPES

_NULL_FIELD_MM = (300.0, 300.0)
_NULL_SPACING_MM = 0.7
_NULL_SIZE_MM = (38.0, 0.6)
_NULL_LARGEST_MM = 150.0
_SMALLEST_MM = 6.0


def place_lesions(rng: np.random.Generator, rows: pd.DataFrame, *, kind: Kind) -> pd.DataFrame:
    """Add the pose of every film, the shape of every lesion and its box.

    Added columns: ``film_width, film_height`` (px), ``spacing_mm``, ``turn_deg``, ``mirror`` (+1 or -1), ``shift_x_mm,
    shift_y_mm`` (of the anatomy on the film), ``x_mm, y_mm`` (centre of the lesion in the frame of the anatomy),
    ``along_mm, across_mm`` (half axes), ``axis_x, axis_y`` (unit vector of the bone, frame of the anatomy),
    ``bone_half_mm``, ``side`` (+1 or -1: which side of the axis), ``off_axis_mm``, ``x0..y1`` (int64, px).
    """
    rows = _pose_films(rng, rows, kind=kind)
    size = _sizes(rng, rows, kind=kind)
    aspect = rng.uniform(0.55, 0.95, len(rows))
    if kind == "phantom-null":
        placed = _anywhere(rng, len(rows))
        across = aspect * size / 2
    else:
        placed = _on_carriers(rng, rows)
        expansion = np.array([s.look.expansion for s in SUBTYPES])[rows["tumour"]]
        across = np.minimum(aspect * size / 2, np.maximum(expansion * placed["bone_half_mm"], 0.24 * size))
    rows = rows.assign(**placed, along_mm=size / 2, across_mm=across)
    if kind == "phantom":
        rows = _off_axis(rng, rows)
    boxes = _boxes(rng, rows)
    return rows.assign(x0=boxes[:, 0], y0=boxes[:, 1], x1=boxes[:, 2], y1=boxes[:, 3])


def film_point(rows: pd.DataFrame, x_mm: NDArray[np.float64], y_mm: NDArray[np.float64]) -> NDArray[np.float64]:
    """Give ``(N, 2)`` float64 film pixels of points in the frame of the anatomy, mm."""
    turned = _turned(rows, x_mm + rows["shift_x_mm"].to_numpy(), y_mm + rows["shift_y_mm"].to_numpy())
    middle = np.stack([rows["film_width"], rows["film_height"]], axis=-1) / 2
    points: NDArray[np.float64] = turned / rows["spacing_mm"].to_numpy()[:, None] + middle
    return points


def _turned(rows: pd.DataFrame, x: NDArray[np.float64], y: NDArray[np.float64]) -> NDArray[np.float64]:
    angle = np.deg2rad(rows["turn_deg"].to_numpy())
    x = x * rows["mirror"].to_numpy()
    return np.stack([np.cos(angle) * x - np.sin(angle) * y, np.sin(angle) * x + np.cos(angle) * y], axis=-1)


def _pose_films(rng: np.random.Generator, rows: pd.DataFrame, *, kind: Kind) -> pd.DataFrame:
    n = int(rows["film"].max()) + 1
    film = rows["film"].to_numpy()
    sites = [SITES[i] for i in rows["site_index"]]
    field = np.array([s.field_mm if kind == "phantom" else _NULL_FIELD_MM for s in sites])
    usual = np.array([s.spacing_mm if kind == "phantom" else _NULL_SPACING_MM for s in sites])
    spacing = np.round(usual * rng.uniform(0.92, 1.12, n)[film], 3)
    return rows.assign(
        spacing_mm=spacing,
        film_width=np.rint(field[:, 0] / spacing).astype(int),
        film_height=np.rint(field[:, 1] / spacing).astype(int),
        turn_deg=np.clip(rng.normal(0, 3.5, n), -9, 9)[film],
        mirror=np.where(rng.random(n) < 0.5, 1, -1)[film],
        shift_x_mm=(rng.uniform(-0.02, 0.02, n)[film]) * field[:, 0],
        shift_y_mm=(rng.uniform(-0.02, 0.02, n)[film]) * field[:, 1],
    )


def _sizes(rng: np.random.Generator, rows: pd.DataFrame, *, kind: Kind) -> NDArray[np.float64]:
    median, log_sd = np.array([s.size_mm for s in SUBTYPES], dtype=float)[rows["tumour"]].T
    largest = np.array([s.largest_mm for s in SITES])[rows["site_index"]] / rows["n_on_film"].to_numpy() ** 0.7
    if kind == "phantom-null":
        (median, log_sd), largest = _NULL_SIZE_MM, np.full(len(rows), _NULL_LARGEST_MM)
    size = median * np.exp(log_sd * rng.standard_normal(len(rows)))
    cap = largest * rng.uniform(0.7, 1.0, len(rows))
    result: NDArray[np.float64] = np.clip(size, _SMALLEST_MM, cap)
    return result


def _anywhere(rng: np.random.Generator, n: int) -> dict[str, NDArray[np.float64]]:
    x, y = (rng.uniform(-60, 60, n) for _ in range(2))
    zero, one = np.zeros(n), np.ones(n)
    return {"x_mm": x, "y_mm": y, "axis_x": zero, "axis_y": one, "bone_half_mm": 20 * one}


def _on_carriers(rng: np.random.Generator, rows: pd.DataFrame) -> dict[str, NDArray[np.float64]]:
    """Choose a carrier and a point on it; lesions of one film lie on different stretches of the bones."""
    n = len(rows)
    wants_end = rng.random(n) < np.array([s.end for s in SUBTYPES])[rows["tumour"]]
    u, along = rng.random(n), rng.random(n)
    out = {k: np.empty(n) for k in ("x_mm", "y_mm", "axis_x", "axis_y", "bone_half_mm")}
    turn = _first_stretch(rng, rows)
    for i, (index, on_film, n_on_film) in enumerate(zip(rows["site_index"], turn, rows["n_on_film"], strict=True)):
        site: Site = SITES[index]
        if n_on_film > 1:
            place = (on_film + 0.25 + 0.5 * u[i]) / n_on_film * len(site.carriers)
            carrier, t = site.carriers[int(place)], place % 1.0
        else:
            fitting = [c for c in site.carriers if (c.part == "end") == wants_end[i]] or list(site.carriers)
            carrier, t = fitting[int(u[i] * len(fitting))], along[i]
        step = np.array([carrier.x1_mm - carrier.x0_mm, carrier.y1_mm - carrier.y0_mm])
        length = float(np.hypot(*step))
        out["x_mm"][i], out["y_mm"][i] = carrier.x0_mm + t * step[0], carrier.y0_mm + t * step[1]
        out["axis_x"][i], out["axis_y"][i] = step / length
        out["bone_half_mm"][i] = carrier.half_mm
    return out


def _first_stretch(rng: np.random.Generator, rows: pd.DataFrame) -> NDArray[np.int64]:
    start = rng.integers(0, 4, int(rows["film"].max()) + 1)[rows["film"]]
    turned: NDArray[np.int64] = ((rows["on_film"] + start) % rows["n_on_film"]).to_numpy()
    return turned


def _off_axis(rng: np.random.Generator, rows: pd.DataFrame) -> pd.DataFrame:
    """Move every lesion off the axis of its bone, as far as its tumour usually lies off it."""
    eccentric = np.array([s.look.eccentric for s in SUBTYPES])[rows["tumour"]]
    side = np.where(rng.random(len(rows)) < 0.5, 1, -1)
    half = rows["bone_half_mm"].to_numpy()
    within = eccentric * rng.uniform(0.7, 1.2, len(rows)) * half
    offset = side * np.where(eccentric > 1, 0.85 * half + 0.6 * rows["across_mm"], within)
    return rows.assign(
        side=side,
        off_axis_mm=np.abs(offset),
        x_mm=rows["x_mm"] - offset * rows["axis_y"],
        y_mm=rows["y_mm"] + offset * rows["axis_x"],
    )


def _boxes(rng: np.random.Generator, rows: pd.DataFrame) -> NDArray[np.int64]:
    """Draw boxes as a reader does: the extent of the lesion, a little margin on each side, within the film."""
    axis = _turned(rows, rows["axis_x"].to_numpy(), rows["axis_y"].to_numpy())
    along, across = (rows[c].to_numpy() / rows["spacing_mm"].to_numpy() for c in ("along_mm", "across_mm"))
    half = np.hypot(along[:, None] * axis, across[:, None] * axis[:, ::-1])
    centre = film_point(rows, rows["x_mm"].to_numpy(), rows["y_mm"].to_numpy())
    margin = rng.uniform(0.02, 0.12, (len(rows), 4)) * 2
    low = np.floor(centre - half * (1 + margin[:, :2]))
    high = np.ceil(centre + half * (1 + margin[:, 2:]))
    film = np.stack([rows["film_width"], rows["film_height"]], axis=-1)
    low, high = np.clip(low, 0, film - 8), np.clip(high, 8, film)
    return np.concatenate([low, high], axis=1).astype(np.int64)
