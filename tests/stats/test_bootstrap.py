"""The patient bootstrap: draws, BCa, and AUCs counted instead of sorted."""

from __future__ import annotations

import math
import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from robustkit.stats.bootstrap import bca, bca_rows, clustered_mean, patient_draws, sums_by_patient, weighted_auc
from robustkit.stats.proportion import clustered_variance
from scipy.stats import bootstrap as scipy_bootstrap
from sklearn.metrics import roc_auc_score

SEEDS = st.integers(0, 2**32 - 1)


def _draws(m: int, *, draws: int = 2000, seed: int = 0):
    return patient_draws(np.zeros(m, dtype=np.intp), draws=draws, seed=seed, purpose="test")


def test_every_stratum_keeps_its_number_of_patients() -> None:
    strata = np.array([0, 1, 0, 2, 1, 0, 2, 2, 2])
    counts = patient_draws(strata, draws=300, seed=4, purpose="test").counts
    assert counts.shape == (300, 9)
    assert (counts == counts.round()).all()
    for code, size in ((0, 3), (1, 2), (2, 4)):
        assert (counts[:, strata == code].sum(axis=1) == size).all()


def test_each_patient_is_drawn_as_often_as_another() -> None:
    counts = _draws(20, draws=20_000).counts
    # binomial(20, 1/20): mean 1, variance .95; sd of a mean over 20,000 draws .0069
    assert np.abs(counts.mean(axis=0) - 1).max() < 5 * 0.0069
    assert counts.var(axis=0).mean() == pytest.approx(0.95, rel=0.02)


def test_equal_seed_and_purpose_give_equal_draws() -> None:
    strata = np.zeros(10, dtype=np.intp)
    one, two, other, seed = (
        patient_draws(strata, draws=50, seed=s, purpose=p).counts for s, p in ((1, "a"), (1, "a"), (1, "b"), (2, "a"))
    )
    assert (one == two).all()
    assert (one != other).any()
    assert (one != seed).any()


def test_sums_by_patient_by_hand() -> None:
    values = np.array([[1.0, 2.0, 3.0], [10.0, 20.0, 30.0]])
    found = sums_by_patient(values, np.array([2, 0, 2]), n_patients=4)
    assert found.tolist() == [[2.0, 0.0, 4.0, 0.0], [20.0, 0.0, 40.0, 0.0]]


def test_sums_of_no_cases() -> None:
    nobody = np.zeros(0, dtype=np.intp)
    assert sums_by_patient(np.zeros((2, 0)), nobody, n_patients=3).tolist() == [[0.0] * 3] * 2
    assert sums_by_patient(np.zeros((2, 0)), nobody, n_patients=0).shape == (2, 0)


def test_interval_beside_scipy() -> None:
    values = np.random.default_rng(3).exponential(size=40)
    found = clustered_mean(values, np.arange(40), _draws(40, draws=20_000))
    beside = scipy_bootstrap((values,), np.mean, n_resamples=20_000, method="BCa", rng=np.random.default_rng(1))
    width = beside.confidence_interval.high - beside.confidence_interval.low
    assert found.value == pytest.approx(values.mean())
    assert found.low == pytest.approx(beside.confidence_interval.low, abs=0.03 * width)
    assert found.high == pytest.approx(beside.confidence_interval.high, abs=0.03 * width)
    assert found.se == pytest.approx(beside.standard_error, rel=0.03)


def test_interval_leans_where_the_values_lean() -> None:
    values = np.random.default_rng(3).exponential(size=40) ** 2
    found = clustered_mean(values, np.arange(40), _draws(40))
    assert found.high - found.value > 1.2 * (found.value - found.low)


