"""Metrics made of sensitivity and specificity: balanced accuracy, and PPV and NPV at a stated prevalence."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from robustkit.analysis.sample import Sample
from robustkit.stats.bootstrap import MIN_PATIENTS, bca
from robustkit.stats.estimate import Estimate

Floats = NDArray[np.float64]

AT_PREVALENCE = ("ppv", "npv")


def combined(metric: str, sensitivity: Floats, specificity: Floats, prevalence: float) -> Floats:
    """Give the metric; NaN where a denominator is 0.

    Args:
        metric: balanced_accuracy, ppv or npv.
        sensitivity, specificity: Any shape, in [0, 1].
        prevalence: Share of positives, in (0, 1); not read by balanced_accuracy.
    """
    if metric == "balanced_accuracy":
        return np.asarray((sensitivity + specificity) / 2)
    if metric == "ppv":
        good, bad = prevalence * sensitivity, (1 - prevalence) * (1 - specificity)
    else:
        good, bad = (1 - prevalence) * specificity, prevalence * (1 - sensitivity)
    total = np.asarray(good + bad, dtype=np.float64)
    return np.asarray(np.divide(good, total, out=np.full(total.shape, np.nan), where=total > 0))


def rates_estimate(s: Sample, metric: str) -> Estimate:
    """Give balanced accuracy, PPV or NPV with a patient bootstrap interval (BCa).

    Args:
        s: Units of a stratum.
        metric: balanced_accuracy, ppv or npv; the latter two at ``s.prevalence``.
    """
    own = np.unique(s.patients)
    positive = np.unique(s.patients[s.positive])
    counted = Estimate(
        n_cases=len(s.positive),
        n_patients=len(own),
        n_positive=int(s.positive.sum()),
        n_positive_patients=len(positive),
    )
    fewest = min(len(positive), len(np.unique(s.patients[~s.positive])))
    if fewest < MIN_PATIENTS:
        few = f"fewer than {MIN_PATIENTS} patients of either class ({fewest})"
        return replace(counted, reason=few if len(own) else "no cases")
    right = np.asarray(s.right().mean(axis=1), dtype=np.float64)
    classes = [np.asarray(c, dtype=np.float64) for c in (s.positive, ~s.positive)]
    sums = np.stack([_by_patient(v, s) for c in classes for v in (c * right, c)])[:, own]
    prevalence = s.prevalence if s.prevalence is not None else float("nan")

    def of(totals: Floats) -> Floats:
        rates = [
            np.divide(hit, n, out=np.full(np.shape(n), np.nan), where=n > 0)
            for hit, n in ((totals[0], totals[1]), (totals[2], totals[3]))
        ]
        return combined(metric, rates[0], rates[1], prevalence)

    whole = sums.sum(axis=1)
    value = float(of(whole[:, None])[0])
    if not np.isfinite(value):
        return replace(counted, reason="no case is on that side of the threshold")
    left_out = of(whole[:, None] - sums)
    known = left_out[np.isfinite(left_out)]
    low, high, se, reason = bca(of(sums @ s.draws.by_patient[own]), value, known if len(known) else np.zeros(1))
    method = "patient bootstrap, BCa"
    method += f"; at a prevalence of {prevalence:g}" if metric in AT_PREVALENCE else ""
    return replace(counted, value=value, low=low, high=high, se=se, method=method, reason=reason)


def _by_patient(values: Floats, s: Sample) -> Floats:
    return np.asarray(np.bincount(s.patients, weights=values, minlength=len(s.draws.by_patient)), dtype=np.float64)
