"""Films that look the same share a key, whatever their size, compression and brightness."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageFilter
from robustkit.images.likeness import look_alikes, perceptual_hash


def _film(seed: int) -> NDArray[np.uint8]:
    """Draw a smooth random picture of 200 x 160 px."""
    noise = np.random.default_rng(seed).integers(0, 255, (160, 200), dtype=np.uint8)
    picture = Image.fromarray(noise).filter(ImageFilter.GaussianBlur(5))
    pixels = np.asarray(picture, dtype=np.float64)
    return ((pixels - pixels.min()) / np.ptp(pixels) * 200 + 20).astype(np.uint8)


def test_the_same_film_saved_otherwise_has_the_same_key(tmp_path: Path) -> None:
    film = _film(1)
    Image.fromarray(film).save(tmp_path / "a.png")
    Image.fromarray(film).save(tmp_path / "b.jpg", quality=90)
    Image.fromarray(film).resize((400, 320)).save(tmp_path / "c.png")
    Image.fromarray((film * 0.9 + 10).astype(np.uint8)).save(tmp_path / "d.png")
    Image.fromarray(_film(2)).save(tmp_path / "e.png")
    (tmp_path / "f.png").write_bytes(b"junk")
    paths = sorted(tmp_path.iterdir())
    keys = look_alikes(paths, workers=2)
    assert {p.name for p in keys} == {"a.png", "b.jpg", "c.png", "d.png"}
    assert len(set(keys.values())) == 1


def test_different_films_have_different_hashes() -> None:
    assert len({perceptual_hash(_film(s)) for s in range(40)}) == 40


def test_half_of_the_frequencies_lie_over_their_median() -> None:
    # 63 waves, the middle one is the median itself: 31 lie over it
    value = perceptual_hash(_film(3))
    assert value is not None
    assert value.bit_count() == 31
    assert value < 2**63


@pytest.mark.parametrize("level", [0, 90, 255])
def test_a_flat_film_looks_like_nothing(level: int) -> None:
    assert perceptual_hash(np.full((50, 60), level, dtype=np.uint8)) is None