def test_patients_are_drawn_with_all_their_cases() -> None:
    """Four equal cases per patient: the error is that of 30 patients, twice what 120 rows would claim."""
    own = np.random.default_rng(5).standard_normal(30)
    patients = np.repeat(np.arange(30), 4)
    found = clustered_mean(own[patients], patients, _draws(30, draws=8000))
    assert found.se == pytest.approx(own.std() / math.sqrt(30), rel=0.05)
    assert found.se == pytest.approx(math.sqrt(clustered_variance(own[patients], patients)), rel=0.05)


def test_patients_of_unequal_size_beside_the_ratio_estimator() -> None:
    random = np.random.default_rng(8)
    patients = np.repeat(np.arange(60), random.integers(1, 6, 60))
    values = random.standard_normal(60)[patients] + random.standard_normal(len(patients))
    found = clustered_mean(values, patients, _draws(60, draws=8000))
    assert found.se == pytest.approx(math.sqrt(clustered_variance(values, patients)), rel=0.06)


def test_stratum_uses_the_draws_of_its_own_patients() -> None:
    random = np.random.default_rng(6)
    draws = _draws(50)
    values = random.standard_normal(20)
    low = clustered_mean(values, np.arange(20), draws)
    renamed = clustered_mean(values, np.arange(20), patient_draws_of(draws, np.arange(20)))
    assert (low.low, low.high) == (renamed.low, renamed.high)


def patient_draws_of(draws, keep):
    return type(draws)(draws.by_patient[keep])


@pytest.mark.parametrize(
    ("values", "patients", "reason"),
    [
        ([], [], "no cases"),
        ([1.0], [0], "fewer than 5 patients (1)"),
        ([1.0, 2.0] * 4, [0, 1, 2, 3] * 2, "fewer than 5 patients (4)"),
        ([1.0, 2.0, math.nan, 1.0, 0.0], [0, 1, 2, 3, 4], "a value is not defined (NaN)"),
    ],
)
def test_not_estimable(values, patients, reason) -> None:
    found = clustered_mean(np.array(values), np.array(patients, dtype=np.intp), _draws(8))
    assert math.isnan(found.value)
    assert math.isnan(found.low)
    assert found.reason == reason


@pytest.mark.parametrize("level", [0.0, 0.3, 7.0])
def test_zero_width_is_never_shown(level: float) -> None:
    found = clustered_mean(np.full(30, level), np.arange(30), _draws(30))
    assert found.value == pytest.approx(level)
    assert math.isnan(found.low)
    assert math.isnan(found.high)
    assert found.reason == "no variation between patients"


def test_one_event_of_many_patients_has_an_interval_or_a_reason() -> None:
    values = np.zeros(200)
    values[7] = 1.0
    found = clustered_mean(values, np.arange(200), _draws(200))
    assert found.low < found.high or found.reason


def test_undefined_draws() -> None:
    drawn = np.random.default_rng(0).standard_normal(1000)
    some, many = drawn.copy(), drawn.copy()
    some[:50], many[:51] = np.nan, np.nan
    assert bca(some, 0.0, np.zeros(1))[3] == ""
    low, high, se, reason = bca(many, 0.0, np.zeros(1))
    assert reason == "undefined in 5% of the bootstrap draws"
    assert all(map(math.isnan, (low, high, se)))


@pytest.mark.parametrize("drawn", [np.zeros(0), np.full(10, np.nan), np.array([1.0])])
def test_bca_of_next_to_nothing_has_a_reason_and_no_warning(drawn: np.ndarray) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        low, _, _, reason = bca(drawn, 0.0, np.zeros(1))
    assert math.isnan(low)
    assert reason


def test_bca_without_skew_is_the_percentile_interval() -> None:
    drawn = np.linspace(-1, 1, 2001)
    low, high, _, _ = bca(drawn, 0.0, np.array([-1.0, 1.0]))
    assert (low, high) == pytest.approx((-0.95, 0.95), abs=1e-9)


