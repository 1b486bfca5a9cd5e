"""The AUC, its clustered DeLong variance, and paired differences.

Source: DeLong et al. 1988, Biometrics 44:837; Obuchowski 1997, Biometrics 53:567 (clusters).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.special import chdtrc, expit, logit, ndtr, ndtri

from robustkit.stats.codes import n_distinct
from robustkit.stats.difference import Difference
from robustkit.stats.estimate import NAN, Estimate
from robustkit.stats.montecarlo import independent
from robustkit.stats.placements import Placements, placements

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
Codes = NDArray[np.intp]

MIN_PATIENTS = 10
"""Patients of either class under which an AUC is not estimable (estimands, section 4)."""

Z = float(ndtri(0.975))
TINY = 1e-12
"""Standard errors below this are rounding of placements that do not vary."""

ALL_TIED = "no variation between patients: the error cannot be estimated"
ALIKE = "both rank every case alike"


def auc(labels: Flags, scores: Floats) -> float:
    """Give the AUC, ties half-counted; NaN where one class is missing or a score is NaN.

    Args:
        labels: ``(n,)`` bool.
        scores: ``(n,)`` float64; infinite scores are ordered like any other.

    Example:
        >>> import numpy as np
        >>> auc(np.array([True, True, False, False]), np.array([0.9, 0.4, 0.4, 0.1]))
        0.875
    """
    if labels.all() or not labels.any() or np.isnan(scores).any():
        return NAN
    return float(placements(labels, scores).value)


@dataclass(frozen=True, slots=True)
class _Influence:
    """What each patient adds to the error of an AUC: sums of centred placements over her cases.

    Attributes:
        positive: ``(m,)`` sum over a patient's positives of (v10 - AUC) / n_positive.
        negative: ``(m,)`` the same for negatives.
    """

    positive: Floats
    negative: Floats


@dataclass(frozen=True, slots=True)
class _Patients:
    """Who has cases of which class."""

    codes: Codes
    n: int
    n_positive: int
    n_negative: int


def _patients(labels: Flags, patients: Codes) -> _Patients:
    codes = np.unique(patients, return_inverse=True)[1]
    n_positive, n_negative = n_distinct(codes[labels]), n_distinct(codes[~labels])
    return _Patients(codes, n_distinct(codes), n_positive, n_negative)


def _averaged(found: Placements) -> Placements:
    return Placements(found.v10.mean(axis=0), found.v01.mean(axis=0), found.value.mean())


def _influence(labels: Flags, mean: Placements, own: _Patients) -> _Influence:
    def by_patient(chosen: Flags, values: Floats) -> Floats:
        weights = (values - mean.value) / len(values)
        return np.bincount(own.codes[chosen], weights=weights, minlength=own.n).astype(np.float64)

    return _Influence(by_patient(labels, mean.v10), by_patient(~labels, mean.v01))


def _covariance(one: _Influence, two: _Influence, own: _Patients) -> float:
    """Obuchowski's S10 / n_positive + S01 / n_negative + (S11 + S11') / (n_positive n_negative).

    Each of the sums has the small-sample factor of the patients that it runs over. With one case
    per patient this is DeLong's covariance.
    """

    def small(k: int) -> float:
        return k / (k - 1)

    s10 = small(own.n_positive) * float(one.positive @ two.positive)
    s01 = small(own.n_negative) * float(one.negative @ two.negative)
    s11 = small(own.n) * float(one.positive @ two.negative + one.negative @ two.positive)
    return s10 + s01 + s11


def _variance(part: _Influence, own: _Patients) -> float:
    # S11 may be negative, and with few patients larger than the other two: the variance is not
    return max(0.0, _covariance(part, part, own))


def _mc_se(found: Placements, set_size: int = 1) -> float:
    """Standard error of the mean over repeats that redrawing the boxes alone would give; NaN for one repeat.

    Every case's box is drawn independently, so with s_i^2 the variance (ddof 1) of case i's placement over
    R repeats it is sqrt((sum of s_i^2 over positives / n_positive^2 + the same of negatives) / R). A placement
    also moves with the other class's boxes: the sum is too large by about 1 / n_positive + 1 / n_negative of it.
    """
    v10, v01 = (independent(v, set_size) for v in (found.v10, found.v01))
    repeats = len(v10)
    if repeats < 2:
        return NAN
    within = sum(float(v.var(axis=0, ddof=1).sum()) / v.shape[1] ** 2 for v in (v10, v01))
    return float(np.sqrt(within / repeats))


def not_estimable(labels: Flags, patients: Codes) -> str:
    """Say why an AUC cannot be estimated; "" where it can.

    Args:
        labels: ``(n,)`` bool.
        patients: ``(n,)`` codes.
    """
    if len(labels) == 0:
        return "no cases"
    if labels.all() or not labels.any():
        return f"one class only (no {'negative' if labels.all() else 'positive'} case)"
    positive, negative = n_distinct(patients[labels]), n_distinct(patients[~labels])
    if min(positive, negative) < MIN_PATIENTS:
        found = f"{positive} with positives, {negative} with negatives"
        return f"fewer than {MIN_PATIENTS} patients of either class ({found})"
    return ""


def clustered_auc(labels: Flags, scores: Floats, patients: Codes, *, set_size: int = 1) -> Estimate:
    """Give the AUC averaged over repeats, with a clustered DeLong interval on the logit scale.

    Args:
        labels: ``(n,)`` bool.
        scores: ``(R, n)`` float64, one row per repeat (one row: nominal).
        patients: ``(n,)`` codes; a patient may have cases of both classes.
        set_size: Repeats of a set of Sobol points; 1 for random boxes.

    Returns:
        ``se`` holds sampling and Monte-Carlo error together, ``mc_se`` the latter. An AUC of 0 or 1 has an
        exact bound and no ``se``; scores that are all tied have a value and no interval, with the reason.

    Example:
        >>> import numpy as np
        >>> labels = np.arange(40) % 2 == 1
        >>> found = clustered_auc(labels, np.arange(40.0)[None], np.arange(40))
        >>> round(found.value, 3), found.low < found.value < found.high
        (0.525, True)
    """
    counted = Estimate(
        n_cases=len(labels),
        n_patients=n_distinct(patients),
        n_positive=int(labels.sum()),
        n_positive_patients=n_distinct(patients[labels]),
    )
    reason = not_estimable(labels, patients) or ("a score is missing (NaN)" if np.isnan(scores).any() else "")
    if reason:
        return replace(counted, reason=reason)
    own, found = _patients(labels, patients), placements(labels, scores)
    mean = _averaged(found)
    value, mc_se = float(mean.value), _mc_se(found, set_size)
    if value in (0.0, 1.0):
        low, high = _perfect(value, own)
        method = "perfect separation, exact bound"
        return replace(counted, value=value, low=low, high=high, mc_se=mc_se, method=method)
    se = float(np.sqrt(_variance(_influence(labels, mean, own), own)))
    if se < TINY:
        return replace(counted, value=value, mc_se=mc_se, reason=ALL_TIED)
    half = Z * se / (value * (1.0 - value))
    low, high = (float(expit(logit(value) + side)) for side in (-half, half))
    method = "clustered DeLong, logit scale"
    return replace(counted, value=value, low=low, high=high, se=se, mc_se=mc_se, method=method)


def _perfect(value: float, own: _Patients) -> tuple[float, float]:
    """Bound an AUC of 1 (or 0), where the logit is not defined.

    Pairs of different patients that share nobody are independent, each in the right order with chance AUC.
    k such pairs are all in order with chance AUC^k, and all pairs with no more: AUC^k = .025 bounds it.
    """
    k = min(own.n_positive, own.n_negative, own.n // 2)
    bound = 0.025 ** (1.0 / k)
    return (bound, 1.0) if value == 1.0 else (0.0, 1.0 - bound)


def paired_auc_difference(
    labels: Flags, scores_a: Floats, scores_b: Floats, *, patients: Codes, set_size: int = 1
) -> Difference:
    """Give the AUC of a minus that of b on the same cases, by clustered paired DeLong.

    Args:
        labels: ``(n,)`` bool.
        scores_a, scores_b: ``(R, n)`` float64; the repeats of both saw the same boxes.
        patients: ``(n,)`` codes.

    Returns:
        Where both rank every case alike: difference 0 and p = 1, and no interval, with the reason.

    Example:
        >>> import numpy as np
        >>> labels, scores = np.arange(40) < 20, np.cos(np.arange(40.0))[None]
        >>> found = paired_auc_difference(labels, scores, scores / 2, patients=np.arange(40))
        >>> found.diff, found.p
        (0.0, 1.0)
    """
    is_known = not not_estimable(labels, patients)
    terms = ((1.0, placements(labels, scores_a)), (-1.0, placements(labels, scores_b))) if is_known else ()
    return auc_contrast(labels, terms, patients=patients, set_size=set_size)


def auc_contrast(
    labels: Flags, terms: Sequence[tuple[float, Placements]], *, patients: Codes, set_size: int = 1
) -> Difference:
    """Give a weighted sum of AUCs on the same cases: see ``auc_contrasts``.

    Args:
        labels: ``(n,)`` bool.
        terms: Weights, and placements of ``(R, n)`` scores.
        patients: ``(n,)`` codes.
        set_size: Repeats of a set of Sobol points; 1 for random boxes.
    """
    weights = np.array([[w for w, _ in terms]])
    return auc_contrasts(labels, [p for _, p in terms], weights, patients=patients, set_size=set_size)[0]


def auc_contrasts(
    labels: Flags, placed: Sequence[Placements], weights: Floats, *, patients: Codes, set_size: int = 1
) -> list[Difference]:
    """Give weighted sums of AUCs on the same cases, by clustered paired DeLong.

    An AUC averaged over repeats is a mean of placements, and so is a weighted sum of AUCs: its error is that of the
    weighted placements. Nothing grows with the number of pairs of cases.

    Args:
        labels: ``(n,)`` bool.
        placed: Of k models' ``(R, n)`` scores; R is 1 or the same for all. The repeats saw the same boxes. Not looked
            at where an AUC is not estimable.
        weights: ``(c, k)`` of each sum; a model of weight 0 is no part of it.
        patients: ``(n,)`` codes.
        set_size: Repeats of a set of Sobol points; 1 for random boxes.

    Returns:
        c sums. Where every case stands alike on both sides: difference 0 and p = 1, and no interval, with the reason.
    """
    counted = Difference(n_cases=len(labels), n_patients=n_distinct(patients))
    reason = not_estimable(labels, patients)
    if reason:
        return [replace(counted, reason=reason)] * len(weights)
    own, is_missing = _patients(labels, patients), np.array([bool(np.isnan(p.value).any()) for p in placed])
    is_known = ~((weights != 0) & is_missing).any(axis=1)
    parts = [_influence(labels, _averaged(p), own) for p in placed]
    mc_errors = _MonteCarlo(placed, set_size)
    found = [replace(counted, reason="a score is missing (NaN)")] * len(weights)
    for i in np.flatnonzero(is_known).tolist():
        terms = [(float(weights[i, k]), k) for k in np.flatnonzero(weights[i]).tolist()]
        apart = _Influence(
            np.asarray(sum(w * parts[k].positive for w, k in terms)),
            np.asarray(sum(w * parts[k].negative for w, k in terms)),
        )
        diff = float(sum(w * placed[k].value.mean() for w, k in terms))
        se = float(np.sqrt(_variance(apart, own)))
        most = sum(abs(w) for w, _ in terms) / 2
        found[i] = _tested(replace(counted, diff=diff, mc_se=mc_errors.of(terms)), se, most=most)
    return found


def _tested(counted: Difference, se: float, *, most: float) -> Difference:
    """Give the interval and the test of a sum of AUCs that is at most ``most`` away from 0."""
    counted, diff = replace(counted, method="clustered paired DeLong"), counted.diff
    if se < TINY and abs(diff) < TINY:
        return replace(counted, diff=0.0, se=0.0, statistic=0.0, p=1.0, reason=ALIKE)
    if se < TINY:
        return replace(counted, reason=ALL_TIED)
    z = diff / se
    low, high = max(-most, diff - Z * se), min(most, diff + Z * se)
    return replace(counted, low=low, high=high, se=se, statistic=z, p=float(2 * ndtr(-abs(z))))


class _MonteCarlo:
    """Monte-Carlo errors of sums of AUCs: the boxes are the same, so they are taken from the sums of each repeat."""

    def __init__(self, placed: Sequence[Placements], set_size: int) -> None:
        """Prepare for these models: a nominal one has no such error and adds none."""
        self._repeats = [len(p.v10) for p in placed]
        self._away = [_away(p, set_size) for p in placed]
        self._known: dict[tuple[tuple[float, int], ...], float] = {}

    def of(self, terms: Sequence[tuple[float, int]]) -> float:
        """Give the error of a sum of weighted models; NaN without repeats, or where these are not the same."""
        redrawn = [(w, k) for w, k in terms if self._repeats[k] > 1]
        if len({self._repeats[k] for _, k in redrawn}) != 1:
            return NAN
        # a sum and its negative have one error
        sign = float(np.sign(redrawn[0][0]))
        key = tuple((sign * w, k) for w, k in redrawn)
        if key not in self._known:
            away = np.asarray(sum(w * self._away[k] for w, k in key))
            repeats = len(away)
            self._known[key] = float(np.sqrt(np.vdot(away, away) / (repeats - 1) / repeats)) if repeats > 1 else NAN
        return self._known[key]


def _away(found: Placements, set_size: int) -> Floats:
    """Give ``(R, n)`` what each placement adds to its repeat's AUC, less its mean over repeats: see ``_mc_se``."""
    parts = (independent(v, set_size) for v in (found.v10, found.v01))
    return np.concatenate([(v - v.mean(axis=0)) / v.shape[1] for v in parts], axis=1)


