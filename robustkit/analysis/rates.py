"""Metrics made of sensitivity and specificity: balanced accuracy, and PPV and NPV at a stated prevalence."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from robustkit.analysis.sample import Floats, Sample
from robustkit.stats.of_sums import Sums

AT_PREVALENCE = ("ppv", "npv", "net_benefit")


def combined(metric: str, sensitivity: Floats, specificity: Floats, *, prevalence: float, threshold: Floats) -> Floats:
    """Give the metric; NaN where a denominator is 0.

    Args:
        metric: balanced_accuracy, ppv, npv or net_benefit.
        sensitivity, specificity: Any shape, in [0, 1].
        prevalence: Share of positives, in (0, 1); not read by balanced_accuracy.
        threshold: Of the decision, of a shape that fits; net benefit takes it for a probability (Vickers and Elkin 2006, Med Decis Making
            26:565), which an uncalibrated score is not.
    """
    if metric == "balanced_accuracy":
        return np.asarray((sensitivity + specificity) / 2)
    if metric == "net_benefit":
        inside = (threshold > 0) & (threshold < 1)
        odds = np.divide(threshold, 1 - threshold, out=np.full(threshold.shape, np.nan), where=inside)
        return np.asarray(prevalence * sensitivity - (1 - prevalence) * (1 - specificity) * odds)
    if metric == "ppv":
        good, bad = prevalence * sensitivity, (1 - prevalence) * (1 - specificity)
    else:
        good, bad = (1 - prevalence) * specificity, prevalence * (1 - sensitivity)
    total = np.asarray(good + bad, dtype=np.float64)
    return np.asarray(np.divide(good, total, out=np.full(total.shape, np.nan), where=total > 0))


def rate_columns(s: Sample) -> dict[str, Floats]:
    """Give the per-case columns that ``rate`` needs the sums of."""
    right = np.asarray(s.right().mean(axis=1), dtype=np.float64)
    positive = np.asarray(s.positive, dtype=np.float64)
    negative = 1.0 - positive
    return {"positive": positive, "hit": positive * right, "negative": negative, "rejected": negative * right}


def rate(metric: str, *, prevalence: float | None, threshold: Floats) -> Callable[[Sums], Floats]:
    """Give balanced accuracy, PPV, NPV or net benefit as a function of the sums of ``rate_columns``.

    Args:
        metric: See ``combined``.
        prevalence: Share of positives; None for balanced accuracy.
        threshold: ``(S, 1)`` of each answer.
    """

    def of(sums: Sums) -> Floats:
        sensitivity = _ratio(sums["hit"], sums["positive"])
        specificity = _ratio(sums["rejected"], sums["negative"])
        share = float("nan") if prevalence is None else prevalence
        return combined(metric, sensitivity, specificity, prevalence=share, threshold=threshold)

    return of


def at_prevalence(metric: str, prevalence: float | None) -> str:
    """Say at which prevalence a metric is given, to be put behind its method; "" where none is needed."""
    return f"; at a prevalence of {prevalence:g}" if metric in AT_PREVALENCE else ""


def _ratio(hits: Floats, n: Floats) -> Floats:
    shape = np.broadcast_shapes(np.shape(hits), np.shape(n))
    return np.asarray(np.divide(hits, n, out=np.full(shape, np.nan), where=n > 0))
