"""low_threshold and high_threshold: the interval of the recipe, its threshold chosen anew on resampled patients."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from robustkit.analysis.cohort import ALL, Judged
from robustkit.analysis.layout import Coded, code
from robustkit.analysis.matrix import ModelAnswers
from robustkit.analysis.thresholds import Threshold
from robustkit.seeds import generator
from robustkit.stats.bootstrap import MAX_UNDEFINED, Floats, PatientDraws
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


def recipe_cuts(cohort: Judged, own: ModelAnswers, threshold: Threshold, recipe: Recipe) -> Floats | None:
    """Give ``(B,)`` thresholds of one model, chosen anew in every draw; None where it is not from development rows."""
    if threshold.source != "development":
        return None
    rows = cohort.development & np.isfinite(own.nominal)
    random, draws = generator(recipe.seed, "recipe", own.model), min(recipe.draws.by_patient.shape[1], MAX_DRAWS)
    labels, scores, patients = cohort.positive[rows], own.nominal[rows], cohort.patients[rows]
    point, method = threshold.operating_point, recipe.method
    return point_draws(point, labels, scores, patients, draws=draws, random=random, method=method)


def add_recipe_intervals(
    table: pd.DataFrame,
    cohort: Judged,
    strata: Mapping[str, pd.Series],
    models: Sequence[tuple[ModelAnswers, Floats | None]],
    *,
    recipe: Recipe,
) -> pd.DataFrame:
    """Fill both columns for nominal sensitivity and specificity of models whose threshold is from development rows.

    Args:
        table: strata.csv.
        cohort: Who is judged.
        strata: Stratum of every case, by variable.
        models: Answers of each, and what ``recipe_cuts`` gave.
        recipe: Whose draws of patients are used.
    """
    bounds = np.full((len(table), 2), np.nan)
    draws = recipe.draws.by_patient[:, :MAX_DRAWS]
    cuts = {own.model: (own, found) for own, found in models if found is not None}
    wanted = (table["perturbation"] == "nominal") & (table["unit"] == "case") & table["value"].notna()
    wanted &= table["metric"].isin(["sensitivity", "specificity"]) & table["model"].isin(list(cuts))
    rows = table.loc[wanted, ["model", "cohort", "metric", "by", "stratum"]].assign(at=np.flatnonzero(wanted))
    weights, coded = draws[cohort.patients], code(strata)
    for (model, name, metric), part in rows.groupby(["model", "cohort", "metric"], sort=False):
        own, found = cuts[str(model)]
        counted = (
            cohort.in_cohort(str(name)) & (cohort.positive == (metric == "sensitivity")) & np.isfinite(own.nominal)
        )
        right = (own.nominal[counted, None] >= found) == cohort.positive[counted, None]
        drawn = np.where(np.isnan(found), 0.0, weights[counted])
        bounds[part["at"]] = _bounds(right, drawn, _members(part, coded, counted))
    return table.assign(low_threshold=bounds[:, 0], high_threshold=bounds[:, 1])


def _members(rows: pd.DataFrame, coded: Mapping[str, Coded], counted: NDArray[np.bool_]) -> Floats:
    """Give ``(k, n)`` 1 for a case of the stratum that each of k rows is about, among the ``(N,)`` counted."""
    found = np.ones((len(rows), np.count_nonzero(counted)))
    codes = {by: own.codes[counted] for by, own in coded.items()}
    for members, by, stratum in zip(found, rows["by"].tolist(), rows["stratum"].tolist(), strict=True):
        if by != ALL:
            members[:] = codes[by] == int(np.flatnonzero(coded[by].names == stratum)[0])
    return found


def _bounds(right: NDArray[np.bool_], weights: Floats, members: Floats) -> Floats:
    """Give ``(k, 2)`` bounds of the shares of right decisions of k groups, ``(k, n)`` 1 for a member, in ``(n, B)`` draws."""
    total, hits = members @ weights, members @ (weights * right)
    share = np.divide(hits, total, out=np.full(total.shape, np.nan), where=total > 0)
    n_known = np.isfinite(share).sum(axis=1)
    found = np.full((len(members), 2), np.nan)
    is_whole = n_known == share.shape[1]
    found[is_whole] = np.quantile(share[is_whole], [0.025, 0.975], axis=1).T
    for i in np.flatnonzero(~is_whole & (n_known >= (1 - MAX_UNDEFINED) * share.shape[1])):
        found[i] = np.quantile(share[i, np.isfinite(share[i])], [0.025, 0.975])
    return found
