"""The null band of the ECE, by brute force."""

from __future__ import annotations

import numpy as np
import pytest
from robustkit.metrics.ece import PLUGIN as ECE
from robustkit.seeds import generator
from robustkit.stats.ece_null import ece_null_band


def test_the_null_band_holds_what_calibrated_scores_give() -> None:
    random = np.random.default_rng(0)
    scores = random.random(150)
    low, high = ece_null_band(scores, bins=ECE.bins, draws=1500, seed=0)
    found = [ECE.value(random.random(150) < scores, scores, threshold=0.5) for _ in range(1500)]
    np.testing.assert_allclose(np.quantile(found, [0.025, 0.975]), (low, high), rtol=0.06)
    assert low > 0


@pytest.mark.parametrize("n", [1, 7, 400])
def test_it_is_that_of_every_outcome_written_out(n: int) -> None:
    scores = np.round(np.random.default_rng(n).random(n), 1)
    outcomes = generator(3, "ece null", "").random((250, n)) < scores
    found = [ECE.value(own, scores, threshold=0.5) for own in outcomes]
    band = ece_null_band(scores, bins=ECE.bins, draws=250, seed=3)
    np.testing.assert_allclose(band, np.quantile(found, [0.025, 0.975]), rtol=1e-10, atol=1e-15)
