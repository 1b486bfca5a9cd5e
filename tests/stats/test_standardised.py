"""Standardised differences: by hand, against a plain loop, and at the edges."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from robustkit.stats.bootstrap import patient_draws
from robustkit.stats.sides import Sides
from robustkit.stats.standardised import category_difference, cliffs_delta, number_difference, squared_distance


def sides(is_a: np.ndarray, patients: np.ndarray | None = None, draws: int = 400) -> Sides:
    patients = np.arange(len(is_a)) if patients is None else patients
    first = np.unique(patients, return_index=True)[1]
    drawn = patient_draws(is_a[first].astype(np.intp), draws=draws, seed=1, purpose="test")
    return Sides(is_a, patients.astype(np.intp), drawn)


def clustered(m_a: int, m_b: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Give is_a and patients of one to three cases."""
    size = np.random.default_rng(seed).integers(1, 4, m_a + m_b)
    patients = np.repeat(np.arange(m_a + m_b), size)
    return patients < m_a, patients


def test_numbers_by_hand() -> None:
    # means 5 and 3, both variances 2.5: 2 / sqrt(2.5)
    found = number_difference(np.array([3.0, 4, 5, 6, 7, 1, 2, 3, 4, 5]), sides(np.arange(10) < 5))
    assert found.value == pytest.approx(2 / np.sqrt(2.5), rel=1e-12)
    assert found.low < found.value < found.high


def test_the_pooled_spread_is_the_root_of_the_mean_variance() -> None:
    # means 4 and 3, variances 10 (of 0, 2, 4, 6, 8) and 20 / 9 (of ten cases): however many cases there are
    a, b = np.array([0.0, 2, 4, 6, 8]), np.repeat([1.0, 2, 3, 4, 5], 2)
    found = number_difference(np.concatenate([a, b]), sides(np.arange(15) < 5))
    assert found.value == pytest.approx(1 / np.sqrt((10 + 20 / 9) / 2), rel=1e-12)


def test_the_draws_are_those_of_a_plain_loop_over_patients() -> None:
    is_a, patients = clustered(20, 30, seed=2)
    values = np.random.default_rng(3).normal(40, 9, len(is_a)) + 5 * is_a
    both = sides(is_a, patients, draws=150)
    plain = []
    for counts in both.draws.counts:
        rows = np.repeat(np.arange(len(is_a)), counts[patients].astype(int))
        a, b = values[rows][is_a[rows]], values[rows][~is_a[rows]]
        plain.append((a.mean() - b.mean()) / np.sqrt((a.var(ddof=1) + b.var(ddof=1)) / 2))
    assert number_difference(values, both).se == pytest.approx(np.std(plain, ddof=1), rel=1e-9)


def test_three_categories_by_hand() -> None:
    # shares .5 .3 .2 and .2 .3 .5; without the first: gap (0, -.3), S = [[.21, -.105], [-.105, .205]],
    # S^-1[1, 1] = .21 / (.21 x .205 - .105^2) = .21 / .032025, d^2 = .09 x .21 / .032025
    codes = np.repeat([0, 1, 2, 0, 1, 2], [5, 3, 2, 2, 3, 5])
    found = category_difference(codes, sides(np.arange(20) < 10), n_categories=3)
    assert found.value == pytest.approx(np.sqrt(0.09 * 0.21 / 0.032025), rel=1e-12)
    # a category that no case has, and another order of the names
    wider = category_difference(np.array([3, 0, 1])[codes], sides(np.arange(20) < 10), n_categories=4)
    assert wider.value == pytest.approx(found.value, rel=1e-12)


def test_two_categories_are_the_difference_of_shares_in_their_spread() -> None:
    # shares .6 and .4: .2 / sqrt((.24 + .24) / 2)
    codes = np.repeat([1, 0, 1, 0], [6, 4, 4, 6])
    found = category_difference(codes, sides(np.arange(20) < 10), n_categories=2)
    assert found.value == pytest.approx(0.2 / np.sqrt(0.24), rel=1e-12)


