"""heatmap_cases.csv: where the heatmap of every case lies, a row per model, case and measure.

Source of the pointing game: Zhang et al. 2018, International Journal of Computer Vision 126:1084.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.ndimage import binary_erosion
from scipy.spatial import cKDTree

from robustkit.analysis.heatmap_places import Lesion, Width, places, read_lesion
from robustkit.results.heatmaps import HeatmapFolder, grid
from robustkit.results.schema import HEATMAP_CASES_COLUMNS
from robustkit.stats.maps import resampled

Floats = NDArray[np.float64]

POINTING = "pointing"
MEAN_CELLS = 16
"""Cells of a cohort's mean map along a side, in which maps of any size meet."""

EMPTY = 0.01
"""Of the strongest place among a model's maps (its 99th percentile): a map that nowhere reaches it is near empty."""


@dataclass(frozen=True, slots=True)
class CaseChoices:
    """How a map becomes numbers.

    Attributes:
        border: Width of the border zone on either side of the mask's outline.
        tolerance: How far from the lesion the strongest place may lie and still hit it.
    """

    border: Width
    tolerance: Width


@dataclass(frozen=True, slots=True)
class ModelMaps:
    """What all maps of a model have in common.

    Attributes:
        strongest: The 99th percentile of the cases' strongest places: the one scale of the model's pictures.
        means: ``(16, 16)`` mean map of each cohort, in shares of the crop.
        margin: Share of the box that the crops show around it.
    """

    strongest: float
    means: Mapping[str, Floats]
    margin: float


def common(folder: HeatmapFolder, model: int, cohorts: Mapping[str, str], *, margin: float) -> ModelMaps:
    """Read the maps of a model once for what they have in common.

    Args:
        folder: Of the method.
        model: Position in run.json.
        cohorts: Of every judged case.
        margin: Of the crops.
    """
    peaks: list[float] = []
    sums: dict[str, tuple[Floats, int]] = {}
    unit = np.array([0.0, 0.0, 1.0, 1.0])
    for row in _rows(folder, model, cohorts):
        values = grid(row)
        if fault(values):
            continue
        peaks.append(float(values.max()))
        even = resampled(values, unit, unit, n=MEAN_CELLS)
        so_far, n = sums.get(cohorts[row["case_id"]], (np.zeros((MEAN_CELLS, MEAN_CELLS)), 0))
        sums[cohorts[row["case_id"]]] = (so_far + even / even.sum(), n + 1)
    return ModelMaps(scale_of(peaks), {c: s / n for c, (s, n) in sums.items()}, margin)


def _rows(folder: HeatmapFolder, model: int, wanted: Mapping[str, Any]) -> Iterator[Mapping[Any, Any]]:
    for part in folder.parts(model, nominal=True):
        for row in part.to_dict("records"):
            if row["case_id"] in wanted:
                yield row


def scale_of(peaks: Sequence[float]) -> float:
    """Give the one scale of a model's maps: the 99th percentile of their strongest places; NaN where there are none."""
    return float(np.quantile(peaks, 0.99)) if len(peaks) else float("nan")


def near_empty(values: Floats, strongest: float) -> bool:
    """Tell whether a map nowhere reaches 1 % of its model's scale: it is drawn empty."""
    return bool(values.max() < EMPTY * strongest)


def fault(values: Floats) -> str:
    """Say why a map says nothing; "" where it does."""
    if values.size == 0 or not np.isfinite(values).all():
        return "the map has no finite values"
    if not values.any():
        return "the map is empty: nothing speaks for what is explained"
    return "the map is constant" if np.ptp(values) <= 1e-12 * values.max() else ""


def case_rows(
    folder: HeatmapFolder, model: int, name: str, frame: pd.DataFrame, *, shared: ModelMaps, choices: CaseChoices
) -> list[dict[str, object]]:
    """Give the rows of a model.

    Args:
        folder: Of the method.
        model, name: Position in run.json, and name.
        frame: Judged cases, by case_id.
        shared: Of ``common``.
        choices: Of places.
    """
    rows: list[dict[str, object]] = []
    cohorts = dict(zip(frame.index, frame["cohort"], strict=True))
    for row in _rows(folder, model, cohorts):
        case = str(row["case_id"])
        lesion = read_lesion(dict(frame.loc[case]))
        fixed = {"model": name, "case_id": case, "lesion": lesion.drawn_as, "margin": shared.margin}
        values = grid(row)
        why = str(row["reason"]) or fault(values)
        told = _measures(values, row, lesion, shared.means.get(cohorts[case]), choices=choices, why=why)
        is_empty = not why and near_empty(values, shared.strongest)
        rows += [{**fixed, "near_empty": is_empty, **t} for t in told]
    return rows


