"""The logistic fit: where likelihoods are flat or steep, and the score equations at its answer."""

from __future__ import annotations

import doctest
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from robustkit.stats import recalibration
from robustkit.stats.recalibration import recalibrate, recalibrate_intercept
from scipy.special import expit


def test_examples_run() -> None:
    found = doctest.testmod(recalibration)
    assert (found.attempted > 0, found.failed) == (True, 0)


@settings(max_examples=150, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    n=st.integers(2, 40),
    spread=st.sampled_from([1e-3, 1.0, 27.0]),
    at=st.floats(-20, 20),
)
def test_the_score_equations_hold_or_no_fit_exists(seed: int, n: int, spread: float, at: float) -> None:
    random = np.random.default_rng(seed)
    labels = random.random(n) < 0.5
    logits = at + spread * np.round(random.standard_normal(n), 1)
    intercept, slope = recalibrate(labels, logits)
    positive, negative = logits[labels], logits[~labels]
    # Albert and Anderson: with one column a fit exists where each class reaches beyond the other's end
    overlap = (
        len(positive) > 0 and len(negative) > 0 and positive.min() < negative.max() and negative.min() < positive.max()
    )
    assert math.isfinite(slope) == math.isfinite(intercept) == overlap
    if overlap:
        residual = labels - expit(intercept + slope * logits)
        scaled = (logits - logits.mean()) / logits.std()
        assert residual.sum() == pytest.approx(0.0, abs=1e-7)
        assert (residual * scaled).sum() == pytest.approx(0.0, abs=1e-7)


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
    found = recalibrate_intercept(labels, logits)
    p = expit(found + logits)
    if math.isfinite(found):
        assert p.sum() == pytest.approx(labels.sum(), abs=1e-9)
    else:
        assert spread == 10.0


@pytest.mark.parametrize("labels", [np.ones(4, dtype=bool), np.zeros(4, dtype=bool)])
def test_one_class_is_nan(labels: np.ndarray) -> None:
    assert all(
        math.isnan(v) for v in (*recalibrate(labels, np.arange(4.0)), recalibrate_intercept(labels, np.arange(4.0)))
    )
