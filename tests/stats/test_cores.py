"""Blocks of draws are the whole, in order, whatever their size."""

from __future__ import annotations

import numpy as np
import pytest
from robustkit.stats import cores
from robustkit.stats.cores import by_block


@pytest.mark.parametrize("size", [1, 1000, 10**9])
def test_draws_keep_their_order(size: int) -> None:
    found = by_block(lambda block: np.arange(block.start, block.stop) * np.ones((2, 1)), 100, size=size)
    np.testing.assert_array_equal(found, np.stack([np.arange(100.0)] * 2))


def test_no_block_is_larger_than_the_cache(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cores, "CACHED", 30)
    seen = by_block(lambda block: np.full(block.stop - block.start, block.stop - block.start), 10, size=10)
    assert seen.tolist() == [3, 3, 3, 3, 3, 3, 3, 3, 3, 1]
