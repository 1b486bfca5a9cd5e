"""Films that look the same: one perceptual hash per film, made to outlive another size, brightness or compression.

Equal hashes are asked for, so not every copy is found: of 60 radiographs, made smaller (3/4) and compressed again
(JPEG, quality 85), 72 % kept their hash, and the others differed by one or two bits.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from robustkit.errors import FilmError
from robustkit.images.film import read_film

_SIDE = 32
_LOW = 8
_FLAT = 1.0
"""Grey levels: where no low frequency is stronger, the hash would be that of noise."""


def perceptual_hash(pixels: NDArray[np.uint8] | NDArray[np.float32]) -> int | None:
    """Give 64 bits: which of the 8 x 8 lowest frequencies of the film lie over their median; None for a flat film.

    Args:
        pixels: ``(H, W)`` grey levels in 0..255.

    Source: Zauner, Implementation and benchmarking of perceptual image hash functions (2010), section 3.2.1.
    """
    from scipy.fft import dctn

    small = Image.fromarray(np.asarray(pixels, dtype=np.float32)).resize((_SIDE, _SIDE), Image.Resampling.BOX)
    low = dctn(np.asarray(small, dtype=np.float64), norm="ortho")[:_LOW, :_LOW].ravel()
    waves = low[1:] / _SIDE
    if np.abs(waves).max() < _FLAT:
        return None
    # the mean of the film (the first frequency) says how bright it is, not what it shows
    bits = np.concatenate([[False], waves > np.median(waves)])
    return int.from_bytes(np.packbits(bits).tobytes(), "big")


def look_alikes(paths: Sequence[Path], *, workers: int) -> dict[Path, str]:
    """Give a key for every film that looks like another one; films that cannot be read look like none.

    Args:
        paths: Different films.
        workers: Threads.
    """
    with ThreadPoolExecutor(workers) as pool:
        hashes = list(pool.map(_hash, paths))
    groups: dict[int, list[Path]] = defaultdict(list)
    for path, value in zip(paths, hashes, strict=True):
        if value is not None:
            groups[value].append(path)
    return {p: f"look-{value:016x}" for value, same in groups.items() if len(same) > 1 for p in same}


def _hash(path: Path) -> int | None:
    try:
        return perceptual_hash(read_film(path).pixels)
    except FilmError:
        return None
