"""What the matrices of runs, zones, distances and dependences have in common: how often level i occurs with size j."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from robustkit.features._compiled import compiled

Whole = NDArray[np.int64]


def pairs(levels: Whole, sizes: Whole) -> tuple[Whole, Whole, Whole]:
    """Count equal pairs of level and size: ``(z,)`` each to different levels, sizes, and counts."""
    span = int(sizes.max()) + 1
    keys, counts = np.unique(levels * span + sizes, return_counts=True)
    return keys // span, keys % span, counts


def entries(matrix: Whole) -> tuple[Whole, Whole, Whole]:
    """Give levels, sizes and counts of the entries of ``(n_levels, n_sizes)`` that are not 0; both begin at 1."""
    levels, sizes = np.nonzero(matrix)
    return levels + 1, sizes + 1, matrix[levels, sizes]


@compiled
def emphases(levels: Whole, sizes: Whole, counts: Whole, n_pixels: int) -> NDArray[np.float64]:
    """Give seventeen features of a matrix, from its entries.

    Small and large size emphasis, low and high level emphasis, the four of both (small low, small high, large low, large
    high), non-uniformity of levels, normalised, that of sizes, normalised, share of entries among pixels, variance of
    levels, of sizes, entropy (bits), energy.

    Args:
        levels: ``(m,)`` int64, from 1.
        sizes: ``(m,)`` int64, from 1.
        counts: ``(m,)`` int64, > 0.
        n_pixels: What the number of runs, zones or dependences is divided by.

    Source: IBSI reference manual, sections 3.7 to 3.9 and 3.11.
    """
    total = counts.sum()
    of_level, of_size = np.zeros(levels.max() + 1), np.zeros(sizes.max() + 1)
    found = np.zeros(17)
    for at in range(len(counts)):
        share = counts[at] / total
        of_level[levels[at]] += share
        of_size[sizes[at]] += share
        i, j = float(levels[at]) ** 2, float(sizes[at]) ** 2
        found[4] += share / (i * j)
        found[5] += share * i / j
        found[6] += share * j / i
        found[7] += share * i * j
        found[15] -= share * np.log2(share)
        found[16] += share * share
    found[2], found[3], found[13], found[9] = _margin(of_level)
    found[0], found[1], found[14], found[11] = _margin(of_size)
    found[8], found[10] = found[9] * total, found[11] * total
    found[12] = total / n_pixels
    return found


@compiled
def _margin(shares: NDArray[np.float64]) -> tuple[float, float, float, float]:
    """Give small and large emphasis, variance, and the sum of squares of ``(n + 1,)`` shares of 0..n."""
    mean = 0.0
    for at in range(1, len(shares)):
        mean += at * shares[at]
    small = large = variance = uniformity = 0.0
    for at in range(1, len(shares)):
        square = float(at) ** 2
        small += shares[at] / square
        large += shares[at] * square
        variance += shares[at] * (at - mean) ** 2
        uniformity += shares[at] ** 2
    return small, large, variance, uniformity
