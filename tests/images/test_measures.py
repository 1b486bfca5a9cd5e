"""Measures of films: against numpy, scipy and the features of boxes."""

from __future__ import annotations

import numpy as np
import pytest
from robustkit.features.grey import Grey
from robustkit.images.measures import cut, laplacian_variance, measure, ring_contrast
from scipy.ndimage import laplace


def film(seed: int = 0, shape: tuple[int, int] = (31, 47)) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


def test_grey_levels_are_numpys() -> None:
    pixels = film() // 3
    found = measure(pixels)
    assert (found.mean, found.sd) == pytest.approx((pixels.mean(), pixels.std()), rel=1e-12)
    expected = np.percentile(pixels, [5, 50, 95], method="inverted_cdf")
    assert [found.p05, found.p50, found.p95] == expected.tolist()
    assert found.contrast == pytest.approx((expected[2] - expected[0]) / (expected[2] + expected[0]))
    assert (found.width_px, found.height_px) == (47, 31)


def test_sharpness_is_the_variance_of_scipys_laplacian_inside() -> None:
    pixels = film(1)
    expected = laplace(pixels.astype(np.float64))[1:-1, 1:-1].var()
    assert laplacian_variance(pixels) == pytest.approx(expected, rel=1e-12)
    # blurring lowers it
    blurred = ((pixels[:, :-1].astype(int) + pixels[:, 1:]) // 2).astype(np.uint8)
    assert laplacian_variance(blurred) < expected / 2


def test_flat_black_and_tiny_pixels() -> None:
    flat, black, tiny = (measure(np.full(s, v, dtype=np.uint8)) for s, v in (((9, 9), 7), ((9, 9), 0), ((2, 9), 7)))
    assert (flat.sd, flat.contrast, flat.sharpness) == (0.0, 0.0, 0.0)
    assert np.isnan(black.contrast)
    assert np.isnan(tiny.sharpness)


@pytest.mark.parametrize("box", [[5.0, 6.0, 20.0, 19.0], [-4.0, -3.0, 9.6, 12.4], [30.2, 20.0, 60.0, 50.0]])
def test_a_box_is_cut_as_for_the_features(box: list[float]) -> None:
    pixels = film(2)
    expected = dict(zip(Grey.names, Grey().values(pixels, np.array([box]))[0], strict=True))  # fmt: skip
    inside = measure(cut(pixels, np.array(box)))
    assert (inside.mean, inside.sd) == pytest.approx((expected["mean"], expected["sd"]), rel=1e-9)
    assert ring_contrast(pixels, np.array(box)) == pytest.approx(expected["contrast"], rel=1e-9)


def test_a_box_off_the_film_or_as_large_as_it_has_no_ring() -> None:
    pixels = film(3)
    assert cut(pixels, np.array([60.0, 0.0, 70.0, 9.0])).size == 0
    assert np.isnan(ring_contrast(pixels, np.array([60.0, 0.0, 70.0, 9.0])))
    assert np.isnan(ring_contrast(pixels, np.array([0.0, 0.0, 47.0, 31.0])))
