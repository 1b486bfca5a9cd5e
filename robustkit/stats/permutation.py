"""Permutation tests: a paired difference keeps its size and may change its sign, patient by patient.

Source: Fisher 1935, The Design of Experiments, section 21; Phipson and Smyth 2010, SAGMB 9:39 (p is never 0).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from robustkit.seeds import generator
from robustkit.stats.estimate import NAN

Floats = NDArray[np.float64]
Bytes = NDArray[np.uint8]

EXACT_UP_TO = 12
"""Differing patients up to which all sign patterns are taken: 4,096."""

_ROUNDING = 1e-12

_CACHED = 250_000
"""Signs that are multiplied at a time."""

_NUMBERS = 1_000_000
"""Signs that are drawn at a time."""

_WORD = 4
"""Bytes of the numbers that the stream is made of: what is drawn at a time begins with a whole one."""


def sign_flip(differences: Floats, *, draws: int, seed: int, purpose: str) -> float:
    """Give the two-sided p of the mean paired difference.

    Args:
        differences: ``(m,)`` one per patient.
        draws: Random sign patterns; with at most 12 differing patients all patterns are taken.
        seed, purpose: Name the stream.

    Returns:
        p in (0, 1]; 1 where all differences are 0; NaN without patients or with a NaN among them. The
        observed pattern counts as one draw.

    Example:
        >>> import numpy as np
        >>> sign_flip(np.array([1.0, 2.0, 3.0]), draws=1000, seed=0, purpose="example")
        0.25
    """
    return float(sign_flips(differences[None], draws=draws, seed=seed, purpose=purpose)[0])


def sign_flips(differences: Floats, *, draws: int, seed: int, purpose: str) -> Floats:
    """Give ``sign_flip`` of every row of ``(k, m)`` differences; rows with as many differing patients share the patterns.

    Returns:
        ``(k,)``.
    """
    k, m = differences.shape
    found = np.full(k, NAN)
    differs = differences != 0
    n_differing = np.where(np.isnan(differences).any(axis=1) | (m == 0), -1, differs.sum(axis=1))
    most = int(n_differing.max(initial=-1))
    stream = _stream(most, draws=draws, seed=seed, purpose=purpose) if most > EXACT_UP_TO else np.empty(0, np.uint8)
    for n in np.unique(n_differing[n_differing >= 0]).tolist():
        rows = np.flatnonzero(n_differing == n)
        # a difference of 0 is 0 under either sign
        d = differences[rows][differs[rows]].reshape(len(rows), n)
        found[rows] = _share_of_all(d) if n <= EXACT_UP_TO else _share_of_drawn(d, stream, draws=draws)
    return found


def _least(d: Floats) -> Floats:
    """Give ``(k, 1)`` sums that count as no smaller than the observed ones."""
    return np.asarray(np.abs(d.sum(axis=1)) - _ROUNDING * np.abs(d).sum(axis=1))[:, None]


def _share_of_all(d: Floats) -> Floats:
    bits = np.arange(2 ** d.shape[1])[:, None] >> np.arange(d.shape[1])
    return np.asarray((np.abs(d @ (1.0 - 2.0 * (bits & 1)).T) >= _least(d)).mean(axis=1))


def _share_of_drawn(d: Floats, stream: Bytes, *, draws: int) -> Floats:
    least, total, hits = _least(d).T, d.sum(axis=1), np.ones(len(d))
    # some at a time: the floats that they are multiplied as then stay in the processor's cache
    step = _CACHED // d.shape[1] + 1
    for signs in _patterns(stream, d.shape[1], draws=draws):
        for i in range(0, len(signs), step):
            hits += (np.abs(2.0 * (signs[i : i + step].astype(np.float64) @ d.T) - total) >= least).sum(axis=0)
    return hits / (draws + 1)


def _stream(most: int, *, draws: int, seed: int, purpose: str) -> Bytes:
    """Give bytes enough for ``draws`` patterns of ``most`` signs; those of fewer signs are made of the same bytes."""
    n_bytes = draws * (most + _WORD)
    raw = generator(seed, "sign-flip", purpose).bit_generator.random_raw(n_bytes // 8 + 1)
    return np.asarray(raw, dtype="<u8").view(np.uint8)


def _patterns(stream: Bytes, m: int, *, draws: int) -> Iterator[NDArray[np.bool_]]:
    """Give ``(draws, m)`` signs, some patterns at a time.

    A sign is the highest bit of a byte: these are the signs that ``Generator.integers(0, 2, dtype=np.int8)`` draws from
    the same stream, in a quarter of the time.
    """
    start, step = 0, _NUMBERS // m + 1
    for i in range(0, draws, step):
        own = stream[start : start + min(step, draws - i) * m]
        yield (own >= 128).reshape(-1, m)
        start += -(-len(own) // _WORD) * _WORD


def swap_test(
    metric: Callable[[NDArray[np.bool_], Floats], float],
    labels: NDArray[np.bool_],
    pair: tuple[Floats, Floats],
    *,
    patients: NDArray[np.intp],
    draws: int,
    seed: int,
) -> float:
    """Give the two-sided p of the difference of any metric: which model a patient's scores belong to is drawn.

    Args:
        metric: Of ``(n,)`` labels and scores; NaN where it is not defined.
        labels: ``(n,)`` bool.
        pair: ``(n,)`` scores of both models, on one scale (ranks, or calibrated scores).
        patients: ``(n,)`` codes; all cases of a patient are swapped together.
        draws: Random swaps; the observed one counts as one more.
        seed: Names the stream.

    Returns:
        p in (0, 1]; 1 where both models score every case alike; NaN where the metric is not defined, or in over 5 % of
        the draws.

    Example:
        >>> import numpy as np
        >>> scores = np.linspace(0, 1, 8)
        >>> swap_test(lambda y, s: float(s[y].mean()), scores > 0.5, (scores, scores), patients=np.arange(8), draws=9, seed=0)
        1.0
    """
    a, b = pair
    observed = metric(labels, a) - metric(labels, b)
    if np.isnan(observed):
        return NAN
    if np.array_equal(a, b):
        return 1.0
    codes = np.unique(patients, return_inverse=True)[1]
    swaps = generator(seed, "swap", "").integers(0, 2, (draws, int(codes.max()) + 1), dtype=np.int8)[:, codes] == 1
    found = np.array([metric(labels, np.where(s, b, a)) - metric(labels, np.where(s, a, b)) for s in swaps])
    known = found[np.isfinite(found)]
    if len(known) < 0.95 * draws:
        return NAN
    least = abs(observed) - _ROUNDING * max(1.0, abs(observed))
    return float((np.count_nonzero(np.abs(known) >= least) + 1) / (len(known) + 1))
