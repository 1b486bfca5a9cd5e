"""Crops equal Pillow's own, written out plainly."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from robustkit.crops.pillow import PLUGIN
from robustkit.inputs import InputSpec

RESAMPLING = {"bilinear": 2, "bicubic": 3, "lanczos": 1, "box": 4}


def _film(seed: int = 0, *, height: int = 90, width: int = 120) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (height, width), dtype=np.uint8)


def _spec(**changes: object) -> InputSpec:
    fields = {"height_px": 17, "width_px": 23, "channels": "grey", "mean": (0.0,), "std": (1.0,), **changes}
    return InputSpec(**fields)  # type: ignore[arg-type]


@settings(max_examples=60, deadline=None)
@given(
    st.integers(-20, 100),
    st.integers(-20, 70),
    st.integers(1, 80),
    st.integers(1, 60),
    st.sampled_from(sorted(RESAMPLING)),
)
def test_whole_pixel_crops_equal_crop_resize(x: int, y: int, w: int, h: int, kernel: str) -> None:
    film = _film()
    made = PLUGIN.crops(film, np.array([[x, y, x + w, y + h]], dtype=float), _spec(kernel=kernel))
    wanted = Image.fromarray(film).crop((x, y, x + w, y + h)).resize((23, 17), RESAMPLING[kernel])
    np.testing.assert_array_equal(made[0], np.asarray(wanted))


@settings(max_examples=60, deadline=None)
@given(st.floats(0, 60), st.floats(0, 40), st.floats(1, 60), st.floats(1, 50), st.sampled_from(sorted(RESAMPLING)))
def test_sub_pixel_crops_equal_resize_box(x: float, y: float, w: float, h: float, kernel: str) -> None:
    film = _film()
    region = (x, y, x + w, y + h)
    made = PLUGIN.crops(film, np.array([region]), _spec(kernel=kernel), snapping="none")
    wanted = Image.fromarray(film).resize((23, 17), RESAMPLING[kernel], box=region)
    np.testing.assert_array_equal(made[0], np.asarray(wanted))


def test_off_the_film_reads_zero() -> None:
    film = np.full((10, 10), 200, dtype=np.uint8)
    spec = _spec(height_px=4, width_px=4, kernel="box")
    crop = PLUGIN.crops(film, np.array([[-2.0, 0.0, 2.0, 4.0]]), spec)[0]
    assert crop.tolist() == [[0, 0, 200, 200]] * 4
    sub = PLUGIN.crops(film, np.array([[-2.5, 0.0, 1.5, 4.0]]), spec, snapping="none")[0]
    # the canvas begins at -3: columns -2.5..-1.5 and -1.5..-0.5 are off the film
    assert sub[0, :2].tolist() == [0, 0]
    assert sub[0, 3] == 200


def test_margin_and_square_by_hand() -> None:
    film = _film()
    grown = PLUGIN.crops(film, np.array([[40.0, 30.0, 60.0, 50.0]]), _spec(margin=0.5))
    wanted = Image.fromarray(film).crop((30, 20, 70, 60)).resize((23, 17), RESAMPLING["bilinear"])
    np.testing.assert_array_equal(grown[0], np.asarray(wanted))
    squared = PLUGIN.crops(film, np.array([[40.0, 30.0, 60.0, 40.0]]), _spec(fit="square"))
    wanted = Image.fromarray(film).crop((40, 25, 60, 45)).resize((23, 17), RESAMPLING["bilinear"])
    np.testing.assert_array_equal(squared[0], np.asarray(wanted))


def test_a_moving_box_keeps_its_size_with_a_margin_of_half_pixels() -> None:
    # 21 px wide, margin 0.5: edges at halves; Pillow's crop() would give 42, 40, 42 px
    film = np.tile(np.arange(120, dtype=np.uint8), (90, 1))
    spec = _spec(margin=0.5, width_px=42, height_px=42, kernel="box")
    crops = PLUGIN.crops(film, np.array([[40.0 + i, 30.0, 61.0 + i, 51.0] for i in range(4)]), spec)
    for i in range(3):
        np.testing.assert_array_equal(crops[i + 1], crops[i] + 1)


@pytest.mark.parametrize("snapping", ["whole", "none"])
def test_float_films_equal_pillow_mode_f(snapping: str) -> None:
    film = _film().astype(np.float32) + 0.25
    made = PLUGIN.crops(film, np.array([[10.0, 12.0, 70.0, 60.0]]), _spec(kernel="bicubic"), snapping=snapping)  # type: ignore[arg-type]
    whole = Image.fromarray(film)
    wanted = (
        whole.crop((10, 12, 70, 60)).resize((23, 17), RESAMPLING["bicubic"])
        if snapping == "whole"
        else whole.resize((23, 17), RESAMPLING["bicubic"], box=(10, 12, 70, 60))
    )
    assert made.dtype == np.float32
    np.testing.assert_allclose(made[0], np.asarray(wanted), atol=1e-3)
