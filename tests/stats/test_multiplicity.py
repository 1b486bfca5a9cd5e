"""Holm and Benjamini-Hochberg."""

from __future__ import annotations

import numpy as np
import pytest
from robustkit.stats.multiplicity import benjamini_hochberg, holm
from scipy.stats import false_discovery_control
from statsmodels.stats.multitest import multipletests

P = np.array([0.01, 0.04, 0.03, 0.005])


def test_holm_by_hand() -> None:
    # sorted .005 x 4 = .02, .01 x 3 = .03, .03 x 2 = .06, .04 x 1 -> not below .06
    assert holm(P).tolist() == pytest.approx([0.03, 0.06, 0.06, 0.02])


def test_benjamini_hochberg_beside_scipy() -> None:
    assert benjamini_hochberg(P) == pytest.approx(false_discovery_control(P))


@pytest.mark.parametrize(("adjust", "method"), [(holm, "holm"), (benjamini_hochberg, "fdr_bh")])
def test_beside_statsmodels(adjust, method) -> None:
    random = np.random.default_rng(0)
    # thousands at once, as a search for slices has them, with ties
    for p in (random.random(3000), np.round(random.random(500) ** 4, 2), np.array([0.0, 1.0, 0.02, 0.02])):
        assert adjust(p) == pytest.approx(multipletests(p, method=method)[1])


@pytest.mark.parametrize("adjust", [holm, benjamini_hochberg])
def test_nan_is_not_counted(adjust) -> None:
    found = adjust(np.array([np.nan, 0.01, np.nan, 0.04]))
    assert np.isnan(found).tolist() == [True, False, True, False]
    assert found[[1, 3]] == pytest.approx(adjust(np.array([0.01, 0.04])))
    assert np.isnan(adjust(np.array([np.nan]))).all()
    assert len(adjust(np.zeros(0))) == 0


def test_adjusted_p_is_at_most_one() -> None:
    assert holm(np.array([0.9, 0.8])).tolist() == [1.0, 1.0]
