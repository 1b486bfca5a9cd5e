"""The histogram of grey levels, against numpy and scipy, and by hand."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from made_regions import LEVELS, measured, texture


def test_statistics_are_numpys_and_scipys() -> None:
    levels = texture(8, levels=7)
    found = measured(levels, "histogram", **LEVELS)
    x = levels.astype(float).ravel()
    counts = np.bincount(levels.ravel())[1:]
    assert found["ih_mean"] == pytest.approx(x.mean())
    assert found["ih_kurt"] == pytest.approx(stats.kurtosis(x))
    assert found["ih_entropy"] == pytest.approx(stats.entropy(counts, base=2))
    assert found["ih_uniformity"] == pytest.approx((counts**2).sum() / counts.sum() ** 2)
    assert found["ih_mode"] == 1 + np.argmax(counts)


def test_gradients_by_hand() -> None:
    # counts 1, 0, 4, 1 of levels 1 to 4: slopes -1, 1.5, .5, -3
    found = measured(np.array([[1, 3, 3, 3, 3, 4]], dtype=np.uint8), "histogram", **LEVELS)
    assert [found[f"ih_{n}"] for n in ("max_grad", "max_grad_g", "min_grad", "min_grad_g")] == [1.5, 2, -3, 4]


@pytest.mark.parametrize(("row", "mode"), [([1, 1, 4, 4, 4, 4, 6, 6, 6, 6], 4), ([1, 1, 6, 6], 1)])
def test_of_equal_peaks_the_one_near_the_mean_is_the_mode(row: list[int], mode: int) -> None:
    # means 4.2 (levels 4 and 6) and 3.5 (levels 1 and 6: both are 2.5 away, so that the lower one counts)
    assert measured(np.array([row], dtype=np.uint8), "histogram", **LEVELS)["ih_mode"] == mode


def test_count_and_width_by_hand() -> None:
    film = np.array([[10, 14, 15, 20, 30]], dtype=np.uint8)
    # count, 4 levels over 10..30: edges 10, 15, 20, 25; the greatest value belongs to the last
    found = measured(film, "histogram", discretisation="count", bins=4)
    assert found["ih_mean"] == (1 + 1 + 2 + 3 + 4) / 5
    # width 8: edges at 8, 16, 24, 32, counted from the first that is there
    found = measured(film, "histogram", discretisation="width", bin_width=8.0)
    assert found["ih_mean"] == (1 + 1 + 1 + 2 + 3) / 5
    assert found["ih_max"] == 3