def auc_covariances(labels: Flags, placed: Sequence[Placements], *, patients: Codes) -> Floats:
    """Give ``(k, k)`` covariances of k AUCs on the same cases; with a case per patient they are DeLong's.

    Args:
        labels: ``(n,)`` bool.
        placed: Of k score rows.
        patients: ``(n,)`` codes.

    Source: Obuchowski 1997, Biometrics 53:567.
    """
    own = _patients(labels, patients)
    parts = [_influence(labels, _averaged(p), own) for p in placed]
    return np.array([[_covariance(a, b, own) for b in parts] for a in parts])


def equal_aucs(labels: Flags, placed: Sequence[Placements], *, patients: Codes) -> Difference:
    """Test that k AUCs on the same cases are one, by clustered DeLong.

    Args:
        labels: ``(n,)`` bool.
        placed: Of k models. Not looked at where an AUC is not estimable.
        patients: ``(n,)`` codes.

    Returns:
        ``statistic`` (chi-square) and ``p``; no ``diff``. k - 1 degrees of freedom, fewer where models rank every case
        alike; where all do, p = 1.

    Source: DeLong et al. 1988, Biometrics 44:837, equation 5.
    """
    counted = Difference(n_cases=len(labels), n_patients=n_distinct(patients))
    reason = not_estimable(labels, patients)
    if not reason and any(np.isnan(p.value).any() for p in placed):
        reason = "a score is missing (NaN)"
    if reason or len(placed) < 2:
        return replace(counted, reason=reason or "fewer than two models")
    own, means = _patients(labels, patients), [_averaged(p) for p in placed]
    parts = [_influence(labels, m, own) for m in means]
    apart = [_Influence(p.positive - parts[0].positive, p.negative - parts[0].negative) for p in parts[1:]]
    diff = np.array([float(m.value - means[0].value) for m in means[1:]])
    covariance = np.array([[_covariance(a, b, own) for b in apart] for a in apart])
    df = int(np.linalg.matrix_rank(covariance, tol=TINY**2, hermitian=True))
    if df == 0 and np.abs(diff).max() < TINY:
        return replace(counted, statistic=0.0, p=1.0, method="clustered DeLong", reason="all rank every case alike")
    if df == 0:
        return replace(counted, reason=ALL_TIED)
    statistic = float(diff @ np.linalg.pinv(covariance, rcond=1e-10, hermitian=True) @ diff)
    method = f"clustered DeLong, chi-square with {df} df"
    return replace(counted, statistic=statistic, p=float(chdtrc(df, statistic)), method=method)
