"""A plain encoder of lossless JPEG, process 14, first-order prediction: written from the standard, for one component."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_BITS = 5
"""Length of every code: 17 categories fit, and the code of ones alone stays free (T.81, C.2)."""


def lossless_jpeg(values: NDArray[np.uint16], *, precision: int) -> bytes:
    """Give a JPEG stream of ``(height, width)`` values below ``2 ** precision``.

    Source: ITU-T T.81, H.1 (predictor 1: the sample to the left; first column: above; first sample: 2^(P-1)), B.2 (markers).
    """
    height, width = values.shape
    frame = precision.to_bytes(1, "big") + height.to_bytes(2, "big") + width.to_bytes(2, "big") + bytes([1, 1, 0x11, 0])
    counts = [0] * 16
    counts[_BITS - 1] = 17
    table = bytes([0, *counts, *range(17)])
    scan = bytes([1, 1, 0, 1, 0, 0])
    parts = [(0xC3, frame), (0xC4, table), (0xDA, scan)]
    head = b"".join(bytes([0xFF, m]) + (len(p) + 2).to_bytes(2, "big") + p for m, p in parts)
    return b"\xff\xd8" + head + _entropy(values.astype(int), precision) + b"\xff\xd9"


def _entropy(values: NDArray[np.int_], precision: int) -> bytes:
    bits = ""
    for y, row in enumerate(values):
        for x, value in enumerate(row):
            before = row[x - 1] if x else values[y - 1, 0] if y else 1 << (precision - 1)
            difference = int(value - before)
            category = abs(difference).bit_length()
            bits += f"{category:0{_BITS}b}"
            if category:
                bits += f"{difference if difference > 0 else difference + (1 << category) - 1:0{category}b}"
    bits += "1" * (-len(bits) % 8)
    raw = bytes(int(bits[i : i + 8], 2) for i in range(0, len(bits), 8))
    return raw.replace(b"\xff", b"\xff\x00")
