"""Differences from the mean of the neighbours, counted pixel by pixel, and by hand."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import convolve

from made_regions import LEVELS, measured, texture

AROUND = np.array([[1, 1, 1], [1, 0, 1], [1, 1, 1]])


def _expected(film: np.ndarray) -> dict[str, float]:
    inside = film > 0
    total = convolve(film.astype(float), AROUND, mode="constant")
    beside = convolve(inside.astype(float), AROUND, mode="constant")
    has = inside & (beside > 0)
    off = np.abs(film - np.divide(total, beside, out=np.zeros_like(total), where=beside > 0))
    levels = np.unique(film[has]).astype(float)
    s = np.array([off[has & (film == i)].sum() for i in levels])
    p = np.array([np.count_nonzero(has & (film == i)) for i in levels]) / np.count_nonzero(has)
    i, j = levels[:, None], levels[None]
    pi, pj, si, sj = p[:, None], p[None], s[:, None], s[None]
    n, k = np.count_nonzero(has), len(levels)
    return {
        "coarseness": 1 / (p * s).sum(), "contrast": (pi * pj * (i - j) ** 2).sum() / (k * (k - 1)) * s.sum() / n,
        "busyness": (p * s).sum() / np.abs(i * pi - j * pj).sum(),
        "complexity": (np.abs(i - j) * (pi * si + pj * sj) / (pi + pj)).sum() / n,
        "strength": ((pi + pj) * (i - j) ** 2).sum() / s.sum(),
    }  # fmt: skip


@pytest.mark.parametrize("holes", [False, True])
@pytest.mark.parametrize("shape", [(24, 31), (1, 40), (30, 2)])
def test_features_are_those_of_convolutions(shape: tuple[int, int], holes: bool) -> None:
    film = texture(6, shape, holes=holes)
    expected = {f"ngt_{k}_2d": pytest.approx(v, rel=1e-9) for k, v in _expected(film).items()}
    assert measured(film, "ngtdm", mask=film > 0, **LEVELS) == expected


def test_two_levels_of_equal_product_have_no_busyness() -> None:
    # level x share: 1 x 2/3 = 2 x 1/3
    found = measured(np.array([[1, 2, 1]], dtype=np.uint8), "ngtdm", **LEVELS)
    assert np.isnan(found["ngt_busyness_2d"])
    assert found["ngt_coarseness_2d"] == pytest.approx(1 / (2 / 3 * 2 + 1 / 3 * 1))


def test_a_smooth_film_of_one_level_is_not_coarse_without_end() -> None:
    found = measured(np.full((4, 4), 3, dtype=np.uint8), "ngtdm", **LEVELS)
    assert found.pop("ngt_complexity_2d") == 0
    assert np.isnan(list(found.values())).all()
