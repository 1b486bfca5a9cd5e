"""Tests by patient, held to scipy's on one row per patient."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from robustkit.stats.bootstrap import patient_draws
from robustkit.stats.sides import Sides
from robustkit.stats.two_sample_tests import TwoSampleTest, category_test, number_test
from scipy.stats import chi2_contingency, ks_2samp, mannwhitneyu


def sides(is_a: np.ndarray, patients: np.ndarray) -> Sides:
    draws = patient_draws(np.zeros(patients.max() + 1, dtype=np.intp), draws=2, seed=0, purpose="test")
    return Sides(is_a, patients.astype(np.intp), draws)


def dealt(codes: np.ndarray, both: Sides, *, draws: int = 500) -> TwoSampleTest:
    return category_test(codes, both, n_categories=int(codes.max()) + 1, draws=draws, seed=0, purpose="x")


def test_numbers_are_scipys_tests_on_the_means_of_patients() -> None:
    rng = np.random.default_rng(0)
    patients = np.repeat(np.arange(60), rng.integers(1, 5, 60))
    is_a, values = patients < 22, rng.normal(0, 1, len(patients)) + (patients < 22)
    means = pd.Series(values).groupby(patients).mean().to_numpy()
    expected = mannwhitneyu(means[:22], means[22:])
    found = number_test(values, sides(is_a, patients))
    assert (found.statistic, found.p) == pytest.approx((expected.statistic, expected.pvalue), rel=1e-9)
    assert found.p_shape == pytest.approx(ks_2samp(means[:22], means[22:], method="exact").pvalue, rel=1e-9)


def test_categories_of_one_case_per_patient_are_scipys_chi_square() -> None:
    rng = np.random.default_rng(1)
    is_a = np.arange(300) < 120
    codes = np.where(is_a, rng.choice(4, 300, p=[0.4, 0.3, 0.2, 0.1]), rng.integers(0, 4, 300))
    table = np.stack([np.bincount(codes[s], minlength=4) for s in (is_a, ~is_a)])
    expected = chi2_contingency(table, correction=False)
    found = dealt(codes, sides(is_a, np.arange(300)), draws=4000)
    assert found.statistic == pytest.approx(expected.statistic, rel=1e-12)
    assert found.p == pytest.approx(expected.pvalue, abs=0.01)


def test_a_perfect_split_of_ten_patients_has_the_p_of_fishers_test() -> None:
    # two of C(10, 5) = 252 deals are as far apart; 20,000 deals: within 4 standard errors of 2 / 252
    codes = np.repeat([0, 1], 5)
    found = dealt(codes, sides(codes == 0, np.arange(10)), draws=20_000)
    assert found.p == pytest.approx(2 / 252, abs=4 * np.sqrt(0.0079 / 20_000))
    assert found.statistic == pytest.approx(10.0)


def test_more_cases_of_the_same_patients_are_no_more_evidence() -> None:
    rng = np.random.default_rng(2)
    codes, is_a, values = rng.integers(0, 3, 40), np.arange(40) < 15, rng.normal(size=40)
    once = sides(is_a, np.arange(40))
    often = sides(np.repeat(is_a, 6), np.repeat(np.arange(40), 6))
    few = dealt(codes, once, draws=500)
    many = dealt(np.repeat(codes, 6), often, draws=500)
    assert (many.p, many.statistic, many.by_chance) == pytest.approx((few.p, few.statistic, few.by_chance))
    assert number_test(np.repeat(values, 6), often).p == pytest.approx(number_test(values, once).p)


def test_patients_with_several_categories_count_once() -> None:
    # patients 0-4 have one lesion of each category, 5-9 of a alike: the shares are equal, chi-square is 0
    codes = np.tile([0, 1], 10)
    found = dealt(codes, sides(np.repeat(np.arange(10) < 5, 2), np.repeat(np.arange(10), 2)), draws=200)
    assert (found.statistic, found.p) == pytest.approx((0.0, 1.0))


def test_chance_alone_gives_the_mean_of_a_half_normal() -> None:
    # two categories of 200 and 100 patients: sqrt(2 / pi) x sqrt(1 / 200 + 1 / 100)
    codes = np.random.default_rng(3).integers(0, 2, 300)
    found = dealt(codes, sides(np.arange(300) < 200, np.arange(300)), draws=4000)
    assert found.by_chance == pytest.approx(np.sqrt(2 / np.pi * 0.015), rel=0.05)


def test_equal_values_are_no_test() -> None:
    both = sides(np.arange(20) < 10, np.arange(20))
    assert number_test(np.ones(20), both).reason == "one value only"
    # equal means of patients, though not equal cases
    pairs = sides(np.repeat(np.arange(20) < 10, 2), np.repeat(np.arange(20), 2))
    assert number_test(np.tile([0.0, 2.0], 20), pairs).reason == "one value only"
    same = dealt(np.zeros(20, dtype=np.intp), both, draws=10)
    assert same.reason == "one category only"
    few = dealt(np.arange(20) % 2, sides(np.arange(20) < 4, np.arange(20)), draws=10)
    assert few.reason == "fewer than 5 patients on one side (4)"
    assert np.isnan([same.p, few.p]).all()
