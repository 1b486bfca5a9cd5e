"""Lesions are handed to films so that the distance in all is least."""

from __future__ import annotations

from itertools import permutations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from robustkit.controls.matching import Offer, hand_out


def _offer(looks: np.ndarray) -> Offer:
    return Offer(np.zeros((len(looks), 4)), looks)


@given(st.integers(0, 2**32 - 1), st.integers(1, 4), st.integers(0, 2))
def test_the_sum_of_distances_is_the_least_of_all_ways(seed: int, lesions: int, spare: int) -> None:
    random = np.random.default_rng(seed)
    goals = random.normal(size=(lesions, 3))
    looks = random.normal(size=(lesions + spare, 5, 3))
    handed = hand_out([_offer(x) for x in looks], goals)
    away = ((looks[:, :, None] - goals) ** 2).sum(axis=3).min(axis=1)
    best = min(away[list(way), range(lesions)].sum() for way in permutations(range(len(looks)), lesions))
    found = sum(away[film, own] for film, mine in handed.items() for own in mine)
    assert sorted(own for mine in handed.values() for own in mine) == list(range(lesions))
    assert all(len(mine) == 1 for mine in handed.values())
    assert found == np.float64(best) or abs(found - best) < 1e-9


def test_every_film_has_a_box_before_one_has_two() -> None:
    near, far = np.zeros((1, 2)), np.full((1, 2), 9.0)
    handed = hand_out([_offer(near), None, _offer(far)], np.zeros((3, 2)))
    assert sorted(len(mine) for mine in handed.values()) == [1, 2]
    assert set(handed) == {0, 2}


def test_films_take_three_lesions_at_most() -> None:
    handed = hand_out([_offer(np.zeros((4, 2)))], np.zeros((5, 2)))
    assert len(handed[0]) == 3


def test_without_films_or_lesions_nothing_is_handed_out() -> None:
    assert hand_out([None], np.zeros((2, 2))) == {}
    assert hand_out([_offer(np.zeros((4, 2)))], np.empty((0, 2))) == {}
