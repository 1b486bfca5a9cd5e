"""Do two cohorts differ in one fact? Tests that take the patient, not the case, as the unit."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import ks_2samp, mannwhitneyu

from robustkit.seeds import generator
from robustkit.stats.estimate import NAN
from robustkit.stats.sides import Sides
from robustkit.stats.standardised import squared_distance

Floats = NDArray[np.float64]
Codes = NDArray[np.intp]

EXACT_UP_TO = 10_000
"""Pairs of patients up to which the Kolmogorov-Smirnov test is exact."""

_BLOCK = 2_000_000
_ROUNDING = 1e-9


@dataclass(frozen=True, slots=True)
class TwoSampleTest:
    """One test.

    Attributes:
        name: Of the test.
        statistic, p: Of it; NaN with the reason where there is none.
        p_shape: Of the Kolmogorov-Smirnov test beside it, which sees more than a shift; NaN for categories.
        by_chance: Mean standardised difference of categories where patients are dealt out anew; NaN for numbers.
        reason: Why there is no p.
    """

    name: str
    statistic: float = NAN
    p: float = NAN
    p_shape: float = NAN
    by_chance: float = NAN
    reason: str = ""


def number_test(values: Floats, sides: Sides) -> TwoSampleTest:
    """Test whether one cohort has larger numbers: Mann-Whitney on the means of the patients.

    Args:
        values: ``(n,)`` finite.
        sides: Of the cases. A patient with cases on both sides counts on each.

    Returns:
        ``statistic`` is U of cohort a: pairs of patients in which a's number is larger, ties half.
    """
    name = "Mann-Whitney on means of patients"
    reason = sides.too_few() or ("one value only" if np.ptp(values) == 0 else "")
    if reason:
        return TwoSampleTest(name, reason=reason)
    a, b = (_means(values[side], sides.patients[side]) for side in (sides.is_a, ~sides.is_a))
    if np.ptp(np.concatenate([a, b])) == 0:
        return TwoSampleTest(name, reason="one value only")
    u, p = mannwhitneyu(a, b, alternative="two-sided")
    method = "exact" if len(a) * len(b) <= EXACT_UP_TO else "asymp"
    return TwoSampleTest(name, float(u), float(p), p_shape=float(ks_2samp(a, b, method=method).pvalue))


def _means(values: Floats, patients: Codes) -> Floats:
    size = np.bincount(patients)
    return np.asarray((np.bincount(patients, weights=values)[size > 0]) / size[size > 0])


def category_test(
    codes: Codes, sides: Sides, *, n_categories: int, draws: int, seed: int, purpose: str
) -> TwoSampleTest:
    """Test whether the shares of categories differ: Pearson's chi-square, patients dealt out to the cohorts anew.

    A patient with cases of several categories counts in each by the share of these cases, so each patient counts
    once. Small expected numbers do no harm: the distribution is that of the deals.

    Args:
        codes: ``(n,)`` category of each case, 0..n_categories-1.
        sides: Of the cases. A patient with cases on both sides counts on each.
        n_categories: K.
        draws: Deals; the one observed counts as one more.
        seed, purpose: Name the stream.

    Source: Pearson 1900; Phipson and Smyth 2010, SAGMB 9:39 (p is never 0).
    """
    name = "chi-square, permutation of patients"
    reason = sides.too_few() or ("one category only" if len(np.unique(codes)) == 1 else "")
    if reason:
        return TwoSampleTest(name, reason=reason)
    units, unit = np.unique(np.stack([sides.patients, sides.is_a]), axis=1, return_inverse=True)
    counts = np.zeros((n_categories, units.shape[1]))
    np.add.at(counts, (codes, unit.ravel()), 1.0)
    shares = counts / counts.sum(axis=0)
    is_a = units[1] == 1
    totals = np.stack([shares.sum(axis=1), counts.sum(axis=1)])[:, :, None]
    weight = is_a.sum() / len(is_a)
    observed = float(_chi_square(shares[:, is_a].sum(axis=1, keepdims=True), totals[0], weight)[0])
    hits, distances = 0, []
    for dealt in _deals(is_a, draws=draws, seed=seed, purpose=purpose):
        # one product for both: the deals are by far the largest matrix
        in_a, cases_a = np.split(np.concatenate([shares, counts]) @ dealt, 2)
        hits += int((_chi_square(in_a, totals[0], weight) >= observed * (1 - _ROUNDING)).sum())
        distances.append(squared_distance(np.concatenate([cases_a, totals[1] - cases_a])))
    found = np.sqrt(np.concatenate(distances))
    by_chance = float(found[np.isfinite(found)].mean()) if np.isfinite(found).any() else NAN
    return TwoSampleTest(name, observed, (hits + 1) / (draws + 1), by_chance=by_chance)


def _deals(is_a: NDArray[np.bool_], *, draws: int, seed: int, purpose: str) -> Iterator[Floats]:
    """Give ``(m, b)`` blocks of 1 for patients dealt to a, 0 for b; each side keeps its number."""
    random = generator(seed, "deal", purpose)
    left = draws
    while left > 0:
        size = min(left, _BLOCK // len(is_a) + 1)
        yield random.permuted(np.tile(is_a, (size, 1)), axis=1).T.astype(np.float64)
        left -= size


def _chi_square(in_a: Floats, of_all: Floats, weight: float) -> Floats:
    """Give ``(b,)`` Pearson's statistic of ``(K, b)`` patients in a, ``(K, 1)`` of all, ``weight`` of all in a."""
    away = (in_a - of_all * weight) ** 2
    # both sides are off by the same number: 1 / expected adds up to 1 / (n_k w (1 - w))
    expected = of_all * weight * (1 - weight)
    return np.asarray(np.divide(away, expected, out=np.zeros_like(away), where=expected > 0).sum(axis=0))
