"""Agreement of readers: scikit-learn's kappa, and Shrout and Fleiss' published example."""

from __future__ import annotations

import numpy as np
import pytest
from robustkit.stats.rater_agreement import icc_agreement, weighted_kappa
from sklearn.metrics import cohen_kappa_score


def test_kappa_is_scikit_learns() -> None:
    random = np.random.default_rng(0)
    a = random.integers(1, 6, 80)
    b = np.clip(a + random.integers(-1, 2, 80), 1, 5)
    wanted = cohen_kappa_score(a, b, weights="quadratic", labels=[1, 2, 3, 4, 5])
    assert weighted_kappa(a.astype(float), b.astype(float)) == pytest.approx(wanted)


def test_icc_of_the_published_example() -> None:
    """Shrout and Fleiss 1979, Psychological Bulletin 86:420, table 2: six targets, four judges, ICC(2,1) = .29."""
    ratings = np.array(
        [[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]], dtype=float
    )
    assert icc_agreement(ratings.T) == pytest.approx(0.29, abs=0.005)


def test_what_does_not_vary_has_none() -> None:
    assert np.isnan(weighted_kappa(np.ones(5), np.ones(5)))
    assert np.isnan(icc_agreement(np.ones((1, 5))))
    assert weighted_kappa(np.arange(5.0), np.arange(5.0)) == 1.0
