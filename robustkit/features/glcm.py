"""glcm: which grey levels lie side by side (grey level co-occurrence matrix)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from robustkit.features._base import DIRECTIONS, Feature, FeatureSettings, suffix
from robustkit.features._compiled import compiled
from robustkit.features._region import Region

NAMES = (
    "joint_max", "joint_avg", "joint_var", "joint_entr", "diff_avg", "diff_var", "diff_entr", "sum_avg", "sum_var", "sum_entr",
    "energy", "contrast", "dissimilarity", "inv_diff", "inv_diff_norm", "inv_diff_mom", "inv_diff_mom_norm", "inv_var", "corr",
    "auto_corr", "clust_tend", "clust_shade", "clust_prom", "info_corr1", "info_corr2",
)  # fmt: skip
ALONE = "no two pixels lie side by side"
FLAT = f"{ALONE}, or all that do have one grey level: their variance is 0"


class Glcm:
    """IBSI's family ``cm``: neighbours at distance 1 in four directions, both ways round.

    With ``directions="average"`` a feature is the mean over the directions in which it is defined.

    Source: Haralick et al. 1973, IEEE SMC 3:610; IBSI reference manual, section 3.6. Inverse variance counts each pair both
    ways, as IBSI's values do.

    Example:
        >>> from robustkit.features._base import extract, feature_names
        >>> film = np.array([[1, 2], [2, 1]], dtype=np.uint8)
        >>> chosen = FeatureSettings(bins=2, directions="merged", families=("glcm",))
        >>> values = extract(film, np.array([[0.0, 0, 2, 2]]), settings=chosen, spacing_mm=None)[0]
        >>> round(float(values[feature_names(chosen).index("cm_contrast_d1_2d_s_mrg")]), 3)
        0.667
    """

    name = "glcm"

    def features(self, settings: FeatureSettings) -> tuple[Feature, ...]:
        """Give the 25 features."""
        end = suffix(settings)
        return tuple(Feature(f"cm_{n}_d1_{end}", FLAT if n in ("corr", "info_corr1") else ALONE) for n in NAMES)

    def measure(self, region: Region, settings: FeatureSettings) -> NDArray[np.float64]:
        """Give ``(25,)``."""
        counted = np.zeros((len(DIRECTIONS), region.n_levels + 1, region.n_levels + 1), dtype=np.int64)
        for matrix, (down, right) in zip(counted, DIRECTIONS, strict=True):
            _count(region.levels, down, right, matrix)
        # whoever is beside a pixel has that pixel beside it
        both = counted[:, 1:, 1:] + counted[:, 1:, 1:].transpose(0, 2, 1)
        return _mean(both.sum(axis=0, keepdims=True) if settings.directions == "merged" else both)


@compiled
def _count(levels: NDArray[np.int32], down: int, right: int, matrix: NDArray[np.int64]) -> None:
    """Count pairs of levels into ``(n_levels + 1, n_levels + 1)``; row and column 0 take pairs with what is outside."""
    height, width = levels.shape
    for y in range(1, height - 1):
        for x in range(1, width - 1):
            matrix[levels[y, x], levels[y + down, x + right]] += 1


@compiled
def _mean(matrices: NDArray[np.int64]) -> NDArray[np.float64]:
    """Give the mean features over ``(d, n_levels, n_levels)`` counts, of each over the matrices in which it is defined."""
    total, times = np.zeros(25), np.zeros(25)
    for matrix in matrices:
        found = _features(matrix)
        for at in range(25):
            if not np.isnan(found[at]):
                total[at] += found[at]
                times[at] += 1
    for at in range(25):
        total[at] = total[at] / times[at] if times[at] > 0 else np.nan
    return total


@compiled
def _features(matrix: NDArray[np.int64]) -> NDArray[np.float64]:
    found, n = np.full(25, np.nan), len(matrix)
    total = matrix.sum()
    if total == 0:
        return found
    single, difference, added = np.zeros(n), np.zeros(n), np.zeros(2 * n - 1)
    largest = energy = entropy = 0.0
    for i in range(n):
        for j in range(n):
            if matrix[i, j] > 0:
                share = matrix[i, j] / total
                single[i] += share
                difference[abs(i - j)] += share
                added[i + j] += share
                largest = max(largest, share)
                energy += share * share
                entropy -= share * np.log2(share)
    mean, variance, _, _, entropy_single = _central(single, 1.0)
    found[0], found[1], found[2], found[3], found[10] = largest, mean, variance, entropy, energy
    found[4], found[5], _, _, found[6] = _central(difference, 0.0)
    found[7], found[8], found[21], found[22], found[9] = _central(added, 2.0)
    _compare(difference, found)
    # (i + j - 2 mean)^2 - (i - j)^2 = 4 (i - mean) (j - mean)
    covariance = (found[8] - found[11]) / 4
    found[19], found[20] = covariance + mean * mean, found[8]
    if variance > 0:
        found[18] = covariance / variance
        # rows and columns have the same shares p: the entropies of p_i p_j are twice that of p
        found[23] = (entropy - 2 * entropy_single) / entropy_single
    found[24] = np.sqrt(1 - np.exp(-2 * max(0.0, 2 * entropy_single - entropy)))
    return found


@compiled
def _central(shares: NDArray[np.float64], first: float) -> tuple[float, float, float, float, float]:
    """Give mean, second to fourth central moment and entropy of shares of first, first + 1, ..."""
    mean = second = third = fourth = entropy = 0.0
    for at in range(len(shares)):
        mean += (at + first) * shares[at]
    for at in range(len(shares)):
        if shares[at] > 0:
            off = at + first - mean
            second += shares[at] * off**2
            third += shares[at] * off**3
            fourth += shares[at] * off**4
            entropy -= shares[at] * np.log2(shares[at])
    return mean, second, third, fourth, entropy


@compiled
def _compare(difference: NDArray[np.float64], found: NDArray[np.float64]) -> None:
    """Put contrast, dissimilarity and the five inverse differences of shares of |i - j| = 0, 1, ... into places 11 to 17."""
    n = len(difference)
    for at in range(11, 18):
        found[at] = 0.0
    for k in range(n):
        share = difference[k]
        found[11] += share * k**2
        found[12] += share * k
        found[13] += share / (1 + k)
        found[14] += share / (1 + k / n)
        found[15] += share / (1 + k**2)
        found[16] += share / (1 + (k / n) ** 2)
        if k > 0:
            found[17] += share / k**2


PLUGIN = Glcm()
