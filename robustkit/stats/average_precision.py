"""Average precision in every bootstrap draw at once; of one sample it is ``metrics.average_precision``."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from robustkit.stats.running_counts import counted_in_draws, running_sums

Floats = NDArray[np.float64]


def weighted_average_precision(
    labels: NDArray[np.bool_], scores: Floats, weights: Floats, patients: NDArray[np.intp] | None = None
) -> Floats:
    """Give the average precision of every draw; tied scores are one step.

    Args:
        labels: ``(n,)`` bool.
        scores: ``(n,)`` float64.
        weights: ``(B, m)`` how often each patient was drawn, whole numbers.
        patients: ``(n,)`` columns of ``weights``; None: each case is its own.

    Returns:
        ``(B,)``; NaN where a draw lacks positives.
    """
    own = np.arange(len(labels)) if patients is None else patients
    # precision is asked at the positives alone: negatives count from the next positive on
    cuts = np.unique(scores[labels])[::-1]
    if not len(cuts):
        return np.full(len(weights), np.nan)
    return counted_in_draws(_precision, labels, scores, own, by_patient=weights.T, cuts=cuts)


def _precision(hits: Floats, alarms: Floats) -> Floats:
    """Give ``(b,)`` from ``(c, b)`` positives and negatives of every step."""
    found = running_sums(hits.copy())
    called = running_sums(alarms)
    called += found
    total = found[-1].copy()
    # nobody called, nobody found: that step adds nothing, whatever it is divided by
    np.maximum(called, 1.0, out=called)
    found /= called
    sums = np.einsum("ij,ij->j", found, hits)
    return np.asarray(np.divide(sums, total, out=np.full(len(total), np.nan), where=total > 0))
