"""The contract's boxes once more, as a plain loop over Python numbers: nothing of robustkit is used here."""

from __future__ import annotations

import hashlib
import math
import unicodedata

MASK = 0xFFFFFFFF


def philox(counter: list[int], key: list[int]) -> list[int]:
    """Philox4x32-10 on Python integers (Salmon et al. 2011, section 3)."""
    c, k = list(counter), list(key)
    for i in range(10):
        if i:
            k = [(k[0] + 0x9E3779B9) & MASK, (k[1] + 0xBB67AE85) & MASK]
        p0, p1 = 0xD2511F53 * c[0], 0xCD9E8D57 * c[2]
        c = [(p1 >> 32) ^ c[1] ^ k[0], p1 & MASK, (p0 >> 32) ^ c[3] ^ k[1], p0 & MASK]
    return c


def draws(seed: int, case_id: str, *, repeat: int, stream: int) -> list[float]:
    """u0..u3 of one case and repeat."""
    name = unicodedata.normalize("NFC", case_id).encode()
    h = int.from_bytes(hashlib.blake2b(name, digest_size=8, person=b"robustkit-box").digest(), "little")
    words = philox([h & MASK, h >> 32, repeat, stream], [seed & MASK, seed >> 32])
    return [(w + 0.5) * 2.0**-32 for w in words]


def shifted(
    box: tuple[float, float, float, float], film: tuple[int, int], *, u: list[float], level: float, snap: str
) -> tuple[float, ...]:
    """One shifted box after snapping and the border rule ``inside`` (design, section 3.4)."""
    x0, y0, x1, y1 = box
    out = []
    for start, end, size, draw in ((x0, x1, film[0], u[0]), (y0, y1, film[1], u[1])):
        side = end - start
        moved = start + level * side * (2 * draw - 1)
        if snap == "whole":
            side = float(max(1, math.floor(side + 0.5)))
            moved = float(math.floor(moved + 0.5))
        side = min(side, size)
        moved = min(max(moved, 0.0), size - side)
        out.append((moved, moved + side))
    return (out[0][0], out[1][0], out[0][1], out[1][1])
