"""The kept null rates are what the issue of few readers is judged by; a short simulation comes to the same."""

from __future__ import annotations

import numpy as np
import pytest
from robustkit.stats.multireader import Covariance, Inference, components, obuchowski_rockette, reader_aucs
from robustkit.stats.null_rates import null_rate

RANDOM: Inference = "random readers and cases"


@pytest.mark.parametrize("covariance", ["jackknife", "DeLong"])
def test_five_readers_hold_the_level_and_two_do_not(covariance: Covariance) -> None:
    assert 0.04 < null_rate(5, covariance, RANDOM) < 0.06
    assert 0.07 < null_rate(2, covariance, RANDOM) < 0.11
    for readers in (2, 3, 5, 10):
        assert 0.04 < null_rate(readers, covariance, "fixed readers") < 0.06
        assert 0.04 < null_rate(readers, covariance, "fixed cases") < 0.06


def test_numbers_between_take_the_smaller_and_others_nothing() -> None:
    assert null_rate(4, "DeLong", RANDOM) == null_rate(3, "DeLong", RANDOM)
    assert null_rate(40, "DeLong", RANDOM) == null_rate(10, "DeLong", RANDOM)
    assert np.isnan(null_rate(1, "DeLong", RANDOM))


def test_a_short_simulation_finds_the_kept_rate_of_two_readers() -> None:
    """Roe and Metz' structure of readers alike and cases of high correlation: 6 to 11 % in the long simulation."""
    random = np.random.default_rng(7)
    truth = np.repeat([1, 0], 50)
    hits, n = 0, 600
    for _ in range(n):
        reader = random.normal(0, np.sqrt(0.0055), (2, 2))[:, truth]
        arm = random.normal(0, np.sqrt(0.0055), (2, 2, 2))[:, :, truth]
        case = random.normal(0, np.sqrt(0.3), 100) + random.normal(0, np.sqrt(0.3), (2, 1, 100))
        own = random.normal(0, np.sqrt(0.2), (2, 100)) + random.normal(0, np.sqrt(0.2), (2, 2, 100))
        scores = 1.5 * truth + reader + arm + case + own
        aucs, errors = reader_aucs(truth == 1, scores, np.arange(100), covariance="DeLong")
        hits += obuchowski_rockette(aucs, components(errors, arms=2, readers=2))[0].p < 0.05
    assert 0.04 < hits / n < 0.13
