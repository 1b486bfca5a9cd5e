"""Goals: which targets are positive, and the log odds of the positive classes together."""

from __future__ import annotations

import numpy as np
from robustkit.models.score import scores
from robustkit.training.goal import Goal
from scipy.special import expit

THREE = Goal("softmax-logits", ("normal", "benign", "malignant"), ("benign", "malignant"))


def test_one_logit() -> None:
    goal = Goal()
    assert goal.n_outputs == 1
    assert goal.are_positive(np.array([0, 1, 1])).tolist() == [False, True, True]
    assert goal.log_odds(np.array([[0.5], [-2.0]])).tolist() == [0.5, -2.0]


def test_several_by_hand() -> None:
    assert THREE.n_outputs == 3
    assert THREE.are_positive(np.array([0, 1, 2])).tolist() == [False, True, True]
    # probabilities 1/4, 1/4, 1/2: the positive ones have 3/4, so the odds are 3
    np.testing.assert_allclose(THREE.log_odds(np.log([[1.0, 1.0, 2.0]])), np.log([3.0]))


def test_it_is_the_score_of_perturb() -> None:
    outputs = np.random.default_rng(4).normal(0, 3, (50, 3)).astype(np.float32)
    judged = scores(outputs, kind=THREE.kind, classes=THREE.classes, positive=THREE.positive)
    np.testing.assert_allclose(expit(THREE.log_odds(outputs.astype(np.float64))), judged, rtol=1e-12)