def test_bca_levels_by_hand() -> None:
    # 1,000 draws 0..999, 600 below the value: bias = ppf(.6) = .253347; jackknife 0, 0, 0, 4: away 1, 1, 1, -3
    # sum of cubes 3 - 27 = -24, of squares 12: a = -24 / (6 x 12^1.5) = -.096225
    # low: z = .253347 - 1.959964 = -1.706617; 1 + .096225 z = .835781; .253347 - 2.041944 = -1.788597: .036840
    # high: z = 2.213311; 1.212976; .253347 + 1.824695 = 2.078042: .981147
    drawn = np.arange(1000.0)
    low, high, _, _ = bca(drawn, 599.5, np.array([0.0, 0.0, 0.0, 4.0]))
    assert (low, high) == pytest.approx((0.036840 * 999, 0.981147 * 999), abs=0.01)


@settings(max_examples=15, deadline=None)
@given(seed=SEEDS, repeats=st.integers(1, 4))
def test_weighted_auc_beside_scikit_learn(seed: int, repeats: int) -> None:
    random = np.random.default_rng(seed)
    labels = np.arange(40) < 15
    scores = np.round(labels + random.standard_normal((repeats, 40)), 1)
    weights = random.multinomial(40, np.full(40, 1 / 40), size=6).astype(np.float64)
    found = weighted_auc(labels, scores, weights)
    beside = [np.mean([roc_auc_score(labels, row, sample_weight=w) for row in scores]) for w in weights]
    assert found == pytest.approx(np.array(beside), abs=1e-12)
    assert weighted_auc(labels, scores[0], weights) == pytest.approx(weighted_auc(labels, scores[:1], weights))


def test_draw_without_a_class_is_nan() -> None:
    labels = np.array([True, False, False])
    weights = np.array([[0.0, 2.0, 1.0], [3.0, 0.0, 0.0], [1.0, 1.0, 1.0]])
    found = weighted_auc(labels, np.array([0.5, 0.1, 0.5]), weights)
    assert np.isnan(found).tolist() == [True, True, False]
    assert found[2] == 0.75


def test_percentile_interval_is_that_of_scipy() -> None:
    values, patients = np.random.default_rng(3).gamma(2.0, size=60), np.arange(60)
    draws = _draws(60, draws=8000)
    found = clustered_mean(values, patients, draws, interval="percentile")
    means = draws.counts @ values / 60
    assert (found.low, found.high) == pytest.approx(tuple(np.quantile(means, [0.025, 0.975])))
    assert found.method == "patient bootstrap, percentile"
    other = scipy_bootstrap(
        (values,), np.mean, method="percentile", n_resamples=20_000, random_state=0
    ).confidence_interval
    assert (found.low, found.high) == pytest.approx((other.low, other.high), abs=0.05)
    assert clustered_mean(values, patients, draws).low > found.low  # skewed to the right: BCa lies further right


def test_percentile_interval_of_nothing_that_varies_has_a_reason() -> None:
    found = clustered_mean(np.full(20, 0.5), np.arange(20), _draws(20), interval="percentile")
    assert (found.value, found.reason) == (0.5, "no variation between patients")
    assert math.isnan(found.low)


def test_rows_at_once_are_each_as_alone() -> None:
    random = np.random.default_rng(6)
    drawn, value, left_out = random.normal(size=(6, 400)), random.normal(size=6) / 9, random.normal(size=(6, 30)) ** 3
    drawn[1, :5], drawn[2, :100], drawn[3], drawn[4, 0] = np.nan, np.nan, 0.7, np.inf
    left_out[1, :3], left_out[5] = np.nan, np.nan
    low, high, se, reason = bca_rows(drawn, value, left_out)
    for i in range(6):
        kept = left_out[i][np.isfinite(left_out[i])]
        alone = bca(drawn[i], float(value[i]), kept if len(kept) else np.zeros(1))
        np.testing.assert_allclose((low[i], high[i], se[i]), alone[:3], rtol=1e-12)
        assert reason[i] == alone[3]
    assert (reason != "").tolist() == [False, False, True, True, False, False]
