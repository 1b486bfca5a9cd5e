"""Geometry worked by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from robustkit.geometry import Box, area, grow, overlap, snap, square


def test_overlap_by_hand() -> None:
    a = np.array([0.0, 0.0, 10.0, 10.0])
    # shifted by 5 in x: shared 50, union 150
    assert overlap(a, np.array([5.0, 0.0, 15.0, 10.0])) == pytest.approx(1 / 3)
    assert overlap(a, np.array([10.0, 0.0, 20.0, 10.0])) == 0.0
    assert overlap(a, a) == 1.0
    assert np.isnan(overlap(np.zeros(4), np.zeros(4)))


def test_grow_and_square_by_hand() -> None:
    box = np.array([[10.0, 20.0, 30.0, 60.0]])
    assert grow(box, 0.5).tolist() == [[0.0, 0.0, 40.0, 80.0]]
    # 20 wide, 40 high: 40 wide about x = 20
    assert square(box).tolist() == [[0.0, 20.0, 40.0, 60.0]]


def test_snap_rounds_halves_up_and_keeps_a_pixel() -> None:
    assert snap(np.array([0.5, 1.49, 0.6, 2.5])).tolist() == [1.0, 1.0, 2.0, 3.0]


def test_box_touches_its_film() -> None:
    box = Box(90, 90, 110, 110)
    assert box.touches(film_width=100, film_height=100)
    assert not box.touches(film_width=90, film_height=100)
    assert not Box(-5, 0, 0, 10).touches(film_width=100, film_height=100)


coordinate = st.floats(-1e4, 1e4, allow_nan=False)


@given(
    hnp.arrays(float, (5, 2), elements=coordinate),
    hnp.arrays(float, (5, 2), elements=st.floats(0.5, 1e4)),
    st.floats(0, 3),
)
def test_growing_scales_the_area_and_keeps_the_centre(corner: np.ndarray, side: np.ndarray, margin: float) -> None:
    boxes = np.concatenate([corner, corner + side], axis=1)
    grown = grow(boxes, margin)
    np.testing.assert_allclose(area(grown), area(boxes) * (1 + 2 * margin) ** 2, rtol=1e-6)
    np.testing.assert_allclose(grown[:, :2] + grown[:, 2:], boxes[:, :2] + boxes[:, 2:], atol=1e-6)
    shared = overlap(boxes, grown)
    assert ((shared > 0) & (shared <= 1 + 1e-12)).all()
