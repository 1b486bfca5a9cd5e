"""Net benefit: worked by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
from robustkit.metrics.net_benefit import PLUGIN, NetBenefit

LABELS = np.arange(10) < 4
SCORES = np.array([0.9, 0.8, 0.3, 0.1, 0.7, 0.3, 0.2, 0.1, 0.1, 0.1])


@pytest.mark.parametrize(
    ("threshold", "by_hand"),
    [
        (0.25, 3 / 10 - 2 / 10 * 1 / 3),  # 3 found, 2 false alarms, odds 1:3
        (0.5, 2 / 10 - 1 / 10 * 1),
        (0.75, 2 / 10),
        (0.95, 0.0),  # nobody is called positive
        (0.0, 4 / 10),  # everybody is, and false alarms cost nothing
    ],
)
def test_score_taken_for_a_probability(threshold: float, by_hand: float) -> None:
    assert PLUGIN.value(LABELS, SCORES, threshold=threshold) == pytest.approx(by_hand)


def test_decision_and_weight_apart() -> None:
    # decided at .5: 2 found, 1 false alarm; weighed at .2: odds 1:4
    found = NetBenefit(probability=0.2).value(LABELS, SCORES, threshold=0.5)
    assert found == pytest.approx(2 / 10 - 1 / 10 / 4)


def test_at_a_stated_prevalence() -> None:
    # sensitivity 2/4, false alarms 1/6, of 10 % positives, odds 1:4
    found = NetBenefit(probability=0.2, prevalence=0.1).value(LABELS, SCORES, threshold=0.5)
    assert found == pytest.approx(0.5 * 0.1 - 1 / 6 * 0.9 / 4)
    own = NetBenefit(prevalence=0.4).value(LABELS, SCORES, threshold=0.25)
    assert own == pytest.approx(PLUGIN.value(LABELS, SCORES, threshold=0.25))


def test_perfect_is_the_prevalence_and_more_than_inverted() -> None:
    perfect = PLUGIN.value(LABELS, LABELS.astype(float), threshold=0.3)
    assert perfect == pytest.approx(0.4)
    # every negative called positive: -.6 x 3/7
    assert PLUGIN.value(LABELS, (~LABELS).astype(float), threshold=0.3) == pytest.approx(-0.6 * 3 / 7)


@pytest.mark.parametrize(
    ("metric", "threshold"),
    [
        (PLUGIN, 1.0), (PLUGIN, math.inf), (PLUGIN, -0.1), (PLUGIN, math.nan), (NetBenefit(probability=1.0), 0.5),
        (NetBenefit(prevalence=0.0), 0.5), (NetBenefit(prevalence=1.0), 0.5), (NetBenefit(prevalence=math.nan), 0.5),
    ],
)  # fmt: skip
def test_weights_that_are_none_are_nan(metric: NetBenefit, threshold: float) -> None:
    assert math.isnan(metric.value(LABELS, SCORES, threshold=threshold))


def test_one_class_alone() -> None:
    alone = np.ones(3, dtype=bool)
    scores = np.array([0.9, 0.6, 0.1])
    assert PLUGIN.value(alone, scores, threshold=0.5) == pytest.approx(2 / 3)
    assert math.isnan(NetBenefit(prevalence=0.2).value(alone, scores, threshold=0.5))
