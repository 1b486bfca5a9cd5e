"""BTXRD's shape, made up: two tumour films, one normal one, and the quirks of the published table."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from robustkit.formats._base import Imported, ImportOptions
from robustkit.formats.btxrd import PLUGIN

from made_annotations import write_films, write_labelme


@pytest.fixture
def source(tmp_path: Path) -> Path:
    write_films(tmp_path / "images")
    write_labelme(tmp_path / "Annotations", label="giant cell tumor", polygon=True)
    table = pd.DataFrame([
        {"image_id": "a.jpeg", "center": 1, "age": 31, "gender": "F", "tibia": 1, "knee": 1, "tumor": 1, "benign": 1, "malignant": 0,
         "giant cell tumor": 1, "osteosarcoma": 0, "frontal": 1, "lateral": 0},
        {"image_id": "b.jpeg", "center": 3, "age": "", "gender": "M", "tibia": 0, "knee": 0, "tumor": 1, "benign": 0, "malignant": 1,
         "giant cell tumor": 0, "osteosarcoma": 1, "frontal": 1, "lateral": 1},
        {"image_id": "c.jpeg", "center": 1, "tumor": 0, "malignant": 0},
    ])  # fmt: skip
    table.to_excel(tmp_path / "dataset.xlsx", index=False)
    return tmp_path


def _read(source: Path, **options: object) -> Imported:
    return PLUGIN.read(source, ImportOptions(**options))  # type: ignore[arg-type]


def test_one_case_per_film_with_the_largest_lesion(source: Path) -> None:
    frame = _read(source).frame.set_index("case_id")
    assert list(frame.index) == ["a-1", "b-1"]
    # 30 x 20 is larger than 20 x 20
    assert frame.loc["a-1", ["x0", "y0", "x1", "y1"]].tolist() == [40, 30, 70, 50]
    assert frame.loc["a-1", ["label", "subtype", "site", "view", "centre", "cohort"]].tolist() == [
        "non-benign", "giant cell tumor", "tibia|knee-joint", "frontal", "1", "external",
    ]  # fmt: skip
    assert frame.loc["b-1", ["label", "subtype", "view", "site"]].tolist() == [
        "non-benign",
        "osteosarcoma",
        "frontal|lateral",
        "",
    ]


def test_each_and_union(source: Path) -> None:
    assert list(_read(source, lesions="each").frame["case_id"]) == ["a-1", "a-2", "b-1"]
    union = _read(source, lesions="union").frame
    assert union.loc[0, ["x0", "y0", "x1", "y1"]].tolist() == [10, 5, 70, 50]


def test_label_schemes_and_internal_centres(source: Path) -> None:
    frame = _read(source, labels="btxrd", internal=("1",)).frame
    assert frame["label"].tolist() == ["benign", "non-benign"]
    assert frame["cohort"].tolist() == ["internal", "external"]


def test_masks_are_drawn_around_their_lesion(source: Path, tmp_path: Path) -> None:
    frame = _read(source, masks=tmp_path / "masks").frame
    mask = np.asarray(Image.open(frame.loc[0, "mask"]))
    assert mask.shape == (60, 80)
    assert mask[40, 55] == 255
    assert mask[10, 20] == 0


def test_groups_are_hashed_and_counts_are_compared(source: Path) -> None:
    names = pd.DataFrame(
        {"image_id": ["a.jpeg", "b.jpeg"], "Original Name": ["Smith John (1).jpg", "Smith John (2).jpg"]}
    )
    names.to_excel(source / "groups.xlsx", index=False)
    imported = _read(source, groups=source / "groups.xlsx")
    assert imported.frame["patient_id"].nunique() == 1
    assert not imported.frame.astype(str).apply(lambda c: c.str.contains("Smith")).any(axis=None)
    assert "giant cell tumor: 93 expected, 1 found  <- differs" in imported.notes
    assert any("web teaching files" in n for n in imported.notes)
