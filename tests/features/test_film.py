"""A film resampled to a spacing: where its pixels, boxes and mask come to lie."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from robustkit.errors import FilmError, InputError
from robustkit.features._base import FeatureSettings, extract
from robustkit.features._film import mean_and_sd, prepare

BOX = np.array([[2.0, 4.0, 10.0, 20.0]])
FIRST_ORDER = ("first_order",)


def _ramp(height: int, width: int) -> np.ndarray:
    """Rise by 2 a column and 3 a row, from the corner of the film: linear in x and y of the pixels' middles."""
    y, x = np.indices((height, width)) + 0.5
    return (2 * x + 3 * y).astype(np.float32)


@given(step=st.floats(0.3, 4.0), height=st.integers(30, 60), width=st.integers(30, 60))
def test_a_ramp_stays_where_it_is(step: float, height: int, width: int) -> None:
    film = prepare(_ramp(height, width), BOX, None, spacing=(0.1, 0.1 * step), normalise="none")
    new_height, new_width = film.pixels.shape
    assert new_height == pytest.approx(height / step, abs=1)
    assert new_height * step <= height + 1e-3
    # a sampled kernel is off by less than a tenth of a pixel; at the ends it is cut off and not symmetric
    y, x = np.indices((new_height, new_width)) + 0.5
    inside = (slice(2, -2), slice(2, -2))
    np.testing.assert_allclose(film.pixels[inside], (step * (2 * x + 3 * y))[inside], atol=0.1 * 5)
    np.testing.assert_allclose(film.boxes * step, BOX)


@pytest.mark.parametrize("spacing", [(None, 0.2), (0.2, None), (None, None), (0.2, 0.2)])
def test_a_film_of_unknown_or_equal_spacing_stays_as_it_is(spacing: tuple[float | None, float | None]) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (20, 30)).astype(np.uint8)
    film = prepare(pixels, BOX, None, spacing=spacing, normalise="none")
    assert film.pixels is pixels
    assert film.boxes is BOX


def test_whole_steps_lose_no_pixel_to_rounding() -> None:
    # 0.3 / 0.1 is 2.9999999999999996, 0.6 / 0.2 too; 0.1 * 3 / 0.1 is 3.0000000000000004
    for has, wants in ((0.1, 0.3), (0.1, 0.1 * 3), (0.2, 0.6)):
        film = prepare(np.zeros((300, 90), dtype=np.uint8), BOX, None, spacing=(has, wants), normalise="none")
        assert film.pixels.shape == (100, 30)


def test_a_mask_keeps_its_area() -> None:
    mask = np.zeros((60, 60), dtype=bool)
    mask[10:40, 20:50] = True
    film = prepare(mask.astype(np.uint8), BOX, mask, spacing=(0.1, 0.2), normalise="none")
    assert film.mask is not None
    rows, columns = (np.flatnonzero(film.mask.any(axis=a)) for a in (1, 0))
    assert (rows[0], rows[-1] + 1, columns[0], columns[-1] + 1) == (5, 20, 10, 25)


def test_features_are_of_the_resampled_box() -> None:
    # the mean of a ramp is its value in the middle of the box: x 6, y 12
    chosen = FeatureSettings(spacing_mm=0.2, families=FIRST_ORDER)
    assert extract(_ramp(60, 60), BOX, settings=chosen, spacing_mm=0.1)[0, 0] == pytest.approx(2 * 6 + 3 * 12, rel=1e-4)


def test_a_film_that_would_be_too_large_is_refused() -> None:
    chosen = FeatureSettings(spacing_mm=1e-4, families=FIRST_ORDER)
    with pytest.raises(FilmError, match=r"would have 60000 x 60000 px.*larger spacing"):
        extract(_ramp(60, 60), BOX, settings=chosen, spacing_mm=0.1)


def test_a_mask_of_another_size_is_refused() -> None:
    chosen = FeatureSettings(families=FIRST_ORDER)
    with pytest.raises(InputError, match=r"the mask is 9 x 8 px, the film 60 x 50 px"):
        extract(_ramp(50, 60), BOX, settings=chosen, spacing_mm=None, mask=np.ones((8, 9), dtype=bool))


def test_a_mask_that_misses_the_box_leaves_nothing() -> None:
    mask = np.zeros((60, 60), dtype=bool)
    mask[50:, 50:] = True
    values = extract(_ramp(60, 60), BOX, settings=FeatureSettings(), spacing_mm=None, mask=mask)
    assert np.isnan(values).all()


@pytest.mark.parametrize("value", [0.1, 7.0, 254.9])
def test_equal_pixels_have_no_spread(value: float) -> None:
    # a sum of 0.1 divided by its number is not 0.1
    assert mean_and_sd(np.full((33, 77), value, dtype=np.float32))[1] == 0


@pytest.mark.parametrize("normalise", ["film", "box"])
def test_without_spread_nothing_can_be_normalised(normalise: str) -> None:
    settings = FeatureSettings.from_dict({"normalise": normalise})
    assert np.isnan(extract(np.full((60, 60), 9, dtype=np.uint8), BOX, settings=settings, spacing_mm=None)).all()
