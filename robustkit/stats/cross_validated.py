"""The AUC of answers that were made fold by fold: cases are ranked within their fold alone, by patient.

Answers of two folds come from two models, and a model that learnt nothing answers with its training share of positives,
which is high where that of the fold is low: ranked together, noise has an AUC far below 0.5.

Source: LeDell, Petersen and van der Laan 2015, Electronic Journal of Statistics 9:1583, sections 2 and 4 (mean over folds,
variance from influence curves); summed by patient here.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logit
from scipy.stats import norm

from robustkit.stats.auc import not_estimable
from robustkit.stats.codes import n_distinct
from robustkit.stats.estimate import Estimate
from robustkit.stats.placements import placements

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
Codes = NDArray[np.intp]

METHOD = "mean over folds, influence curves by patient, logit scale"
_Z = float(norm.ppf(0.975))
_TINY = 1e-12


def cross_validated_auc(labels: Flags, scores: Floats, patients: Codes, *, folds: Codes) -> Estimate:
    """Give the mean AUC over folds with its interval.

    Args:
        labels: ``(n,)`` bool; every fold has both classes.
        scores: ``(n,)`` float64 of the case by the model that did not see its fold.
        patients: ``(n,)`` codes; a patient is in one fold.
        folds: ``(n,)`` codes.

    Returns:
        Not estimable with fewer than 10 patients of either class.

    Example:
        >>> labels, folds = np.arange(48) % 2 == 1, np.arange(48) // 24
        >>> found = cross_validated_auc(labels, np.sin(np.arange(48.0) ** 2), np.arange(48), folds=folds)
        >>> round(found.value, 3), found.low < found.value < found.high
        (0.653, True)
    """
    m = n_distinct(patients)
    counted = Estimate(
        n_cases=len(labels),
        n_patients=m,
        n_positive=int(labels.sum()),
        n_positive_patients=n_distinct(patients[labels]),
    )
    reason = not_estimable(labels, patients) or ("a score is missing (NaN)" if np.isnan(scores).any() else "")
    if reason:
        return replace(counted, reason=reason)
    names = np.unique(folds)
    pulls, values = np.zeros(int(patients.max()) + 1), []
    for fold in names:
        own = folds == fold
        if labels[own].all() or not labels[own].any():
            return replace(counted, reason="a fold has one class only")
        placed = placements(labels[own], scores[own])
        values.append(float(placed.value))
        pull = np.empty(int(own.sum()))
        pull[labels[own]] = (placed.v10 - placed.value) / len(placed.v10)
        pull[~labels[own]] = (placed.v01 - placed.value) / len(placed.v01)
        pulls += np.bincount(patients[own], weights=pull / len(names), minlength=len(pulls))
    value = float(np.mean(values))
    se = float(np.sqrt(m / (m - 1) * (pulls**2).sum()))
    if value in (0.0, 1.0) or se < _TINY:
        return replace(counted, value=value, reason="no variation between patients: the error cannot be estimated")
    half = _Z * se / (value * (1 - value))
    low, high = (float(expit(logit(value) + side)) for side in (-half, half))
    return replace(counted, value=value, low=low, high=high, se=se, method=METHOD)
