"""Wilson intervals at the effective size, with the patient as the unit."""

from __future__ import annotations

import math

import numpy as np
import pytest
import statsmodels.api as sm
from hypothesis import given, settings
from hypothesis import strategies as st
from robustkit.stats.proportion import clustered_proportion, clustered_variance, wilson
from scipy.stats import binomtest

SEEDS = st.integers(0, 2**32 - 1)


@pytest.mark.parametrize(
    ("k", "n", "low", "high"),
    [
        (18, 20, 0.6989663547715128, 0.972133518786232),
        (4, 20, 0.0806576625797981, 0.4160174322518935),
        (19, 38, 0.348499283643951, 0.651500716356049),
    ],
)
def test_published_wilson(k: int, n: int, low: float, high: float) -> None:
    assert wilson(k / n, n) == pytest.approx((low, high), abs=1e-12)


@given(n=st.integers(1, 500), k=st.integers(0, 500))
def test_wilson_beside_scipy(n: int, k: int) -> None:
    k = min(k, n)
    beside = binomtest(k, n).proportion_ci(0.95, method="wilson")
    assert wilson(k / n, n) == pytest.approx((beside.low, beside.high), abs=1e-9)


@given(p=st.floats(0.0, 1.0), n=st.floats(5.0, 1e6))
def test_wilson_stays_inside_and_holds_its_value(p: float, n: float) -> None:
    low, high = wilson(p, n)
    assert 0.0 <= low <= p <= high <= 1.0
    assert low < high


@pytest.mark.parametrize("n", [7, 38, 77, 7.7])
def test_edges_are_exact(n: float) -> None:
    assert wilson(0.0, n)[0] == 0.0
    assert wilson(1.0, n)[1] == 1.0
    # at k = 0 the upper bound is z^2 / (n + z^2), z = 1.959964
    assert wilson(0.0, n)[1] == pytest.approx(3.841459 / (n + 3.841459), abs=1e-6)


def test_variance_by_hand() -> None:
    # patients 0: 1, 1; 1: 0; 2: 0, 1; mean 3/5. residual sums .8, -.6, -.2: squares .64 + .36 + .04 = 1.04
    # 1.04 / 25 x 3 / 2 = .0624
    assert clustered_variance(np.array([1.0, 1, 0, 0, 1]), np.array([0, 0, 1, 2, 2])) == pytest.approx(0.0624)


@settings(max_examples=20, deadline=None)
@given(seed=SEEDS)
def test_variance_beside_statsmodels(seed: int) -> None:
    random = np.random.default_rng(seed)
    patients = random.integers(0, 12, 40)
    events = random.random(40)
    fitted = sm.OLS(events, np.ones(40)).fit(cov_type="cluster", cov_kwds={"groups": patients})
    assert clustered_variance(events, patients) == pytest.approx(float(fitted.cov_params()[0, 0]), rel=1e-10)


def test_effective_size_by_hand() -> None:
    # ten patients of two equal cases, 5 with events: p = .5; residual sums +-1: v = 10 / 400 x 10 / 9 = .027778
    # n_eff = .25 / .027778 = 9, kept at no less than 10 patients
    patients = np.repeat(np.arange(10), 2)
    found = clustered_proportion(patients < 5, patients)
    assert found.value == 0.5
    assert found.se == pytest.approx(math.sqrt(0.0277778), abs=1e-6)
    assert found.method == "Wilson, effective size 10.0"
    # Wilson 5 / 10
    assert (found.low, found.high) == pytest.approx((0.236593, 0.763407), abs=1e-6)


def test_effective_size_between_patients_and_cases() -> None:
    # 20 patients of two cases; 4 have two events, 8 one, 8 none: 16 of 40, p = .4
    # residual sums 1.2, .2, -.8: 4 x 1.44 + 8 x .04 + 8 x .64 = 11.2; v = 11.2 / 1600 x 20 / 19 = .00736842
    # n_eff = .24 / .00736842 = 32.571
    patients = np.repeat(np.arange(20), 2)
    first, second = np.arange(20) < 12, np.arange(20) < 4
    events = np.stack([first, second], axis=1).ravel()
    found = clustered_proportion(events, patients)
    assert found.method == "Wilson, effective size 32.6"
    assert (found.low, found.high) == pytest.approx(wilson(0.4, 32.5714286), abs=1e-6)


