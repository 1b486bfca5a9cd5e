"""ROC and decision curve: values by scikit-learn and by hand, bands by a plain bootstrap loop."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from robustkit.metrics.net_benefit import PLUGIN
from robustkit.stats.bootstrap import PatientDraws, patient_draws
from robustkit.stats.roc import MOST_THRESHOLDS, net_benefit_band, roc_band
from sklearn.metrics import roc_curve

GRID = np.linspace(0, 1, 21)


def _cases(n: int, *, seed: int = 0, digits: int = 2) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    positive = rng.random(n) < 0.4
    return positive, np.round(rng.normal(positive * 1.0, 1.0), digits), rng.integers(0, n // 2, n)


def _draws(patients: np.ndarray, draws: int = 200) -> PatientDraws:
    return patient_draws(np.zeros(patients.max() + 1, dtype=np.intp), draws=draws, seed=1, purpose="test")


def _plain(positive: np.ndarray, scores: np.ndarray, grid: np.ndarray, weight: np.ndarray | None = None) -> np.ndarray:
    """Highest point over each place of the line through scikit-learn's corners, segment by segment."""
    x, y, _ = roc_curve(positive, scores, sample_weight=weight, drop_intermediate=False)
    found = []
    for g in grid:
        heights = []
        for (a, b), (c, d) in zip(zip(x, y, strict=True), zip(x[1:], y[1:], strict=True), strict=False):
            if a == c and abs(a - g) < 1e-12:
                heights.append(d)
            elif a - 1e-12 <= g <= c + 1e-12 and a < c:
                heights.append(b + (g - a) / (c - a) * (d - b))
        found.append(max(heights))
    return np.array(found)


def test_by_hand() -> None:
    # two positives at .9 and .4, two negatives at .6 and .1: (0, .5), (.5, .5), (.5, 1), (1, 1)
    positive, scores = np.array([True, False, True, False]), np.array([0.9, 0.6, 0.4, 0.1])
    patients = np.arange(4)
    band = roc_band(positive, scores, patients, _draws(patients), grid=np.array([0.0, 0.25, 0.5, 0.75, 1.0]))
    assert band.value.tolist() == [0.5, 0.5, 1.0, 1.0, 1.0]


def test_ties_go_along_the_diagonal() -> None:
    positive, patients = np.array([True, False, True, False]), np.arange(4)
    band = roc_band(positive, np.zeros(4), patients, _draws(patients), grid=GRID)
    assert np.allclose(band.value, GRID)


@given(st.integers(0, 10_000), st.integers(0, 2))
def test_value_is_that_of_scikit_learn(seed: int, digits: int) -> None:
    positive, scores, patients = _cases(60, seed=seed, digits=digits)
    band = roc_band(positive, scores, patients, _draws(patients, 4), grid=GRID)
    assert np.allclose(band.value, _plain(positive, scores, GRID), atol=1e-12)


@pytest.mark.parametrize("digits", [1, 6])
def test_band_is_that_of_a_plain_loop(digits: int) -> None:
    positive, scores, patients = _cases(160, digits=digits)
    draws = _draws(patients)
    band = roc_band(positive, scores, patients, draws, grid=GRID)
    loop = np.array([_plain(positive, scores, GRID, w[patients]) for w in draws.counts])
    low, high = np.quantile(loop, [0.025, 0.975], axis=0)
    assert np.allclose(band.low, low, atol=1e-12)
    assert np.allclose(band.high, high, atol=1e-12)


def test_many_distinct_scores_are_counted_at_quantiles_in_the_draws_alone() -> None:
    positive, scores, patients = _cases(4 * MOST_THRESHOLDS, digits=9)
    draws = _draws(patients, 40)
    band = roc_band(positive, scores, patients, draws, grid=GRID)
    loop = np.array([_plain(positive, scores, GRID, w[patients]) for w in draws.counts])
    low, high = np.quantile(loop, [0.025, 0.975], axis=0)
    assert np.allclose(band.value, _plain(positive, scores, GRID), atol=1e-12)
    assert np.abs(band.low - low).max() < 0.006
    assert np.abs(band.high - high).max() < 0.006


def test_net_benefit_is_the_metrics_and_its_band_that_of_a_plain_loop() -> None:
    positive, scores, patients = _cases(80)
    scores = 1 / (1 + np.exp(-scores))
    draws, grid = _draws(patients), np.array([0.05, 0.3, 0.6, 0.9])
    band = net_benefit_band(positive, scores, patients, draws, grid=grid)
    assert np.allclose(band.value, [PLUGIN.value(positive, scores, threshold=float(p)) for p in grid])
    loop = []
    for w in draws.counts:
        often = np.repeat(np.arange(80), w[patients].astype(int))
        loop.append([PLUGIN.value(positive[often], scores[often], threshold=float(p)) for p in grid])
    low, high = np.quantile(loop, [0.025, 0.975], axis=0)
    assert np.allclose(band.low, low)
    assert np.allclose(band.high, high)


@pytest.mark.parametrize("label", [True, False])
def test_one_class_has_no_roc_and_says_why(label: bool) -> None:
    patients = np.arange(5)
    band = roc_band(np.full(5, label), np.arange(5.0), patients, _draws(patients), grid=GRID)
    assert band.reason == "one class only"
    assert np.isnan(band.value).all()


def test_a_class_that_draws_often_lack_has_a_curve_without_band() -> None:
    positive, patients = np.arange(8) == 7, np.arange(8)
    band = roc_band(positive, np.arange(8.0), patients, _draws(patients), grid=GRID)
    assert np.isfinite(band.value).all()
    assert np.isnan(band.low).all()
    assert "of the bootstrap draws" in band.reason


def test_nobody_has_no_net_benefit() -> None:
    none, codes = np.empty(0), np.empty(0, dtype=np.intp)
    band = net_benefit_band(none.astype(bool), none, codes, _draws(np.arange(3)), grid=np.array([0.5]))
    assert band.reason == "no cases"
    assert np.isnan(band.value).all()


def test_a_few_draws_without_a_class_leave_the_others_as_they_are() -> None:
    positive, scores, patients = _cases(60)
    draws = _draws(patients)
    alone = roc_band(positive, scores, patients, draws, grid=GRID)
    # draws of nobody, in front, between and behind
    lacking = np.insert(draws.by_patient, [0, 50, 200], 0.0, axis=1)
    found = roc_band(positive, scores, patients, PatientDraws(lacking), grid=GRID)
    np.testing.assert_allclose((found.low, found.high), (alone.low, alone.high), rtol=1e-12)
