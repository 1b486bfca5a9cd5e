"""Neighbours of one level, counted by convolution, and by hand."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from scipy.ndimage import convolve

from made_regions import LEVELS, emphases, measured, texture


@pytest.mark.parametrize("holes", [False, True])
@pytest.mark.parametrize("shape", [(24, 31), (1, 40), (30, 2)])
def test_dependences_are_those_of_convolutions(shape: tuple[int, int], holes: bool) -> None:
    film = texture(7, shape, holes=holes)
    counted: Counter[tuple[int, int]] = Counter()
    for level in range(1, 6):
        alike = convolve((film == level).astype(int), np.ones((3, 3), dtype=int), mode="constant")
        counted.update((level, int(n)) for n in alike[film == level])
    found = measured(film, "ngldm", mask=film > 0, **LEVELS)
    np.testing.assert_allclose(list(found.values()), emphases(counted, int(np.count_nonzero(film))), rtol=1e-9)


def test_one_level_by_hand() -> None:
    # 3 x 3: four corners of 4, four sides of 6, the middle of 9
    found = measured(np.full((3, 3), 1, dtype=np.uint8), "ngldm", **LEVELS)
    assert found["ngl_hde_d1_a0.0_2d"] == pytest.approx((4 * 16 + 4 * 36 + 81) / 9)
    assert found["ngl_dc_perc_d1_a0.0_2d"] == 1
