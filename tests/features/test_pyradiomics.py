"""Agreement with PyRadiomics 3.0.1, where it is installed: pip install --no-build-isolation pyradiomics==3.0.1.

All of its two-dimensional features but three mean what ours do. Kurtosis is not excess there; TotalEnergy is energy times
the area of a pixel; MCC is not IBSI's. Its entropies add 2e-16 to every share.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from made_regions import measured

radiomics = pytest.importorskip("radiomics", reason="PyRadiomics is not installed")
SimpleITK = pytest.importorskip("SimpleITK", reason="SimpleITK is not installed")

SIZES = {
    "ShortRunEmphasis": "sre", "LongRunEmphasis": "lre", "LowGrayLevelRunEmphasis": "lgre", "HighGrayLevelRunEmphasis": "hgre",
    "ShortRunLowGrayLevelEmphasis": "srlge", "ShortRunHighGrayLevelEmphasis": "srhge", "LongRunLowGrayLevelEmphasis": "lrlge",
    "LongRunHighGrayLevelEmphasis": "lrhge", "GrayLevelNonUniformity": "glnu", "GrayLevelNonUniformityNormalized": "glnu_norm",
    "RunLengthNonUniformity": "rlnu", "RunLengthNonUniformityNormalized": "rlnu_norm", "RunPercentage": "r_perc",
    "GrayLevelVariance": "gl_var", "RunVariance": "rl_var", "RunEntropy": "rl_entr",
}  # fmt: skip
ZONES = {
    "SmallAreaEmphasis": "sze", "LargeAreaEmphasis": "lze", "LowGrayLevelZoneEmphasis": "lgze", "HighGrayLevelZoneEmphasis": "hgze",
    "SmallAreaLowGrayLevelEmphasis": "szlge", "SmallAreaHighGrayLevelEmphasis": "szhge", "LargeAreaLowGrayLevelEmphasis": "lzlge",
    "LargeAreaHighGrayLevelEmphasis": "lzhge", "GrayLevelNonUniformity": "glnu", "GrayLevelNonUniformityNormalized": "glnu_norm",
    "SizeZoneNonUniformity": "zsnu", "SizeZoneNonUniformityNormalized": "zsnu_norm", "ZonePercentage": "z_perc",
    "GrayLevelVariance": "gl_var", "ZoneVariance": "zs_var", "ZoneEntropy": "zs_entr",
}  # fmt: skip
DEPENDENCES = {
    "SmallDependenceEmphasis": "lde", "LargeDependenceEmphasis": "hde", "LowGrayLevelEmphasis": "lgce",
    "HighGrayLevelEmphasis": "hgce", "SmallDependenceLowGrayLevelEmphasis": "ldlge",
    "SmallDependenceHighGrayLevelEmphasis": "ldhge", "LargeDependenceLowGrayLevelEmphasis": "hdlge",
    "LargeDependenceHighGrayLevelEmphasis": "hdhge", "GrayLevelNonUniformity": "glnu", "DependenceNonUniformity": "dcnu",
    "DependenceNonUniformityNormalized": "dcnu_norm", "GrayLevelVariance": "gl_var", "DependenceVariance": "dc_var",
    "DependenceEntropy": "dc_entr",
}  # fmt: skip
PAIRS = {
    "Autocorrelation": "auto_corr", "JointAverage": "joint_avg", "ClusterProminence": "clust_prom", "ClusterShade": "clust_shade",
    "ClusterTendency": "clust_tend", "Contrast": "contrast", "Correlation": "corr", "DifferenceAverage": "diff_avg",
    "DifferenceEntropy": "diff_entr", "DifferenceVariance": "diff_var", "JointEnergy": "energy", "JointEntropy": "joint_entr",
    "Imc1": "info_corr1", "Imc2": "info_corr2", "Idm": "inv_diff_mom", "Idmn": "inv_diff_mom_norm", "Id": "inv_diff",
    "Idn": "inv_diff_norm", "InverseVariance": "inv_var", "MaximumProbability": "joint_max", "SumAverage": "sum_avg",
    "SumEntropy": "sum_entr", "SumSquares": "joint_var",
}  # fmt: skip
VALUES = {
    "10Percentile": "stat_p10", "90Percentile": "stat_p90", "Energy": "stat_energy", "Entropy": "ih_entropy",
    "InterquartileRange": "stat_iqr", "Maximum": "stat_max", "MeanAbsoluteDeviation": "stat_mad", "Mean": "stat_mean",
    "Median": "stat_median", "Minimum": "stat_min", "Range": "stat_range", "RobustMeanAbsoluteDeviation": "stat_rmad",
    "RootMeanSquared": "stat_rms", "Skewness": "stat_skew", "Uniformity": "ih_uniformity", "Variance": "stat_var",
}  # fmt: skip
TONES = {n.title(): f"ngt_{n}_2d" for n in ("busyness", "coarseness", "complexity", "contrast", "strength")}

NAMES: Mapping[str, dict[str, str]] = {
    "firstorder": VALUES,
    "glcm": {k: f"cm_{v}_d1_2d_avg" for k, v in PAIRS.items()},
    "glrlm": {k: f"rlm_{v}_2d_avg" for k, v in SIZES.items()},
    "glszm": {k: f"szm_{v}_2d" for k, v in ZONES.items()},
    "gldm": {k: f"ngl_{v}_d1_a0.0_2d" for k, v in DEPENDENCES.items()},
    "ngtdm": TONES,
}
FAMILIES = {
    "firstorder": ("first_order", "histogram"), "glcm": ("glcm",), "glrlm": ("glrlm",), "glszm": ("glszm",), "gldm": ("ngldm",),
    "ngtdm": ("ngtdm",),
}  # fmt: skip
OURS_ALONE = {"firstorder": {"TotalEnergy", "Kurtosis"}, "glcm": {"MCC"}}
CHOICES = ({"bins": 16}, {"discretisation": "width", "bin_width": 7.0})
THEIRS = ({"binCount": 16}, {"binWidth": 7.0})


def _film(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Give smooth noise as float32, so that no value lies on the edge of a bin, and a round mask with a hole."""
    random = np.random.default_rng(seed)
    film = gaussian_filter(random.standard_normal((50, 61)), 1.5) * 150 + random.standard_normal((50, 61)) * 5 + 120
    y, x = np.indices(film.shape)
    away = np.hypot(y - 25, x - 30)
    return film.clip(0, 255).astype(np.float32), (away < 22) & (away > 4)


