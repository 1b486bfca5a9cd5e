"""Settings of features: what is refused, and what they change."""

from __future__ import annotations

import numpy as np
import pytest
from robustkit.errors import FilmError, InputError, UnknownNameError
from robustkit.features._base import FAMILIES, FeatureSettings, extract, feature_names, features_of

from made_regions import measured


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"normalise": "zscore"}, r"normalise: expected one of none, film, box, got 'zscore'"),
        ({"discretisation": 32}, r"discretisation: expected one of count, width, got 32"),
        ({"directions": "mean"}, r"directions: expected one of average, merged"),
        ({"bins": 1}, r"bins must be a whole number 2..1024, got 1"),
        ({"bins": 32.0}, r"bins must be a whole number"),
        ({"bins": True}, r"bins must be a whole number"),
        ({"bins": 2000}, r"bins must be a whole number"),
        ({"bin_width": 0}, r"bin_width must be a number > 0, got 0"),
        ({"bin_width": None}, r"bin_width must be a number > 0, got None"),
        ({"spacing_mm": -0.1}, r"spacing_mm must be a number > 0"),
        ({"spacing_mm": float("nan")}, r"spacing_mm must be a number > 0"),
        ({"spacing_mm": "0.1"}, r"spacing_mm must be a number > 0"),
        ({"families": []}, r"expected families, each once"),
        ({"families": ["glcm", "glcm"]}, r"expected families, each once"),
        ({"families": "glcm"}, r"families must be a list of names"),
        ({"families": None}, r"families must be a list of names"),
        ({"binz": 3, "bins": 4}, r"unknown setting binz; known: bin_width, bins"),
    ],
)
def test_bad_settings_are_refused(given: dict[str, object], said: str) -> None:
    with pytest.raises(InputError, match=said):
        FeatureSettings.from_dict(given)


def test_an_unknown_family_is_told_its_near_ones() -> None:
    with pytest.raises(UnknownNameError, match=r"unknown feature 'glmc'.*glcm"):
        FeatureSettings(families=("glmc",))


def test_names_follow_families_and_directions() -> None:
    assert len(feature_names(FeatureSettings())) == 136
    both = FeatureSettings(families=("ngtdm", "first_order"))
    assert feature_names(both)[0] == "ngt_coarseness_2d"
    assert feature_names(both)[5] == "stat_mean"
    merged = feature_names(FeatureSettings(directions="merged"))
    assert sum(n.endswith("_2d_s_mrg") for n in merged) == 25 + 16
    assert len(features_of(FeatureSettings())) == 136


def test_what_ibsi_lists_is_measured_by_default() -> None:
    assert FeatureSettings().families == FAMILIES
    assert "grey" not in FAMILIES


def test_too_many_levels_are_refused() -> None:
    film = np.array([[0, 255]], dtype=np.uint8)
    with pytest.raises(FilmError, match=r"bin_width 0.1 gives 2551 grey levels in one region, more than 1024.*larger"):
        measured(film, "glcm", discretisation="width", bin_width=0.1)


def test_bins_between_the_ends_do_not_see_brightness_and_contrast() -> None:
    film = np.random.default_rng(3).integers(20, 60, (20, 20)).astype(np.uint8)
    brighter = (2 * film + 40).astype(np.uint8)
    for family in ("glcm", "glrlm", "glszm", "ngtdm"):
        assert measured(film, family) == pytest.approx(measured(brighter, family), nan_ok=True)
    # nor do bins of a width in sd, but where a value meets an edge by rounding
    chosen = {"normalise": "film", "discretisation": "width", "bin_width": 0.5}
    assert measured(film, "glcm", **chosen) == pytest.approx(measured(brighter, "glcm", **chosen))


def test_a_box_that_is_not_finite_has_no_features() -> None:
    boxes = np.array([[np.nan, 0, 5, 5], [0, 0, np.inf, 5], [0, 0, 5, 5]])
    film = np.random.default_rng(3).integers(0, 256, (9, 9)).astype(np.uint8)
    values = extract(film, boxes, settings=FeatureSettings(families=("glcm",)), spacing_mm=None)
    assert np.isnan(values[:2]).all()
    assert np.isfinite(values[2]).all()
