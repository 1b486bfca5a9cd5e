"""What every metric of the registry holds, without being named here (but for its second library)."""

from __future__ import annotations

import doctest
import importlib
import math
from collections.abc import Callable
from typing import cast

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from robustkit.metrics._base import Metric
from robustkit.registry import load, names
from sklearn import metrics as sk
from statsmodels import api as sm

FAMILY = "metrics"
THRESHOLD = 0.5

SECOND_LIBRARY: dict[str, Callable[[np.ndarray, np.ndarray], float]] = {
    "auc": sk.roc_auc_score,
    "average_precision": sk.average_precision_score,
    "sensitivity": lambda y, s: sk.recall_score(y, s >= THRESHOLD),
    "specificity": lambda y, s: sk.recall_score(~y, s < THRESHOLD),
    "ppv": lambda y, s: sk.precision_score(y, s >= THRESHOLD),
    "npv": lambda y, s: sk.precision_score(~y, s < THRESHOLD),
    "balanced_accuracy": lambda y, s: sk.balanced_accuracy_score(y, s >= THRESHOLD),
    "brier": sk.brier_score_loss,
    "partial_auc": lambda y, s: sk.roc_auc_score(y, s, max_fpr=0.1),
    "calibration_slope": lambda y, s: _logit_fit(y, sm.add_constant(_logits(s)))[1],
    "calibration_intercept": lambda y, s: _logit_fit(y, np.ones((len(y), 1)), offset=_logits(s))[0],
}
NO_SECOND_LIBRARY = {
    "ece": "scikit-learn has none; published values in test_ece.py",
    "net_benefit": "none is installed; worked by hand in test_net_benefit.py",
}


BEST_IS_NOT_ONE_NUMBER = {"calibration_slope", "calibration_intercept", "net_benefit"}
"""No fit of a perfect score, or its value is the prevalence: see the tests of their own."""


def _logits(scores: np.ndarray) -> np.ndarray:
    kept = np.clip(scores, 1e-12, 1 - 1e-12)
    return np.log(kept / (1 - kept))


def _logit_fit(labels: np.ndarray, columns: np.ndarray, *, offset: np.ndarray | None = None) -> np.ndarray:
    fit = sm.GLM(labels.astype(np.float64), columns, sm.families.Binomial(), offset=offset).fit(tol=1e-14, maxiter=200)
    return np.asarray(fit.params)


def _metric(name: str) -> Metric:
    return cast(Metric, load(FAMILY, name))


def _value(name: str, labels: np.ndarray, scores: np.ndarray) -> float:
    found = _metric(name).value(labels, scores, threshold=THRESHOLD)
    assert type(found) is float
    return found


def _sample(seed: int, n: int = 60, *, ties: bool = True) -> tuple[np.ndarray, np.ndarray]:
    """Labels of both classes, and scores of which many are tied and both sides of the threshold are taken."""
    random = np.random.default_rng(seed)
    labels = random.random(n) < 0.4
    labels[:2] = True, False
    scores = np.clip(0.35 + 0.3 * labels + 0.2 * random.standard_normal(n), 0.0, 1.0)
    scores[:2] = 0.9, 0.1
    return labels, np.round(scores, 1) if ties else scores


@pytest.mark.parametrize("name", names(FAMILY))
def test_plugin_says_what_it_is(name: str) -> None:
    metric = _metric(name)
    assert metric.name == name
    assert metric.kind in ("discrimination", "proportion", "score", "stability")
    assert metric.needs in ("both", "positive", "negative", "any")


@pytest.mark.parametrize("name", names(FAMILY))
def test_example_runs(name: str) -> None:
    found = doctest.testmod(importlib.import_module(f"robustkit.metrics.{name}"))
    assert found.attempted > 0, "the plug-in carries no runnable example"
    assert found.failed == 0


@pytest.mark.parametrize("name", names(FAMILY))
def test_agrees_with_a_second_library(name: str) -> None:
    if name in NO_SECOND_LIBRARY:
        assert importlib.util.find_spec("sklearn")
        return
    for seed in range(20):
        labels, scores = _sample(seed)
        assert _value(name, labels, scores) == pytest.approx(SECOND_LIBRARY[name](labels, scores), abs=1e-12)


@pytest.mark.parametrize("name", names(FAMILY))
def test_perfect_is_best_and_inverted_is_worse_than_useless(name: str) -> None:
    labels = np.array([True] * 4 + [False] * 6)
    best = _metric(name).best
    if math.isnan(best):
        assert _metric(name).name in BEST_IS_NOT_ONE_NUMBER
        return
    perfect = _value(name, labels, labels.astype(np.float64))
    inverted = _value(name, labels, np.concatenate([np.linspace(0.0, 0.1, 4), np.linspace(0.9, 1.0, 6)]))
    assert perfect == best
    # half of either class on either side, and a score that says nothing: known by counting, for any metric
    useless = _value(name, labels, np.array([0.4, 0.4, 0.6, 0.6, 0.4, 0.4, 0.4, 0.6, 0.6, 0.6]))
    assert abs(inverted - best) > abs(useless - best) > 0.0


