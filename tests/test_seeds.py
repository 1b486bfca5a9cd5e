"""Draws: the Random123 known answers, and what a draw may and may not depend on."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from robustkit.seeds import case_hash, generator, philox4x32, uniforms
from scipy.stats import kstest

# Random123 1.14, tests/kat_vectors: philox4x32 10 rounds
KNOWN = [
    ((0, 0, 0, 0), (0, 0), (0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8)),
    ((0xFFFFFFFF,) * 4, (0xFFFFFFFF,) * 2, (0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD)),
    (
        (0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344),
        (0xA4093822, 0x299F31D0),
        (0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1),
    ),
]


@pytest.mark.parametrize(("counter", "key", "block"), KNOWN)
def test_philox_gives_the_known_answers(counter: tuple[int, ...], key: tuple[int, int], block: tuple[int, ...]) -> None:
    assert tuple(philox4x32(np.array(counter, dtype=np.uint32), key).tolist()) == block


def test_case_hash_is_that_of_the_nfc_name() -> None:
    assert case_hash("Mu\u0308ller") == case_hash("M\u00fcller")
    assert case_hash("a") != case_hash("b")


@given(st.lists(st.text(min_size=1, max_size=8), min_size=1, max_size=6, unique=True), st.integers(0, 2**64 - 1))
def test_a_draw_depends_on_nothing_but_seed_case_repeat_and_stream(names: list[str], seed: int) -> None:
    together = uniforms(seed, names, repeats=range(7), stream=3)
    alone = np.stack([uniforms(seed, [n], repeats=range(4, 7), stream=3)[0] for n in reversed(names)])
    np.testing.assert_array_equal(alone[::-1], together[:, 4:])
    assert together.min() > 0
    assert together.max() < 1


def test_streams_and_seeds_differ() -> None:
    one = uniforms(1, ["a"], repeats=range(50), stream=0)
    assert not np.array_equal(one, uniforms(1, ["a"], repeats=range(50), stream=1))
    assert not np.array_equal(one, uniforms(2, ["a"], repeats=range(50), stream=0))


def test_draws_are_uniform() -> None:
    draws = uniforms(12, [f"case{i}" for i in range(400)], repeats=range(50), stream=0)
    for lane in range(4):
        assert kstest(draws[..., lane].ravel(), "uniform").pvalue > 1e-4


def test_generator_depends_on_its_purpose() -> None:
    assert generator(1, "a", 2).random() == generator(1, "a", 2).random()
    assert generator(1, "a", 2).random() != generator(1, "a", 3).random()
