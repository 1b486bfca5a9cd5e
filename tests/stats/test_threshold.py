"""Operating points: Youden smoothed and not, target sensitivity and specificity, and the interval of the choice."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from robustkit.stats.threshold import (
    logit,
    target_sensitivity,
    target_specificity,
    youden,
)
from robustkit.stats.threshold_draws import youden_interval
from scipy.special import expit
from scipy.special import logit as scipy_logit
from scipy.stats import gaussian_kde, iqr, norm
from sklearn.metrics import roc_curve

SEEDS = st.integers(0, 2**32 - 1)


def _normal_scores(n: int = 400, *, shift: float = 2.0, sd: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
    """Scores whose logits are exact normal quantiles: negatives N(0, 1), positives N(shift, sd)."""
    z = norm.ppf((np.arange(n) + 0.5) / n)
    return np.arange(2 * n) >= n, expit(np.concatenate([z, shift + sd * z]))


def test_logit_beside_scipy_and_finite_at_the_ends() -> None:
    inner = np.array([1e-9, 0.2, 0.5, 0.999999])
    assert logit(inner) == pytest.approx(scipy_logit(inner), abs=1e-9)
    assert np.isfinite(logit(np.array([0.0, 1.0]))).all()
    assert logit(np.array([0.0]))[0] == pytest.approx(math.log(1e-12))


def test_equal_spread_is_cut_in_the_middle() -> None:
    # two normals of equal sd cross half-way: logit 1
    labels, scores = _normal_scores()
    found = youden(labels, scores)
    assert found.method == "two normals on the logit"
    assert logit(np.array([found.value]))[0] == pytest.approx(1.0, abs=0.01)
    assert (found.n, found.n_positive, found.reason) == (800, 400, "")


def test_unequal_spread_is_cut_where_the_densities_cross() -> None:
    # N(0, 1) and N(2, 2): x^2 / 2 = (x - 2)^2 / 8 + ln 2: 3 x^2 + 4 x - 4 - 8 ln 2 = 0: the larger root
    labels, scores = _normal_scores(sd=2.0)
    root = (-4 + math.sqrt(16 + 12 * (4 + 8 * math.log(2)))) / 6
    assert root == pytest.approx(1.23758, abs=1e-5)
    assert logit(np.array([youden(labels, scores).value]))[0] == pytest.approx(root, abs=0.02)


def test_kernel_takes_over_where_the_logits_are_not_normal() -> None:
    random = np.random.default_rng(0)
    labels = np.arange(400) >= 200
    # negatives in two far groups: one normal through both would be cut far off
    negatives = np.concatenate([random.normal(-8, 0.3, 100), random.normal(-1, 0.3, 100)])
    scores = expit(np.concatenate([negatives, random.normal(2, 0.5, 200)]))
    found = youden(labels, scores)
    assert found.method == "kernel on the logit"
    cut = logit(np.array([found.value]))[0]
    assert -0.5 < cut < 1.2
    assert youden(labels, scores, method="normal").method == "two normals on the logit"
    assert youden(labels, scores, method="kernel").value == found.value


def test_kernel_and_normal_agree_on_normal_logits() -> None:
    labels, scores = _normal_scores()
    kernel = youden(labels, scores, method="kernel").value
    assert logit(np.array([kernel]))[0] == pytest.approx(1.0, abs=0.1)


@settings(max_examples=40, deadline=None)
@given(seed=SEEDS)
def test_empirical_beside_scikit_learn(seed: int) -> None:
    random = np.random.default_rng(seed)
    labels = random.random(40) < 0.4
    labels[:4] = True, True, False, False
    scores = np.round(np.clip(0.3 + 0.3 * labels + 0.3 * random.standard_normal(40), 0, 1), 1)
    found = youden(labels, scores, method="empirical").value
    fpr, tpr, cuts = roc_curve(labels, scores, drop_intermediate=False)
    gain = tpr - fpr
    # ties go to the lowest; the curve's own first point (infinite) calls nobody and gains 0
    best = cuts[1:][gain[1:] >= gain[1:].max() - 1e-12].min()
    assert found == best


def test_ties_go_to_the_lowest_score() -> None:
    # at .2: 2/2 + 1/2; at .6: 1/2 + 2/2: both 1.5
    labels, scores = np.array([False, True, False, True]), np.array([0.1, 0.2, 0.5, 0.6])
    assert youden(labels, scores, method="empirical").value == 0.2


@pytest.mark.parametrize("method", ["smoothed", "kernel", "empirical"])
@pytest.mark.parametrize("factor", [0.5, 3.0])
def test_decisions_are_the_same_with_the_logits_scaled(method, factor: float) -> None:
    random = np.random.default_rng(4)
    labels = np.arange(94) < 40
    z = 1.5 * labels + random.standard_normal(94)
    scores, scaled = expit(z), expit(factor * z)
    one, two = youden(labels, scores, method=method).value, youden(labels, scaled, method=method).value
    assert ((scores >= one) == (scaled >= two)).all()


@pytest.mark.parametrize(
    ("labels", "scores", "method", "value", "reason"),
    [
        ([], [], "", math.nan, "fewer than 2 development cases of either class"),
        ([True], [0.4], "", math.nan, "fewer than 2 development cases of either class"),
        ([True] * 20, [0.4] * 20, "", math.nan, "fewer than 2 development cases of either class"),
        ([True] + [False] * 20, [0.4] * 21, "", math.nan, "fewer than 2 development cases of either class"),
        ([True, True, False, False], [0.4, 0.5, math.nan, 0.1], "", math.nan, "a development score is not finite"),
        ([True, True, False, False], [0.4, math.inf, 0.3, 0.1], "", math.nan, "a development score is not finite"),
        # all tied: the one candidate there is
        ([True, False] * 20, [0.4] * 40, "empirical", 0.4, ""),
        ([True, False] * 20, [1.0, 0.0] * 20, "empirical", 1.0, ""),
    ],
)
def test_edges(labels, scores, method: str, value: float, reason: str) -> None:
    truth, given = np.array(labels, dtype=bool), np.array(scores, dtype=np.float64)
    found = youden(truth, given)
    assert found.value == pytest.approx(value, nan_ok=True)
    assert (found.method, found.reason) == (method, reason)
    assert (found.n, found.n_positive) == (len(labels), sum(labels))
    low, high = youden_interval(truth, given, np.arange(len(labels)), draws=20, seed=0)
    assert math.isnan(low)
    assert math.isnan(high)


def test_many_cases_need_no_test_of_normality_and_little_memory() -> None:
    labels, scores = _normal_scores(6000)
    found = youden(labels, scores)
    assert found.method == "kernel on the logit"
    assert logit(np.array([found.value]))[0] == pytest.approx(1.0, abs=0.05)


def test_kernel_beside_scipy_at_the_bandwidth_of_fluss() -> None:
    """Saturated scores stand 27 logits off: they must not widen the kernel, so the quartiles rule it."""
    random = np.random.default_rng(6)
    labels = np.arange(300) >= 150
    scores = expit(np.where(labels, 2.0, -2.0) + random.standard_normal(300))
    scores[-30:], scores[:30] = 1.0, 0.0
    found = youden(labels, scores)
    assert found.method == "kernel on the logit"

    def smooth(x: np.ndarray) -> gaussian_kde:
        bandwidth = 0.9 * min(x.std(ddof=1), iqr(x) / 1.34) * len(x) ** -0.2
        return gaussian_kde(x, bw_method=bandwidth / x.std(ddof=1))

    positive, negative = smooth(logit(scores[labels])), smooth(logit(scores[~labels]))
    grid = np.linspace(-3, 3, 1201)
    gain = [negative.integrate_box_1d(-np.inf, t) - positive.integrate_box_1d(-np.inf, t) for t in grid]
    assert logit(np.array([found.value]))[0] == pytest.approx(grid[int(np.argmax(gain))], abs=0.03)


def test_target_sensitivity_by_hand() -> None:
    labels = np.array([True] * 5 + [False] * 5)
    scores = np.array([0.9, 0.8, 0.6, 0.6, 0.2, 0.7, 0.5, 0.4, 0.3, 0.1])
    # 4 of 5 positives stand at .6 or above; the tie at .6 is taken whole
    assert target_sensitivity(labels, scores, 0.8).value == 0.6
    assert target_sensitivity(labels, scores, 0.6).value == 0.6
    assert target_sensitivity(labels, scores, 0.4).value == 0.8
    assert target_sensitivity(labels, scores, 1.0).value == 0.2
    assert target_sensitivity(labels, scores, 0.8).name == "sensitivity=0.8"


def test_target_specificity_by_hand() -> None:
    labels = np.array([True] * 5 + [False] * 5)
    scores = np.array([0.9, 0.8, 0.6, 0.6, 0.2, 0.7, 0.5, 0.4, 0.3, 0.1])
    # below .5 stand .4 .3 .1: 3 of 5; below .6 four; below .8 all
    assert target_specificity(labels, scores, 0.6).value == 0.5
    assert target_specificity(labels, scores, 0.8).value == 0.6
    assert target_specificity(labels, scores, 1.0).value == 0.8


@settings(max_examples=40, deadline=None)
@given(seed=SEEDS, target=st.floats(0.05, 1.0))
def test_targets_are_reached_and_no_further_than_needed(seed: int, target: float) -> None:
    random = np.random.default_rng(seed)
    labels = random.random(50) < 0.5
    labels[:2] = True, False
    scores = np.round(random.random(50), 1)
    scores[0] = 1.0 if not (scores[~labels] == 1.0).any() else scores[0]
    candidates = np.unique(scores)
    sensitivity = np.array([(scores[labels] >= c).mean() for c in candidates])
    specificity = np.array([(scores[~labels] < c).mean() for c in candidates])
    assert target_sensitivity(labels, scores, target).value == candidates[sensitivity >= target - 1e-12].max()
    reached = candidates[specificity >= target - 1e-12]
    found = target_specificity(labels, scores, target)
    assert found.value == pytest.approx(reached.min() if len(reached) else math.nan, nan_ok=True)


def test_targets_that_cannot_be_met_have_a_reason() -> None:
    nobody, both = np.zeros(3, dtype=bool), np.array([True, False])
    assert target_sensitivity(nobody, np.ones(3), 0.9).reason == "no positive development case"
    assert target_specificity(~nobody, np.ones(3), 0.9).reason == "no negative development case"
    found = target_specificity(both, np.array([0.4, 0.6]), 1.0)
    assert math.isnan(found.value)
    assert found.reason == "the highest score of all is a negative's"
    assert "NaN" in target_sensitivity(both, np.array([0.4, math.nan]), 0.9).reason
    assert "NaN" in target_specificity(both, np.array([0.4, math.nan]), 0.9).reason
