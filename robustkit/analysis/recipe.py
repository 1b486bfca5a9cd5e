"""low_threshold and high_threshold: the interval of the recipe, its threshold chosen anew on resampled patients."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from robustkit.analysis.cohort import ALL, Judged
from robustkit.analysis.matrix import ModelAnswers
from robustkit.analysis.thresholds import Threshold
from robustkit.seeds import generator
from robustkit.stats.bootstrap import MAX_UNDEFINED, Floats, PatientDraws
from robustkit.stats.cores import on_all_cores
from robustkit.stats.threshold import Method
from robustkit.stats.threshold_draws import point_draws

MAX_DRAWS = 500
"""Each draw fits a threshold, a millisecond or two: 500 hold a 95 % bound to about 1 % of its width."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """How the threshold is chosen, and the draws of the patients that are judged by it."""

    method: Method
    draws: PatientDraws
    seed: int


def add_recipe_intervals(
    table: pd.DataFrame,
    cohort: Judged,
    strata: Mapping[str, pd.Series],
    models: Sequence[tuple[ModelAnswers, Threshold]],
    *,
    recipe: Recipe,
) -> pd.DataFrame:
    """Fill both columns for nominal sensitivity and specificity of models whose threshold is from development rows."""
    bounds = np.full((len(table), 2), np.nan)
    weights = recipe.draws.by_patient[cohort.patients, :MAX_DRAWS].T
    chosen = [(own, t.operating_point) for own, t in models if t.source == "development"]
    all_cuts = on_all_cores(lambda m: _cuts(cohort, m[0], recipe, point=m[1], draws=len(weights)), chosen)
    for (own, _), cuts in zip(chosen, all_cuts, strict=True):
        right = (own.nominal[None, :] >= cuts[:, None]) == cohort.positive[None, :]
        wanted = (table["model"] == own.model) & (table["perturbation"] == "nominal") & table["value"].notna()
        wanted &= table["metric"].isin(["sensitivity", "specificity"]) & (table["unit"] == "case")
        rows = table[wanted].to_dict("records")
        members = _members(cohort, strata, rows) & np.isfinite(own.nominal)
        if rows:
            drawn = np.where(np.isnan(cuts)[:, None], 0.0, weights)
            bounds[np.flatnonzero(wanted)] = _bounds(right, drawn, members.astype(np.float64))
    return table.assign(low_threshold=bounds[:, 0], high_threshold=bounds[:, 1])


def _cuts(cohort: Judged, own: ModelAnswers, recipe: Recipe, *, point: str, draws: int) -> NDArray[np.float64]:
    rows = cohort.development & np.isfinite(own.nominal)
    random = generator(recipe.seed, "recipe", own.model)
    labels, scores, patients = cohort.positive[rows], own.nominal[rows], cohort.patients[rows]
    return point_draws(point, labels, scores, patients, draws=draws, random=random, method=recipe.method)


def _members(
    cohort: Judged, strata: Mapping[str, pd.Series], rows: Sequence[Mapping[str, object]]
) -> NDArray[np.bool_]:
    """Give ``(k, N)`` who is counted in each of k rows."""
    cohorts = {name: cohort.in_cohort(name) for name in cohort.cohorts}
    names = {by: series.to_numpy(dtype=object) for by, series in strata.items()}
    found = np.empty((len(rows), len(cohort.positive)), dtype=bool)
    for own, row in zip(found, rows, strict=True):
        own[:] = cohorts[str(row["cohort"])] & (cohort.positive == (row["metric"] == "sensitivity"))
        if row["by"] != ALL:
            own &= names[str(row["by"])] == row["stratum"]
    return found


def _bounds(right: NDArray[np.bool_], weights: Floats, members: Floats) -> Floats:
    """Give ``(k, 2)`` bounds of the shares of right decisions of k groups, ``(k, N)`` 1 for a member, in ``(B, N)`` draws."""
    total, hits = members @ weights.T, members @ (weights * right).T
    share = np.divide(hits, total, out=np.full(total.shape, np.nan), where=total > 0)
    found = np.full((len(members), 2), np.nan)
    for bounds, own in zip(found, share, strict=True):
        known = own[np.isfinite(own)]
        if len(known) >= (1 - MAX_UNDEFINED) * len(own):
            bounds[:] = np.quantile(known, [0.025, 0.975])
    return found
