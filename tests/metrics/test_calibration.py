"""Calibration slope and intercept: statsmodels, known transforms of calibrated scores, and where there is no fit."""

from __future__ import annotations

import math

import numpy as np
import pytest
from robustkit.metrics.calibration_intercept import PLUGIN as INTERCEPT
from robustkit.metrics.calibration_intercept import CalibrationIntercept
from robustkit.metrics.calibration_slope import PLUGIN as SLOPE
from scipy.special import expit
from statsmodels import api as sm

FREE = CalibrationIntercept(slope="free")


def _table(intercept: float, slope: float) -> tuple[np.ndarray, np.ndarray]:
    """Give cases whose shares of positives are those of the scores exactly, and then the scores moved.

    Logits log(1/3), 0, log(3) with 1 of 4, 2 of 4, 3 of 4 positive: a fit of the true logits is 0 and 1.
    """
    true = np.repeat([-math.log(3), 0.0, math.log(3)], 4)
    labels = np.array([1, 0, 0, 0, 1, 1, 0, 0, 1, 1, 1, 0], dtype=bool)
    return labels, expit((true - intercept) / slope)


def test_calibrated_scores_have_intercept_0_and_slope_1() -> None:
    labels, scores = _table(0.0, 1.0)
    assert SLOPE.value(labels, scores, threshold=0.5) == pytest.approx(1.0, abs=1e-12)
    assert INTERCEPT.value(labels, scores, threshold=0.5) == pytest.approx(0.0, abs=1e-12)
    assert FREE.value(labels, scores, threshold=0.5) == pytest.approx(0.0, abs=1e-12)


@pytest.mark.parametrize(("intercept", "slope"), [(0.7, 1.0), (0.0, 0.4), (-0.3, 2.5), (1.0, -1.0)])
def test_what_was_done_to_the_scores_is_found(intercept: float, slope: float) -> None:
    labels, scores = _table(intercept, slope)
    assert SLOPE.value(labels, scores, threshold=0.5) == pytest.approx(slope, abs=1e-12)
    assert FREE.value(labels, scores, threshold=0.5) == pytest.approx(intercept, abs=1e-12)
    if slope == 1.0:
        assert INTERCEPT.value(labels, scores, threshold=0.5) == pytest.approx(intercept, abs=1e-12)


@pytest.mark.parametrize("seed", range(10))
def test_both_of_a_joint_fit_are_those_of_statsmodels(seed: int) -> None:
    random = np.random.default_rng(seed)
    labels = random.random(80) < 0.4
    logits = 2 * random.standard_normal(80) + 2.5 * labels
    fit = sm.Logit(labels.astype(float), sm.add_constant(logits)).fit(disp=0, tol=1e-13, maxiter=200).params
    scores = expit(logits)
    assert FREE.value(labels, scores, threshold=0.5) == pytest.approx(fit[0], abs=1e-10)
    assert SLOPE.value(labels, scores, threshold=0.5) == pytest.approx(fit[1], abs=1e-10)


SEPARATED = {
    "a cut between the classes": ([0.1, 0.2, 0.8, 0.9], [0, 0, 1, 1]),
    "the other way round": ([0.1, 0.2, 0.8, 0.9], [1, 1, 0, 0]),
    "both classes on the cut": ([0.1, 0.5, 0.5, 0.9], [0, 0, 1, 1]),
    "one value": ([0.5, 0.5, 0.5, 0.5], [0, 1, 0, 1]),
    "perfect": ([0.0, 0.0, 1.0, 1.0], [0, 0, 1, 1]),
}


@pytest.mark.parametrize("case", SEPARATED)
def test_no_finite_fit_is_nan(case: str) -> None:
    scores, labels = np.array(SEPARATED[case][0]), np.array(SEPARATED[case][1], dtype=bool)
    assert math.isnan(SLOPE.value(labels, scores, threshold=0.5))
    assert math.isnan(FREE.value(labels, scores, threshold=0.5))
    # the mean alone can be found where the scores are not sure
    assert math.isnan(INTERCEPT.value(labels, scores, threshold=0.5)) == (case == "perfect")


def test_one_case_from_separation_has_a_fit() -> None:
    labels, scores = np.array([0, 0, 1, 0, 1, 1], dtype=bool), np.array([0.1, 0.2, 0.49, 0.5, 0.8, 0.9])
    logits = np.log(scores / (1 - scores))
    fit = sm.Logit(labels.astype(float), sm.add_constant(logits)).fit(disp=0, tol=1e-13, maxiter=500).params
    assert SLOPE.value(labels, scores, threshold=0.5) == pytest.approx(fit[1], rel=1e-9)


@pytest.mark.parametrize("metric", [SLOPE, INTERCEPT, FREE])
@pytest.mark.parametrize("off", [-0.1, 1.1, np.inf])
def test_a_score_off_the_unit_interval_is_nan(metric: CalibrationIntercept, off: float) -> None:
    labels, scores = _table(0.0, 1.0)
    scores[0] = off
    assert math.isnan(metric.value(labels, scores, threshold=0.5))
