"""Partial AUC: worked by hand, and scikit-learn's at other limits."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from robustkit.metrics.auc import PLUGIN as AUC
from robustkit.metrics.partial_auc import PLUGIN, PartialAuc
from sklearn.metrics import roc_auc_score


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), max_fpr=st.floats(0.01, 1.0), n=st.integers(4, 80))
def test_agrees_with_scikit_learn_at_any_limit(seed: int, max_fpr: float, n: int) -> None:
    random = np.random.default_rng(seed)
    labels = random.random(n) < 0.5
    labels[:2] = True, False
    scores = np.round(random.random(n) + 0.3 * labels, 1)
    found = PartialAuc(max_fpr=max_fpr).value(labels, scores, threshold=0.5)
    assert found == pytest.approx(roc_auc_score(labels, scores, max_fpr=max_fpr), abs=1e-12)


def test_by_hand() -> None:
    # positives .9, .5; negatives .7, .3, .2, .1: (0, 0) (0, .5) (.25, .5) (.25, 1) (1, 1)
    labels, scores = np.array([1, 1, 0, 0, 0, 0], dtype=bool), np.array([0.9, 0.5, 0.7, 0.3, 0.2, 0.1])
    # up to .5: .25 x .5 + .25 x 1 = .375; (1 + (.375 - .125) / (.5 - .125)) / 2 = 5/6
    assert PartialAuc(max_fpr=0.5).value(labels, scores, threshold=0.5) == pytest.approx(5 / 6)
    # up to .1: .05; (1 + (.05 - .005) / (.1 - .005)) / 2
    assert PLUGIN.value(labels, scores, threshold=0.5) == pytest.approx((1 + 0.045 / 0.095) / 2)


def test_up_to_one_it_is_the_auc() -> None:
    labels, scores = np.arange(9) % 2 == 0, np.cos(np.arange(9.0))
    whole = PartialAuc(max_fpr=1.0).value(labels, scores, threshold=0.5)
    assert whole == pytest.approx(AUC.value(labels, scores, threshold=0.5), abs=1e-12)


@pytest.mark.parametrize("max_fpr", [0.0, -0.1, 1.1, math.nan])
def test_a_limit_that_is_none_is_nan(max_fpr: float) -> None:
    labels = np.array([True, False])
    assert math.isnan(PartialAuc(max_fpr=max_fpr).value(labels, np.array([0.9, 0.1]), threshold=0.5))
