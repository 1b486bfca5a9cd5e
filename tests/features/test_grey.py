"""Six grey summaries of a box, worked by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from robustkit.features.grey import NAMES, PLUGIN
from robustkit.registry import names


def _values(pixels: np.ndarray, *box: float) -> dict[str, float]:
    return dict(zip(NAMES, PLUGIN.values(pixels, np.array([box], dtype=np.float64))[0].tolist(), strict=True))


def test_it_is_found_by_name() -> None:
    assert "grey" in names("features")


def test_a_ramp_by_hand() -> None:
    # columns 0, 10, 20, 30; the box holds columns 1 and 2 of rows 1 and 2: levels 10, 20, 10, 20
    film = np.tile(np.array([0, 10, 20, 30], dtype=np.uint8), (4, 1))
    found = _values(film, 1, 1, 3, 3)
    # percentiles of (10, 10, 20, 20): positions .3 and 2.7 of 0..3, so 10 and 20
    assert found["mean"] == 15
    assert found["sd"] == 5
    assert (found["p10"], found["p90"]) == (10, 20)
    # steps to the right are 10, steps down 0: their mean is 5
    assert found["gradient"] == 5
    # the ring is all else of the film (0..4 in both): (4 x 60 - 60) / 12 = 15
    assert found["contrast"] == 0


def test_the_ring_is_around_the_box() -> None:
    film = np.zeros((20, 20), dtype=np.uint8)
    film[5:10, 5:10] = 100
    assert _values(film, 5, 5, 10, 10)["contrast"] == 100
    # a box that fills the film has no ring
    assert _values(film, 0, 0, 20, 20)["contrast"] == 0


@pytest.mark.parametrize("box", [(30, 0, 40, 5), (-9, 0, -3, 5), (0, 25, 5, 30)])
def test_a_box_off_the_film_has_no_grey(box: tuple[float, ...]) -> None:
    assert all(np.isnan(v) for v in _values(np.full((20, 20), 9, dtype=np.uint8), *box).values())


def test_only_the_part_on_the_film_counts() -> None:
    film = np.full((20, 20), 9, dtype=np.uint8)
    assert _values(film, -5, -5, 5, 5)["mean"] == 9


@given(seed=st.integers(0, 50), x=st.floats(0, 30), y=st.floats(0, 30), w=st.floats(1, 20), h=st.floats(1, 20))
def test_boxes_together_are_boxes_one_by_one(seed: int, x: float, y: float, w: float, h: float) -> None:
    film = np.random.default_rng(seed).integers(0, 256, (50, 50)).astype(np.uint8)
    boxes = np.array([[x, y, x + w, y + h], [0, 0, 50, 50], [3, 4, 9, 30]])
    kept = film.copy()
    together = PLUGIN.values(film, boxes)
    np.testing.assert_array_equal(together, np.concatenate([PLUGIN.values(film, b[None]) for b in boxes]))
    np.testing.assert_array_equal(film, kept)
    assert together.shape == (3, 6)
    low, high = together[:, 2], together[:, 3]
    assert (low <= high).all()
    assert (together[:, :4] >= 0).all()
    assert (together[:, :4] <= 255).all()


def test_no_boxes_are_no_values() -> None:
    assert PLUGIN.values(np.zeros((5, 5), dtype=np.uint8), np.empty((0, 4))).shape == (0, 6)
