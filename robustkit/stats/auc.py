"""AUC by midranks, its clustered DeLong variance, and paired differences.

Source: DeLong et al. 1988, Biometrics 44:837; Sun and Xu 2014, IEEE SPL 21:1389 (midranks);
Obuchowski 1997, Biometrics 53:567 (clusters).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logit
from scipy.stats import norm, rankdata

from robustkit.stats.difference import Difference
from robustkit.stats.estimate import NAN, Estimate

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

MIN_PATIENTS = 10
"""Patients of either class under which an AUC is not estimable (estimands, section 4)."""

_Z = float(norm.ppf(0.975))


@dataclass(frozen=True, slots=True)
class Placements:
    """Where each case stands among those of the other class.

    Attributes:
        positive: ``(..., n_positive)`` share of negatives below each positive, ties half.
        negative: ``(..., n_negative)`` share of positives above each negative, ties half.
        value: ``(...)`` AUC.
    """

    positive: Floats
    negative: Floats
    value: Floats


def placements(labels: Flags, scores: Floats) -> Placements:
    """Give placements for any number of score rows at once.

    Args:
        labels: ``(n,)`` bool, both classes there.
        scores: ``(..., n)`` float64, finite.
    """
    x, y = scores[..., labels], scores[..., ~labels]
    n_x, n_y = x.shape[-1], y.shape[-1]
    among_all = rankdata(np.concatenate([x, y], axis=-1), axis=-1)
    above = (among_all[..., :n_x] - rankdata(x, axis=-1)) / n_y
    below = 1.0 - (among_all[..., n_x:] - rankdata(y, axis=-1)) / n_x
    return Placements(above, below, above.mean(axis=-1))


def auc(labels: Flags, scores: Floats) -> float:
    """Give the AUC, ties half-counted; NaN where one class is missing or a score is NaN.

    Example:
        >>> import numpy as np
        >>> auc(np.array([True, True, False, False]), np.array([0.9, 0.4, 0.4, 0.1]))
        0.875
    """
    if labels.all() or not labels.any() or np.isnan(scores).any():
        return NAN
    return float(placements(labels, scores).value)


def auc_against(values: Floats, others: Floats) -> float:
    """Give the share of pairs in which ``values`` stand above ``others``, ties half."""
    labels = np.concatenate([np.ones(len(values), dtype=bool), np.zeros(len(others), dtype=bool)])
    return auc(labels, np.concatenate([values, others]))


@dataclass(frozen=True, slots=True)
class _Parts:
    """An AUC averaged over repeats, and the contribution of every patient to its error."""

    value: float
    influence: Floats
    mc_variance: float
    n_positive_patients: int
    n_negative_patients: int


def _influence(labels: Flags, scores: Floats, patients: NDArray[np.intp]) -> _Parts:
    """Sum placements, averaged over repeats, by patient (Obuchowski 1997, equations 4-6)."""
    found = placements(labels, scores)
    x, y = found.positive.mean(axis=0), found.negative.mean(axis=0)
    value = float(found.value.mean())
    n = int(patients.max()) + 1
    own = np.zeros(n)
    np.add.at(own, patients[labels], (x - value) / len(x))
    np.add.at(own, patients[~labels], (y - value) / len(y))
    positive, negative = len(np.unique(patients[labels])), len(np.unique(patients[~labels]))
    return _Parts(value, own, _mc_variance(found), positive, negative)


def _mc_variance(found: Placements) -> float:
    """Variance of the mean over repeats that redrawing the boxes alone would give.

    Cases are redrawn independently, so it is the sum over cases of the within-case variance of the
    placement, over repeats, divided by the repeats and by the squared number of cases of the class.
    """
    repeats = found.positive.shape[0]
    if repeats < 2:
        return NAN
    x, y = found.positive, found.negative
    within = x.var(axis=0, ddof=1).sum() / x.shape[1] ** 2 + y.var(axis=0, ddof=1).sum() / y.shape[1] ** 2
    return float(within / repeats)


def _variance(influence: Floats, patients: NDArray[np.intp]) -> float:
    """Sum of squares over patients, with the small-sample factor m / (m - 1)."""
    m = len(np.unique(patients))
    return float((influence**2).sum() * m / (m - 1))


def _counts(labels: Flags, patients: NDArray[np.intp]) -> dict[str, int]:
    return {
        "n_cases": len(labels),
        "n_patients": len(np.unique(patients)),
        "n_positive": int(labels.sum()),
        "n_positive_patients": len(np.unique(patients[labels])),
    }


def not_estimable(labels: Flags, patients: NDArray[np.intp]) -> str:
    """Say why an AUC cannot be estimated; "" where it can."""
    if len(labels) == 0:
        return "no cases"
    if labels.all() or not labels.any():
        return f"one class only (no {'negative' if labels.all() else 'positive'} case)"
    positive, negative = len(np.unique(patients[labels])), len(np.unique(patients[~labels]))
    if min(positive, negative) < MIN_PATIENTS:
        return f"fewer than {MIN_PATIENTS} patients of either class ({positive} with positives, {negative} with negatives)"
    return ""


def clustered_auc(labels: Flags, scores: Floats, patients: NDArray[np.intp]) -> Estimate:
    """Give the AUC averaged over repeats, with a clustered DeLong interval on the logit scale.

    Args:
        labels: ``(n,)`` bool.
        scores: ``(R, n)`` float64, one row per repeat (one row: nominal).
        patients: ``(n,)`` codes 0..m-1.

    Returns:
        ``se`` holds sampling and Monte-Carlo error together, ``mc_se`` the latter. Where the AUC is 0 or 1
        the interval is that of a proportion of the rarer class's patients (rule of three, exact).
    """
    counts = _counts(labels, patients)
    reason = not_estimable(labels, patients)
    if not reason and not np.isfinite(scores).all():
        reason = "a score is not finite"
    if reason:
        return Estimate(reason=reason, **counts)
    parts = _influence(labels, scores, patients)
    mc_se = float(np.sqrt(parts.mc_variance))
    se = float(np.sqrt(_variance(parts.influence, patients)))
    if se == 0.0 or parts.value in (0.0, 1.0):
        return _at_the_edge(parts, counts, mc_se)
    width = _Z * se / (parts.value * (1 - parts.value))
    low, high = expit(logit(parts.value) - width), expit(logit(parts.value) + width)
    method = "clustered DeLong, logit scale"
    return Estimate(parts.value, float(low), float(high), se, mc_se, method, **counts)


def _at_the_edge(parts: _Parts, counts: dict[str, int], mc_se: float) -> Estimate:
    m = min(parts.n_positive_patients, parts.n_negative_patients)
    bound = 0.025 ** (1 / m)
    if parts.value == 1.0:
        return Estimate(1.0, bound, 1.0, NAN, mc_se, "perfect separation: exact bound of the rarer class", **counts)
    if parts.value == 0.0:
        return Estimate(0.0, 0.0, 1 - bound, NAN, mc_se, "perfect separation: exact bound of the rarer class", **counts)
    return Estimate(parts.value, mc_se=mc_se, reason="the error cannot be estimated: all scores are tied", **counts)


def paired_auc_difference(
    labels: Flags, scores_a: Floats, scores_b: Floats, *, patients: NDArray[np.intp]
) -> Difference:
    """Give the AUC of a minus that of b on the same cases, by clustered paired DeLong.

    Args:
        labels: ``(n,)`` bool.
        scores_a, scores_b: ``(R, n)`` float64; the repeats of both saw the same boxes.
        patients: ``(n,)`` codes.

    Returns:
        For equal placements difference 0 and p = 1.
    """
    n = {"n_cases": len(labels), "n_patients": len(np.unique(patients))}
    reason = not_estimable(labels, patients)
    if not reason and not (np.isfinite(scores_a).all() and np.isfinite(scores_b).all()):
        reason = "a score is not finite"
    if reason:
        return Difference(reason=reason, **n)
    a, b = _influence(labels, scores_a, patients), _influence(labels, scores_b, patients)
    diff = a.value - b.value
    se = float(np.sqrt(_variance(a.influence - b.influence, patients)))
    mc_se = _paired_mc_se(labels, scores_a, scores_b)
    method = "clustered paired DeLong"
    if se < 1e-12:
        p = 1.0 if abs(diff) < 1e-12 else NAN
        reason = "" if p == 1.0 else "the error of the difference cannot be estimated"
        return Difference(diff if p != 1.0 else 0.0, 0.0 if p == 1.0 else NAN, 0.0 if p == 1.0 else NAN, 0.0, mc_se, 0.0, p, method, **n, reason=reason)
    z = diff / se
    return Difference(diff, diff - _Z * se, diff + _Z * se, se, mc_se, z, float(2 * norm.sf(abs(z))), method, **n)


def _paired_mc_se(labels: Flags, scores_a: Floats, scores_b: Floats) -> float:
    if len(scores_a) < 2 or len(scores_a) != len(scores_b):
        return NAN
    a, b = placements(labels, scores_a), placements(labels, scores_b)
    both = Placements(a.positive - b.positive, a.negative - b.negative, a.value - b.value)
    return float(np.sqrt(_mc_variance(both)))
