"""heatmap_stability.csv: does a case's heatmap hold still when its box is redrawn? Compared where both crops show the film."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from robustkit.analysis.heatmap_cases import ModelMaps, fault
from robustkit.results.heatmaps import NOMINAL, HeatmapFolder, grid
from robustkit.results.schema import HEATMAP_STABILITY_COLUMNS
from robustkit.stats.maps import Likeness, likeness, resampled

Floats = NDArray[np.float64]

PLACES = 32
"""Places along a side at which two maps are compared."""

LEAST_SHARED = 0.25
"""Share of the region of the box as given that both crops must show."""

KINDS = ("correlation", "ssim", "overlap")


def stability_rows(
    folder: HeatmapFolder, model: int, name: str, cohorts: Mapping[str, str], *, shared: ModelMaps
) -> list[dict[str, object]]:
    """Give the rows of a model: a case and level each, means over the boxes whose maps could be compared.

    Args:
        folder: Of the method.
        model, name: Position in run.json, and name.
        cohorts: Of every judged case.
        shared: Of ``heatmap_cases.common``: the mean map is what any two maps have in common.
    """
    rows: list[dict[str, object]] = []
    for part in folder.parts(model):
        for case, own in part.groupby("case_id", sort=False):
            if case in cohorts:
                rows += _case(str(case), own, name, shared.means.get(cohorts[str(case)]))
    return rows


def _case(case: str, own: pd.DataFrame, name: str, mean_map: Floats | None) -> list[dict[str, object]]:
    records = own.to_dict("records")
    given = next((r for r in records if r["perturbation"] == NOMINAL), None)
    if given is None:
        return []
    redrawn: dict[tuple[str, float], list[Mapping[object, object]]] = {}
    for row in records:
        if row["perturbation"] != NOMINAL:
            redrawn.setdefault((str(row["perturbation"]), float(row["level"])), []).append(row)
    expected = _against_mean(given, mean_map)
    return [
        {"model": name, "case_id": case, "perturbation": kind, "level": level, **_level(given, rows), **expected}
        for (kind, level), rows in redrawn.items()
    ]


def _level(given: Mapping[object, object], rows: Sequence[Mapping[object, object]]) -> dict[str, object]:
    found = [_pair(given, r) for r in rows]
    known = [f for f in found if not f.reason]
    means = {k: float(np.mean([getattr(f, k) for f in known])) if known else float("nan") for k in KINDS}
    reason = "" if known else next((f.reason for f in found), "no box was redrawn")
    return {"repeats": len(rows), "n_compared": len(known), **means, "reason": reason}


def _pair(a: Mapping[object, object], b: Mapping[object, object]) -> Likeness:
    first, second = grid(a), grid(b)
    why = str(a["reason"]) or str(b["reason"]) or fault(first) or fault(second)
    if why:
        return Likeness(reason=why)
    one, two = _region(a), _region(b)
    window = np.concatenate([np.maximum(one[:2], two[:2]), np.minimum(one[2:], two[2:])])
    sides = window[2:] - window[:2]
    if (sides <= 0).any() or np.prod(sides) < LEAST_SHARED * np.prod(one[2:] - one[:2]):
        return Likeness(reason=f"the crops share less than {LEAST_SHARED:.0%} of the film that is shown")
    return likeness(resampled(first, one, window, n=PLACES), resampled(second, two, window, n=PLACES))


def _against_mean(given: Mapping[object, object], mean_map: Floats | None) -> dict[str, object]:
    """Compare the case's map with the cohort's mean map: what any two crops have in common."""
    nothing: dict[str, object] = {f"mean_map_{k}": float("nan") for k in KINDS}
    values = grid(given)
    if mean_map is None or fault(values):
        return nothing
    unit = np.array([0.0, 0.0, 1.0, 1.0])
    found = likeness(resampled(values, unit, unit, n=PLACES), resampled(mean_map, unit, unit, n=PLACES))
    return nothing if found.reason else {f"mean_map_{k}": getattr(found, k) for k in KINDS}


def _region(row: Mapping[object, object]) -> Floats:
    return np.array([row[c] for c in ("x0", "y0", "x1", "y1")], dtype=np.float64)


def stability_table(rows: Sequence[dict[str, object]], *, heatmap: str) -> pd.DataFrame:
    """Give heatmap_stability.csv."""
    return pd.DataFrame([{"heatmap": heatmap, **r} for r in rows], columns=list(HEATMAP_STABILITY_COLUMNS))
