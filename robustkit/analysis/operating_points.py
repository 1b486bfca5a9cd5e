"""operating_points.csv: what sensitivity and specificity each usual operating point would have, cohort by cohort.

Every point is fixed on development rows, or came with the checkpoint, and is carried to the rows that are judged.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from robustkit.analysis.cohort import Judged
from robustkit.analysis.sample import Sample
from robustkit.analysis.strata_table import Condition
from robustkit.analysis.thresholds import MIN_DEVELOPMENT, Development, Threshold
from robustkit.results.schema import OPERATING_POINTS_COLUMNS
from robustkit.stats.estimate import Estimates
from robustkit.stats.groups import make_groups
from robustkit.stats.proportion import clustered_proportions
from robustkit.stats.threshold import OperatingPoint, target_sensitivity, target_specificity, youden

RULE_OUT, RULE_IN = 0.95, 0.95
"""Sensitivity under whose threshold a lesion is dismissed, specificity over whose threshold it is referred."""


def points_of(judged_at: Threshold, development: Development) -> tuple[OperatingPoint, ...]:
    """Give the carried point, then Youden, a sensitivity and a specificity of 0.9, and the rule-out and rule-in pair."""
    labels, scores = development.positive, development.scores
    carried = OperatingPoint(
        judged_at.operating_point, judged_at.value, judged_at.n, judged_at.n_positive, judged_at.source
    )
    found = [replace(carried, name=f"{carried.name} (judged at)")]
    few = min(int(labels.sum()), int((~labels).sum()))
    if few < MIN_DEVELOPMENT:
        return tuple(found)
    found += [youden(labels, scores), target_sensitivity(labels, scores, 0.9), target_specificity(labels, scores, 0.9)]
    out, into = target_sensitivity(labels, scores, RULE_OUT), target_specificity(labels, scores, RULE_IN)
    found += [replace(out, name=f"rule out ({out.name})"), replace(into, name=f"rule in ({into.name})")]
    return tuple(found)


def operating_rows(
    cohort: Judged, sample: Sample, points: Sequence[OperatingPoint], *, condition: Condition
) -> list[dict[str, object]]:
    """Give the rows of one model and cohort: nominal boxes, every point, sensitivity and specificity."""
    split, found = cohort.split_of(condition.cohort), _both_classes(sample, [point.value for point in points])
    return [
        {
            "model": condition.model, "cohort": condition.cohort, "split": split,
            "operating_point": point.name, "threshold": point.value, "metric": metric, "value": e.value, "low": e.low,
            "high": e.high, "n_cases": e.n_cases, "n_patients": e.n_patients, "n_development": point.n,
            "method": e.method, "reason": point.reason or e.reason,
        }
        for i, point in enumerate(points)
        for metric, e in zip(("sensitivity", "specificity"), (found.one(2 * i), found.one(2 * i + 1)), strict=True)
    ]  # fmt: skip


def _both_classes(s: Sample, thresholds: Sequence[float]) -> Estimates:
    """Give sensitivity and specificity at every threshold, one after the other, all in one pass."""
    n, k = len(s.positive), len(thresholds)
    right = (s.scores[:, 0] >= np.array(thresholds)[:, None]) == s.positive
    group = 2 * np.arange(k)[:, None] + ~s.positive
    found = clustered_proportions(
        right.ravel(), make_groups(np.arange(k * n), group.ravel(), np.tile(s.patients, k), k=2 * k)
    )
    for i, (kind, is_there) in enumerate((("positive", s.positive.any()), ("negative", not s.positive.all()))):
        if n and not is_there:
            found.reason[i::2] = f"no {kind} case"
    return found


def operating_table(rows: Sequence[dict[str, object]]) -> pd.DataFrame:
    """Give operating_points.csv."""
    return pd.DataFrame(list(rows), columns=list(OPERATING_POINTS_COLUMNS))
