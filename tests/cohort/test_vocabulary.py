"""The words of the published data sets are all there, with codes that other sources know."""

from __future__ import annotations

import csv
import re
from importlib.resources import files

import pytest
from robustkit.cohort.vocabulary import read_vocabulary

# facts of the data set's paper: both published spellings of the multi-hot columns
BTXRD_SITES = (
    "hand", "ulna", "radius", "humerus", "foot", "tibia", "fibula", "femur", "hip bone", "ankle-joint", "knee-joint",
    "hip-joint", "wrist-joint", "elbow-joint", "shoulder-joint", "ankle", "knee", "hip", "wrist", "elbow", "shoulder",
    "upper limb", "lower limb", "lower limbs", "pelvis",
)  # fmt: skip
GROUPS = {
    "osteochondroma": "benign", "multiple osteochondromas": "benign", "simple bone cyst": "benign", "other bt": "benign",
    "osteofibroma": "benign", "giant cell tumor": "intermediate", "synovial osteochondroma": "intermediate",
    "osteosarcoma": "malignant", "other mt": "malignant", "chondrosarcoma": "malignant", "adamantinoma": "malignant",
    "osteoblastoma": "intermediate", "desmoplastic fibroma": "intermediate", "haemangioma": "benign", "fracture": "unknown",
}  # fmt: skip


def _rows(name: str) -> list[dict[str, str]]:
    text = files("robustkit.data_manifests").joinpath("vocabulary", name).read_text(encoding="utf-8")
    return list(csv.DictReader(text.splitlines()))


def test_every_word_of_btxrd_and_fracatlas_has_a_region() -> None:
    vocabulary = read_vocabulary()
    for site in (*BTXRD_SITES, "leg"):
        assert vocabulary.region(site) != "unknown", site
    girdle = [s for s in BTXRD_SITES if vocabulary.region(s) == "girdle"]
    assert girdle == ["hip-joint", "shoulder-joint", "hip", "shoulder"]
    assert [s for s in BTXRD_SITES if vocabulary.region(s) == "axial"] == ["hip bone", "pelvis"]


@pytest.mark.parametrize(("subtype", "group"), GROUPS.items())
def test_every_subtype_has_its_group_and_label(subtype: str, group: str) -> None:
    vocabulary = read_vocabulary()
    assert vocabulary.group(subtype) == group
    assert vocabulary.knows_subtype(subtype)
    assert vocabulary.label_of(subtype) == ("benign" if group == "benign" else "non-benign")
    # a subtype is a label as well
    assert vocabulary.is_positive(subtype) is (group != "benign")
    assert subtype in vocabulary.labels


@pytest.mark.parametrize("convention", ["icd-o", "anatomical"])
@pytest.mark.parametrize("girdle", ["limb", "axial"])
def test_girdle_joints_go_where_they_are_sent(convention: str, girdle: str) -> None:
    vocabulary = read_vocabulary()
    for joint in ("hip", "shoulder-joint"):
        assert vocabulary.region(joint, convention=convention, girdle=girdle) == girdle  # type: ignore[arg-type]
    assert vocabulary.region("femur|hip", girdle="limb") == "limb"
    assert vocabulary.region("femur|hip") == "mixed"


def test_regions_follow_the_topography_code() -> None:
    """ICD-O: C40 is limb, C41 axial; a girdle joint has a row of its own, whatever its code."""
    rows = _rows("sites.csv")
    assert all(re.fullmatch(r"C4[01]\.\d", r["icdo_code"]) for r in rows)
    for row in rows:
        assert row["region_icdo"] == ("limb" if row["icdo_code"].startswith("C40") else "axial"), row["site"]
    # the anatomical convention moves both girdles, and nothing else, to the limbs
    moved = {r["site"] for r in rows if r["region_icdo"] != r["region_anatomical"]}
    assert moved == {"hip", "hip-joint", "clavicle", "pelvis", "hip bone", "ilium"}


def test_snomed_codes_are_those_of_pydicom() -> None:
    from pydicom.sr.codedict import codes

    given = {r["site"]: r["snomed_ct"] for r in _rows("sites.csv")}
    for site, name in {"femur": "Femur", "hip-joint": "HipJoint", "spine": "Spine", "ankle": "AnkleJoint"}.items():
        assert given[site] == getattr(codes.SCT, name).value


def test_every_word_has_an_edition_and_stands_once() -> None:
    subtypes, sites = _rows("subtypes.csv"), _rows("sites.csv")
    assert all(r["edition"] for r in (*subtypes, *sites))
    words = [w for r in subtypes for w in (r["subtype"], *filter(None, r["aliases"].split("|")))]
    assert len(words) == len(set(words))
    assert len({r["site"] for r in sites}) == len(sites)
    for row in subtypes:
        behaviour = {"benign": "0", "intermediate": "1", "malignant": "3"}.get(row["group"], "")
        assert row["icdo_morphology"][-1:] in ("", behaviour), row["subtype"]


def test_unmapped_words_are_told_one_by_one() -> None:
    assert read_vocabulary().unmapped_sites("tibia|moon| Mars ") == ("moon", "Mars")
