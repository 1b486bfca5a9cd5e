"""Masks of polygons: a pixel belongs to a lesion where its middle lies inside."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from robustkit.formats._base import Mask
from robustkit.formats._masks import filled, write_mask


@given(x=st.integers(0, 20), y=st.integers(0, 20), w=st.integers(1, 20), h=st.integers(1, 20))
def test_a_rectangle_is_its_half_open_box(x: int, y: int, w: int, h: int) -> None:
    pixels = filled([(x, y), (x + w, y), (x + w, y + h), (x, y + h)], width=40, height=40)
    expected = np.zeros((40, 40), dtype=np.uint8)
    expected[y : y + h, x : x + w] = 255
    np.testing.assert_array_equal(pixels, expected)


def test_a_triangle_by_hand() -> None:
    # below the diagonal from (0, 0) to (4, 4): middles (c + .5, r + .5) with c < r; those on it count for no side
    pixels = filled([(0, 0), (4, 4), (0, 4)], width=4, height=4) > 0
    np.testing.assert_array_equal(np.tril(np.ones((4, 4)), -1) > 0, pixels & ~np.eye(4, dtype=bool))


@pytest.mark.parametrize("polygon", [[(1, 1), (3, 3)], [(-9, -9), (-2, -9), (-2, -2)], [(50, 0), (60, 0), (60, 9)]])
def test_what_encloses_no_pixel_of_the_film_is_empty(polygon: list[tuple[float, float]]) -> None:
    assert not filled(polygon, width=10, height=10).any()


def test_a_polygon_that_leaves_the_film_is_cut() -> None:
    assert (filled([(-5, -5), (99, -5), (99, 99), (-5, 99)], width=7, height=5) == 255).all()


def test_the_file_holds_all_polygons(tmp_path: Path) -> None:
    square = ((1.0, 1.0), (3.0, 1.0), (3.0, 3.0), (1.0, 3.0))
    other = tuple((x + 4, y) for x, y in square)
    path = write_mask(Mask(tmp_path / "new" / "m.png", (square, other), 8, 6))
    with Image.open(path) as image:
        assert (image.mode, image.size) == ("L", (8, 6))
        pixels = np.asarray(image)
    assert pixels.sum() == 255 * 8
    assert pixels[2, 2] == pixels[2, 6] == 255
