"""Co-occurrence, counted by slicing with numpy, and what the matrix of a known pattern must be."""

from __future__ import annotations

import numpy as np
import pytest

from made_regions import LEVELS, measured, texture


def _pairs(film: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
    return [
        (film[:, :-1], film[:, 1:]), (film[:-1], film[1:]),
        (film[:-1, :-1], film[1:, 1:]), (film[:-1, 1:], film[1:, :-1]),
    ]  # fmt: skip


def _probabilities(film: np.ndarray) -> list[np.ndarray]:
    n, found = int(film.max()), []
    for a, b in _pairs(film):
        inside = (a > 0) & (b > 0)
        counts = np.zeros((n, n))
        np.add.at(counts, (a[inside] - 1, b[inside] - 1), 1)
        found.append(counts + counts.T)
    return found


def _some(counts: np.ndarray) -> dict[str, float]:
    """Some features, straight from their definitions as double sums."""
    p = counts / counts.sum()
    i, j = np.indices(p.shape) + 1
    mean = (i * p).sum()
    rows = p.sum(axis=1)
    joint, outer = p[p > 0], np.outer(rows, rows)
    entropy, entropy_1 = -(joint * np.log2(joint)).sum(), -(p[outer > 0] * np.log2(outer[outer > 0])).sum()
    entropy_2 = -(outer[outer > 0] * np.log2(outer[outer > 0])).sum()
    single = -(rows[rows > 0] * np.log2(rows[rows > 0])).sum()
    return {
        "corr": ((i - mean) * (j - mean) * p).sum() / ((i - mean) ** 2 * p).sum(), "auto_corr": (i * j * p).sum(),
        "clust_prom": ((i + j - 2 * mean) ** 4 * p).sum(), "clust_shade": ((i + j - 2 * mean) ** 3 * p).sum(),
        "info_corr1": (entropy - entropy_1) / single, "info_corr2": np.sqrt(1 - np.exp(-2 * (entropy_2 - entropy))),
        "contrast": ((i - j) ** 2 * p).sum(), "inv_var": _inverse_variance(p),
    }  # fmt: skip


def _inverse_variance(p: np.ndarray) -> float:
    i, j = np.indices(p.shape)
    off = i != j
    return float((p[off] / (i - j)[off] ** 2).sum())


@pytest.mark.parametrize("holes", [False, True])
def test_features_are_those_of_the_double_sums(holes: bool) -> None:
    film = texture(4, holes=holes)
    matrices = _probabilities(film)
    each = [_some(m) for m in matrices]
    found = measured(film, "glcm", mask=film > 0, **LEVELS)
    for name in each[0]:
        assert found[f"cm_{name}_d1_2d_avg"] == pytest.approx(np.mean([e[name] for e in each]), rel=1e-10), name
    merged = measured(film, "glcm", mask=film > 0, directions="merged", **LEVELS)
    for name, value in _some(sum(matrices)).items():
        assert merged[f"cm_{name}_d1_2d_s_mrg"] == pytest.approx(value, rel=1e-10), name


def test_stripes_by_hand() -> None:
    # columns 1 2 1 2: across, every pair differs by 1; along, none does; on both diagonals all do
    film = np.tile(np.array([1, 2, 1, 2], dtype=np.uint8), (4, 1))
    found = measured(film, "glcm", **LEVELS)
    assert found["cm_contrast_d1_2d_avg"] == pytest.approx(3 / 4)
    # -1, 1, -1, -1: each matrix has two levels with equal shares
    assert found["cm_corr_d1_2d_avg"] == pytest.approx(-1 / 2)


def test_a_line_has_pairs_in_one_direction_only() -> None:
    # pairs 1-2, 2-1: the mean over directions is over the one that has pairs
    found = measured(np.array([[1, 2, 1]], dtype=np.uint8), "glcm", **LEVELS)
    assert found["cm_contrast_d1_2d_avg"] == 1
    assert found["cm_corr_d1_2d_avg"] == pytest.approx(-1)
