"""calibration.csv: share of positives against mean score, in tenths of the cases, with intervals."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from robustkit.analysis.cohort import Judged
from robustkit.analysis.sample import Sample
from robustkit.analysis.strata_table import Condition
from robustkit.results.schema import CALIBRATION_COLUMNS
from robustkit.stats.groups import make_groups
from robustkit.stats.proportion import clustered_proportions

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
    bins, which = np.unique(which, return_inverse=True)
    groups = make_groups(np.arange(len(which)), which, sample.patients, k=len(bins))
    found, split = clustered_proportions(sample.positive, groups), cohort.split_of(condition.cohort)
    rows = []
    for i, name in enumerate(bins):
        own, e = scores[which == i], found.one(i)
        rows.append({
            "cohort": condition.cohort, "split": split, "model": condition.model, "bin": int(name),
            "score_low": own.min(), "score_high": own.max(), "mean_score": own.mean(),
            "value": e.value, "low": e.low, "high": e.high, "n_cases": e.n_cases, "n_patients": e.n_patients,
            "method": e.method, "reason": e.reason,
        })  # fmt: skip
    return rows


def calibration_table(rows: Sequence[dict[str, object]]) -> pd.DataFrame:
    """Give calibration.csv."""
    return pd.DataFrame(list(rows), columns=list(CALIBRATION_COLUMNS))
