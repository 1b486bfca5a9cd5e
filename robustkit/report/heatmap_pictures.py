"""Heatmaps as a page shows them: few bytes for each, on one scale for each model, in places of its picture."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from robustkit.analysis.heatmap_cases import fault, near_empty, scale_of
from robustkit.results.heatmaps import FOLDER, HeatmapFolder, grid
from robustkit.stats.maps import resampled

CELL_BYTES = 1_200_000
"""What the cells of all maps together may take; maps become coarser where there are many."""

PREFERRED = "grad_cam"
_UNIT = np.array([0.0, 0.0, 1.0, 1.0])


@dataclass(frozen=True, slots=True)
class ShownMap:
    """One heatmap on a page.

    Attributes:
        region: ``(4,)`` px of the film.
        cells: ``(h, w)`` uint8; 255 is the model's strongest place, all 0 where the map is near empty.
        reason: Why there is none.
    """

    region: NDArray[np.float64]
    cells: NDArray[np.uint8]
    reason: str = ""


@dataclass(frozen=True, slots=True)
class ShownMaps:
    """The heatmaps of a run that a page shows.

    Attributes:
        method: Name; "" where there are none.
        target: What is explained.
        layers: By model, what was looked at; margins: by model, share of the box around it.
        maps: By model and case.
    """

    method: str = ""
    target: str = ""
    layers: Mapping[str, str] = field(default_factory=dict)
    margins: Mapping[str, float] = field(default_factory=dict)
    maps: Mapping[tuple[str, str], ShownMap] = field(default_factory=dict)


def read_shown_maps(run: Path, models: Sequence[str]) -> ShownMaps:
    """Read the heatmaps of the boxes as given; none where the run has none.

    Args:
        run: Its folder.
        models: Names, in the order of run.json.
    """
    methods = sorted(p.name for p in (run / FOLDER).glob("*") if (p / "heatmaps.json").is_file())
    if not methods:
        return ShownMaps()
    method = PREFERRED if PREFERRED in methods else methods[0]
    folder = HeatmapFolder.of(run, method)
    record = folder.record() or {}
    known = {str(m["name"]): m for m in record.get("models", ())}
    rows = {name: _rows(folder, i) for i, name in enumerate(models) if name in known}
    n = sum(map(len, rows.values()))
    most = max(4, int(np.sqrt(CELL_BYTES / max(1, n))))
    return ShownMaps(
        method,
        str(record.get("target", "")),
        {m: str(known[m].get("layer", "")) for m in rows},
        {m: float(known[m].get("margin", 0.0)) for m in rows},
        {(m, case): shown for m, own in rows.items() for case, shown in _shown(own, most).items()},
    )


def _rows(folder: HeatmapFolder, index: int) -> list[dict[Any, Any]]:
    return [r for part in folder.parts(index, nominal=True) for r in part.to_dict("records")]


def _shown(rows: Sequence[Mapping[Any, Any]], most: int) -> dict[str, ShownMap]:
    values = {str(r["case_id"]): grid(r) for r in rows}
    peaks = [float(v.max()) for v in values.values() if not fault(v)]
    strongest = scale_of(peaks)
    found = {}
    for r in rows:
        own = values[str(r["case_id"])]
        why = str(r["reason"]) or fault(own)
        if not why and near_empty(own, strongest):
            why = "near empty: under 1 % of the model's strongest"
        cells = np.zeros((0, 0), dtype=np.uint8)
        if not why:
            n = min(most, max(own.shape))
            even = own if max(own.shape) <= most else resampled(own, _UNIT, _UNIT, n=n)
            cells = np.rint(255 * np.clip(even / strongest, 0, 1)).astype(np.uint8)
        region = np.array([r[c] for c in ("x0", "y0", "x1", "y1")], dtype=np.float64)
        found[str(r["case_id"])] = ShownMap(region, cells, why)
    return found


def placed(shown: ShownMap, window: Mapping[str, Any]) -> list[Any]:
    """Give a map for the script: height, width, cells, and where it lies in the picture, in shares of its side.

    Args:
        shown: The map.
        window: ``x0, y0, side_px`` of the picture, px of the film.
    """
    if shown.reason:
        return [0, 0, "", [], shown.reason]
    corner = np.array([window["x0"], window["y0"]] * 2, dtype=np.float64)
    place = (shown.region - corner) / float(window["side_px"])
    height, width = shown.cells.shape
    cells = base64.b64encode(shown.cells.tobytes()).decode("ascii")
    return [height, width, cells, [round(float(v), 4) for v in place], ""]


def placed_on_film(shown: ShownMap, size: tuple[int, int]) -> list[Any]:
    """Give a map for a script, and where it lies on the whole film, in shares of its sides.

    Args:
        shown: The map.
        size: Width and height of the film, px.
    """
    height, width = shown.cells.shape
    place = shown.region / np.array([size[0], size[1]] * 2, dtype=np.float64)
    return [height, width, base64.b64encode(shown.cells.tobytes()).decode("ascii"), [round(float(v), 5) for v in place]]


def windows(thumbnails: pd.DataFrame) -> dict[str, dict[str, Any]]:
    """Give the row of each case's picture."""
    if thumbnails.empty:
        return {}
    return {str(r["case_id"]): {str(k): v for k, v in r.items()} for r in thumbnails.to_dict("records")}
