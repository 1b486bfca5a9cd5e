"""AUC and calibration of a baseline's answers, beside statsmodels."""

from __future__ import annotations

import numpy as np
import pytest
import statsmodels.api as sm
from robustkit.baselines.judged import judged
from sklearn.metrics import roc_auc_score


def test_values_are_those_of_others() -> None:
    rng = np.random.default_rng(0)
    z = rng.normal(size=200)
    labels = rng.random(200) < 1 / (1 + np.exp(-(0.5 + 0.7 * z)))
    found = {f.metric: f for f in judged(labels, z, np.arange(200) // 2 + 7, rows="validation", seed=0)}
    fitted = sm.Logit(labels.astype(float), sm.add_constant(z)).fit(disp=False).params
    held = sm.GLM(labels.astype(float), np.ones(200), family=sm.families.Binomial(), offset=z).fit().params
    assert found["auc"].estimate.value == pytest.approx(roc_auc_score(labels, z))
    assert found["calibration_slope"].estimate.value == pytest.approx(fitted[1], abs=1e-6)
    assert found["calibration_intercept"].estimate.value == pytest.approx(held[0], abs=1e-6)
    for f in found.values():
        assert f.rows == "validation"
        assert f.estimate.low < f.estimate.value < f.estimate.high
        assert (f.estimate.n_cases, f.estimate.n_patients) == (200, 100)


def test_rows_without_an_answer_are_left_out_and_few_patients_give_a_reason() -> None:
    labels = np.arange(30) % 2 == 0
    z = np.where(np.arange(30) < 18, np.nan, 0.0)
    for f in judged(labels, z, np.arange(30), rows="validation", seed=0):
        assert f.estimate.value != f.estimate.value
        assert f.estimate.reason.startswith("fewer than 10 patients of either class")
        assert f.estimate.n_cases == 12


def test_perfect_answers_have_no_calibration() -> None:
    labels = np.arange(40) < 20
    found = {f.metric: f.estimate for f in judged(labels, np.where(labels, 2.0, -2.0), np.arange(40), rows="v", seed=0)}
    assert found["auc"].value == 1.0
    assert found["calibration_slope"].reason == "the scores separate the classes, or are all one"
