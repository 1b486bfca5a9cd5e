"""Monte-Carlo errors: random repeats one by one, Sobol points by sets."""

from __future__ import annotations

import numpy as np
import pytest
from robustkit.seeds import uniforms
from robustkit.sobol import SET_SIZE, sobol
from robustkit.stats.auc import clustered_auc
from robustkit.stats.montecarlo import LEAST_SETS, independent


def test_random_repeats_stay_and_sets_are_averaged() -> None:
    values = np.arange(48.0).reshape(24, 2)
    assert independent(values, 1) is values
    np.testing.assert_array_equal(independent(values, 3), values.reshape(8, 3, 2).mean(axis=1))
    # a set that is not whole is left out
    np.testing.assert_array_equal(independent(values, 3)[:, 0], independent(np.r_[values, values[:2]], 3)[:, 0])


def test_fewer_than_eight_sets_tell_no_error() -> None:
    assert len(independent(np.ones((21, 1)), 3)) == 1
    labels = np.arange(40) % 2 == 1
    scores = np.random.default_rng(0).random((7 * 4, 40)) + 0.3 * labels
    assert np.isnan(clustered_auc(labels, scores, np.arange(40), set_size=4).mc_se)
    assert clustered_auc(labels, scores, np.arange(40), set_size=1).mc_se > 0


@pytest.mark.parametrize(("draw", "set_size"), [(uniforms, 1), (sobol, SET_SIZE)])
def test_the_error_is_that_of_the_mean_over_seeds(draw, set_size: int) -> None:  # type: ignore[no-untyped-def]
    repeats = LEAST_SETS * SET_SIZE
    names = [f"case-{i}" for i in range(400)]
    points = draw(3, names, repeats=range(repeats), stream=1)
    scores = 1 / (1 + np.exp(-3 * (points[..., 0] - points[..., 1] ** 2)))
    told = independent(scores.T, set_size).var(axis=0, ddof=1) / (repeats // set_size)
    # every case has draws of its own, and the function is the same: the variance of the means is over cases
    assert told.mean() == pytest.approx(scores.mean(axis=1).var(ddof=1), rel=0.25)