@pytest.mark.parametrize("name", names(FAMILY))
def test_useless_scores_say_nothing(name: str) -> None:
    """A constant score has no order: AUC one half, average precision the prevalence; nobody is found, or all."""
    labels = np.array([True] * 3 + [False] * 7)
    found = _value(name, labels, np.full(10, 0.7))
    expected = {
        "auc": 0.5, "average_precision": 0.3, "sensitivity": 1.0, "specificity": 0.0, "ppv": 0.3, "npv": math.nan,
        "balanced_accuracy": 0.5, "brier": 0.3 * 0.09 + 0.7 * 0.49, "ece": 0.4, "partial_auc": 0.5,
        "calibration_slope": math.nan, "calibration_intercept": math.log(3 / 7) - math.log(7 / 3), "net_benefit": 0.3 - 0.7,
    }  # fmt: skip
    if name in expected:
        assert found == pytest.approx(expected[name], nan_ok=True)
    else:
        assert math.isnan(found) or 0.0 <= found <= 1.0


@pytest.mark.parametrize("name", names(FAMILY))
@pytest.mark.parametrize("one", [True, False])
def test_missing_class_is_nan_where_it_is_needed(name: str, one: bool) -> None:
    needs = _metric(name).needs
    found = _value(name, np.full(5, one), np.linspace(0.1, 0.9, 5))
    present = "positive" if one else "negative"
    assert math.isnan(found) == (needs not in ("any", present))


@pytest.mark.parametrize("name", names(FAMILY))
def test_nothing_and_nan_are_nan(name: str) -> None:
    assert math.isnan(_value(name, np.zeros(0, dtype=bool), np.zeros(0)))
    labels, scores = _sample(3)
    scores[5] = np.nan
    assert math.isnan(_value(name, labels, scores))


@pytest.mark.parametrize("name", names(FAMILY))
def test_infinite_scores_are_ordered_or_nan(name: str) -> None:
    labels, scores = np.array([True, True, False, False]), np.array([np.inf, 0.6, 0.4, -np.inf])
    found = _value(name, labels, scores)
    ordered = _value(name, labels, np.array([0.9, 0.6, 0.4, 0.1]))
    assert math.isnan(found) if _metric(name).kind == "score" else found == ordered
    assert name in BEST_IS_NOT_ONE_NUMBER or _metric(name).kind == "score" or ordered == 1.0


@pytest.mark.parametrize("name", names(FAMILY))
@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_order_of_cases_does_not_matter(name: str, seed: int) -> None:
    labels, scores = _sample(seed)
    order = np.random.default_rng(seed + 1).permutation(len(labels))
    again = _value(name, labels[order], scores[order])
    assert again == pytest.approx(_value(name, labels, scores), abs=1e-12, nan_ok=True)


@pytest.mark.parametrize("name", names(FAMILY))
def test_threshold_is_read_only_where_needed(name: str) -> None:
    labels, scores = _sample(5, ties=False)
    metric = _metric(name)
    low, high = (metric.value(labels, scores, threshold=t) for t in (0.2, 0.6))
    assert (low != high) == metric.needs_threshold


@pytest.mark.parametrize("name", [n for n in names(FAMILY) if _metric(n).kind == "discrimination"])
@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), power=st.floats(0.2, 5.0))
def test_discrimination_is_the_same_on_any_rising_scale(name: str, seed: int, power: float) -> None:
    labels, scores = _sample(seed)
    # ten distinct levels: no power of this range merges two of them
    assert _value(name, labels, (scores + 0.5) ** power) == pytest.approx(_value(name, labels, scores), abs=1e-12)


@pytest.mark.parametrize("name", [n for n in names(FAMILY) if _metric(n).needs_threshold])
def test_score_at_the_threshold_is_called_positive(name: str) -> None:
    labels = np.array([True, True, False, False])
    at = _value(name, labels, np.array([0.5, 0.5, 0.1, 0.1]))
    above, below = (_value(name, labels, np.array([s, s, 0.1, 0.1])) for s in (0.6, 0.4))
    assert at == above
    assert name in BEST_IS_NOT_ONE_NUMBER or at == 1.0
    assert name == "specificity" or at != below


@pytest.mark.parametrize("name", names(FAMILY))
def test_input_is_not_modified(name: str) -> None:
    labels, scores = _sample(8)
    kept = labels.copy(), scores.copy()
    _value(name, labels, scores)
    assert (labels == kept[0]).all()
    assert (scores == kept[1]).all()