def _theirs(name: str, film: np.ndarray, mask: np.ndarray, given: dict[str, object]) -> dict[str, float]:
    radiomics.logger.setLevel(logging.ERROR)
    images = [SimpleITK.GetImageFromArray(a[None]) for a in (film.astype(np.float64), mask.astype(np.uint8))]
    found = radiomics.getFeatureClasses()[name](*images, force2D=True, force2Ddimension=0, **given)
    found.enableAllFeatures()
    return {k: float(v) for k, v in found.execute().items()}


@pytest.mark.parametrize("choice", [0, 1], ids=["count", "width"])
@pytest.mark.parametrize("whole", [True, False], ids=["box", "mask"])
@pytest.mark.parametrize("name", NAMES)
def test_features_that_mean_the_same_are_the_same(name: str, whole: bool, choice: int) -> None:
    film, mask = _film(11)
    if whole:
        # a mask that is everything is refused there
        film, mask = np.pad(film[8:40, 5:50], 1), np.pad(np.ones((32, 45), dtype=bool), 1)
    theirs = _theirs(name, film, mask, THEIRS[choice])
    ours: dict[str, float] = {}
    for family in FAMILIES[name]:
        ours |= measured(film, family, mask=mask, **CHOICES[choice])
    assert set(theirs) == set(NAMES[name]) | OURS_ALONE.get(name, set())
    found = {k: ours[v] for k, v in NAMES[name].items()}
    assert found == {k: pytest.approx(theirs[k], rel=1e-9, abs=1e-9) for k in NAMES[name]}


def test_their_kurtosis_is_three_more() -> None:
    film, mask = _film(12)
    theirs = _theirs("firstorder", film, mask, {})
    assert measured(film, "first_order", mask=mask)["stat_kurt"] + 3 == pytest.approx(theirs["Kurtosis"])
