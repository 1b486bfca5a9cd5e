"""BTXRD's shape, made up: tumour films, normal ones, and the quirks of the published table."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from robustkit.errors import InputError
from robustkit.formats._base import Imported, ImportOptions
from robustkit.formats._masks import filled
from robustkit.formats.btxrd import PLUGIN

from made_annotations import SIZE, write_films, write_labelme

CORNERS = ["x0", "y0", "x1", "y1"]
TABLE = pd.DataFrame([
    {"image_id": "a.jpeg", "center": 1, "age": 31, "gender": "F", "tibia": 1, "knee": 1, "tumor": 1, "benign": 1, "malignant": 0,
     "giant cell tumor": 1, "osteosarcoma": 0, "frontal": 1, "lateral": 0, "pelvis": 0},
    {"image_id": "b.jpeg", "center": 3, "age": "", "gender": "M", "tibia": 0, "knee": 0, "tumor": 1, "benign": 0, "malignant": 1,
     "giant cell tumor": 0, "osteosarcoma": 1, "frontal": 1, "lateral": 1, "pelvis": 1},
    {"image_id": "c.jpeg", "center": 1, "tumor": 0, "malignant": 0, "frontal": 1},
    {"image_id": "", "center": ""},
])  # fmt: skip


def _make(folder: Path, table: pd.DataFrame = TABLE, orientation: int = 1) -> Path:
    write_films(folder / "images", orientation=orientation)
    (folder / "images" / "c.jpg").write_bytes((folder / "images" / "a.jpg").read_bytes())
    write_labelme(folder / "Annotations", label="giant cell tumor", polygon=True)
    table.to_excel(folder / "dataset.xlsx", index=False)
    return folder


@pytest.fixture
def source(tmp_path: Path) -> Path:
    return _make(tmp_path)


def _read(source: Path, **options: object) -> Imported:
    return PLUGIN.read(source, ImportOptions(**options))  # type: ignore[arg-type]


def test_one_case_per_film_with_the_largest_lesion(source: Path) -> None:
    frame = _read(source).frame.set_index("case_id")
    assert list(frame.index) == ["a-1", "b-1", "c-c"]
    # 30 x 20 is larger than 20 x 20
    assert frame.loc["a-1", CORNERS].tolist() == [40, 30, 70, 50]
    facts = ["label", "subtype", "site", "view", "centre", "cohort", "sex"]
    assert frame.loc["a-1", facts].tolist() == [
        "non-benign", "giant cell tumor", "tibia|knee-joint", "frontal", "1", "external", "f",
    ]  # fmt: skip
    # without a bone of its own, the part of the body says where
    assert frame.loc["b-1", facts].tolist() == [
        "non-benign", "osteosarcoma", "pelvis", "frontal|lateral", "3", "external", "m",
    ]  # fmt: skip


def test_normal_films_have_no_box_and_no_site(source: Path) -> None:
    row = _read(source).frame.set_index("case_id").loc["c-c"]
    assert row[CORNERS].isna().all()
    assert row[["label", "site", "subtype", "view"]].tolist() == ["normal", "", "", "frontal"]


def test_each_and_union(source: Path) -> None:
    assert list(_read(source, lesions="each").frame["case_id"]) == ["a-1", "a-2", "b-1", "c-c"]
    assert _read(source, lesions="union").frame.loc[0, CORNERS].tolist() == [10, 5, 70, 50]


@pytest.mark.parametrize(
    ("scheme", "labels"),
    [
        # giant cell tumour is benign in the data set, non-benign in the study
        ("study", ["benign", "non-benign", "benign", "non-benign"]),
        ("btxrd", ["benign", "benign", "benign", "non-benign"]),
        # synovial osteochondroma is chondromatosis: intermediate in 2020
        ("who2020", ["benign", "non-benign", "non-benign", "non-benign"]),
    ],
)
def test_label_schemes(tmp_path: Path, scheme: str, labels: list[str]) -> None:
    kinds = ("osteofibroma", "giant cell tumor", "synovial osteochondroma", "other mt")
    rows = [{"image_id": "a.jpeg", "center": 1, "tumor": 1, "malignant": int(k == "other mt"), k: 1} for k in kinds]
    found = []
    for row in rows:
        _make(tmp_path, pd.DataFrame([row]))
        found += _read(tmp_path, labels=scheme).frame["label"].tolist()
    assert found == labels


def test_internal_centres(source: Path) -> None:
    assert _read(source, internal=("1",)).frame["cohort"].tolist() == ["internal", "external", "internal"]


def test_both_published_spellings_are_read(tmp_path: Path) -> None:
    row = {"Image_ID ": "a.jpeg", "center": 2, "tumor": 1, "malignant": 0}
    first = {**row, "hip-joint": 1, "lower limb": 1, "osteochondroma": 1}
    second = {**row, "hip": 1, "lower limbs": 1, "osteochondroma": 1}
    sites = [_read(_make(tmp_path, pd.DataFrame([r]))).frame["site"].tolist() for r in (first, second)]
    assert sites == [["hip-joint"], ["hip-joint"]]


def test_quirks_are_counted(tmp_path: Path) -> None:
    rows = [
        {"image_id": "a.jpeg", "center": 1, "tumor": 1, "malignant": 0, "osteochondroma": 1, "simple bone cyst": 1},
        {"image_id": "b.jpeg", "center": 1, "tumor": 1, "malignant": 0, "tibia": 1, "fibula": 1, "frontal": 1, "lateral": 1},
        {"image_id": "lost.jpeg", "center": 1, "tumor": 1, "malignant": 0},
    ]  # fmt: skip
    imported = _read(_make(tmp_path, pd.DataFrame(rows)))
    assert imported.frame["subtype"].tolist() == ["unknown", "unknown"]
    for note in (
        "1 tumour films have several subtypes: unknown",
        "1 tumour films have no view",
        "1 tumour films have several views",
        "1 tumour films have several sites",
        "1 films lack film or annotation (lost)",
    ):
        assert note in imported.notes


def test_counts_are_compared_with_the_published_ones(source: Path) -> None:
    notes = _read(source).notes
    for line in (
        "normal: 1879 expected, 1 found  <- differs",
        "benign: 1525 expected, 1 found  <- differs",
        "giant cell tumor: 93 expected, 1 found  <- differs",
        "pelvis: 105 expected, 1 found  <- differs",
        "centre 3 malignant: 31 expected, 1 found  <- differs",
        "centre 2 normal: 259 expected, 0 found  <- differs",
        # films a and b have three rectangles, each with its polygon
        "rectangles: about 2324 expected, 3 found",
        "polygons: about 2318 expected, 3 found",
        "centres 2 and 3 are web teaching files",
    ):
        assert line in notes


def test_a_count_that_is_right_does_not_differ(tmp_path: Path) -> None:
    table = pd.concat([TABLE.iloc[:2], *[TABLE.iloc[[2]].assign(image_id=f"n{i}.jpeg", center=3) for i in range(27)]])
    assert "centre 3 normal: 27 expected, 27 found" in _read(_make(tmp_path, table)).notes


def test_groups_are_hashed(source: Path) -> None:
    names = ["Smith John (1).jpg", "Smith John (2).jpg", ""]
    table = pd.DataFrame({"image_id": ["a.jpeg", "b.jpeg", "c.jpeg"], "Original Name": names})
    table.to_excel(source / "groups.xlsx", index=False)
    imported = _read(source, groups=source / "groups.xlsx")
    patients = imported.frame["patient_id"].tolist()
    assert patients[0] == patients[1] != ""
    assert patients[2] == ""
    assert imported.needs_patients
    assert not imported.frame.astype(str).apply(lambda c: c.str.contains("Smith")).any(axis=None)
    assert "Smith" not in " ".join(imported.notes)


def test_masks_are_drawn_around_their_lesion(source: Path, tmp_path: Path) -> None:
    imported = _read(source, masks=tmp_path / "masks")
    assert not (tmp_path / "masks").exists()
    mask = imported.masks[0]
    assert imported.root / imported.frame.loc[0, "mask"] == mask.path == tmp_path / "masks" / "a-1.png"
    assert (imported.root / imported.frame.loc[0, "image"]).is_file()
    pixels = filled(mask.polygons[0], width=mask.width, height=mask.height)
    expected = np.zeros(SIZE[::-1], dtype=np.uint8)
    expected[30:50, 40:70] = 255
    np.testing.assert_array_equal(pixels, expected)


@pytest.mark.parametrize("orientation", [3, 6, 8])
def test_a_mask_turns_with_its_film(tmp_path: Path, orientation: int) -> None:
    """The box of a turned film and the middle of its mask must be the same place (annotated size: stored, 80 x 60)."""
    source = _make(tmp_path, orientation=orientation)
    imported = _read(source, masks=tmp_path / "masks", box_frame="stored")
    mask = imported.masks[0]
    assert (mask.width, mask.height) == (SIZE if orientation == 3 else SIZE[::-1])
    rows, columns = np.nonzero(filled(mask.polygons[0], width=mask.width, height=mask.height))
    box = [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]
    assert imported.frame.loc[0, CORNERS].tolist() == box


@pytest.mark.parametrize(
    ("file", "content", "match"),
    [
        ("dataset.xlsx", b"PK\x03\x04 no zip", "not a readable table"),
        ("dataset.xlsx", b"", "not a readable table"),
        ("groups.xlsx", b"PK\x03\x04 no zip", "not a readable table"),
        ("Annotations/a.json", b'{"shapes": []}', "no tumour film"),
        ("Annotations/a.json", b"[1]", "expected LabelMe JSON"),
        (
            "Annotations/a.json",
            b'{"shapes": [{"points": [[1, 2], [3, 4]]}], "imageWidth": "wide", "imageHeight": 3}',
            "could not convert",
        ),
    ],
)
def test_broken_files_are_named(source: Path, file: str, content: bytes, match: str) -> None:
    (source / file).write_bytes(content)
    if file.startswith("Annotations"):
        # film a alone, so that its annotation is the only one
        TABLE.iloc[:1].to_excel(source / "dataset.xlsx", index=False)
    groups = source / "groups.xlsx" if file.startswith("groups") else None
    with pytest.raises(InputError, match=match):
        _read(source, groups=groups)


def test_a_table_without_its_columns_is_named(source: Path) -> None:
    TABLE.drop(columns="tumor").to_excel(source / "dataset.xlsx", index=False)
    with pytest.raises(InputError, match="the table lacks tumor"):
        _read(source)
    TABLE.to_excel(source / "dataset.xlsx", index=False)
    TABLE.to_excel(source / "groups.xlsx", index=False)
    with pytest.raises(InputError, match="expected the columns image_id and Original Name"):
        _read(source, groups=source / "groups.xlsx")
