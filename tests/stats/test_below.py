"""Counts of smaller numbers, against numpy's binary search."""

from __future__ import annotations

import numpy as np
import pytest
from robustkit.stats.below import n_below


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("digits", [1, 3, 17])
def test_counts_are_those_of_a_binary_search(seed: int, digits: int) -> None:
    random = np.random.default_rng(seed)
    ordered = np.sort(np.round(random.random(random.integers(1, 300)), digits))
    near = [np.nextafter(ordered, side) for side in (-np.inf, np.inf)]
    values = np.concatenate([random.random(9000), ordered, *near, [np.inf, -np.inf, 0.0, -0.0]])
    assert n_below(values, ordered).tolist() == np.searchsorted(ordered, values, "left").tolist()


@pytest.mark.parametrize("scale", [1e-300, 1e-9, 1e9, 1e300])
def test_numbers_of_any_size(scale: float) -> None:
    random = np.random.default_rng(3)
    ordered, values = np.sort(random.normal(size=50)) * scale, random.normal(size=(40, 100)) * scale
    assert (n_below(values, ordered) == np.searchsorted(ordered, values, "left")).all()


def test_numbers_in_one_heap_and_a_single_one() -> None:
    values = np.linspace(-1, 2, 5000)
    for ordered in (np.array([0.5]), np.full(30, 0.5), np.sort(np.append(np.linspace(0.5, 0.5 + 1e-9, 40), 1e6))):
        assert (n_below(values, ordered) == np.searchsorted(ordered, values, "left")).all()
