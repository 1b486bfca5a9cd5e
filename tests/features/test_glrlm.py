"""Runs, found by grouping the lines of a film, direction by direction."""

from __future__ import annotations

from collections import Counter
from itertools import groupby

import numpy as np
import pytest

from made_regions import LEVELS, emphases, measured, texture


def _lines(film: np.ndarray) -> list[list[np.ndarray]]:
    height, width = film.shape
    diagonals = [[np.diagonal(f, k) for k in range(-height + 1, width)] for f in (film, film[:, ::-1])]
    return [list(film), list(film.T), *diagonals]


def _runs(lines: list[np.ndarray]) -> Counter[tuple[int, int]]:
    found = ((int(level), len(list(run))) for line in lines for level, run in groupby(line))
    return Counter((level, length) for level, length in found if level > 0)


@pytest.mark.parametrize("holes", [False, True])
@pytest.mark.parametrize("shape", [(24, 31), (5, 60), (40, 3)])
def test_runs_are_those_of_groupby(shape: tuple[int, int], holes: bool) -> None:
    film = texture(5, shape, holes=holes)
    n = int(np.count_nonzero(film))
    each = [_runs(lines) for lines in _lines(film)]
    average = np.mean([emphases(runs, n) for runs in each], axis=0)[:16]
    found = measured(film, "glrlm", mask=film > 0, **LEVELS)
    np.testing.assert_allclose(list(found.values()), average, rtol=1e-9)
    merged = measured(film, "glrlm", mask=film > 0, directions="merged", **LEVELS)
    np.testing.assert_allclose(list(merged.values()), emphases(sum(each, Counter()), 4 * n)[:16], rtol=1e-9)


def test_stripes_by_hand() -> None:
    # 3 rows of 4: across 3 runs of 4, along and on diagonals 12 runs of 1: percentages 3/12, 1, 1, 1
    film = np.repeat(np.array([[1], [2], [1]], dtype=np.uint8), 4, axis=1)
    assert measured(film, "glrlm", **LEVELS)["rlm_r_perc_2d_avg"] == pytest.approx((1 / 4 + 3) / 4)
