"""What the matrices of runs, zones, distances and dependences have in common: how often level i occurs with size j."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from robustkit.features._compiled import compiled

Whole = NDArray[np.int64]


def pairs(levels: NDArray[np.int32], sizes: NDArray[np.int32]) -> tuple[Whole, Whole, Whole]:
    """Count equal pairs of level and size: ``(z,)`` int32 each to different levels, sizes, and counts, in order of levels."""
    span = np.int64(sizes.max()) + 1
    keys, counts = np.unique(levels * span + sizes, return_counts=True)
    return keys // span, keys % span, counts


@compiled
def entries(matrix: Whole) -> tuple[Whole, Whole, Whole]:
    """Give levels, sizes and counts of the entries of ``(n_levels, n_sizes)`` that are not 0; both begin at 1."""
    n_levels, n_sizes = matrix.shape
    found, n = np.empty((3, matrix.size), dtype=np.int64), 0
    for i in range(n_levels):
        for j in range(n_sizes):
            if matrix[i, j] > 0:
                found[0, n], found[1, n], found[2, n] = i + 1, j + 1, matrix[i, j]
                n += 1
    return found[0, :n], found[1, :n], found[2, :n]


@compiled
def emphases(levels: Whole, sizes: Whole, counts: Whole, n_pixels: int) -> NDArray[np.float64]:
    """Give seventeen features of a matrix, from its entries.

    Small and large size emphasis, low and high level emphasis, the four of both (small low, small high, large low, large
    high), non-uniformity of levels, normalised, that of sizes, normalised, share of entries among pixels, variance of
    levels, of sizes, entropy (bits), energy.

    Args:
        levels: ``(m,)`` int64, from 1, in order.
        sizes: ``(m,)`` int64, from 1.
        counts: ``(m,)`` int64, > 0.
        n_pixels: What the number of runs, zones or dependences is divided by.

    Source: IBSI reference manual, sections 3.7 to 3.9 and 3.11.
    """
    total = counts.sum()
    most = 0
    for size in sizes:
        most = max(most, size)
    # levels are in order
    of_level, of_size = np.zeros(levels[-1] + 1), np.zeros(most + 1)
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
