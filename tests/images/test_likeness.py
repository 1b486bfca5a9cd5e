"""Films that look the same share a key, whatever their size and brightness."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from robustkit.images.likeness import look_alikes, perceptual_hash
from scipy.fft import idctn


def _waves(seed: int) -> NDArray[np.float64]:
    """Give the 64 strengths of a film's low frequencies: 31 strong ones and 32 weak ones, far apart."""
    random = np.random.default_rng(seed)
    waves = np.concatenate([random.uniform(40, 60, 31), [0.0], random.uniform(-60, -40, 31)])
    return np.concatenate([[4000.0], random.permutation(waves)]).reshape(8, 8)


def _film(seed: int) -> NDArray[np.uint8]:
    """Draw a film of 320 x 320 px whose low frequencies are known."""
    low = np.zeros((32, 32))
    low[:8, :8] = _waves(seed)
    return np.kron(idctn(low, norm="ortho"), np.ones((10, 10))).round().clip(0, 255).astype(np.uint8)


def _bits(seed: int) -> int:
    """Give the hash that the definition asks for: the first frequency counts as 0, then those over the median (0)."""
    return int("".join("1" if w > 0 and i else "0" for i, w in enumerate(_waves(seed).ravel())), 2)


@pytest.mark.parametrize("seed", range(5))
def test_the_hash_says_which_frequencies_are_strong(seed: int) -> None:
    assert perceptual_hash(_film(seed)) == _bits(seed)


def test_the_same_film_saved_otherwise_has_the_same_key(tmp_path: Path) -> None:
    film = _film(1)
    Image.fromarray(film).save(tmp_path / "a.png")
    Image.fromarray(film).save(tmp_path / "b.jpg", quality=90)
    Image.fromarray(film).resize((640, 480)).save(tmp_path / "c.png")
    Image.fromarray((film * 0.8 + 10).astype(np.uint8)).save(tmp_path / "d.png")
    Image.fromarray(_film(2)).save(tmp_path / "e.png")
    (tmp_path / "f.png").write_bytes(b"junk")
    keys = look_alikes(sorted(tmp_path.iterdir()), workers=2)
    assert {p.name for p in keys} == {"a.png", "b.jpg", "c.png", "d.png"}
    assert set(keys.values()) == {f"look-{_bits(1):016x}"}


@pytest.mark.parametrize("level", [0, 90, 255])
def test_a_flat_film_looks_like_nothing(level: int) -> None:
    assert perceptual_hash(np.full((50, 60), level, dtype=np.uint8)) is None
