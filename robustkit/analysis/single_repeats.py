"""repeats.csv: how each metric is spread over the single repeats. Not a measure of stability: it shrinks with n."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from robustkit.analysis.cohort import ALL, Judged
from robustkit.analysis.sample import Sample
from robustkit.analysis.strata_table import Condition
from robustkit.results.schema import REPEATS_COLUMNS
from robustkit.stats.auc import not_estimable, placements
from robustkit.stats.codes import n_distinct

QUANTILES = {"q05": 0.05, "q25": 0.25, "median": 0.5, "q75": 0.75, "q95": 0.95}
"""No smallest, largest or worst repeat: they grow with the number of repeats (estimands, section 3)."""

METRICS = ("auc", "sensitivity", "specificity", "flip_rate")


def repeats_rows(
    cohort: Judged, sample: Sample, strata: Mapping[str, pd.Series], *, condition: Condition
) -> list[dict[str, object]]:
    """Give the rows of one model, cohort and perturbed condition; none where there are no two repeats."""
    if sample.repeats < 2 or not len(sample.rows):
        return []
    fixed = {
        "cohort": condition.cohort, "split": cohort.split_of(condition.cohort), "model": condition.model,
        "perturbation": condition.perturbation, "level": condition.level, "repeats": sample.repeats,
    }  # fmt: skip
    variables = {ALL: np.full(len(sample.rows), ALL, dtype=object)}
    variables |= {by: series.to_numpy()[sample.rows] for by, series in strata.items()}
    rows = []
    for by, own in variables.items():
        for stratum in sorted(set(own)):
            part = sample.only(own == stratum)
            for metric in METRICS:
                values, reason = _by_repeat(part, metric)
                rows.append({**fixed, "by": by, "stratum": str(stratum), **_numbers(part, metric, values, reason)})
    return rows


def _by_repeat(s: Sample, metric: str) -> tuple[NDArray[np.float64], str]:
    """Give ``(R,)`` values, or why there are none."""
    none = np.full(s.repeats, np.nan)
    if metric == "auc":
        reason = not_estimable(s.positive, s.patients)
        return (none, reason) if reason else (placements(s.positive, s.scores.T).value, "")
    if metric == "flip_rate":
        return s.flips().mean(axis=0), ""
    own = s.positive if metric == "sensitivity" else ~s.positive
    if not own.any():
        return none, f"no {'positive' if metric == 'sensitivity' else 'negative'} case"
    return s.right()[own].mean(axis=0), ""


def _numbers(s: Sample, metric: str, values: NDArray[np.float64], reason: str) -> dict[str, object]:
    quantiles = np.quantile(values, list(QUANTILES.values()))
    return {
        "metric": metric, "mean": values.mean(), "sd": values.std(ddof=1), **dict(zip(QUANTILES, quantiles, strict=True)),
        "n_cases": len(s.rows), "n_patients": n_distinct(s.patients), "reason": reason,
    }  # fmt: skip


def repeats_table(rows: Sequence[dict[str, object]]) -> pd.DataFrame:
    """Give repeats.csv."""
    return pd.DataFrame(list(rows), columns=list(REPEATS_COLUMNS))