def test_cases_that_repel_each_other_never_count_for_more_than_cases() -> None:
    # one of each patient's two cases always has the event: v = 0 by patient; the patients are what is left
    patients = np.repeat(np.arange(10), 2)
    found = clustered_proportion(np.tile([True, False], 10), patients)
    assert found.method == "Wilson, effective size 10.0"
    assert math.isnan(found.se)
    # nearly so: v is tiny, and the cases are the cap
    events = np.tile([True, False], 10)
    events[-1] = True
    assert clustered_proportion(events, patients).method == "Wilson, effective size 20.0"


def test_flip_rates_are_capped_by_patients() -> None:
    random = np.random.default_rng(0)
    shares = 0.3 + 0.01 * random.standard_normal(40)
    patients = np.arange(40) // 2
    flips = clustered_proportion(shares, patients, repeats=50, cap_by_patients=4.0)
    plain = clustered_proportion(shares, patients, repeats=50)
    assert flips.method == "Wilson, effective size 80.0"
    assert plain.method == "Wilson, effective size 40.0"


def test_equal_shares_are_not_a_tiny_variance() -> None:
    """.3 is no binary fraction: its mean is off by 5e-17, which must not pass for 10^31 patients."""
    found = clustered_proportion(np.full(30, 0.3), np.arange(30), cap_by_patients=4.0)
    assert found.method == "Wilson, effective size 30.0"
    assert math.isnan(found.se)


def test_monte_carlo_error_by_hand() -> None:
    # 5 cases, 4 repeats, 2 events each: within = 4 x .25 / 3 = 1/3; sqrt(5 x (1/3) / 4) / 5 = .129099
    events = np.tile([1.0, 1.0, 0.0, 0.0], (5, 1))
    within = events.var(axis=1, ddof=1)
    found = clustered_proportion(events.mean(axis=1), np.arange(5), within=within, repeats=4)
    assert found.mc_se == pytest.approx(0.129099, abs=1e-6)
    assert math.isnan(clustered_proportion(events.mean(axis=1), np.arange(5)).mc_se)


@pytest.mark.parametrize(
    ("events", "patients", "reason"),
    [
        ([], [], "no cases"),
        ([1.0], [0], "fewer than 5 patients (1)"),
        ([1.0] * 40, [0, 1, 2, 3] * 10, "fewer than 5 patients (4)"),
        ([1.0, 0.0, 1.0, math.nan, 0.0], [0, 1, 2, 3, 4], "an event is not defined (NaN)"),
        ([1.0, 0.0, 1.0, math.inf, 0.0], [0, 1, 2, 3, 4], "an event is not defined (NaN)"),
    ],
)
def test_not_estimable(events: list[float], patients: list[int], reason: str) -> None:
    found = clustered_proportion(np.array(events), np.array(patients, dtype=np.intp))
    assert math.isnan(found.value)
    assert math.isnan(found.low)
    assert found.reason == reason
    assert (found.n_cases, found.n_patients) == (len(events), len(set(patients)))


@pytest.mark.parametrize("always", [True, False])
def test_all_or_none_have_an_interval_of_the_patients(always: bool) -> None:
    found = clustered_proportion(np.full(40, always), np.arange(40) // 2)
    assert found.value == float(always)
    assert (found.low, found.high) == pytest.approx(wilson(float(always), 20))
    assert found.low < found.high


@settings(max_examples=30, deadline=None)
@given(seed=SEEDS)
def test_invariances(seed: int) -> None:
    random = np.random.default_rng(seed)
    patients = random.integers(0, 15, 50)
    events = random.random(50) < 0.3
    found = clustered_proportion(events, patients, cap_by_patients=4.0)
    order = random.permutation(50)
    shuffled = clustered_proportion(events[order], 99 - patients[order], cap_by_patients=4.0)
    twice = clustered_proportion(np.tile(events, 2), np.tile(patients, 2), cap_by_patients=4.0)
    other = clustered_proportion(~events, patients, cap_by_patients=4.0)
    assert (shuffled.low, shuffled.high) == pytest.approx((found.low, found.high))
    assert (twice.low, twice.high) == pytest.approx((found.low, found.high))
    assert (1 - other.high, 1 - other.low) == pytest.approx((found.low, found.high))
