"""Is a stratum different from the rest? Score tests with the patient as the unit, and differences of estimates.

The score tests take variance and correlation within patients from all strata together, as they are if no stratum
differs. A variance from each stratum's own residuals would shrink exactly where a stratum happens to have no error
(13 of 13 right at a rate of .87 has p = .38 by Fisher, and had p = .002). Source: Rao's score test with exchangeable
correlation (Rotnitzky and Jewell 1990, Biometrika 77:485, model-based variance).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.special import chdtrc, ndtr, ndtri

from robustkit.stats.codes import n_distinct
from robustkit.stats.difference import Difference
from robustkit.stats.estimate import NAN, Estimate
from robustkit.stats.groups import Groups, groups_of

Floats = NDArray[np.float64]
Codes = NDArray[np.intp]

_Z = float(ndtri(0.975))
_ROUNDING = 1e-12
_NO_DIRECTION = 1e-15
"""Part of the largest variance under which a direction has none."""


@dataclass(frozen=True, slots=True)
class Heterogeneity:
    """A test that several estimates have one value.

    Attributes:
        statistic: Chi-square.
        df: Its degrees of freedom.
        p: NaN where there is no test.
        reason: Why there is none.
    """

    statistic: float = NAN
    df: int = 0
    p: float = NAN
    reason: str = ""


def two_sample_z(a: Estimate, b: Estimate) -> Difference:
    """Give a minus b for two estimates that share no patient.

    Args:
        a, b: With ``se`` by patient.

    Returns:
        diff +- 1.96 sqrt(se_a^2 + se_b^2), and the p of z. Without an ``se`` on either side (nothing varies
        there) the difference alone, with the reason: see ``score_contrast_p`` for a test that then still holds.
    """
    counted = Difference(n_cases=a.n_cases + b.n_cases, n_patients=a.n_patients + b.n_patients)
    diff = a.value - b.value
    if not np.isfinite(diff):
        return replace(counted, reason=a.reason or b.reason or "an estimate is missing")
    se = float(np.hypot(a.se, b.se))
    counted = replace(counted, diff=diff, mc_se=float(np.hypot(a.mc_se, b.mc_se)))
    if not np.isfinite(se) or se <= 0.0:
        return replace(counted, reason="no standard error: nothing varies on one side")
    z = diff / se
    method = "z of independent estimates, errors by patient"
    low, high, p = diff - _Z * se, diff + _Z * se, float(2 * ndtr(-abs(z)))
    return replace(counted, low=low, high=high, se=se, statistic=z, p=p, method=method)


def heterogeneity(estimates: Sequence[Estimate]) -> Heterogeneity:
    """Test that estimates of strata which share no patient have one value.

    Args:
        estimates: Those without value or ``se`` are left out.

    Source: Cochran 1954, Biometrics 10:101 (weights 1 / se^2, chi-square with k - 1 degrees of freedom).
    """
    known = [e for e in estimates if np.isfinite(e.value) and np.isfinite(e.se) and e.se > 0]
    if len(known) < 2:
        return Heterogeneity(reason="fewer than two strata with an error")
    values, weights = np.array([e.value for e in known]), np.array([e.se**-2.0 for e in known])
    common = float(weights @ values / weights.sum())
    statistic = float(weights @ (values - common) ** 2)
    return Heterogeneity(statistic, len(known) - 1, float(chdtrc(len(known) - 1, statistic)))


def score_contrast_p(values: Floats, patients: Codes, inside: NDArray[np.bool_]) -> float:
    """Give the two-sided p that a stratum's mean equals the mean of the rest.

    Args:
        values: ``(n,)`` per case.
        patients: ``(n,)`` codes; a patient may have cases in both.
        inside: ``(n,)`` True for the stratum.

    Returns:
        1 where nothing varies; NaN where one side is empty, one patient is all there is, or a value is NaN.
    """
    groups = groups_of([np.where(inside, 0, -1)], patients, sizes=[1])
    return float(score_contrasts_p(values, patients, groups)[0])


def score_contrasts_p(values: Floats, patients: Codes, groups: Groups) -> Floats:
    """Give ``(k,)`` p of each group against the rest of the cases: see ``score_contrast_p``.

    Args:
        values: ``(n,)`` per case.
        patients: ``(n,)`` codes.
        groups: Of these cases.
    """
    n, found = len(values), np.full(groups.k, NAN)
    inside = groups.n_cases()
    tested = (inside > 0) & (inside < n)
    if not tested.any() or n_distinct(patients) < 2 or not np.isfinite(values).all():
        return found
    if np.ptp(values) <= _ROUNDING * float(np.abs(values).max()):
        return np.where(tested, 1.0, NAN)
    residuals = values - values.mean()
    # the shared mean is estimated from the same cases: each stratum gives up its share of every deviation
    share = inside / n
    total = groups.sums(residuals) - share * residuals.sum()
    alone, together = _shared_variance(residuals, patients)
    top = int(groups.pair_patient.max(initial=0)) + 1
    size, own = np.bincount(patients, minlength=top).astype(np.float64), groups.by_pair(np.ones(len(groups.case)))
    mixed = groups.over_pairs(own * size[groups.pair_patient])
    by_patient = groups.over_pairs(own**2) - 2 * share * mixed + share**2 * float(size @ size)
    variance = (alone - together) * n * share * (1.0 - share) + together * by_patient
    tested &= variance > 0
    found[tested] = chdtrc(1, total[tested] ** 2 / variance[tested])
    return found


def score_heterogeneity_p(values: Floats, patients: Codes, groups: NDArray[np.object_] | Codes) -> float:
    """Give the p that all strata have one mean.

    Args:
        values: ``(n,)`` per case.
        patients: ``(n,)`` codes.
        groups: ``(n,)`` names or codes.

    Returns:
        1 where nothing varies; NaN with fewer than two strata, one patient, or where a value is NaN. With 0 and 1
        and one case per patient it is Pearson's chi-square, but for n - 1 in the place of n.
    """
    is_text = groups.dtype == object
    codes, k = _numbered(np.unique(groups.astype(str), return_inverse=True)[1] if is_text else groups.astype(np.intp))
    who, m = _numbered(patients)
    if k < 2 or m < 2 or not np.isfinite(values).all():
        return NAN
    if np.ptp(values) <= _ROUNDING * float(np.abs(values).max()):
        return 1.0
    n, residuals = len(values), values - values.mean()
    # the last stratum follows from the others
    size = np.bincount(codes, minlength=k)[:-1]
    share = size / n
    # the shared mean is estimated from the same cases: each stratum gives up its share of every deviation
    total = np.bincount(codes, weights=residuals, minlength=k)[:-1] - share * residuals.sum()
    alone, together = _shared_variance(residuals, who)
    by_case = np.diag(size.astype(np.float64)) - np.outer(size, share)
    cases = np.bincount(codes * m + who, minlength=k * m).reshape(k, m).astype(np.float64)
    by_patient = cases[:-1] - share[:, None] * cases.sum(axis=0)
    covariance = (alone - together) * by_case + together * (by_patient @ by_patient.T)
    values_of, vectors = np.linalg.eigh(covariance)
    sizes = np.abs(values_of)
    rank = int(np.count_nonzero(sizes > sizes.max() * len(sizes) * np.finfo(np.float64).eps))
    if rank == 0:
        return NAN
    # what pinv would leave out: directions in which nothing varies
    kept = sizes > _NO_DIRECTION * sizes.max()
    return float(chdtrc(rank, float(((vectors[:, kept].T @ total) ** 2 / values_of[kept]).sum())))


def _numbered(codes: Codes) -> tuple[Codes, int]:
    """Number the codes that there are from 0, and count them."""
    there = np.bincount(codes) > 0
    return (np.cumsum(there) - 1)[codes], int(there.sum())


def _shared_variance(residuals: Floats, patients: Codes) -> tuple[float, float]:
    """Give the variance of a case, and the covariance of two cases of one patient, that all strata share."""
    codes, m = _numbered(patients)
    sums, size = _by_patient(residuals, codes), np.bincount(codes)
    squares = float(residuals @ residuals)
    small = m / (m - 1)
    pairs = float((size * (size - 1)).sum())
    alone = small * squares / len(residuals)
    together = small * (float(sums @ sums) - squares) / pairs if pairs else 0.0
    return alone, float(np.clip(together, 0.0, alone))


def _by_patient(values: Floats, patients: Codes) -> Floats:
    return np.asarray(np.bincount(patients, weights=values), dtype=np.float64)
