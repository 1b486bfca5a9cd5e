"""flip_curve.csv: the share of decisions that a displacement can change, as one minus a Kaplan-Meier curve.

The displacement of a case is the smallest tested one that changed its decision: an upper bound of the true one, so that
the curve is a lower bound of the share. Cases that never changed are censored at the largest displacement tested.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from robustkit.analysis.cohort import Judged
from robustkit.analysis.matrix import ModelAnswers, ScoreMatrix
from robustkit.results.schema import FLIP_CURVE_COLUMNS
from robustkit.stats.bootstrap import MIN_PATIENTS, PatientDraws
from robustkit.stats.codes import n_distinct
from robustkit.stats.flip_curve import changed_share
from robustkit.stats.stability import smallest_flip

POINTS = 41
DRAWS = 500
"""Of the patient bootstrap, at most: weights of all cases are held at once."""

KINDS = ("shift",)
"""Perturbations whose boxes keep their size: a displacement says all of them."""

METHOD = "Kaplan-Meier; patient bootstrap, percentile"


def flip_curve_rows(
    cohort: Judged, answers: ModelAnswers, threshold: float, *, draws: PatientDraws
) -> list[dict[str, object]]:
    """Give the points of one model, for every cohort; one row with the reason where there is no curve."""
    rows: list[dict[str, object]] = []
    for kind in KINDS:
        matrices = [m for m in answers.matrices if m.perturbation == kind]
        if not matrices:
            continue
        known = np.logical_and.reduce([m.known for m in matrices])
        for name in cohort.cohorts:
            keep = cohort.in_cohort(name) & known
            fixed = {
                "cohort": name, "split": cohort.split_of(name), "model": answers.model, "perturbation": kind,
                "n_cases": int(keep.sum()), "n_patients": n_distinct(cohort.patients[keep]) if keep.any() else 0,
            }  # fmt: skip
            weights = draws.by_patient[:, :DRAWS][cohort.patients[keep]].T
            rows += _curve(matrices, keep, weights, threshold=threshold, fixed=fixed)
    return rows


def _curve(
    matrices: Sequence[ScoreMatrix],
    keep: np.ndarray,
    weights: np.ndarray,
    *,
    threshold: float,
    fixed: dict[str, object],
) -> list[dict[str, object]]:
    none = float("nan")
    if int(str(fixed["n_patients"])) < MIN_PATIENTS:
        reason = f"fewer than {MIN_PATIENTS} patients ({fixed['n_patients']})"
        return [
            {
                **fixed,
                "x": none,
                "value": none,
                "low": none,
                "high": none,
                "n_changed": 0,
                "method": "",
                "reason": reason,
            }
        ]
    moved = np.concatenate([m.moved[keep] for m in matrices], axis=1)
    flips = np.concatenate(
        [(m.scores[keep] >= threshold) != (m.nominal[keep] >= threshold)[:, None] for m in matrices], axis=1
    )
    smallest = smallest_flip(moved, flips)
    changed = np.isfinite(smallest)
    at = np.where(changed, smallest, moved.max(axis=1))
    grid = np.linspace(0.0, float(max(m.level for m in matrices)), POINTS)
    value = changed_share(at, changed, np.ones((1, len(at))), grid)[0]
    drawn = changed_share(at, changed, weights, grid)
    is_known = np.isfinite(value) & np.isfinite(drawn).all(axis=0)
    bounds = np.full((2, len(grid)), np.nan)
    bounds[:, is_known] = np.quantile(drawn[:, is_known], [0.025, 0.975], axis=0)
    # an interval of zero width is never shown
    bounds[:, bounds[1] - bounds[0] <= 0] = np.nan
    return [
        {
            **fixed, "x": x, "value": v, "low": low, "high": high, "n_changed": int(changed.sum()), "method": METHOD,
            "reason": "" if v == v else "no case was tested so far",
        }
        for x, v, low, high in zip(grid, value, *bounds, strict=True)
    ]  # fmt: skip


def flip_curve_table(rows: Sequence[dict[str, object]]) -> pd.DataFrame:
    """Give flip_curve.csv."""
    return pd.DataFrame(list(rows), columns=list(FLIP_CURVE_COLUMNS))
