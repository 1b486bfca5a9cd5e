"""Windows, tables and ranges against values worked out by hand from PS3.3 C.11."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from robustkit.images.grey import look_up, stretch, to_depth, window


@pytest.mark.parametrize(
    ("function", "centre", "width", "values", "expected"),
    [
        # c - 0.5 = 2047.5, w - 1 = 4095: y = (x - 2047.5) / 4095 * 255 + 127.5 = x / 4095 * 255
        ("LINEAR", 2048, 4096, [-5, 0, 1365, 4095, 9000], [0, 0, 85, 255, 255]),
        # c - 0.5 = 0, w - 1 = 100: the ends are -50 and 50, y = (x / 100 + 0.5) * 255
        ("LINEAR", 0.5, 101, [-50, -25, 0, 30, 50, 51], [0, 63.75, 127.5, 204, 255, 255]),
        # width 1: x <= c - 0.5 is the least, x above it the greatest
        ("LINEAR", 100, 1, [99, 99.5, 99.6, 100], [0, 0, 255, 255]),
        # y = (x - 100) / 10 * 255 + 127.5 between 95 and 105
        ("LINEAR_EXACT", 100, 10, [94, 95, 96, 100, 104, 105, 106], [0, 0, 25.5, 127.5, 229.5, 255, 255]),
        ("LINEAR_EXACT", 0, 0.5, [-0.25, -0.125, 0, 0.25], [0, 63.75, 127.5, 255]),
        # 255 / (1 + exp(-4 (x - 100) / 40)): exponents 0, -1, 1, 4; e = 2.718282, e^4 = 54.598150
        ("SIGMOID", 100, 40, [100, 110, 90, 60], [127.5, 186.4199, 68.5801, 4.5864]),
        # far ends: no overflow
        ("SIGMOID", 0, 1, [-1e9, 1e9], [0, 255]),
    ],
)
def test_window_by_hand(function, centre, width, values, expected):
    shown = window(np.array(values, dtype=float), function, centre=centre, width=width)
    assert shown == pytest.approx(expected, abs=1e-3)


def test_look_up_holds_the_ends():
    entries = np.array([0.0, 50, 200, 255])
    assert look_up(np.array([-9, 9, 10, 11, 12, 13, 14, 9999]), entries, first=10).tolist() == [
        0, 0, 0, 50, 200, 255, 255, 255,
    ]  # fmt: skip
    # -1.5 is nearest to -1 (halves up), 0.49 to 0
    assert look_up(np.array([-2, -1.5, 0.49]), entries, first=-2).tolist() == [0, 50, 200]


def test_stretch_by_hand():
    assert stretch(np.array([100.0, 200, 400])).tolist() == [0, 85, 255]
    known = np.array([False, True, True, True, False])
    assert stretch(np.array([0.0, 100, 200, 400, 900]), known).tolist() == [0, 0, 85, 255, 255]
    assert stretch(np.array([7.0, 7.0])).tolist() == [0, 0]
    assert stretch(np.array([np.nan, -np.inf, 10, 20])).tolist() == [0, 0, 0, 255]
    assert stretch(np.array([np.nan])).tolist() == [0]


@given(st.lists(st.floats(allow_nan=True), min_size=1, max_size=8))
def test_stretch_stays_in_range(values):
    shown = stretch(np.array(values))
    assert ((shown >= 0) & (shown <= 255)).all()


def test_depth_rounds_halves_up_and_clips():
    values = np.array([-3.0, 0.49, 0.5, 1.5, 254.5, 300])
    assert to_depth(values, "8").tolist() == [0, 0, 1, 2, 255, 255]
    assert to_depth(values, "8").dtype == np.uint8
    assert to_depth(values, "float").tolist() == pytest.approx([0, 0.49, 0.5, 1.5, 254.5, 255])
    assert to_depth(values, "float").dtype == np.float32
