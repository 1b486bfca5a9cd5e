"""Facts that models may read: sizes of the box shown, spacing of manifest or film, diagnoses barred."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from robustkit.cohort.case import Case
from robustkit.cohort.derive import box_sizes, derive
from robustkit.cohort.facts import BARRED, check_names, facts_of
from robustkit.cohort.manifest import read_manifest
from robustkit.cohort.vocabulary import read_vocabulary
from robustkit.errors import UnknownNameError
from robustkit.geometry import Box

CASE = Case(
    "c", Path("c.png"), Box(0, 0, 40, 20), "benign", "p", "train", 0.5,
    {"site": "Femur", "sex": " F ", "age_years": "nan", "subtype": "osteosarcoma", "cohort": "internal", "view": "unknown",
     "film_width_px": "100", "film_height_px": "400", "film_spacing_mm": "0.2"},
)  # fmt: skip
BOXES = np.array([[0.0, 0, 40, 20], [0, 0, 10, 60]])


def facts(case: Case = CASE) -> dict[str, object]:
    return dict(facts_of(case, BOXES, vocabulary=read_vocabulary()))


def test_sizes_are_those_of_the_boxes_shown() -> None:
    found = facts()
    np.testing.assert_array_equal(found["size_px"], [40, 60])
    np.testing.assert_array_equal(found["size_mm"], [20, 30])
    np.testing.assert_array_equal(found["size_frac"], [0.1, 0.15])


def test_the_manifests_spacing_is_stronger_than_the_films_and_without_either_mm_are_unknown() -> None:
    np.testing.assert_allclose(facts(replace(CASE, spacing_mm=None))["size_mm"], [8, 12])  # type: ignore[arg-type]
    bare = facts(replace(CASE, spacing_mm=None, facts={}))
    assert np.isnan(bare["size_mm"]).all()  # type: ignore[call-overload]
    assert np.isnan(bare["size_frac"]).all()  # type: ignore[call-overload]
    assert bare["region"] == ""


def test_names_are_text_and_what_is_not_known_is_empty() -> None:
    found = facts()
    assert (found["region"], found["sex"], found["age_years"], found["view"]) == ("limb", "F", "", "")


def test_the_diagnosis_and_the_names_of_cases_are_no_facts() -> None:
    assert not set(BARRED) & set(facts())


def test_the_table_of_cases_has_the_same_sizes_and_regions(tmp_path: Path) -> None:
    text = "case_id,image,x0,y0,x1,y1,label,site,spacing_mm\na,a.png,0,0,30,10,benign,pelvis,0.4\nb,b.png,5,5,9,45,benign,,\n"
    (tmp_path / "m.csv").write_text(text)
    manifest = read_manifest(tmp_path / "m.csv")
    table = derive(manifest.frame, read_vocabulary())
    for case, row in zip(manifest.cases(), table.to_dict("records"), strict=True):
        own = facts_of(case, case.box.array()[None], vocabulary=read_vocabulary())
        for name in ("size_px", "size_mm", "size_frac"):
            np.testing.assert_array_equal(own[name], [row[name]])
        assert (own["region"] or "unknown") == row["region"]


def test_sizes_broadcast() -> None:
    boxes = np.arange(24.0).reshape(2, 3, 4) ** 2
    found = box_sizes(boxes, spacing_mm=np.array([[0.5], [np.nan]]), film_px=np.float64(1000))
    assert found["size_mm"].shape == (2, 3)
    assert np.isnan(found["size_mm"][1]).all()


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("age", "no case has the fact 'age'.*Did you mean age_years"),
        ("zzz", "no case has the fact 'zzz'.*Known: age_years, sex, site"),
        ("subtype", "the fact 'subtype' holds the diagnosis.*Choose among age_years, sex, site"),
        ("split", "says how cases were dealt out"),
        ("reference", "is known only once the diagnosis is"),
        ("patient_id", "names a case or a file"),
    ],
)
def test_unknown_and_barred_facts(name: str, said: str) -> None:
    with pytest.raises(UnknownNameError, match=said):
        check_names([name], ["sex", "site", "age_years", "subtype"], where="--facts")
