"""Manifests: defaults, all faults at once, joins; vocabulary and derived facts."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from robustkit.cohort.derive import derive
from robustkit.cohort.manifest import check_manifest, join_manifests, read_manifest
from robustkit.cohort.vocabulary import read_vocabulary
from robustkit.errors import InputError, ManifestError

GOOD = "case_id,image,x0,y0,x1,y1,label\na,a.png,0,0,10,10,benign\nb,sub/b.png,1,2,3,4.5,malignant\n"


def _write(folder: Path, text: str, name: str = "m.csv") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def test_defaults_are_filled_in(tmp_path: Path) -> None:
    manifest = read_manifest(_write(tmp_path, "\ufeff" + GOOD))
    cases = list(manifest.cases())
    assert [c.patient_id for c in cases] == ["a.png", "sub/b.png"]
    assert cases[1].image == tmp_path / "sub/b.png"
    assert cases[1].box.height == 2.5
    assert cases[0].spacing_mm is None
    assert not manifest.has_patients
    assert manifest.sources[0].n_cases == 2


def test_all_faults_come_at_once(tmp_path: Path) -> None:
    text = (
        GOOD.replace("label\n", "label,split\n")
        .replace("benign\n", "benign,test\n")
        .replace("malignant\n", "malignant,dev\n")
    )
    text += "a,c.png,5,5,5,9,benign,test\n,../d.png,0,0,nan,1,tumor,\ne,/etc/x.png,0,9,4,2,benign,\n"
    with pytest.raises(ManifestError, match="bad values in 4 rows") as caught:
        read_manifest(_write(tmp_path, text), labels=frozenset({"benign", "malignant"}))
    found = {(r.row, r.column) for r in caught.value.rows}
    assert found == {
        (2, "split"), (3, "case_id"), (3, "x1"), (4, "case_id"), (4, "x1"), (4, "image"), (4, "label"), (5, "image"), (5, "y1"),
    }  # fmt: skip
    assert "row 3, x1 = '5..5'" in str(caught.value)


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("case_id,image,x0,y0,x1,label\na,a.png,0,0,1,benign\n", "y1 is missing"),
        ("case_id,image,x0,y0,x1,y1,label\n", "no rows"),
        ("", "not a readable table"),
    ],
)
def test_broken_tables_are_named(tmp_path: Path, text: str, match: str) -> None:
    with pytest.raises(InputError, match=match):
        read_manifest(_write(tmp_path, text))


def test_a_missing_manifest_and_bytes_are_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such manifest"):
        read_manifest(tmp_path / "nope.csv")
    (tmp_path / "x.csv").write_bytes(b"case_id,image\n\xff\xfe,\x81")
    with pytest.raises(InputError, match="expected UTF-8"):
        read_manifest(tmp_path / "x.csv")


def test_a_link_out_of_the_root_is_a_bad_row(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "out.png").write_text("")
    (tmp_path / "in" / "link.png").symlink_to(tmp_path / "out.png")
    text = "case_id,image,x0,y0,x1,y1,label\na,link.png,0,0,1,1,benign\n"
    with pytest.raises(ManifestError, match="leaves the manifest's folder"):
        read_manifest(_write(tmp_path / "in", text))


def test_joined_manifests_keep_their_roots_and_fills(tmp_path: Path) -> None:
    (tmp_path / "x").mkdir()
    one = read_manifest(_write(tmp_path, GOOD), fills={"cohort": "internal"})
    two = read_manifest(
        _write(tmp_path / "x", GOOD.replace("\na,", "\nc,").replace("\nb,", "\nd,")), fills={"cohort": "external"}
    )
    joined = join_manifests([one, two])
    assert joined.frame["cohort"].tolist() == ["internal", "internal", "external", "external"]
    assert joined.frame["image_path"].iloc[2] == str(tmp_path / "x" / "a.png")
    with pytest.raises(ManifestError, match="share case_ids"):
        join_manifests([one, one])


def test_parquet_reads_like_csv(tmp_path: Path) -> None:
    from_csv = read_manifest(_write(tmp_path, GOOD))
    pd.read_csv(tmp_path / "m.csv").to_parquet(tmp_path / "m.parquet")
    pd.testing.assert_frame_equal(read_manifest(tmp_path / "m.parquet").frame, from_csv.frame)


@pytest.mark.parametrize(
    ("site", "own", "anatomical"),
    [
        ("femur", "limb", "limb"),
        ("pelvis", "axial", "limb"),
        ("Spine", "axial", "axial"),
        ("tibia|fibula", "limb", "limb"),
        ("tibia|spine", "mixed", "mixed"),
        ("hip-joint", "girdle", "girdle"),
        ("moon", "unknown", "unknown"),
        ("", "unknown", "unknown"),
    ],
)
def test_regions(site: str, own: str, anatomical: str) -> None:
    vocabulary = read_vocabulary()
    assert vocabulary.region(site) == own
    assert vocabulary.region(site, convention="anatomical") == anatomical


def test_groups_and_labels_follow_who_2020() -> None:
    vocabulary = read_vocabulary()
    assert vocabulary.group("Giant cell tumor") == "intermediate"
    assert vocabulary.group("synovial osteochondroma") == "intermediate"
    assert vocabulary.group("osteosarcoma") == "malignant"
    assert vocabulary.label_of("simple bone cyst") == "benign"
    assert vocabulary.is_positive("Malignant") is True
    assert vocabulary.is_positive("normal") is False
    assert vocabulary.is_positive("purple") is None
    assert vocabulary.region("hip", girdle="axial") == "axial"


def test_a_vocabulary_of_ones_own(tmp_path: Path) -> None:
    (tmp_path / "sites.csv").write_text("site\nx\n")
    with pytest.raises(InputError, match="lacks bone"):
        read_vocabulary(tmp_path)


def test_sizes_by_hand() -> None:
    frame = pd.DataFrame({
        "site": ["femur", "moon"], "subtype": ["osteosarcoma", ""], "x0": [0.0, 0.0], "y0": [0.0, 0.0], "x1": [50.0, 10.0],
        "y1": [20.0, 30.0], "spacing_mm": [np.nan, 0.5], "film_width_px": [100.0, 100.0], "film_height_px": [200.0, 60.0],
        "film_spacing_mm": [0.2, 0.3], "film_spacing_source": ["detector plane", "detector plane"],
    })  # fmt: skip
    out = derive(frame, read_vocabulary())
    # 50 px at 0.2 mm; 30 px at the manifest's own 0.5 mm
    assert out["size_mm"].tolist() == [10.0, 15.0]
    assert out["size_source"].tolist() == ["detector plane", "calibrated"]
    assert out["size_frac"].tolist() == [0.25, 0.3]
    assert out["region"].tolist() == ["limb", "unknown"]
    assert out["group"].tolist() == ["malignant", "unknown"]


def test_a_mask_says_more_of_the_size_than_its_box() -> None:
    frame = pd.DataFrame({
        "site": ["femur"] * 2, "subtype": [""] * 2, "x0": [0.0] * 2, "y0": [0.0] * 2, "x1": [30.0] * 2, "y1": [40.0] * 2,
        "spacing_mm": [0.5] * 2, "mask_diameter_px": [50.0, np.nan],
    })  # fmt: skip
    # the diagonal of 30 x 40 px is 50 px; without a mask the longest side counts
    assert derive(frame, read_vocabulary())["size_mm"].tolist() == [25.0, 20.0]


def test_good_and_bad_rows_are_parted(tmp_path: Path) -> None:
    checked = check_manifest(_write(tmp_path, GOOD + "c,c.png,0,0,0,1,benign\n"))
    assert checked.manifest is not None
    assert checked.manifest.frame["case_id"].tolist() == ["a", "b"]
    assert [(f.row, f.column) for f in checked.faults] == [(3, "x1")]
    assert check_manifest(_write(tmp_path, GOOD[: GOOD.index("a,")] + "c,c.png,0,0,0,1,x\n")).manifest is None


def test_labels_match_in_any_case_and_near_ones_are_named(tmp_path: Path) -> None:
    labels = read_vocabulary().labels
    read_manifest(_write(tmp_path, GOOD.replace("malignant", "Malignant")), labels=labels)
    read_manifest(_write(tmp_path, GOOD.replace("malignant", "osteosarcoma")), labels=labels)
    with pytest.raises(ManifestError, match="unknown label; known: .*malignant"):
        read_manifest(_write(tmp_path, GOOD.replace("malignant", "malignnt")), labels=labels)
    with pytest.raises(ManifestError, match="neither a class nor in the vocabulary"):
        read_manifest(_write(tmp_path, GOOD.replace("malignant", "zzzz")), labels=labels)


def test_rows_of_shared_case_ids_count_in_their_own_file(tmp_path: Path) -> None:
    one = read_manifest(_write(tmp_path, GOOD))
    two = read_manifest(_write(tmp_path, GOOD.replace("\na,", "\nx,"), "n.csv"))
    with pytest.raises(ManifestError, match="share case_ids") as caught:
        join_manifests([one, two])
    # b is the second row of both files
    assert [(r.row, r.value, r.reason[-5:]) for r in caught.value.rows] == [(2, "b", "m.csv"), (2, "b", "n.csv")]
