"""low_threshold and high_threshold: the interval of the recipe, its threshold chosen anew on resampled patients."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from robustkit.analysis.cohort import ALL, Judged
from robustkit.analysis.matrix import ModelAnswers
from robustkit.analysis.thresholds import Threshold
from robustkit.seeds import generator
from robustkit.stats.threshold import youden

MAX_DRAWS = 500
"""Each draw fits a threshold, a millisecond or two: 500 hold a 95 % bound to about 1 % of its width."""


def add_recipe_intervals(
    table: pd.DataFrame,
    cohort: Judged,
    strata: Mapping[str, pd.Series],
    answers: Sequence[ModelAnswers],
    *,
    thresholds: Sequence[Threshold],
    choices: tuple[int, int],
) -> pd.DataFrame:
    """Fill both columns for nominal sensitivity and specificity of models whose threshold is from development rows."""
    draws, seed = min(choices[0], MAX_DRAWS), choices[1]
    bounds = np.full((len(table), 2), np.nan)
    for own, threshold in zip(answers, thresholds, strict=True):
        if threshold.source != "development":
            continue
        cuts = _cuts(cohort, own, draws=draws, seed=seed)
        weights = _weights(cohort, draws=draws, seed=seed)
        right = (own.nominal[None, :] >= cuts[:, None]) == cohort.positive[None, :]
        wanted = (table["model"] == own.model) & (table["perturbation"] == "nominal") & table["value"].notna()
        wanted &= table["metric"].isin(["sensitivity", "specificity"]) & (table["unit"] == "case")
        for place, row in zip(np.flatnonzero(wanted), table[wanted].to_dict("records"), strict=True):
            keep = _members(cohort, strata, row) & np.isfinite(own.nominal)
            bounds[place] = _bounds(right, weights, keep)
    return table.assign(low_threshold=bounds[:, 0], high_threshold=bounds[:, 1])


def _cuts(cohort: Judged, own: ModelAnswers, *, draws: int, seed: int) -> NDArray[np.float64]:
    rows = np.flatnonzero(cohort.development & np.isfinite(own.nominal))
    patients = cohort.patients[rows]
    members = [rows[patients == p] for p in np.unique(patients)]
    random = generator(seed, "recipe", own.model)
    found = []
    for _ in range(draws):
        taken = np.concatenate([members[i] for i in random.integers(0, len(members), len(members))])
        found.append(youden(cohort.positive[taken], own.nominal[taken]).value)
    return np.array(found)


def _weights(cohort: Judged, *, draws: int, seed: int) -> NDArray[np.float64]:
    m = int(cohort.patients.max()) + 1
    judged = np.unique(cohort.patients[cohort.judged])
    counts = np.zeros((draws, m))
    random = generator(seed, "recipe-patients")
    counts[:, judged] = random.multinomial(len(judged), np.full(len(judged), 1 / len(judged)), size=draws)
    return counts[:, cohort.patients]


def _members(cohort: Judged, strata: Mapping[str, pd.Series], row: Mapping[str, object]) -> NDArray[np.bool_]:
    keep = cohort.in_cohort(str(row["cohort"]))
    if row["by"] != ALL:
        keep = keep & (strata[str(row["by"])] == row["stratum"]).to_numpy(dtype=bool)
    return keep & (cohort.positive == (row["metric"] == "sensitivity"))


def _bounds(right: NDArray[np.bool_], weights: NDArray[np.float64], keep: NDArray[np.bool_]) -> tuple[float, float]:
    w = weights[:, keep]
    total = w.sum(axis=1)
    share = np.divide((w * right[:, keep]).sum(axis=1), total, out=np.full(len(total), np.nan), where=total > 0)
    known = share[np.isfinite(share)]
    if len(known) < 0.95 * len(share):
        return float("nan"), float("nan")
    low, high = np.quantile(known, [0.025, 0.975])
    return float(low), float(high)
