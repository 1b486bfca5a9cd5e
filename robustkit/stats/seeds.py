"""The AUC of a way of training, over trainings that differ in their seed alone: patients and seeds are both random.

One training is one draw. Seeds take the place of readers in Obuchowski and Rockette's model; an arm has its own seeds, so
that in a difference they are nested in the arms.

Source: Obuchowski and Rockette 1995, Communications in Statistics 24:285; Hillis 2014, Statistics in Medicine 33:330
(intervals of one arm, and designs with readers nested in arms).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logit
from scipy.stats import norm, t

from robustkit.stats.auc import auc_covariances, clustered_auc, not_estimable
from robustkit.stats.codes import n_distinct
from robustkit.stats.difference import Difference
from robustkit.stats.estimate import NAN, Estimate
from robustkit.stats.placements import placements

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
Codes = NDArray[np.intp]

ONE_SEED = "one training: how much the seed matters cannot be told; nothing follows about the way of training"
METHOD = "Obuchowski-Rockette, random seeds and patients"


@dataclass(frozen=True, slots=True)
class OverSeeds:
    """An arm over its seeds.

    Attributes:
        mean: Mean AUC with its interval from patients and seeds.
        aucs: ``(S,)`` of every seed.
        sd: Between seeds, as found; NaN with one.
    """

    mean: Estimate
    aucs: tuple[float, ...]
    sd: float


def over_seeds(labels: Flags, scores: Floats, patients: Codes) -> OverSeeds:
    """Give the mean AUC of an arm.

    Args:
        labels: ``(n,)``.
        scores: ``(S, n)`` of S trainings on the same cases; NaN where a case failed makes the arm not estimable.
        patients: ``(n,)`` codes.
    """
    reason = not_estimable(labels, patients) or ("a score is missing (NaN)" if np.isnan(scores).any() else "")
    counts: dict[str, Any] = {
        "n_cases": len(labels), "n_patients": n_distinct(patients), "n_positive": int(labels.sum()),
        "n_positive_patients": n_distinct(patients[labels]),
    }  # fmt: skip
    if reason:
        return OverSeeds(Estimate(reason=reason, **counts), (NAN,) * len(scores), NAN)
    if len(scores) == 1:
        alone = clustered_auc(labels, scores, patients)
        return OverSeeds(replace(alone, reason=alone.reason or ONE_SEED), (alone.value,), NAN)
    aucs, covariances = _aucs(labels, scores, patients)
    between = float(aucs.var(ddof=1))
    shared = max(_mean_off(covariances), 0.0)
    variance = between / len(aucs) + shared
    half = _quantile(variance, [(between / len(aucs), len(aucs))]) * np.sqrt(variance)
    value = float(aucs.mean())
    if not variance > 0:
        found = Estimate(value, method=METHOD, reason="nothing varies between seeds and patients", **counts)
    else:
        # on the logit scale, as every interval of an AUC here
        away = half / (value * (1 - value))
        low, high = expit(logit(value) - away), expit(logit(value) + away)
        found = Estimate(value, float(low), float(high), float(np.sqrt(variance)), NAN, METHOD, **counts)
    return OverSeeds(found, tuple(aucs.tolist()), float(np.sqrt(between)))


def seeds_difference(labels: Flags, a: Floats, b: Floats, patients: Codes) -> Difference:
    """Give the difference of the mean AUCs of two arms, seeds nested in arms.

    Args:
        labels: ``(n,)``.
        a, b: ``(S_a, n)`` and ``(S_b, n)`` scores; the difference is a minus b.
        patients: ``(n,)`` codes.
    """
    counts: dict[str, Any] = {"n_cases": len(labels), "n_patients": n_distinct(patients)}
    reason = not_estimable(labels, patients)
    if not reason and (np.isnan(a).any() or np.isnan(b).any()):
        reason = "a score is missing (NaN)"
    if not reason and a.shape == b.shape and np.array_equal(a, b):
        return Difference(0.0, statistic=0.0, p=1.0, method=METHOD, reason="equal for every case", **counts)
    if not reason and min(len(a), len(b)) < 2:
        reason = ONE_SEED
    if reason:
        return Difference(reason=reason, **counts)
    aucs, covariances = _aucs(labels, np.concatenate([a, b]), patients)
    first, second = aucs[: len(a)], aucs[len(a) :]
    shared = (
        _mean_off(covariances[: len(a), : len(a)])
        + _mean_off(covariances[len(a) :, len(a) :])
        - 2 * float(covariances[: len(a), len(a) :].mean())
    )
    parts = [(float(x.var(ddof=1)) / len(x), len(x)) for x in (first, second)]
    variance = sum(v for v, _ in parts) + max(shared, 0.0)
    diff = float(first.mean() - second.mean())
    if not variance > 0:
        return Difference(diff, method=METHOD, reason="nothing varies between seeds and patients", **counts)
    se = float(np.sqrt(variance))
    df = _freedom(variance, parts)
    p = 2 * float(t.sf(abs(diff) / se, df) if np.isfinite(df) else norm.sf(abs(diff) / se))
    half = _quantile(variance, parts) * se
    return Difference(diff, diff - half, diff + half, se, NAN, diff / se, min(p, 1.0), METHOD, **counts)


def _aucs(labels: Flags, scores: Floats, patients: Codes) -> tuple[Floats, Floats]:
    placed = [placements(labels, row[None]) for row in scores]
    return np.array([float(p.value[0]) for p in placed]), auc_covariances(labels, placed, patients=patients)


def _mean_off(covariances: Floats) -> float:
    """Give the mean covariance of different seeds."""
    n = len(covariances)
    return float((covariances.sum() - np.trace(covariances)) / (n * (n - 1)))


def _freedom(variance: float, parts: Sequence[tuple[float, int]]) -> float:
    """Give Satterthwaite's degrees of freedom: only what differs between seeds has few."""
    below = sum(v**2 / (n - 1) for v, n in parts)
    return variance**2 / below if below > 0 else np.inf


def _quantile(variance: float, parts: Sequence[tuple[float, int]]) -> float:
    df = _freedom(variance, parts) if variance > 0 else np.inf
    return float(t.ppf(0.975, df)) if np.isfinite(df) else float(norm.ppf(0.975))
