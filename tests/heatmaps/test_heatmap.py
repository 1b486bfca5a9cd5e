"""A map on a film: there and back, shares by hand and by counting pixels."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from robustkit.crops.pillow import PLUGIN as PILLOW
from robustkit.heatmaps._heatmap import Heatmap, shown_regions
from robustkit.inputs import InputSpec

MAP = Heatmap(np.array([[1.0, 3.0], [0.0, 4.0]]), np.array([100.0, 50.0, 140.0, 70.0]))


def test_a_known_place_goes_there_and_back() -> None:
    assert MAP.cell_px == (20.0, 10.0)
    assert MAP.to_film(0.0, 0.0) == (100.0, 50.0)
    assert MAP.to_film(1.5, 0.5) == (110.0, 65.0)
    assert MAP.to_map(110.0, 65.0) == (1.5, 0.5)


@given(st.floats(-50, 500), st.floats(-50, 500))
def test_every_place_goes_there_and_back(x: float, y: float) -> None:
    assert MAP.to_film(*MAP.to_map(x, y)) == pytest.approx((x, y), abs=1e-9)


def test_shares_by_hand() -> None:
    # the right column holds 7 of 8
    assert MAP.share_in(np.array([120.0, 50.0, 140.0, 70.0])) == 7 / 8
    # half of the upper right cell: 1.5 of 8
    assert MAP.share_in(np.array([130.0, 0.0, 999.0, 60.0])) == 1.5 / 8
    assert MAP.area_share_in(np.array([130.0, 0.0, 999.0, 60.0])) == 1 / 8
    assert MAP.share_in(np.array([0.0, 0.0, 10.0, 10.0])) == 0.0
    assert MAP.peak() == (130.0, 65.0)


@given(st.integers(0, 2**32 - 1))
def test_shares_are_those_of_counted_pixels(seed: int) -> None:
    rng = np.random.default_rng(seed)
    values = rng.random((3, 4))
    found = Heatmap(values, np.array([8.0, 6.0, 8.0 + 4 * 5, 6.0 + 3 * 7]))
    pixels = np.zeros((40, 40))
    pixels[6:27, 8:28] = np.kron(values, np.ones((7, 5)))
    x0, y0 = rng.integers(0, 30, 2)
    x1, y1 = x0 + rng.integers(1, 20), y0 + rng.integers(1, 20)
    inside = pixels[y0:y1, x0:x1].sum() / pixels.sum()
    assert found.share_in(np.array([x0, y0, x1, y1], dtype=float)) == pytest.approx(inside, abs=1e-12)


@pytest.mark.parametrize(
    ("values", "said"),
    [(np.zeros((2, 2)), "empty"), (np.full((2, 2), 3.0), "constant"), (np.array([[1.0, np.nan]]), "finite")],
)
def test_a_map_that_says_nothing_is_nan_with_a_reason(values: np.ndarray, said: str) -> None:
    found = Heatmap(values, np.array([0.0, 0.0, 10.0, 10.0]))
    assert said in found.fault
    assert np.isnan(found.share_in(np.array([0.0, 0.0, 5.0, 5.0])))
    assert np.isnan(found.peak()).all()


@pytest.mark.parametrize("fit", ["stretch", "square"])
@pytest.mark.parametrize("margin", [0.0, 0.25])
def test_the_region_is_what_the_crop_shows(fit: str, margin: float) -> None:
    # one bright pixel of the film is found at its place on the map of the crop's pixels
    film = np.zeros((200, 220), dtype=np.uint8)
    film[90, 120] = 255
    spec = InputSpec(64, 64, margin=margin, fit=fit)  # type: ignore[arg-type]
    boxes = np.array([[100.0, 70.0, 148.0, 118.0]])
    crop = PILLOW.crops(film, boxes, spec, snapping="whole")[0].astype(float)
    found = Heatmap(crop, shown_regions(boxes, spec, snapping="whole")[0])
    x, y = found.peak()
    assert x == pytest.approx(120.5, abs=max(found.cell_px))
    assert y == pytest.approx(90.5, abs=max(found.cell_px))
