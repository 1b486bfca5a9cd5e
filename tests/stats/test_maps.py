"""Likeness of maps: numpy, a plain loop over windows, and counting."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from robustkit.stats.maps import likeness, resampled, ssim, top_overlap

UNIT = np.array([0.0, 0.0, 1.0, 1.0])


def _slow_ssim(a: np.ndarray, b: np.ndarray) -> float:
    """Wang et al. 2004 written out: a weight for each of the 11 x 11 places around each place."""
    d = np.arange(-5, 6)
    weights = np.exp(-(d[:, None] ** 2 + d[None, :] ** 2) / (2 * 1.5**2))
    weights /= weights.sum()
    found = []
    for i in range(5, a.shape[0] - 5):
        for j in range(5, a.shape[1] - 5):
            x, y = a[i - 5 : i + 6, j - 5 : j + 6], b[i - 5 : i + 6, j - 5 : j + 6]
            mx, my = (weights * x).sum(), (weights * y).sum()
            vx, vy = (weights * (x - mx) ** 2).sum(), (weights * (y - my) ** 2).sum()
            c = (weights * (x - mx) * (y - my)).sum()
            found.append((2 * mx * my + 1e-4) * (2 * c + 9e-4) / ((mx**2 + my**2 + 1e-4) * (vx + vy + 9e-4)))
    return float(np.mean(found))


def test_ssim_equals_the_published_formula() -> None:
    random = np.random.default_rng(0)
    a, b = random.random((17, 17)), random.random((17, 17))
    assert ssim(a, b) == pytest.approx(_slow_ssim(a, b), abs=1e-9)
    assert ssim(a, a) == pytest.approx(1.0, abs=1e-12)


def test_correlation_is_numpys() -> None:
    random = np.random.default_rng(1)
    a, b = random.random((16, 16)), random.random((16, 16))
    assert likeness(a, b).correlation == pytest.approx(np.corrcoef(a.ravel(), b.ravel())[0, 1], abs=1e-12)
    assert likeness(a, 3 * a + 0.0).correlation == pytest.approx(1.0)


def test_strongest_places_by_hand() -> None:
    a = np.array([[9.0, 8.0, 1.0, 0.0, 0.0], [0.0, 0.0, 0.0, 0.0, 0.0]])
    b = np.array([[9.0, 0.0, 8.0, 0.0, 0.0], [0.0, 0.0, 0.0, 0.0, 0.0]])
    # the strongest fifth of ten places are two: one of them is shared
    assert top_overlap(a, b) == 0.5
    assert top_overlap(a, a) == 1.0
    # one place of a is above all others, nine tie for the second: each counts a ninth
    tied = np.ones((2, 5))
    tied[0, 0] = 2.0
    assert top_overlap(tied, tied) == 1.0
    assert top_overlap(tied, b) == pytest.approx((1 + 1 / 9) / 2)


@pytest.mark.parametrize(
    ("a", "reason"),
    [(np.zeros((16, 16)), "constant"), (np.full((16, 16), 3.0), "constant"), (np.full((16, 16), np.nan), "finite")],
)
def test_a_map_that_says_nothing_has_no_likeness(a: np.ndarray, reason: str) -> None:
    found = likeness(a, np.random.default_rng(2).random((16, 16)))
    assert np.isnan(found.correlation)
    assert np.isnan(found.ssim)
    assert np.isnan(found.overlap)
    assert reason in found.reason


def test_unrelated_maps_overlap_by_chance() -> None:
    random = np.random.default_rng(3)
    found = [top_overlap(random.random((32, 32)), random.random((32, 32))) for _ in range(200)]
    assert np.mean(found) == pytest.approx(0.2, abs=0.01)


@given(
    st.integers(1, 9), st.integers(1, 9), st.floats(-50, 50), st.floats(0.5, 80), st.floats(0, 0.4), st.floats(0.6, 1)
)
def test_a_plane_is_resampled_exactly(h: int, w: int, left: float, side: float, low: float, high: float) -> None:
    """Between the outermost middles of cells, linear interpolation of a plane is the plane."""
    region = np.array([left, left, left + side, left + side])
    y = left + (np.arange(h) + 0.5) * side / h
    x = left + (np.arange(w) + 0.5) * side / w
    window = left + side * np.array([low, low, high, high])
    n = 7
    found = resampled(2 * x[None, :] - 3 * y[:, None], region, window, n=n)
    at = window[0] + (np.arange(n) + 0.5) * (window[2] - window[0]) / n
    wanted = 2 * np.clip(at, x[0], x[-1])[None, :] - 3 * np.clip(at, y[0], y[-1])[:, None]
    assert np.allclose(found, wanted, atol=1e-9 * (1 + abs(left) + side))


def test_resampling_on_the_own_cells_changes_nothing() -> None:
    values = np.random.default_rng(4).random((6, 6))
    assert np.allclose(resampled(values, UNIT, UNIT, n=6), values)
