"""Zones, against scipy's labels."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import label

from made_regions import LEVELS, emphases, measured, texture


def _zones(film: np.ndarray) -> Counter[tuple[int, int]]:
    found: Counter[tuple[int, int]] = Counter()
    for level in range(1, int(film.max()) + 1):
        names, n = label(film == level, structure=np.ones((3, 3)))
        found.update((level, int(size)) for size in np.bincount(names.ravel(), minlength=n + 1)[1:])
    return found


@settings(deadline=None)  # the first call compiles
@given(
    seed=st.integers(0, 10_000),
    height=st.integers(1, 20),
    width=st.integers(2, 20),
    levels=st.integers(1, 6),
    holes=st.booleans(),
)
def test_zones_are_scipys(seed: int, height: int, width: int, levels: int, holes: bool) -> None:
    film = texture(seed, (height, width), levels=levels, holes=holes)
    found = measured(film, "glszm", mask=film > 0, **LEVELS)
    expected = emphases(_zones(film), int(np.count_nonzero(film)))[:16]
    np.testing.assert_allclose(list(found.values()), expected, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("turn", range(4))
def test_a_spiral_is_one_zone(turn: int) -> None:
    # its arms are met from all sides before they are found to be one
    film = np.full((9, 9), 2, dtype=np.uint8)
    for at, ring in enumerate(range(0, 4, 2)):
        film[ring, max(0, ring - 1) : 9 - ring] = 1
        film[ring : 9 - ring, 8 - ring] = 1
        film[8 - ring, ring : 9 - ring] = 1
        film[ring + 2 : 9 - ring, at * 2] = 1
    film = np.ascontiguousarray(np.rot90(film, turn))
    assert _zones(film) == Counter({(1, int(np.count_nonzero(film == 1))): 1, (2, int(np.count_nonzero(film == 2))): 1})
    assert measured(film, "glszm", **LEVELS)["szm_z_perc_2d"] == pytest.approx(2 / 81)
