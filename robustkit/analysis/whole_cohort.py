"""Metrics of a whole cohort on the boxes as given: average precision, calibration slope and intercept, ECE.

Each needs all cases in every bootstrap draw at once, and none says much of a small stratum.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from robustkit.analysis.sample import Sample
from robustkit.metrics._base import Metric
from robustkit.metrics.average_precision import PLUGIN as AVERAGE_PRECISION
from robustkit.metrics.calibration_intercept import PLUGIN as INTERCEPT
from robustkit.metrics.calibration_slope import PLUGIN as SLOPE
from robustkit.metrics.ece import PLUGIN as ECE
from robustkit.stats.auc import not_estimable
from robustkit.stats.average_precision import weighted_average_precision
from robustkit.stats.bootstrap import bca
from robustkit.stats.calibration import in_the_large_draws, recalibrate_draws
from robustkit.stats.codes import n_distinct
from robustkit.stats.ece_null import ece_null_band
from robustkit.stats.estimate import Estimate
from robustkit.stats.threshold import logit

Floats = NDArray[np.float64]
Function = Callable[[NDArray[np.bool_], Floats, Floats, NDArray[np.intp]], Floats]

_NULL_DRAWS = 1000

FUNCTIONS: dict[str, tuple[Metric, Function, bool]] = {
    "average_precision": (AVERAGE_PRECISION, weighted_average_precision, False),
    "calibration_slope": (SLOPE, lambda y, z, w, p: recalibrate_draws(y, z, w, p)[1], True),
    "calibration_intercept": (INTERCEPT, in_the_large_draws, True),
}
"""A metric, how it is computed in every draw, and whether that reads logits."""

METRICS = (*FUNCTIONS, "ece")


def whole_cohort_estimates(s: Sample) -> dict[str, Estimate]:
    """Give the metrics of a cohort's nominal answers; not estimable with fewer than 10 patients of either class."""
    labels, scores = s.positive, s.scores[:, 0]
    counted = Estimate(
        n_cases=len(labels),
        n_patients=n_distinct(s.patients) if len(labels) else 0,
        n_positive=int(labels.sum()),
        n_positive_patients=n_distinct(s.patients[labels]) if labels.any() else 0,
    )
    reason = not_estimable(labels, s.patients)
    if reason:
        return dict.fromkeys(METRICS, replace(counted, reason=reason))
    found = {
        name: _bootstrapped(s, counted, metric, function, is_on_logits=is_on_logits)
        for name, (metric, function, is_on_logits) in FUNCTIONS.items()
    }
    value = ECE.value(labels, scores, threshold=s.threshold)
    low, high = ece_null_band(scores, bins=ECE.bins, draws=_NULL_DRAWS, seed=0)
    method = f"{ECE.bins} bins; calibrated scores would give {low:.3f} to {high:.3f} by chance; no interval"
    return {**found, "ece": replace(counted, value=value, method=method)}


def _bootstrapped(s: Sample, counted: Estimate, metric: Metric, function: Function, *, is_on_logits: bool) -> Estimate:
    labels, values = s.positive, logit(s.scores[:, 0]) if is_on_logits else s.scores[:, 0]
    value = metric.value(labels, s.scores[:, 0], threshold=s.threshold)
    if not np.isfinite(value):
        return replace(counted, reason="the scores separate the classes")
    low, high, se, reason = bca(function(labels, values, s.draws.counts, s.patients), value, np.zeros(1))
    method = "patient bootstrap, bias-corrected"
    return replace(counted, value=value, low=low, high=high, se=se, method=method, reason=reason)
