"""Distances of zones from the border, against scipy's city-block distances."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import distance_transform_cdt, label

from made_regions import LEVELS, emphases, measured, texture


def _distances(film: np.ndarray) -> Counter[tuple[int, int]]:
    steps = distance_transform_cdt(np.pad(film > 0, 1), metric="taxicab")[1:-1, 1:-1]
    found: Counter[tuple[int, int]] = Counter()
    for level in range(1, int(film.max()) + 1):
        names, n = label(film == level, structure=np.ones((3, 3)))
        found.update((level, int(steps[names == k].min())) for k in range(1, n + 1))
    return found


@settings(deadline=None)  # the first call compiles
@given(seed=st.integers(0, 10_000), height=st.integers(1, 24), width=st.integers(2, 24), holes=st.booleans())
def test_distances_are_scipys(seed: int, height: int, width: int, holes: bool) -> None:
    film = texture(seed, (height, width), levels=3, holes=holes)
    found = measured(film, "gldzm", mask=film > 0, **LEVELS)
    expected = emphases(_distances(film), int(np.count_nonzero(film)))[:16]
    np.testing.assert_allclose(list(found.values()), expected, rtol=1e-9, atol=1e-9)


def test_rings_by_hand() -> None:
    # three rings of a 5 x 5 box: distances 1, 2, 3, levels 1, 2, 3
    film = np.pad(np.pad(np.full((1, 1), 3), 1, constant_values=2), 1, constant_values=1).astype(np.uint8)
    found = measured(film, "gldzm", **LEVELS)
    assert found["dzm_lde_2d"] == pytest.approx((1 + 4 + 9) / 3)
    assert found["dzm_ldhge_2d"] == pytest.approx((1 + 16 + 81) / 3)
