"""size_curve.csv: missed, false alarms and changed decisions along lesion size, with a band."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from robustkit.analysis.cohort import Judged
from robustkit.analysis.estimates import PROPORTIONS
from robustkit.analysis.sample import Sample
from robustkit.analysis.strata_table import Condition
from robustkit.results.schema import SIZE_CURVE_COLUMNS
from robustkit.stats.codes import n_distinct
from robustkit.stats.smooth import Curve, smooth_rate

POINTS = 41
RANGE = (0.025, 0.975)
"""Quantiles of the sizes between which the curve is drawn: beyond them a few cases would decide."""

ERRORS = {"missed": "sensitivity", "false_alarm": "specificity", "flip_rate": "flip_rate"}


def size_curve_rows(cohort: Judged, sample: Sample, *, condition: Condition) -> list[dict[str, object]]:
    """Give the points of one model, cohort and condition; one row with the reason where there is no curve.

    Sizes are mm where at least half of the cases have a spacing, as in the strata, else a share of the film.
    """
    scale = "size_mm" if cohort.frame["size_mm"].notna().mean() >= 0.5 else "size_frac"
    size = pd.to_numeric(cohort.frame[scale], errors="coerce").to_numpy(dtype=np.float64)[sample.rows]
    split = cohort.split_of(condition.cohort)
    known = np.isfinite(size) & (size > 0)
    rows: list[dict[str, object]] = []
    for metric, name in ERRORS.items():
        if metric == "flip_rate" and sample.is_nominal:
            continue
        part = PROPORTIONS[name](sample)
        values = part.values if metric == name else 1.0 - part.values
        own = known[part.keep]
        x, events, patients = size[part.keep][own], values[own], sample.patients[part.keep][own]
        grid = _grid(x) if len(x) else np.empty(0)
        curve = smooth_rate(x, events, patients, grid=grid)
        fixed = {
            "cohort": condition.cohort, "split": split, "model": condition.model,
            "perturbation": condition.perturbation, "level": condition.level, "metric": metric, "scale": scale,
            "operating_point": condition.operating_point, "n_cases": len(x), "n_patients": n_distinct(patients) if len(x) else 0,
        }  # fmt: skip
        rows += _points(curve, fixed)
    return rows


def _grid(x: NDArray[np.float64]) -> NDArray[np.float64]:
    low, high = np.quantile(x, RANGE)
    return np.geomspace(low, high, POINTS)


def _points(curve: Curve, fixed: dict[str, object]) -> list[dict[str, object]]:
    if curve.reason:
        none = float("nan")
        return [{**fixed, "x": none, "value": none, "low": none, "high": none, "method": "", "reason": curve.reason}]
    method = "natural cubic spline of log size on the logit, errors by patient"
    points = zip(curve.x, curve.value, curve.low, curve.high, strict=True)
    return [
        {**fixed, "x": x, "value": v, "low": low, "high": high, "method": method, "reason": ""}
        for x, v, low, high in points
    ]


def size_curve_table(rows: Sequence[dict[str, object]]) -> pd.DataFrame:
    """Give size_curve.csv."""
    return pd.DataFrame(list(rows), columns=list(SIZE_CURVE_COLUMNS))
