"""Agreement with MIRP, where it is installed: pip install mirp==2.7.0.

MIRP follows the IBSI and names its features as the IBSI's reference values do; so do we. All 136 mean the same.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from made_regions import measured

mirp = pytest.importorskip("mirp", reason="MIRP is not installed")

OURS = ("first_order", "histogram", "glcm", "glrlm", "glszm", "gldzm", "ngtdm", "ngldm")
THEIRS = ("statistics", "ih", "cm", "rlm", "szm", "dzm", "ngtdm", "ngldm")


def _film() -> tuple[np.ndarray, np.ndarray]:
    """Give smooth noise as float32, so that no value lies on the edge of a bin, and a round mask with a hole."""
    random = np.random.default_rng(21)
    film = gaussian_filter(random.standard_normal((50, 61)), 1.5) * 150 + random.standard_normal((50, 61)) * 5 + 120
    y, x = np.indices(film.shape)
    away = np.hypot(y - 25, x - 30)
    return film.clip(0, 255).astype(np.float32), (away < 22) & (away > 4)


def _theirs(film: np.ndarray, mask: np.ndarray, bins: int) -> dict[str, Any]:
    (found,) = mirp.extract_features(
        image=film.astype(float)[None], mask=mask.astype(int)[None], by_slice=True, base_feature_families=list(THEIRS),
        base_discretisation_method="fixed_bin_number", base_discretisation_n_bins=bins, glcm_spatial_method="2d_average",
        glrlm_spatial_method="2d_average",
    )  # fmt: skip
    ending = f"_fbn_n{bins}"
    return {str(k).removesuffix(ending): v for k, v in found.iloc[0].items()}


@pytest.mark.parametrize("bins", [8, 16, 32])
def test_every_feature_is_theirs(bins: int) -> None:
    film, mask = _film()
    theirs = _theirs(film, mask, bins)
    ours: dict[str, float] = {}
    for family in OURS:
        ours |= measured(film, family, mask=mask, bins=bins)
    assert len(ours) == 136
    assert ours == {k: pytest.approx(theirs[k], rel=1e-9, abs=1e-9) for k in ours}
