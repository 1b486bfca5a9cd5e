"""Calibration against statsmodels, weight by weight; and the nodes that stand for cases, by brute force."""

from __future__ import annotations

import numpy as np
import pytest
import statsmodels.api as sm
from hypothesis import given, settings
from hypothesis import strategies as st
from robustkit.stats import calibration
from robustkit.stats.calibration import in_the_large_draws, recalibrate_draws
from scipy.interpolate import BarycentricInterpolator
from scipy.special import expit


def _data(n: int = 120, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    z = 2 * random.normal(size=n)
    labels = random.random(n) < expit(0.4 + 0.6 * z)
    weights = random.multinomial(n, np.full(n, 1 / n), size=12).astype(float)
    return labels, z, np.concatenate([np.ones((1, n)), weights])


def test_slope_and_intercept_are_those_of_statsmodels_in_every_draw() -> None:
    labels, z, weights = _data()
    a, b = recalibrate_draws(labels, z, weights)
    large = in_the_large_draws(labels, z, weights)
    for i, w in enumerate(weights):
        both = sm.GLM(labels.astype(float), sm.add_constant(z), family=sm.families.Binomial(), freq_weights=w).fit()
        np.testing.assert_allclose((a[i], b[i]), both.params, rtol=1e-6)
        alone = sm.GLM(
            labels.astype(float), np.ones((len(z), 1)), offset=z, family=sm.families.Binomial(), freq_weights=w
        ).fit()
        assert large[i] == pytest.approx(alone.params[0], rel=1e-6)


def test_calibration_in_the_large_of_many_draws_is_that_of_statsmodels() -> None:
    # of 12 cases, draws lie far from the sample and near it
    for n in (12, 300):
        labels, z, _ = _data(n=n, seed=4)
        weights = np.random.default_rng(1).multinomial(n, np.full(n, 1 / n), size=60).astype(float)
        found = in_the_large_draws(labels, z, weights)
        for value, w in zip(found, weights, strict=True):
            if not 0 < (w * labels).sum() < n:
                assert np.isnan(value)
                continue
            alone = sm.GLM(
                labels.astype(float), np.ones((n, 1)), offset=z, family=sm.families.Binomial(), freq_weights=w
            ).fit(tol=1e-12)
            assert value == pytest.approx(alone.params[0], rel=1e-7, abs=1e-9)


def _drawn_patients(n: int, n_patients: int, draws: int) -> tuple[np.ndarray, ...]:
    labels, z, _ = _data(n=n, seed=2)
    random = np.random.default_rng(3)
    counts = random.multinomial(n_patients, np.full(n_patients, 1 / n_patients), size=draws).astype(float)
    # some patients of the run have no case here
    return labels, z, counts, random.integers(0, n_patients - 5, n)


@pytest.mark.parametrize("n_patients", [150, 4000])
def test_draws_of_patients_are_those_of_statsmodels(n_patients: int, monkeypatch: pytest.MonkeyPatch) -> None:
    labels, z, counts, patients = _drawn_patients(500, n_patients, 25)

    def not_asked(*_: object, **__: object) -> None:
        raise AssertionError("the nodes stand for the cases")

    monkeypatch.setattr(calibration, "lines", not_asked)
    a, b = recalibrate_draws(labels, z, counts, patients)
    large = in_the_large_draws(labels, z, counts, patients)
    for i, w in enumerate(counts[:, patients]):
        y, ones = labels.astype(float), np.ones((len(z), 1))
        own = {"family": sm.families.Binomial(), "freq_weights": w}
        both = sm.GLM(y, sm.add_constant(z), **own).fit(tol=1e-13)
        np.testing.assert_allclose((a[i], b[i]), both.params, rtol=1e-9, atol=1e-10)
        assert large[i] == pytest.approx(sm.GLM(y, ones, offset=z, **own).fit(tol=1e-13).params[0], rel=1e-9, abs=1e-10)


def test_draws_that_are_steeper_than_the_nodes_allow_take_the_cases() -> None:
    labels, z, _ = _data(n=500)
    # who fits least is left out: up to separation
    order = np.argsort(np.where(labels, z, -z))
    weights = np.ones((6, 500))
    for w, out in zip(weights, (0, 40, 80, 105, 120, 300), strict=True):
        w[order[:out]] = 0.0
    a, b = recalibrate_draws(labels, z, weights)
    assert b[2] > 2 * b[0]
    assert np.isnan(b[-1])
    assert np.isnan(a[-1])
    for i in np.flatnonzero(np.isfinite(b)):
        fit = sm.GLM(labels.astype(float), sm.add_constant(z), family=sm.families.Binomial(), freq_weights=weights[i])
        np.testing.assert_allclose((a[i], b[i]), fit.fit(tol=1e-13, maxiter=200).params, rtol=1e-9)


@pytest.mark.parametrize("steepness", [0.5, 3.0, 7.0, 20.0])
def test_so_many_nodes_hold_a_logistic_curve_wherever_it_is(steepness: float) -> None:
    k = calibration._enough_nodes(steepness)
    nodes = np.cos((np.arange(k) + 0.5) * np.pi / k)
    x = np.linspace(-1, 1, 3001)
    for at in np.linspace(-1.5, 1.5, 7):
        through = BarycentricInterpolator(nodes, expit(steepness * (nodes - at)), random_state=0)
        np.testing.assert_allclose(through(x), expit(steepness * (x - at)), rtol=0, atol=1e-11)


def test_separated_classes_and_a_missing_class_are_not_defined() -> None:
    z = np.linspace(-3, 3, 40)
    weights = np.ones((1, 40))
    assert np.isnan(recalibrate_draws(z > 0, z, weights)).all()
    assert np.isnan(in_the_large_draws(np.ones(40, dtype=bool), z, weights)).all()
    assert np.isnan(recalibrate_draws(np.ones(40, dtype=bool), z, weights)).all()


def test_scores_that_are_too_sure_have_a_slope() -> None:
    # logits three times as long as they should be: Newton's steps from a slope of 1 run away
    labels, z, weights = _data()
    a, b = recalibrate_draws(labels, z, weights)
    sure_a, sure_b = recalibrate_draws(labels, 3 * z + 5, weights)
    np.testing.assert_allclose(sure_b, b / 3, rtol=1e-9)
    np.testing.assert_allclose(sure_a, a - 5 * b / 3, rtol=1e-9)
    fit = sm.Logit(labels.astype(float), sm.add_constant(3 * z + 5)).fit(disp=0, maxiter=200).params
    np.testing.assert_allclose((sure_a[0], sure_b[0]), fit, rtol=1e-6)


@settings(max_examples=150, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    n=st.integers(2, 40),
    spread=st.sampled_from([1e-3, 1.0, 27.0]),
    at=st.floats(-20, 20),
)
def test_the_score_equations_hold_in_every_draw_or_it_has_no_fit(seed: int, n: int, spread: float, at: float) -> None:
    random = np.random.default_rng(seed)
    labels = random.random(n) < 0.5
    logits = at + spread * np.round(random.standard_normal(n), 1)
    weights = np.concatenate([np.ones((1, n)), random.multinomial(n, np.full(n, 1 / n), size=4).astype(float)])
    for a, b, w in zip(*recalibrate_draws(labels, logits, weights), weights, strict=True):
        positive, negative = logits[labels & (w > 0)], logits[~labels & (w > 0)]
        # Albert and Anderson 1984: with one column a fit exists where each class reaches beyond the other's end
        is_both = len(positive) > 0 and len(negative) > 0
        has_fit = is_both and positive.min() < negative.max() and negative.min() < positive.max()
        assert np.isfinite([a, b]).tolist() == [has_fit, has_fit]
        if has_fit:
            residual = w * (labels - expit(a + b * logits))
            assert residual.sum() == pytest.approx(0.0, abs=1e-7)
            assert (residual * (logits - logits.mean()) / logits.std()).sum() == pytest.approx(0.0, abs=1e-7)


@settings(max_examples=100, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    n=st.integers(2, 40),
    spread=st.sampled_from([0.0, 1.0, 10.0]),
    at=st.floats(-25, 25),
)
def test_expected_positives_are_those_observed(seed: int, n: int, spread: float, at: float) -> None:
    random = np.random.default_rng(seed)
    labels = random.random(n) < 0.5
    labels[:2] = True, False
    logits = at + spread * random.standard_normal(n)
    (found,) = in_the_large_draws(labels, logits, np.ones((1, n)))
    if np.isfinite(found):
        assert expit(found + logits).sum() == pytest.approx(labels.sum(), abs=1e-9)
    else:
        assert spread == 10.0


def test_scores_of_0_and_1_tell_nothing_of_the_mean() -> None:
    labels = np.array([True, True, False])
    assert np.isnan(in_the_large_draws(labels, np.array([27.6, 27.6, -27.6]), np.ones((1, 3)))).all()


@pytest.mark.slow
def test_the_interval_of_the_slope_covers() -> None:
    from robustkit.stats.bootstrap import bca, patient_draws

    covered = []
    for seed in range(300):
        random = np.random.default_rng(seed)
        z = 1.5 * random.normal(size=300)
        labels = random.random(300) < expit(0.7 * z)
        draws = patient_draws(np.zeros(300, dtype=np.intp), draws=400, seed=seed, purpose="test")
        value = recalibrate_draws(labels, z, np.ones((1, 300)))[1][0]
        low, high, _, _ = bca(recalibrate_draws(labels, z, draws.counts)[1], float(value), np.zeros(1))
        covered.append(low <= 0.7 <= high)
    assert 0.91 <= np.mean(covered) <= 0.98
