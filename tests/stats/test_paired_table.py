"""McNemar and Newcombe against published constants (facts from statsmodels' own documentation and Newcombe 1998)."""

from __future__ import annotations

import math

import numpy as np
import pytest
from robustkit.stats.estimate import Estimate
from robustkit.stats.paired_table import mcnemar_p, newcombe
from robustkit.stats.proportion import clustered_proportion, wilson
from statsmodels.stats.proportion import confint_proportions_2indep


def _from_table(table: list[list[int]]) -> tuple[np.ndarray, np.ndarray]:
    cells = [(True, True), (True, False), (False, True), (False, False)]
    rows = [cell for cell, n in zip(cells, np.ravel(table), strict=True) for _ in range(n)]
    return np.array([r[0] for r in rows]), np.array([r[1] for r in rows])


@pytest.mark.parametrize(("table", "p"), [([[101, 121], [59, 33]], 4e-6), ([[101, 70], [59, 33]], 0.378688)])
def test_mcnemar_gives_the_published_p(table: list[list[int]], p: float) -> None:
    # the constants are given to six decimals
    assert mcnemar_p(*_from_table(table)) == pytest.approx(p, abs=5e-7)


def test_mcnemar_at_its_edges() -> None:
    right = np.array([True, False, True])
    assert mcnemar_p(right, right) == 1.0
    assert math.isnan(mcnemar_p(right[:0], right[:0]))
    assert mcnemar_p(np.ones(1, dtype=bool), np.zeros(1, dtype=bool)) == 1.0


def _proportion(k: int, n: int) -> Estimate:
    low, high = wilson(k / n, n)
    return Estimate(k / n, low, high)


@pytest.mark.parametrize(("a", "b"), [((7, 34), (1, 34)), ((0, 20), (0, 30)), ((20, 20), (0, 9)), ((3, 8), (5, 6))])
def test_newcombe_is_that_of_statsmodels(a: tuple[int, int], b: tuple[int, int]) -> None:
    expected = confint_proportions_2indep(*a, *b, method="newcomb")
    np.testing.assert_allclose(newcombe(_proportion(*a), _proportion(*b)), expected, atol=1e-12)


def test_newcombe_of_the_facts() -> None:
    low, high = newcombe(_proportion(7, 34), _proportion(1, 34))
    assert (round(low, 3), round(high, 3)) == (0.019, 0.340)


def test_a_side_that_is_not_estimable_gives_no_interval() -> None:
    few = clustered_proportion(np.ones(3), np.arange(3))
    assert all(math.isnan(v) for v in newcombe(few, _proportion(3, 8)))
