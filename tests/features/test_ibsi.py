"""Every two-dimensional value of IBSI 1's digital phantom, when ours is rounded to three significant digits.

The phantom and its values: Image Biomarker Standardisation Initiative, reference manual (arXiv:1612.07003), section 5.1, and
its table of benchmark values; ``ibsi1_digital_phantom_2d.csv`` beside this file holds those of two dimensions.
"""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
from robustkit.features._base import FAMILIES, FeatureSettings, extract, feature_names

from shared_data import IBSI_VALUES, needs_ibsi_values

# four slices of 4 rows x 5 columns; 0 lies outside the mask
SLICES = """
14411 14411 14400 14400
14611 11611 11111 11111
41641 01311 11011 11111
44641 44611 11611 11611
"""
PHANTOM = np.array(
    [[[int(v) for v in part] for part in row.split()] for row in SLICES.split("\n") if row], dtype=np.uint8
)
PHANTOM = PHANTOM.transpose(1, 0, 2)

STATISTICS = ("first_order", "histogram")
TEXTURES = tuple(f for f in FAMILIES if f not in STATISTICS)
DISCRETISED = ({"discretisation": "count", "bins": 6}, {"discretisation": "width", "bin_width": 1.0})
"""Both leave the levels 1..6 as they are."""


def _published(path: Path) -> dict[str, float]:
    with path.open(encoding="utf-8") as file:
        return {row["feature"]: float(row["ibsi_value"]) for row in csv.DictReader(file)}


PUBLISHED = _published(Path(__file__).parent / "ibsi1_digital_phantom_2d.csv")


def _of(pixels: np.ndarray, settings: FeatureSettings) -> np.ndarray:
    height, width = pixels.shape
    box = np.array([[0.0, 0.0, width, height]])
    return extract(pixels, box, settings=settings, spacing_mm=None, mask=pixels > 0)[0]


def _ours(given: dict[str, object]) -> dict[str, float]:
    """Statistics do not ask where a pixel lies: of all slices at once. Textures: of each slice, then the mean."""
    flat = FeatureSettings.from_dict(given | {"families": STATISTICS})
    found = dict(zip(feature_names(flat), _of(PHANTOM.reshape(16, 5), flat), strict=True))
    for directions in ("average", "merged"):
        settings = FeatureSettings.from_dict(given | {"families": TEXTURES, "directions": directions})
        mean = np.mean([_of(one, settings) for one in PHANTOM], axis=0)
        found |= dict(zip(feature_names(settings), mean, strict=True))
    return {name: float(value) for name, value in found.items()}


def test_the_phantom_has_74_pixels() -> None:
    assert np.count_nonzero(PHANTOM) == 74
    assert np.bincount(PHANTOM.ravel())[1:].tolist() == [50, 0, 1, 16, 0, 7]


@pytest.mark.parametrize("given", DISCRETISED, ids=["count", "width"])
def test_every_published_value_is_met(given: dict[str, object]) -> None:
    found = {name: float(f"{value:.3g}") for name, value in _ours(given).items()}
    assert len(found) == 177
    assert found == PUBLISHED


@needs_ibsi_values
def test_the_values_are_those_of_the_table() -> None:
    assert _published(IBSI_VALUES) == PUBLISHED
