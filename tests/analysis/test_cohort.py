"""Who is judged, and as what."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from robustkit.analysis.cohort import Judged, judged_cases
from robustkit.cohort.vocabulary import read_vocabulary
from robustkit.errors import InputError, RunError

from factories import Answers, plain_cases, write_run

VOCABULARY = read_vocabulary()


def read(path: Path, cases: pd.DataFrame, *, positive: tuple[str, ...] = (), **record: object) -> Judged:
    run = write_run(path / "run", cases, {"m": Answers(np.full(len(cases), 0.5))}, **record)
    return judged_cases(run, run.record(), VOCABULARY, positive=positive)


def labels(n: int) -> list[str]:
    return ["benign", "non-benign"] * (n // 2)


def test_splits_by_hand(tmp_path: Path) -> None:
    cases = plain_cases(
        label=labels(8),
        cohort=["internal"] * 5 + ["external"] * 3,
        split=["train", "val", "test", "test", "", "", "", ""],
    )
    found = read(tmp_path, cases)
    assert found.frame["case_id"].tolist() == [f"c0{i}" for i in range(1, 8)]
    # c04 names no split in a cohort that has splits: left out; the external cohort has none: all of it
    assert found.frame["case_id"][found.judged].tolist() == ["c02", "c03", "c05", "c06", "c07"]
    assert found.frame["case_id"][found.development].tolist() == ["c01"]
    assert found.trained["case_id"].tolist() == ["c00"]
    assert found.cohorts == ("all", "internal", "external")
    assert (found.split_of("internal"), found.split_of("external")) == ("test", "none given")
    assert found.in_cohort("external").tolist() == [False] * 4 + [True] * 3
    assert found.in_cohort("all").tolist() == found.judged.tolist()
    with pytest.raises(ValueError, match="read-only"):
        found.in_cohort("internal")[0] = False


def test_a_cohort_called_all_is_not_told_twice(tmp_path: Path) -> None:
    cases = plain_cases(label=labels(4), cohort=["all", "all", "b", "b"], split=["test"] * 4, patient_id=list("wxyz"))
    found = read(tmp_path / "two", cases)
    assert found.cohorts == ("all", "b")
    assert found.in_cohort("all").all()
    assert 'a cohort is called "all"' in found.warnings[0]
    alone = read(tmp_path / "one", cases.assign(cohort="all"))
    assert (alone.cohorts, alone.warnings) == (("all",), ())


def test_val_rows_of_other_cohorts_are_no_development_rows(tmp_path: Path) -> None:
    cases = plain_cases(label=labels(4), cohort=["internal", "external"] * 2, split=["val", "val", "test", "test"])
    found = read(tmp_path, cases)
    assert found.frame["case_id"][found.development].tolist() == ["c00"]
    assert found.judged.sum() == 2


def test_no_split_at_all_warns(tmp_path: Path) -> None:
    cases = plain_cases(label=labels(4), patient_id=["a", "a", "b", "c"])
    found = read(tmp_path, cases)
    assert found.judged.all()
    assert found.cohorts == ("cohort",)
    assert found.warnings == ("no split given: if the model has seen these films, every number is too good.",)
    assert found.patients.tolist() == [0, 0, 1, 2]


def test_patients_are_films_where_they_are_unknown(tmp_path: Path) -> None:
    cases = plain_cases(label=labels(4), image=["a.png", "a.png", "b.png", "c.png"], split="test")
    found = read(tmp_path, cases)
    assert found.patients.tolist() == [0, 0, 1, 2]
    assert len(found.warnings) == 1
    assert found.warnings[0].startswith("patients are unknown")
    some = read(tmp_path / "some", cases.assign(patient_id=["p", None, "", "p"]))
    # p, the film a.png, the film b.png, p
    assert some.patients.tolist() == [2, 0, 1, 2]
    assert some.warnings == ()


def test_facts_are_derived_where_the_folder_lacks_them(tmp_path: Path) -> None:
    cases = plain_cases(label=labels(2), site=["femur", "spine"], subtype=["enchondroma", "osteosarcoma"], split="test")
    found = read(tmp_path, cases).frame
    assert found["region"].tolist() == ["limb", "axial"]
    assert found["group"].tolist() == ["benign", "malignant"]
    assert found["size_px"].tolist() == [100.0, 100.0]
    own = read(tmp_path / "own", cases.assign(region=["leg", "back"])).frame
    assert own["region"].tolist() == ["leg", "back"]
    assert own["group"].tolist() == ["benign", "malignant"]


def test_truth_by_flag_by_model_by_vocabulary(tmp_path: Path) -> None:
    names = ["benign", "malignant", "intermediate", "tumour-x"]
    cases = plain_cases(label=names, split="test")
    by_model = [{"name": "m", "classes": ["tumour-x", "intermediate"], "positive": ["tumour-x"]}]
    # the model names two labels; the vocabulary knows the other two
    found = read(tmp_path, cases, models=by_model)
    assert found.positive.tolist() == [False, True, False, True]
    asked = read(tmp_path / "asked", cases, positive=("benign",))
    assert asked.positive.tolist() == [True, False, False, False]


@pytest.mark.parametrize(
    ("change", "record", "match"),
    [
        ({"label": ["benign", "tumour-x"]}, {}, "nothing says whether the label 'tumour-x' is positive"),
        ({"split": "train"}, {}, "no row is left to judge: the splits found are train"),
        (
            {},
            {"models": [
                {"name": "m", "classes": ["benign", "non-benign"], "positive": ["non-benign"]},
                {"name": "n", "classes": ["benign", "non-benign"], "positive": ["benign"]},
            ]},
            "the label 'benign' is positive for one model and negative for another",
        ),
    ],
)  # fmt: skip
def test_refusals(tmp_path: Path, change: dict[str, object], record: dict[str, object], match: str) -> None:
    cases = plain_cases(label=labels(2), split="test").assign(**change)
    with pytest.raises(InputError, match=match):
        read(tmp_path, cases, **record)


def test_a_positive_label_that_no_case_has(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no case has the label 'maligant'; the labels are benign, non-benign"):
        read(tmp_path, plain_cases(label=labels(2)), positive=("maligant",))


def test_damaged_folders(tmp_path: Path) -> None:
    cases = plain_cases(label=labels(2))
    with pytest.raises(RunError, match="the table of cases lacks x0, label"):
        _folder_with(tmp_path / "a", cases, cases.drop(columns=["label", "x0"]))
    with pytest.raises(RunError, match="the case 'c00' stands there twice"):
        _folder_with(tmp_path / "b", cases, cases.assign(case_id="c00"))
    with pytest.raises(RunError, match="the run is not complete"):
        read(tmp_path / "c", cases, status="partial")
    with pytest.raises(RunError, match=r"models\[0\] lacks classes, positive"):
        read(tmp_path / "d", cases, models=[{"name": "m"}])


def _folder_with(path: Path, cases: pd.DataFrame, damaged: pd.DataFrame) -> None:
    run = write_run(path, cases, {"m": Answers(np.full(len(cases), 0.5))})
    damaged.to_parquet(path / "cases.parquet")
    judged_cases(run, run.record(), VOCABULARY)


def test_patient_strata_by_hand(tmp_path: Path) -> None:
    cases = plain_cases(
        label=["benign", "non-benign", "benign", "benign", "benign", "benign"],
        patient_id=["a", "a", "b", "c", "d", "e"],
        cohort=["internal"] * 4 + ["external", "internal"],
        split=["test", "test", "test", "test", "", "val"],
    )
    found = read(tmp_path, cases).patient_strata()
    # external benign, internal benign (b, c), internal positive (a: one of two), and who is not judged (e)
    assert found.tolist() == [2, 1, 1, 0, 3]
