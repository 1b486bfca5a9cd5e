"""ECE against published values and a hand count."""

from __future__ import annotations

import numpy as np
import pytest
from robustkit.metrics.ece import PLUGIN, Ece

SCORES = np.array([0.22, 0.48, 0.49, 0.96, 0.55, 0.64, 0.78, 0.82, 0.34, 0.87])
LABELS = np.array([0, 1, 0, 0, 1, 1, 1, 1, 1, 0], dtype=bool)


@pytest.mark.parametrize(("bins", "published"), [(2, 0.11), (5, 0.32), (10, 0.36)])
def test_published_values(bins: int, published: float) -> None:
    assert Ece(bins=bins).value(LABELS, SCORES, threshold=0.5) == pytest.approx(published, abs=0.0051)


def test_two_bins_by_hand() -> None:
    # up to .5: .22 + .48 + .49 + .34 = 1.53 against 2 positives; over: .96 + .55 + .64 + .78 + .82 + .87 = 4.62 against 4
    assert Ece(bins=2).value(LABELS, SCORES, threshold=0.5) == pytest.approx((0.47 + 0.62) / 10)


def test_edge_belongs_to_the_bin_below() -> None:
    # 0.1 and 0.05 share a bin: |0.1 + 0.05 - 1| / 2; were 0.1 in the next one, (0.9 + 0.05) / 2
    assert PLUGIN.value(np.array([True, False]), np.array([0.1, 0.05]), threshold=0.5) == pytest.approx(0.425)


def test_zero_and_one_have_a_bin() -> None:
    assert PLUGIN.value(np.array([True, False]), np.array([0.0, 1.0]), threshold=0.5) == 1.0


@pytest.mark.parametrize("score", [-0.1, 1.1])
def test_score_off_the_unit_interval_is_nan(score: float) -> None:
    assert np.isnan(PLUGIN.value(np.array([True, False]), np.array([0.5, score]), threshold=0.5))