@given(st.lists(st.integers(0, 30), min_size=6, max_size=6), st.lists(st.integers(0, 30), min_size=6, max_size=6))
def test_squared_distance_is_yang_and_daltons(a: list[int], b: list[int]) -> None:
    n, m = np.array(a, dtype=float), np.array(b, dtype=float)
    n[0], m[0] = n[0] + 1, m[0] + 1
    present = np.flatnonzero(n + m)[1:]
    p, q = n[present] / n.sum(), m[present] / m.sum()
    s = (np.diag(p + q) - np.outer(p, p) - np.outer(q, q)) / 2
    expected = (p - q) @ np.linalg.inv(s) @ (p - q) if len(present) else 0.0
    found = squared_distance(np.concatenate([n, m])[:, None])[0]
    assert found == pytest.approx(expected, rel=1e-8, abs=1e-12)


def test_cohorts_that_share_no_category_are_infinitely_far() -> None:
    found = category_difference(np.repeat([0, 1, 2], [5, 5, 10]), sides(np.arange(20) < 10), n_categories=3)
    assert np.isnan(found.value)
    assert found.reason == "no category is found in both cohorts"


def test_an_interval_of_categories_covers_in_most_data_sets_with_and_without_a_difference() -> None:
    """Of 60 data sets 57 are covered on average; 50 or fewer, if 95 % are, once in 1,400 times (binomial)."""
    for tilt in (0.0, 1.2):
        p, q = np.exp(tilt * np.linspace(-1, 1, 5)), np.ones(5)
        p, q = p / p.sum(), q / q.sum()
        truth = np.sqrt(squared_distance(np.concatenate([p, q])[:, None])[0])
        hits = 0
        for seed in range(60):
            rng = np.random.default_rng([int(10 * tilt), seed])
            is_a, patients = clustered(120, 60, seed=seed)
            own = np.where(np.arange(180) < 120, rng.choice(5, 180, p=p), rng.choice(5, 180, p=q))
            e = category_difference(own[patients], sides(is_a, patients, draws=200), n_categories=5)
            hits += e.low <= truth <= e.high
        assert hits > 50


def test_more_cases_of_the_same_patients_do_not_narrow_the_interval() -> None:
    rng = np.random.default_rng(5)
    is_a, codes = np.arange(100) < 50, rng.integers(0, 3, 100)
    once = category_difference(codes, sides(is_a), n_categories=3)
    patients = np.repeat(np.arange(100), 4)
    often = category_difference(np.repeat(codes, 4), sides(np.repeat(is_a, 4), patients), n_categories=3)
    assert (often.value, often.low, often.high) == pytest.approx((once.value, once.low, once.high), rel=1e-9)


def test_cliffs_delta_is_the_count_of_pairs() -> None:
    rng = np.random.default_rng(4)
    values, is_a = rng.integers(0, 6, 60).astype(float), np.arange(60) < 25
    wins = np.sign(values[is_a][:, None] - values[~is_a][None, :])
    found = cliffs_delta(values, sides(is_a))
    assert found.value == pytest.approx(wins.mean(), rel=1e-12)
    assert found.low < found.value < found.high


@pytest.mark.parametrize(
    ("values", "n_a", "reason"),
    [
        (np.ones(20), 10, "no spread within the cohorts"),
        (np.arange(20.0), 4, "fewer than 5 patients on one side (4)"),
        (np.arange(20.0), 0, "no case on one side"),
        (np.repeat([1.0, 2.0], 10), 10, "no spread within the cohorts"),
    ],
)
def test_numbers_that_cannot_be_compared(values: np.ndarray, n_a: int, reason: str) -> None:
    found = number_difference(values, sides(np.arange(20) < n_a))
    assert np.isnan([found.value, found.low, found.high]).all()
    assert found.reason == reason


def test_categories_that_cannot_be_compared() -> None:
    one = category_difference(np.zeros(20, dtype=np.intp), sides(np.arange(20) < 10), n_categories=1)
    few = category_difference(np.arange(20) % 2, sides(np.arange(20) < 3), n_categories=2)
    assert (one.reason, few.reason) == ("one category only", "fewer than 5 patients on one side (3)")
    assert np.isnan([one.value, few.value]).all()
    delta = cliffs_delta(np.arange(20.0), sides(np.arange(20) < 9))
    assert delta.reason == "fewer than 10 patients on one side (9)"
