"""Prefix sums against sums of rows, one count at a time."""

from __future__ import annotations

import numpy as np
import pytest
from robustkit.stats.prefix_sums import PrefixSums


@pytest.mark.parametrize("n", [0, 1, 15, 16, 17, 100])
@pytest.mark.parametrize("k", [0, 1, 5])
def test_the_first_rows_of_any_order(n: int, k: int) -> None:
    random = np.random.default_rng(n)
    rows = random.integers(0, 9, (n, k)).astype(np.int16)
    sums = PrefixSums(np.concatenate([rows, np.zeros((1, k), dtype=np.int16)]), n_orders=3)
    # later orders are summed where others were, and may be fewer
    for n_orders in (3, 2):
        orders = np.stack([random.permutation(n) for _ in range(n_orders)])
        sums.put(orders)
        counts = np.stack([random.permutation(n + 1) for _ in orders])
        found = np.empty((n_orders, n + 1, k), dtype=np.int16)
        sums.take(counts, found)
        expected = [
            [[sum(int(rows[i, c]) for i in order[:count]) for c in range(k)] for count in own]
            for order, own in zip(orders, counts, strict=True)
        ]
        assert found.tolist() == expected
