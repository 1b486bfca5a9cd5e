"""A smooth rate: a known curve is found again, its band covers, and what cannot be fitted says why."""

from __future__ import annotations

import numpy as np
import pytest
import statsmodels.api as sm
from hypothesis import given, settings
from hypothesis import strategies as st
from robustkit.stats import smooth
from robustkit.stats.smooth import KNOTS, smooth_rate
from scipy.special import expit

GRID = np.geomspace(10, 100, 9)


def _truth(x: np.ndarray) -> np.ndarray:
    return np.asarray(expit(4.0 - 1.5 * np.log(x)))


def _data(seed: int, n: int = 600, per: int = 2) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    x = np.exp(random.uniform(np.log(8), np.log(120), n))
    return x, (random.random(n) < _truth(x)).astype(float), np.arange(n) // per


def test_a_curve_is_found_again() -> None:
    x, events, patients = _data(0, n=40_000)
    found = smooth_rate(x, events, patients, grid=GRID)
    np.testing.assert_allclose(found.value, _truth(GRID), atol=0.015)
    assert (found.low < found.value).all()
    assert (found.value < found.high).all()


@settings(max_examples=50, deadline=None)
@given(seed=st.integers(0, 10_000), n=st.integers(40, 400), repeats=st.sampled_from([1, 4]))
def test_curve_and_band_are_those_of_statsmodels(seed: int, n: int, repeats: int) -> None:
    random = np.random.default_rng(seed)
    x = np.exp(random.uniform(np.log(8), np.log(120), n))
    events, patients = random.binomial(repeats, _truth(x)) / repeats, random.integers(0, n // 2, n)
    found = smooth_rate(x, events, patients, grid=GRID)
    if found.reason:
        return
    knots = np.quantile(np.log(x), KNOTS)
    model = sm.GLM(events, smooth._terms(x, knots), family=sm.families.Binomial())
    fit = model.fit(cov_type="cluster", cov_kwds={"groups": patients})
    terms = smooth._terms(GRID, knots)
    middle, half = terms @ fit.params, 1.959963984540054 * np.sqrt(np.diag(terms @ fit.cov_params() @ terms.T))
    for own, expected in ((found.value, middle), (found.low, middle - half), (found.high, middle + half)):
        np.testing.assert_allclose(own, expit(expected), rtol=1e-8)


def test_sizes_of_two_kinds_and_rates_without_error_are_left_to_statsmodels() -> None:
    # between two sizes the knots are three, the terms two
    x, patients = np.repeat([10.0, 40.0], 20), np.arange(40)
    events = np.tile([0.0, 0.0, 0.0, 1.0], 10)
    events[:20:2] = 1.0
    assert smooth._fit(smooth._terms(x, np.log([12.0, 20.0, 40.0])), events, patients) is None
    x = np.geomspace(10, 100, 40)
    assert smooth._fit(smooth._terms(x, np.quantile(np.log(x), KNOTS)), np.full(40, 0.5), patients) is None
    assert smooth_rate(x, np.full(40, 0.5), patients, grid=GRID).reason == "size separates the event perfectly"


def test_errors_that_a_patient_shares_widen_the_band() -> None:
    random = np.random.default_rng(4)
    patients = np.repeat(np.arange(150), 4)
    x = np.exp(random.uniform(np.log(8), np.log(120), 150))[patients]
    events = (random.random(150) < _truth(x[::4])).astype(float)[patients]
    shared = smooth_rate(x, events, patients, grid=GRID)
    apart = smooth_rate(x, events, np.arange(600), grid=GRID)
    np.testing.assert_allclose(shared.value, apart.value)
    assert ((shared.high - shared.low) > 1.5 * (apart.high - apart.low)).all()


@pytest.mark.parametrize(
    ("x", "events", "said"),
    [
        (np.linspace(1, 9, 40), np.zeros(40), r"fewer than 10 patients with or without the event \(0, 40\)"),
        (np.ones(40), np.arange(40) % 2.0, "too few different sizes"),
    ],
)
def test_what_cannot_be_drawn_says_why(x: np.ndarray, events: np.ndarray, said: str) -> None:
    found = smooth_rate(x, events, np.arange(40), grid=GRID)
    assert len(found.value) == 0
    with pytest.raises(AssertionError, match=said):
        raise AssertionError(found.reason)


def test_perfect_separation_is_no_curve() -> None:
    x = np.linspace(10, 100, 80)
    found = smooth_rate(x, (x > 50).astype(float), np.arange(80), grid=GRID)
    assert (
        found.reason in ("size separates the event perfectly", "the fit did not converge")
        or (found.high - found.low).max() > 0.5
    )


@pytest.mark.slow
def test_the_band_covers_pointwise() -> None:
    covered = []
    for seed in range(400):
        found = smooth_rate(*_data(seed), grid=GRID)
        covered.append((found.low <= _truth(GRID)) & (_truth(GRID) <= found.high))
    assert 0.925 <= np.mean(covered) <= 0.975