def _measures(
    values: Floats, row: Mapping[Any, Any], lesion: Lesion, mean_map: Floats | None, *, choices: CaseChoices, why: str
) -> list[dict[str, object]]:
    region = np.array([row[c] for c in ("x0", "y0", "x1", "y1")])
    cells = values.shape if values.size else (MEAN_CELLS, MEAN_CELLS)
    unit = np.array([0.0, 0.0, 1.0, 1.0])
    expected = None if mean_map is None else _as_cells(mean_map, cells, unit)
    found = []
    for place, one in places(lesion, region, (cells[0], cells[1]), choices.border).items():
        reason = why or one.reason
        found.append(
            {
                "measure": place,
                "value": float("nan") if reason else one.share(values),
                "uniform": one.uniform,
                "mean_map": float("nan") if expected is None else one.share(expected),
                "reason": reason,
            }
        )
    hits = _hits(lesion, region, (cells[0], cells[1]), choices.tolerance)
    reason = why or ("" if isinstance(hits, np.ndarray) else hits)
    at = hits if isinstance(hits, np.ndarray) else np.full(cells, np.nan)
    pointing = {
        "measure": POINTING,
        "value": float("nan") if reason else float(at[values == values.max()].mean()),
        "uniform": float(at.mean()),
        "mean_map": float("nan") if expected is None else float(at[expected == expected.max()].mean()),
        "reason": reason,
    }
    return [*found, pointing]


def _as_cells(mean_map: Floats, cells: Sequence[int], unit: Floats) -> Floats:
    """Give the mean map in the cells of a case's map."""
    n = max(cells)
    even = resampled(mean_map, unit, unit, n=n)
    if cells[0] == cells[1]:
        return even
    rows = np.linspace(0, n - 1, cells[0]).round().astype(int)
    columns = np.linspace(0, n - 1, cells[1]).round().astype(int)
    return np.asarray(even[np.ix_(rows, columns)])


def _hits(lesion: Lesion, region: Floats, cells: tuple[int, int], tolerance: Width) -> Floats | str:
    """Give ``(h, w)`` 1 where the middle of a cell is in the lesion or no further from it than the tolerance."""
    if lesion.fault:
        return lesion.fault
    away = tolerance.px(lesion.box, lesion.spacing_mm)
    if not away >= 0:
        return "the tolerance is in mm and the pixel spacing is unknown"
    height, width = cells
    y = region[1] + (np.arange(height) + 0.5) * (region[3] - region[1]) / height
    x = region[0] + (np.arange(width) + 0.5) * (region[2] - region[0]) / width
    distance = _from_box(lesion.box, x, y) if lesion.mask is None else _from_mask(lesion.mask, x, y)
    hits = (distance <= away).astype(np.float64)
    return (
        "every cell of the map is within the tolerance: nothing can miss (--margin shows more)" if hits.all() else hits
    )


def _from_box(box: Floats, x: Floats, y: Floats) -> Floats:
    across = np.maximum(np.maximum(box[0] - x, x - box[2]), 0)
    down = np.maximum(np.maximum(box[1] - y, y - box[3]), 0)
    return np.asarray(np.hypot(down[:, None], across[None, :]))


def _from_mask(mask: NDArray[np.bool_], x: Floats, y: Floats) -> Floats:
    """Distance of places to the nearest pixel of the mask; off the film the place is moved onto it first."""
    rows, columns = np.nonzero(mask ^ binary_erosion(mask))
    outline = np.column_stack([rows + 0.5, columns + 0.5])
    places_ = np.stack(np.meshgrid(y, x, indexing="ij"), axis=-1).reshape(-1, 2)
    away = np.maximum(cKDTree(outline).query(places_)[0] - 0.5, 0)
    inner = (places_ >= 0).all(axis=1) & (places_[:, 0] < mask.shape[0]) & (places_[:, 1] < mask.shape[1])
    at = np.clip(places_.astype(int), 0, np.array(mask.shape) - 1)
    away[inner & mask[at[:, 0], at[:, 1]]] = 0
    return np.asarray(away.reshape(len(y), len(x)))


def cases_table(rows: Sequence[dict[str, object]], *, heatmap: str) -> pd.DataFrame:
    """Give heatmap_cases.csv."""
    return pd.DataFrame([{"heatmap": heatmap, **r} for r in rows], columns=list(HEATMAP_CASES_COLUMNS))
