"""Which spacing counts, and what it is called."""

from __future__ import annotations

import pytest
from robustkit.images.film import film_size, read_film

from made_dicom import dicom_film, ramp, written


@pytest.mark.parametrize(
    ("tags", "expected", "source", "note"),
    [
        ({}, None, "none", ""),
        ({"PixelSpacing": [0.2, 0.2]}, 0.2, "calibrated", ""),
        ({"PixelSpacing": [0.2, 0.2], "ImagerPixelSpacing": [0.25, 0.25]}, 0.2, "calibrated", ""),
        ({"ImagerPixelSpacing": [0.25, 0.25]}, 0.25, "detector plane", ""),
        # never calibrated: the same number twice
        ({"PixelSpacing": [0.25, 0.25], "ImagerPixelSpacing": [0.25, 0.25]}, 0.25, "detector plane", ""),
        (
            {"PixelSpacing": [0.2] * 2, "ImagerPixelSpacing": [0.2] * 2, "PixelSpacingCalibrationType": "FIDUCIAL"},
            0.2, "calibrated", "",
        ),
        # 0.25 mm at the detector, 1.25 times magnified: 0.2 mm at the bone
        (
            {"ImagerPixelSpacing": [0.25, 0.25], "EstimatedRadiographicMagnificationFactor": 1.25},
            0.2, "detector plane", "(0018,1114)",
        ),
        ({"ImagerPixelSpacing": [0.25, 0.25], "EstimatedRadiographicMagnificationFactor": 0}, 0.25, "detector plane", ""),
        ({"PixelSpacing": [0.2, 0.2], "EstimatedRadiographicMagnificationFactor": 1.25}, 0.2, "calibrated", ""),
        # within 1 %: the mean; beyond: none
        ({"PixelSpacing": [0.2, 0.2016]}, 0.2008, "calibrated", ""),
        ({"PixelSpacing": [0.2, 0.203]}, None, "none", "not square"),
        ({"PixelSpacing": [0.2, 0.4], "ImagerPixelSpacing": [0.25, 0.25]}, None, "none", "not square"),
        ({"PixelSpacing": [0, 0], "ImagerPixelSpacing": [0.25, 0.25]}, 0.25, "detector plane", ""),
        ({"PixelSpacing": []}, None, "none", ""),
    ],
)  # fmt: skip
def test_spacing(tmp_path, tags, expected, source, note):
    path = written(dicom_film(ramp(4, 5), **tags), tmp_path / "film.dcm")
    size, film = film_size(path), read_film(path)
    assert size.spacing_mm == film.spacing_mm == (None if expected is None else pytest.approx(expected))
    assert size.spacing_source == film.spacing_source == source
    assert note in " ".join(film.notes)
    assert bool(film.notes) == bool(note)
    assert size.notes == film.notes
    assert (size.width, size.height, size.stored_width, size.stored_height) == (5, 4, 5, 4)
