"""Metrics made of sensitivity and specificity: balanced accuracy, and PPV and NPV at a stated prevalence."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from robustkit.analysis.drawn import COUNT, DrawnSums
from robustkit.analysis.sample import Sample
from robustkit.stats.bootstrap import MIN_PATIENTS, bca
from robustkit.stats.estimate import Estimate

Floats = NDArray[np.float64]

AT_PREVALENCE = ("ppv", "npv", "net_benefit")


def combined(metric: str, sensitivity: Floats, specificity: Floats, *, prevalence: float, threshold: float) -> Floats:
    """Give the metric; NaN where a denominator is 0.

    Args:
        metric: balanced_accuracy, ppv, npv or net_benefit.
        sensitivity, specificity: Any shape, in [0, 1].
        prevalence: Share of positives, in (0, 1); not read by balanced_accuracy.
        threshold: Of the decision; net benefit takes it for a probability (Vickers and Elkin 2006, Med Decis Making
            26:565), which an uncalibrated score is not.
    """
    if metric == "balanced_accuracy":
        return np.asarray((sensitivity + specificity) / 2)
    if metric == "net_benefit":
        odds = threshold / (1 - threshold) if 0 < threshold < 1 else np.nan
        return np.asarray(prevalence * sensitivity - (1 - prevalence) * (1 - specificity) * odds)
    if metric == "ppv":
        good, bad = prevalence * sensitivity, (1 - prevalence) * (1 - specificity)
    else:
        good, bad = (1 - prevalence) * specificity, prevalence * (1 - sensitivity)
    total = np.asarray(good + bad, dtype=np.float64)
    return np.asarray(np.divide(good, total, out=np.full(total.shape, np.nan), where=total > 0))


def rate_columns(s: Sample) -> dict[str, Floats]:
    """Give the per-case columns that ``rates_estimate`` needs the sums of."""
    right = np.asarray(s.right().mean(axis=1), dtype=np.float64)
    positive = np.asarray(s.positive, dtype=np.float64)
    negative = 1.0 - positive
    return {"positive": positive, "hit": positive * right, "negative": negative, "rejected": negative * right}


def rates_estimate(s: Sample, metric: str, sums: DrawnSums) -> Estimate:
    """Give balanced accuracy, PPV or NPV with a patient bootstrap interval (BCa).

    Args:
        s: Units of a stratum.
        metric: balanced_accuracy; or ppv, npv, net_benefit at ``s.prevalence``.
        sums: Of its ``rate_columns``.
    """
    by_patient = sums.by_patient
    fewest = min(int((by_patient[c] > 0).sum()) for c in ("positive", "negative"))
    if fewest < MIN_PATIENTS:
        return Estimate(reason=f"fewer than {MIN_PATIENTS} patients of either class ({fewest})")
    prevalence = s.prevalence if s.prevalence is not None else float("nan")

    def of(totals: Mapping[str, Floats]) -> Floats:
        sensitivity = _ratio(totals["hit"], totals["positive"])
        specificity = _ratio(totals["rejected"], totals["negative"])
        return combined(metric, sensitivity, specificity, prevalence=prevalence, threshold=s.threshold)

    whole = {c: v.sum(keepdims=True) for c, v in by_patient.items()}
    value = float(of(whole)[0])
    if not np.isfinite(value):
        return Estimate(reason="no case is on that side of the threshold")
    members = by_patient[COUNT] > 0
    left_out = of({c: whole[c] - v[members] for c, v in by_patient.items()})
    known = left_out[np.isfinite(left_out)]
    low, high, se, reason = bca(of(sums.drawn), value, known if len(known) else np.zeros(1))
    method = "patient bootstrap, BCa"
    method += f"; at a prevalence of {prevalence:g}" if metric in AT_PREVALENCE else ""
    return Estimate(value, low, high, se, method=method, reason=reason)


def _ratio(hits: Floats, n: Floats) -> Floats:
    return np.asarray(np.divide(hits, n, out=np.full(np.shape(n), np.nan), where=n > 0))
