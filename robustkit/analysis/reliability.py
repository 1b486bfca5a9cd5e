"""calibration.csv: share of positives against mean score, in tenths of the cases, with intervals."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from robustkit.analysis.cohort import Judged
from robustkit.analysis.sample import Sample
from robustkit.analysis.strata_table import Condition
from robustkit.results.schema import CALIBRATION_COLUMNS
from robustkit.stats.proportion import clustered_proportion

BINS = 10
MIN_CASES = 50
"""Cases under which tenths would hold fewer than five."""


def calibration_rows(cohort: Judged, sample: Sample, *, condition: Condition) -> list[dict[str, object]]:
    """Give the bins of one model and cohort, on the boxes as given; nothing with fewer than 50 cases."""
    scores = sample.scores[:, 0]
    if len(scores) < MIN_CASES:
        return []
    edges = np.quantile(scores, np.linspace(0, 1, BINS + 1)[1:-1])
    which = np.searchsorted(np.unique(edges), scores, "right")
    rows = []
    for i in np.unique(which):
        own = which == i
        e = clustered_proportion(sample.positive[own], sample.patients[own])
        rows.append({
            "cohort": condition.cohort, "split": cohort.split_of(condition.cohort), "model": condition.model, "bin": int(i),
            "score_low": scores[own].min(), "score_high": scores[own].max(), "mean_score": scores[own].mean(),
            "value": e.value, "low": e.low, "high": e.high, "n_cases": e.n_cases, "n_patients": e.n_patients,
            "method": e.method, "reason": e.reason,
        })  # fmt: skip
    return rows


def calibration_table(rows: Sequence[dict[str, object]]) -> pd.DataFrame:
    """Give calibration.csv."""
    return pd.DataFrame(list(rows), columns=list(CALIBRATION_COLUMNS))
