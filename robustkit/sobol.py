"""Scrambled Sobol points for the repeats of a case: the same independence of batch and order as random draws.

Repeats are divided into sets of `SET_SIZE` points. Every case, stream and set has its own scramble, so that cases and
sets are independent; within a set the points fill the unit cube evenly, so that means over repeats converge faster. From
the sets the Monte-Carlo error is told. The first R points do not change when more are asked for.

Sources: Sobol' 1967; direction numbers of the first four dimensions from Joe & Kuo, SIAM J. Sci. Comput. 2008
(new-joe-kuo-6.21201); random linear scramble and digital shift: Matousek, J. Complexity 1998.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import numpy as np
from numpy.typing import NDArray

from robustkit.seeds import case_counters, philox4x32

SET_SIZE = 64
"""Points of a set: more fill the cube better, fewer tell the error sooner (8 sets are needed)."""

DIMENSIONS = 4
_BITS = 32
_INITIAL = ((1, 0, (1,)), (2, 1, (1, 3)), (3, 1, (1, 3, 1)))
"""Degree, coefficients and initial numbers of the primitive polynomials of dimensions 2 to 4."""

_SCRAMBLE = 1 << 31
"""Where a case's scramble begins among the counter's repeats: behind every repeat that a run has."""


def sobol(seed: int, case_ids: Sequence[str], *, repeats: range, stream: int) -> NDArray[np.float64]:
    """Draw scrambled Sobol points.

    Args:
        seed: 0..2^64-1.
        case_ids: N names.
        repeats: The R repeats that are wanted, below 2^31.
        stream: Of the perturbation.

    Returns:
        ``(N, R, 4)`` float64 in (0, 1): (x + 0.5) * 2^-32.
    """
    found = np.empty((len(case_ids), len(repeats), DIMENSIONS), dtype=np.uint32)
    where = np.asarray(repeats, dtype=np.int64)
    for number in range(repeats.start // SET_SIZE, -(-repeats.stop // SET_SIZE)):
        own = where // SET_SIZE == number
        found[:, own] = _points(seed, case_ids, number, (where[own] % SET_SIZE).tolist(), stream=stream)
    return (found.astype(np.float64) + 0.5) * 2.0**-32


def _points(
    seed: int, case_ids: Sequence[str], number: int, places: Sequence[int], *, stream: int
) -> NDArray[np.uint32]:
    """Give ``(N, P, 4)`` points at some places of one set."""
    begin = _SCRAMBLE + number * (_BITS + 1)
    rows = case_counters(case_ids, repeats=range(begin, begin + _BITS + 1), stream=stream)
    words = philox4x32(rows, (seed & 0xFFFFFFFF, seed >> 32))
    columns = _scrambled(words[:, :_BITS])
    points = np.repeat(words[:, _BITS, None, :], len(places), axis=1)
    # in the order of the Gray code, neighbours differ in one direction
    gray = np.array([p ^ (p >> 1) for p in places], dtype=np.uint32)
    for bit in range(_BITS):
        on = (gray >> np.uint32(bit)) & np.uint32(1) == 1
        if on.any():
            points[:, on] ^= columns[:, None, :, bit]
    return points


@cache
def directions() -> NDArray[np.uint32]:
    """Give the ``(4, 32)`` direction numbers, the highest bit first."""
    table = np.zeros((DIMENSIONS, _BITS), dtype=np.uint32)
    table[0] = [1 << (_BITS - 1 - k) for k in range(_BITS)]
    for row, (degree, coefficients, first) in zip(table[1:], _INITIAL, strict=True):
        for k in range(_BITS):
            if k < degree:
                row[k] = first[k] << (_BITS - 1 - k)
                continue
            value = int(row[k - degree]) ^ (int(row[k - degree]) >> degree)
            for j in range(1, degree):
                value ^= int(row[k - j]) * ((coefficients >> (degree - 1 - j)) & 1)
            row[k] = value
    return table


def _scrambled(words: NDArray[np.uint32]) -> NDArray[np.uint32]:
    """Multiply the direction numbers by random lower triangular matrices of bits.

    Args:
        words: ``(N, 32, 4)`` random bits: of these, row i uses the i highest.

    Returns:
        ``(N, 4, 32)`` scrambled direction numbers.
    """
    place = np.arange(_BITS, dtype=np.uint32)
    diagonal = (np.uint32(1) << (np.uint32(_BITS - 1) - place)).astype(np.uint32)
    above = ~(np.left_shift(diagonal, 1, dtype=np.uint32) - np.uint32(1)) & np.uint32(0xFFFFFFFF)
    rows = (words & above[None, :, None]) | diagonal[None, :, None]
    out = np.zeros((len(words), DIMENSIONS, _BITS), dtype=np.uint32)
    for i in range(_BITS):
        odd = np.bitwise_count(rows[:, i, :, None] & directions()[None]) & 1
        out |= odd.astype(np.uint32) << np.uint32(_BITS - 1 - i)
    return out
