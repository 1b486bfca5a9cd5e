"""How good a baseline's answers are on rows that it was not fitted on: AUC and calibration, by patient."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import expit

from robustkit.metrics.calibration_intercept import PLUGIN as INTERCEPT
from robustkit.metrics.calibration_slope import PLUGIN as SLOPE
from robustkit.stats.auc import clustered_auc, not_estimable
from robustkit.stats.bootstrap import bca, patient_draws
from robustkit.stats.calibration import in_the_large_draws, recalibrate_draws
from robustkit.stats.codes import n_distinct
from robustkit.stats.estimate import Estimate

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
Codes = NDArray[np.intp]

DRAWS = 2000
_CALIBRATION: tuple[tuple[str, Callable[[Flags, Floats], float], Callable[[Flags, Floats, Floats], Floats]], ...] = (
    ("calibration_slope", lambda y, z: SLOPE.value(y, expit(z), threshold=0.5), lambda y, z, w: recalibrate_draws(y, z, w)[1]),
    ("calibration_intercept", lambda y, z: INTERCEPT.value(y, expit(z), threshold=0.5), in_the_large_draws),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Found:
    """One number about a baseline.

    Attributes:
        metric: As in strata.csv.
        rows: Which ones it rests on, in words, e.g. ``validation``.
        estimate: It.
    """

    metric: str
    rows: str
    estimate: Estimate


def judged(labels: Flags, logits: Floats, patients: Codes, *, rows: str, seed: int) -> tuple[Found, ...]:
    """Give AUC, calibration slope and calibration in the large of ``(n,)`` log-odds.

    Args:
        labels: ``(n,)`` bool.
        logits: ``(n,)`` float64; rows without an answer (NaN) are left out.
        patients: ``(n,)`` codes.
        rows: In words.
        seed: Of the bootstrap.
    """
    there = np.isfinite(logits)
    labels, logits, patients = labels[there], logits[there], pd.factorize(patients[there])[0].astype(np.intp)
    auc = Found("auc", rows, clustered_auc(labels, logits[None], patients))
    return (auc, *calibration(labels, logits, patients, rows=rows, seed=seed))


def calibration(labels: Flags, logits: Floats, patients: Codes, *, rows: str, seed: int) -> tuple[Found, ...]:
    """Give calibration slope and calibration in the large, with patient bootstrap intervals.

    Args:
        labels, logits, patients: ``(n,)``; the codes are 0..m-1.
        rows, seed: See ``judged``.
    """
    counted = Estimate(
        n_cases=len(labels), n_patients=n_distinct(patients) if len(labels) else 0, n_positive=int(labels.sum()),
        n_positive_patients=n_distinct(patients[labels]) if labels.any() else 0,
    )  # fmt: skip
    reason = not_estimable(labels, patients)
    if reason:
        return tuple(Found(name, rows, replace(counted, reason=reason)) for name, _, _ in _CALIBRATION)
    strata = np.zeros(counted.n_patients, dtype=np.intp)
    np.maximum.at(strata, patients, labels.astype(np.intp))
    weights = patient_draws(strata, draws=DRAWS, seed=seed, purpose="baseline").by_patient[patients].T
    found = []
    for name, value_of, drawn_of in _CALIBRATION:
        value = value_of(labels, logits)
        if not np.isfinite(value):
            found.append(Found(name, rows, replace(counted, reason="the scores separate the classes, or are all one")))
            continue
        low, high, se, why = bca(drawn_of(labels, logits, weights), value, np.zeros(1))
        own = replace(counted, value=value, low=low, high=high, se=se, reason=why)
        found.append(Found(name, rows, replace(own, method="patient bootstrap, bias-corrected")))
    return tuple(found)
