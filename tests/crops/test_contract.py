"""Every crop maker: what it takes, what it gives, and that its pixels are those of Pillow asked plainly."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from PIL import Image
from robustkit.crops._base import CropMaker
from robustkit.inputs import InputSpec
from robustkit.registry import load, names

FILM = np.random.default_rng(0).integers(0, 256, (120, 90), dtype=np.uint8)
BOXES = np.array([[10.0, 20.0, 70.0, 100.0], [0.0, 0.0, 90.0, 120.0], [30.0, 31.0, 36.0, 35.0]])
SPEC = InputSpec(24, 20)


@pytest.fixture(params=names("crops"))
def maker(request: pytest.FixtureRequest) -> CropMaker:
    found = load("crops", request.param)
    assert found.name == request.param
    return found  # type: ignore[no-any-return]


def _plain(box: np.ndarray) -> np.ndarray:
    return np.asarray(Image.fromarray(FILM).resize((20, 24), Image.Resampling.BILINEAR, box=tuple(box)))


def test_pixels_are_those_of_pillow_asked_plainly(maker: CropMaker) -> None:
    cropper = maker.prepare("cpu")
    found = np.asarray(cropper.crops(cropper.load(FILM), BOXES, SPEC))
    assert (found.shape, found.dtype) == ((3, 24, 20), np.uint8)
    for crop, box in zip(found, BOXES, strict=True):
        inside = np.asarray(
            Image.fromarray(FILM).crop(tuple(box.astype(int))).resize((20, 24), Image.Resampling.BILINEAR)
        )
        assert np.array_equal(crop, inside)
    # without snapping the kernel reads over the edge of the box
    over = np.asarray(cropper.crops(cropper.load(FILM), BOXES[1:2] * 0.97, SPEC, snapping="none"))
    assert np.array_equal(over[0], _plain(BOXES[1] * 0.97))


def test_off_the_film_it_is_black(maker: CropMaker) -> None:
    cropper = maker.prepare("cpu")
    found = np.asarray(cropper.crops(cropper.load(FILM), np.array([[-200.0, -200.0, -100.0, -100.0]]), SPEC))
    assert not found.any()


def test_no_box_gives_no_crop(maker: CropMaker) -> None:
    cropper = maker.prepare("cpu")
    assert np.asarray(cropper.crops(cropper.load(FILM), np.empty((0, 4)), SPEC)).shape == (0, 24, 20)


def test_a_deep_film_keeps_its_type(maker: CropMaker) -> None:
    cropper = maker.prepare("cpu")
    deep = (FILM / 3).astype(np.float32)
    found = np.asarray(cropper.crops(cropper.load(deep), BOXES, SPEC))
    assert found.dtype == np.float32
    assert 0 <= found.min() <= found.max() <= 255


def test_threads_may_share_it_and_order_changes_nothing(maker: CropMaker) -> None:
    cropper = maker.prepare("cpu")
    film = cropper.load(FILM)
    once = np.asarray(cropper.crops(film, BOXES, SPEC))
    with ThreadPoolExecutor(4) as pool:
        every = list(pool.map(lambda _: np.asarray(cropper.crops(film, BOXES[::-1], SPEC)), range(8)))
    assert all(np.array_equal(e[::-1], once) for e in every)
