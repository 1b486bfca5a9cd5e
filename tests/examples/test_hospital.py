"""examples/hospital.py: films as they were drawn, headers as hospitals write them, boxes where the lesions are."""

from __future__ import annotations

import importlib
from pathlib import Path
from types import ModuleType

import numpy as np
import pandas as pd
import pydicom
import pytest
from robustkit.api.import_manifest import import_manifest
from robustkit.api.validate import validate
from robustkit.images.film import read_film
from robustkit.phantom.facts import draw_lesions
from robustkit.phantom.film import draw_film

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"


@pytest.fixture
def hospital(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(EXAMPLES))
    return importlib.import_module("hospital")


def test_films_come_back_as_they_were_drawn_inverted_ones_too(hospital: ModuleType, tmp_path: Path) -> None:
    n = hospital.write_hospital(tmp_path / "h", patients=6, seed=3)
    drawn = [(name, rows) for name, rows in draw_lesions(3, n_internal=6, n_external=0).groupby("image", sort=False)]
    files = sorted((tmp_path / "h" / "films").iterdir())
    assert len(files) == n == len(drawn)
    kinds = set()
    for file, (_, rows) in zip(files, drawn, strict=True):
        kinds.add(str(pydicom.dcmread(file).PhotometricInterpretation))
        film = read_film(file)
        # 12 bits of 255 levels, windowed back to 255: at most one level is lost
        assert np.abs(film.pixels.astype(int) - draw_film(rows, seed=3)).max() <= 1
        assert film.spacing_mm == pytest.approx(rows["spacing_mm"].iloc[0])
    assert kinds == {"MONOCHROME1", "MONOCHROME2"}


def test_the_spreadsheet_is_imported_with_the_boxes_of_the_lesions(hospital: ModuleType, tmp_path: Path) -> None:
    hospital.write_hospital(tmp_path / "h", patients=6, is_external=True, seed=3)
    out = tmp_path / "h" / "cases.csv"
    import_manifest(
        format="csv",
        source=tmp_path / "h" / "lesions.xlsx",
        images=tmp_path / "h" / "films",
        output=out,
        column=["Lesion=case_id", "Film=image", "Bone=site", "Projection=view"],
    )
    assert validate(manifest=[out]).is_good
    cases, lesions = pd.read_csv(out), draw_lesions(3, n_internal=0, n_external=6)
    for column in ("x0", "y0", "x1", "y1"):
        assert cases[column].tolist() == lesions[column].tolist()
    assert cases["subtype"].tolist() == lesions["subtype"].tolist()
    assert cases["patient_id"].tolist() == lesions["patient_id"].tolist()
