"""Stability per case, by hand."""

from __future__ import annotations

import math
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from robustkit.stats.stability import displacement, reference_rank, right_at, smallest_flip, spread


def test_spread_by_hand() -> None:
    # 1, 2, 3: variance (1 + 0 + 1) / 2
    found = spread(np.array([[1.0, 2.0, 3.0], [0.3, 0.3, 0.3], [0.1, np.nan, 0.2]]))
    assert found[:2].tolist() == [1.0, 0.0]
    assert math.isnan(found[2])
    assert np.isnan(spread(np.array([[0.5], [0.2]]))).all()
    assert spread(np.zeros((0, 3))).shape == (0,)


@given(st.floats(0.0, 1.0), st.integers(2, 60))
def test_equal_scores_have_no_spread_at_all(score: float, repeats: int) -> None:
    assert spread(np.full((1, repeats), score))[0] == 0.0


def test_reference_rank_counts_what_is_below() -> None:
    development = np.array([0.4, 0.1, 0.3, 0.2])
    found = reference_rank(np.array([[0.05, 0.3], [0.35, 0.9], [np.nan, 0.1]]), development)
    assert found[:2].tolist() == [[0.0, 0.5], [0.75, 1.0]]
    assert math.isnan(found[2, 0])
    assert found[2, 1] == 0.0
    assert np.isnan(reference_rank(np.array([0.5]), np.zeros(0))).all()


def test_reference_rank_is_the_same_on_any_rising_scale() -> None:
    random = np.random.default_rng(0)
    scores, development = random.random((20, 5)), random.random(50)
    assert (reference_rank(scores, development) == reference_rank(np.exp(9 * scores), np.exp(9 * development))).all()


def test_displacement_is_in_sides_of_the_nominal_box() -> None:
    nominal = np.array([[10.0, 20.0, 30.0, 60.0]])
    # 20 wide, 40 high: +2 and -8 are .1 and .2 of a side; grown about its centre it has not moved
    boxes = np.array([[[12.0, 12.0, 32.0, 52.0], [14.0, 20.0, 34.0, 60.0], [0.0, 10.0, 40.0, 70.0]]])
    assert displacement(boxes, nominal)[0].tolist() == pytest.approx([0.2, 0.2, 0.0])


def test_smallest_flip_and_censored() -> None:
    moved = np.array([[0.1, 0.05, 0.2], [0.1, 0.05, 0.2]])
    flips = np.array([[True, False, True], [False, False, False]])
    found = smallest_flip(moved, flips)
    assert found[0] == 0.1
    assert math.isnan(found[1])
    assert np.isnan(smallest_flip(np.zeros((2, 0)), np.zeros((2, 0), dtype=bool))).all()


@pytest.mark.parametrize("k", [1, 2, 3, 5])
def test_right_at_is_the_average_over_all_subsets(k: int) -> None:
    right = np.array([[True, True, False, True, True], [True] * 5, [False] * 5, [True, False, False, False, False]])
    subsets = list(combinations(range(5), k))
    expected = [np.mean([row[list(s)].all() for s in subsets]) for row in right]
    assert right_at(right, k) == pytest.approx(np.array(expected))


def test_right_at_of_fifty() -> None:
    # 49 of 50 right: the wrong one is among 10 drawn with chance 10 / 50
    right = np.arange(50)[None] != 7
    assert right_at(right, 10)[0] == pytest.approx(0.8)
    assert np.isnan(right_at(right, 51)).all()
    assert right_at(np.zeros((0, 50), dtype=bool), 10).shape == (0,)
