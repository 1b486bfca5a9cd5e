"""Features of small films, by name."""

from __future__ import annotations

from collections import Counter

import numpy as np
from robustkit.features._base import FeatureSettings, extract, feature_names

LEVELS = {"discretisation": "width", "bin_width": 1.0}
"""Settings that leave whole numbers from 1 as they are."""


def measured(pixels: np.ndarray, family: str, *, mask: np.ndarray | None = None, **given: object) -> dict[str, float]:
    """Give the features of one family of all of a film."""
    settings = FeatureSettings.from_dict({**given, "families": [family]})
    height, width = pixels.shape
    box = np.array([[0.0, 0.0, width, height]])
    values = extract(pixels, box, settings=settings, spacing_mm=None, mask=mask)[0]
    return dict(zip(feature_names(settings), values.tolist(), strict=True))


def texture(seed: int, shape: tuple[int, int] = (24, 31), *, levels: int = 5, holes: bool = False) -> np.ndarray:
    """Give a film of levels 1..levels in patches and noise; with holes, 0 is outside the mask."""
    random = np.random.default_rng(seed)
    patches = np.kron(
        random.integers(1, levels + 1, (shape[0] // 4 + 1, shape[1] // 4 + 1)), np.ones((4, 4), dtype=int)
    )
    film = patches[: shape[0], : shape[1]]
    noisy = random.random(shape) < 0.3
    film[noisy] = random.integers(1, levels + 1, np.count_nonzero(noisy))
    film[0, 0] = 1
    if holes:
        film[random.random(shape) < 0.15] = 0
        film[0, :2] = 1
    return film.astype(np.uint8)


def emphases(counted: Counter[tuple[int, int]], n_pixels: int) -> list[float]:
    """Give the seventeen features of a matrix of level and size, in IBSI's order, straight from their definitions."""
    levels, sizes, counts = (
        np.array(v, dtype=float) for v in zip(*((i, j, c) for (i, j), c in counted.items()), strict=True)
    )
    n, p = counts.sum(), counts / counts.sum()
    of_level = np.array([counts[levels == i].sum() for i in set(levels)])
    of_size = np.array([counts[sizes == j].sum() for j in set(sizes)])
    return [
        (p / sizes**2).sum(), (p * sizes**2).sum(), (p / levels**2).sum(), (p * levels**2).sum(),
        (p / levels**2 / sizes**2).sum(), (p * levels**2 / sizes**2).sum(), (p * sizes**2 / levels**2).sum(),
        (p * levels**2 * sizes**2).sum(),
        (of_level**2).sum() / n, (of_level**2).sum() / n**2, (of_size**2).sum() / n, (of_size**2).sum() / n**2, n / n_pixels,
        (p * levels**2).sum() - (p * levels).sum() ** 2, (p * sizes**2).sum() - (p * sizes).sum() ** 2,
        -(p * np.log2(p)).sum(), (p**2).sum(),
    ]  # fmt: skip
