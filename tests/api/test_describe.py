"""describe: counts that can be checked by hand."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image
from robustkit.api.describe import describe
from robustkit.errors import InputError

TABLE = """case_id,image,x0,y0,x1,y1,label,patient_id,cohort,split,centre,subtype,site,view,spacing_mm
1,a.png,0,0,10,20,malignant,p,internal,train,1,osteosarcoma,femur,frontal,0.5
2,a.png,0,0,60,20,benign,p,internal,val,1,osteochondroma,tibia|fibula,lateral,0.5
3,b.png,0,0,10,20,non-benign,q,external,test,2,giant cell tumour,pelvis,frontal,
4,gone.png,0,0,10,90,normal,r,external,test,2,,hip|moon,,1.0
5,b.png,0,0,10,20,purple,r,external,test,2,weird,moon,,1.0
"""


@pytest.fixture
def manifest(tmp_path: Path) -> Path:
    for name in ("a.png", "b.png"):
        Image.new("L", (100, 80)).save(tmp_path / name)
    (tmp_path / "m.csv").write_text(TABLE)
    return tmp_path / "m.csv"


def test_counts_by_hand(manifest: Path) -> None:
    found = describe(manifest=[manifest])
    assert (found.n_cases, found.n_films, found.n_patients, found.has_patients) == (5, 3, 3, True)
    counts = {(c.by, c.value): (c.n_cases, c.n_patients, c.n_positive) for c in found.counts}
    assert counts["cohort", "external"] == (3, 2, 1)
    assert counts["split", "test"] == (3, 2, 1)
    assert counts["centre", "1"] == (2, 1, 1)
    assert counts["group", "intermediate"] == (1, 1, 1)
    assert counts["group", "malignant"] == (1, 1, 1)
    assert counts["region", "limb"] == (2, 1, 1)
    assert counts["region", "axial"] == (1, 1, 1)
    assert counts["region", "mixed"] == (1, 1, 0)
    assert counts["region", "unknown"] == (1, 1, 0)
    assert counts["view", "frontal"] == (2, 2, 2)
    # longest sides 20 and 60 px at 0.5 mm, 90 and 20 px at 1 mm
    assert counts["size", "<20 mm"] == (1, 1, 1)
    assert counts["size", "20-50 mm"] == (2, 2, 0)
    assert counts["size", ">=80 mm"] == (1, 1, 0)
    assert counts["size_source", "none"] == (1, 1, 1)


def test_every_variable_counts_every_case(manifest: Path) -> None:
    totals: dict[str, int] = {}
    for count in describe(manifest=[manifest]).counts:
        totals[count.by] = totals.get(count.by, 0) + count.n_cases
    assert set(totals.values()) == {5}
    assert {"cohort", "split", "centre", "subtype", "group", "region", "site", "size", "view"} <= set(totals)


def test_unmapped_words_are_counted(manifest: Path) -> None:
    assert describe(manifest=[manifest]).unmapped == (
        "label purple (1 cases)", "site moon (2 cases)", "subtype weird (1 cases)",
    )  # fmt: skip


def test_a_manifest_that_cannot_be_used_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such manifest"):
        describe(manifest=[tmp_path / "m.csv"])
