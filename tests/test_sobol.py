"""Scrambled Sobol points: the sequence of Joe and Kuo, scrambled by case, even in every box, extensible."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from robustkit.seeds import uniforms
from robustkit.sobol import directions, sobol
from scipy.stats import qmc

seeds = st.integers(0, 2**64 - 1)


def test_direction_numbers_are_scipys() -> None:
    gray = [n ^ (n >> 1) for n in range(1024)]
    points = np.zeros((1024, 4), dtype=np.uint32)
    for n, g in enumerate(gray):
        for k in range(32):
            if g >> k & 1:
                points[n] ^= directions()[:, k]
    expected = qmc.Sobol(4, scramble=False, bits=32).random(1024)
    assert np.array_equal(points * 2.0**-32, expected)


@given(seeds, st.integers(0, 3), st.integers(0, 6))
def test_every_block_fills_every_elementary_interval_once(seed: int, dimension: int, power: int) -> None:
    """A (0, m, 1)-net in each dimension: of 2^m consecutive points one lies in each of 2^m intervals."""
    n = 2**power
    points = sobol(seed, ["a"], repeats=range(2 * n), stream=0)[0, :, dimension]
    for block in (points[:n], points[n:]):
        assert sorted(np.floor(block * n).astype(int).tolist()) == list(range(n))


@given(seeds, st.integers(0, 4))
def test_the_first_two_dimensions_are_a_net(seed: int, split: int) -> None:
    """16 points: one in each of the 2^split x 2^(4 - split) boxes (t = 0 for dimensions 1 and 2)."""
    points = sobol(seed, ["a"], repeats=range(16), stream=3)[0, :, :2]
    cells = np.floor(points * [2**split, 2 ** (4 - split)]).astype(int)
    assert len({tuple(c) for c in cells.tolist()}) == 16


@given(seeds)
def test_neither_batch_nor_order_nor_number_of_repeats_enters(seed: int) -> None:
    both = sobol(seed, ["a", "b"], repeats=range(40), stream=1)
    assert np.array_equal(sobol(seed, ["b"], repeats=range(40), stream=1)[0], both[1])
    assert np.array_equal(sobol(seed, ["b", "a"], repeats=range(10), stream=1)[1], both[0, :10])
    assert np.array_equal(sobol(seed, ["a"], repeats=range(25, 40), stream=1)[0], both[0, 25:])
    assert not np.array_equal(both[0], both[1])
    assert not np.array_equal(sobol(seed, ["a"], repeats=range(40), stream=0)[0], both[0])


def test_points_are_uniform_over_scrambles_and_lie_inside() -> None:
    points = sobol(7, [f"c{i}" for i in range(4000)], repeats=range(3), stream=0)
    assert points.shape == (4000, 3, 4)
    assert points.min() > 0
    assert points.max() < 1
    # mean of 4,000 uniforms: sd 0.29 / 63 = 0.0046
    assert np.abs(points.mean(axis=0) - 0.5).max() < 5 * 0.0046
    assert np.abs(points.var(axis=0) - 1 / 12).max() < 0.006


@pytest.mark.parametrize("repeats", [50, 64])
def test_means_of_smooth_functions_vary_much_less(repeats: int) -> None:
    cases = [f"c{i}" for i in range(400)]

    def means(u: np.ndarray) -> np.ndarray:
        return np.exp(u[..., 0] - 0.7 * u[..., 1] ** 2).mean(axis=1)

    even = means(sobol(1, cases, repeats=range(repeats), stream=0)).var()
    plain = means(uniforms(1, cases, repeats=range(repeats), stream=0)).var()
    assert plain / even > 20
