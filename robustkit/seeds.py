"""All randomness of robustkit: the counter generator Philox4x32-10, keyed by seed, case, repeat and stream.

Source: Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3" (Random123), section 3.
"""

from __future__ import annotations

import hashlib
import unicodedata
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

_M0, _M1 = np.uint64(0xD2511F53), np.uint64(0xCD9E8D57)
_W0, _W1 = 0x9E3779B9, 0xBB67AE85
_LOW = np.uint64(0xFFFFFFFF)
_32 = np.uint64(32)
_ROUNDS = 10


def philox4x32(counter: NDArray[np.uint32], key: tuple[int, int]) -> NDArray[np.uint32]:
    """Give the Philox4x32-10 block of every counter.

    Args:
        counter: ``(..., 4)`` uint32.
        key: Low and high word of a 64-bit key, each in 0..2^32-1.

    Returns:
        ``(..., 4)`` uint32.
    """
    c0, c1, c2, c3 = (counter[..., i].astype(np.uint64) for i in range(4))
    k0, k1 = key
    for _ in range(_ROUNDS):
        p0, p1 = _M0 * c0, _M1 * c2
        c0, c1, c2, c3 = (
            (p1 >> _32) ^ c1 ^ np.uint64(k0),
            p1 & _LOW,
            (p0 >> _32) ^ c3 ^ np.uint64(k1),
            p0 & _LOW,
        )
        k0, k1 = (k0 + _W0) & 0xFFFFFFFF, (k1 + _W1) & 0xFFFFFFFF
    return np.stack([c0, c1, c2, c3], axis=-1).astype(np.uint32)


def case_hash(case_id: str) -> int:
    """Give the 64-bit hash of a case: BLAKE2b, 8 bytes, little-endian, of the NFC ``case_id``."""
    text = unicodedata.normalize("NFC", case_id).encode()
    return int.from_bytes(hashlib.blake2b(text, digest_size=8, person=b"robustkit-box").digest(), "little")


def uniforms(seed: int, case_ids: Sequence[str], *, repeats: range, stream: int) -> NDArray[np.float64]:
    """Draw four uniforms for every case and repeat; no batch, order, worker or model enters.

    Args:
        seed: 0..2^64-1.
        case_ids: N names.
        repeats: The R repeats that are wanted, e.g. ``range(50)``.
        stream: The counter's fourth word: which perturbation draws (design, section 3.4).

    Returns:
        ``(N, R, 4)`` float64 in (0, 1).
    """
    words = philox4x32(case_counters(case_ids, repeats=repeats, stream=stream), (seed & 0xFFFFFFFF, seed >> 32))
    return (words.astype(np.float64) + 0.5) * 2.0**-32


def case_counters(case_ids: Sequence[str], *, repeats: range, stream: int) -> NDArray[np.uint32]:
    """Give ``(N, R, 4)`` uint32 counters: case hash low, case hash high, repeat, stream."""
    hashes = np.array([case_hash(c) for c in case_ids], dtype=np.uint64)
    counter = np.empty((len(case_ids), len(repeats), 4), dtype=np.uint32)
    counter[..., 0] = (hashes & _LOW).astype(np.uint32)[:, None]
    counter[..., 1] = (hashes >> _32).astype(np.uint32)[:, None]
    counter[..., 2] = np.array(repeats, dtype=np.uint32)[None, :]
    counter[..., 3] = np.uint32(stream)
    return counter


def generator(seed: int, *parts: str | int) -> np.random.Generator:
    """Give a numpy generator that depends on the seed and on the named purpose alone.

    Args:
        seed: 0..2^64-1.
        parts: The purpose, e.g. ``"bootstrap", "auc"``; equal parts give equal streams.
    """
    text = "\x1f".join(unicodedata.normalize("NFC", str(p)) for p in (seed, *parts)).encode()
    key = int.from_bytes(hashlib.blake2b(text, digest_size=16, person=b"robustkit-gen").digest(), "little")
    return np.random.Generator(np.random.Philox(key=key))
