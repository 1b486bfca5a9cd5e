"""Readings are checked whole: every fault is named with its row, none is left out, practice is counted apart."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from robustkit.analysis.readings import Known, read_readings, read_study, scale_of
from robustkit.errors import InputError, ReadingsError

KNOWN = Known((0.0, 100.0), 28.0)
HEAD = "reader_id,arm,case_id,score,read_at,seconds,label"
GOOD = (
    "r1,unaided,a,20,2026-01-01T09:00:00Z,10,benign",
    "r1,unaided,b,70,2026-01-01T09:01:00Z,11,osteosarcoma",
    "r1,aided,a,10,2026-02-20T09:00:00Z,12,benign",
    "r1,aided,b,90,2026-02-20T09:01:00Z,13,osteosarcoma",
)


def _csv(folder: Path, *rows: str, head: str = HEAD, name: str = "readings.csv") -> Path:
    file = folder / name
    file.write_text("\n".join([head, *rows]) + "\n", encoding="utf-8")
    return file


def _faults(folder: Path, *rows: str, known: Known = KNOWN) -> list[tuple[int, str, str, str]]:
    with pytest.raises(ReadingsError) as caught:
        read_readings([_csv(folder, *rows)], known)
    assert str(caught.value).count("\n  row ") == len(caught.value.rows)
    return [(r.row, r.column, r.value, r.reason) for r in caught.value.rows]


def test_good_readings(tmp_path: Path) -> None:
    found = read_readings([_csv(tmp_path, *GOOD)], KNOWN)
    assert (found.readers, found.arms, found.n_practice) == (("r1",), ("aided", "unaided"), 0)
    assert found.frame["score"].tolist() == [20, 70, 10, 90]
    assert found.warnings == ()


def test_all_faults_are_listed_together_with_their_rows(tmp_path: Path) -> None:
    known = Known((0.0, 100.0), 28.0, labels={"a": "benign", "b": "osteosarcoma"})
    found = _faults(
        tmp_path,
        *GOOD,
        "r1,aided,b,91,2026-02-20T09:02:00Z,13,osteosarcoma",  # 5: twice
        "r2,unaided,a,101,2026-01-01T09:00:00Z,10,benign",  # 6: off the scale, and r2 has no aided reading
        "r2,unaided,zz,50,2026-01-01T09:00:00Z,10,",  # 7: no such case
        "r3,unaided,a,50,2026-01-01T09:00:00Z,10,osteosarcoma",  # 8: another label
        "r3,aided,a,50,2026-01-11T09:00:00Z,-1,benign",  # 9: 10 days later, and a time below 0
        "r3,aided,b,,yesterday,10,",  # 10: no rating, no date
        known=known,
    )
    assert [(row, column) for row, column, _, _ in found] == [
        (5, "case_id"), (6, "arm"), (6, "score"), (7, "case_id"), (8, "label"), (9, "read_at"), (9, "seconds"), (10, "read_at"),
        (10, "score"),
    ]  # fmt: skip
    said = {(row, column): reason for row, column, _, reason in found}
    assert said[5, "case_id"] == "read twice by r1 aided"
    assert said[6, "arm"] == "r2 has no aided reading"
    assert said[7, "case_id"] == "there is no such case"
    assert said[8, "label"] == "a is benign elsewhere"
    assert said[9, "read_at"] == "10.0 days after the other reading of this case; the washout is 28"


def test_a_nameless_reader_and_a_word_that_is_no_decision(tmp_path: Path) -> None:
    file = _csv(
        tmp_path, *(f"{row}," for row in GOOD), ",aided,a,10,2026-02-20T09:00:00Z,12,benign,",
        "r2,aided,a,10,2026-02-20T09:00:00Z,12,benign,maybe", "r2,unaided,a,10,2026-01-01T09:00:00Z,12,benign,",
        head=f"{HEAD},decision",
    )  # fmt: skip
    with pytest.raises(ReadingsError) as caught:
        read_readings([file], KNOWN)
    told = {(r.row, r.column): (r.value, r.reason) for r in caught.value.rows}
    assert told[5, "reader_id"] == ("", "nobody is named")
    assert told[6, "decision"][0] == "maybe"
    assert "expected" in told[6, "decision"][1]


def test_more_than_twenty_faults_are_all_said(tmp_path: Path) -> None:
    rows = [f"r1,{arm},c{i},999,,," for i in range(30) for arm in ("aided", "unaided")]
    with pytest.raises(ReadingsError) as caught:
        read_readings([_csv(tmp_path, *rows)], KNOWN)
    assert len(caught.value.rows) == 60
    assert "rows 1-60, score: expected a rating from 0 to 100 (60 rows)" in str(caught.value)


def test_rows_with_one_fault_are_named_as_ranges(tmp_path: Path) -> None:
    rows = [f"r1,{arm},c{i},{999 if i % 4 else 9},,," for arm in ("aided", "unaided") for i in range(8)]
    with pytest.raises(ReadingsError) as caught:
        read_readings([_csv(tmp_path, *rows)], KNOWN)
    assert "rows 2-4, 6-8, 10-12, 14-16, score" in str(caught.value)


def test_a_washout_of_0_asks_for_none(tmp_path: Path) -> None:
    same_day = [r.replace("2026-02-20", "2026-01-01") for r in GOOD]
    assert len(read_readings([_csv(tmp_path, *same_day)], Known((0.0, 100.0), 0.0)).frame) == 4


@pytest.mark.parametrize("arms", [("unaided", "unaided"), ("a", "b", "c")])
def test_two_arms_are_needed(tmp_path: Path, arms: tuple[str, ...]) -> None:
    rows = [f"r1,{arm},c{i},50,,," for i, arm in enumerate(arms)]
    assert [(r, c) for r, c, _, _ in _faults(tmp_path, *rows)] == [(1, "arm")]


def test_labels_that_contradict_each_other_without_a_run(tmp_path: Path) -> None:
    rows = (*GOOD[:3], GOOD[3].replace("osteosarcoma", "benign"))
    assert _faults(tmp_path, *rows) == [(4, "label", "benign", "b is osteosarcoma elsewhere")]


def test_codes_are_named_by_the_key_of_their_reader(tmp_path: Path) -> None:
    key = pd.DataFrame({"reader_id": ["r1", "r2"], "code": ["AB", "AB"], "case_id": ["a", "b"]})
    head = "study,reader_id,arm,code,practice,score,decision,read_at,seconds"
    rows = [f"s,{r},{arm},AB,false,50,refer,," for r in ("r1", "r2") for arm in ("aided", "unaided")]
    file = _csv(tmp_path, *rows, "s,r1,aided,XX,true,50,refer,,", head=head)
    found = read_readings([file], Known((0.0, 100.0), 28.0, key, study="s"))
    assert found.n_practice == 1
    assert dict(zip(found.frame["reader_id"], found.frame["case_id"], strict=True)) == {"r1": "a", "r2": "b"}
    assert any("4 of 4 readings have no date" in w for w in found.warnings)
    with pytest.raises(ReadingsError, match="another study than t"):
        read_readings([file], Known((0.0, 100.0), 28.0, key, study="t"))
    with pytest.raises(ReadingsError, match="no such code of this reader"):
        read_readings([_csv(tmp_path, *rows, "s,r1,aided,XX,false,50,refer,,", head=head)], Known((0, 100), 28, key))
    with pytest.raises(InputError, match="what they stand for"):
        read_readings([file], KNOWN)


def test_json_of_a_pack_and_csv_say_the_same(tmp_path: Path) -> None:
    rows = [dict(zip(HEAD.split(","), r.split(","), strict=True)) for r in GOOD]
    typed = [{**r, "score": int(r["score"]), "seconds": float(r["seconds"]), "practice": False} for r in rows]
    file = tmp_path / "readings.json"
    file.write_text(json.dumps({"readings": typed}), encoding="utf-8")
    pd.testing.assert_frame_equal(
        read_readings([file], KNOWN).frame, read_readings([_csv(tmp_path, *GOOD)], KNOWN).frame
    )


def test_rows_of_several_files_say_their_file(tmp_path: Path) -> None:
    one = _csv(tmp_path, *GOOD, name="one.csv")
    two = _csv(tmp_path, "r2,aided,a,-3,,,", "r2,unaided,a,3,,,", name="two.csv")
    with pytest.raises(ReadingsError) as caught:
        read_readings([one, two], KNOWN)
    assert [(r.row, r.column) for r in caught.value.rows] == [(1, "score")]
    assert "two.csv" in caught.value.rows[0].reason


@pytest.mark.parametrize("content", ["", "a,b\n1,2\n", "{", "reader_id,arm,score\nr1,aided,3\n"])
def test_a_file_that_is_no_table_of_readings(tmp_path: Path, content: str) -> None:
    file = tmp_path / ("readings.json" if content == "{" else "readings.csv")
    file.write_text(content, encoding="utf-8")
    with pytest.raises(InputError):
        read_readings([file], KNOWN)


def test_practice_alone_is_no_reading(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no reading that counts"):
        read_readings([_csv(tmp_path, "r1,aided,a,3,true", head="reader_id,arm,case_id,score,practice")], KNOWN)


def test_cases_read_in_one_arm_alone_are_said(tmp_path: Path) -> None:
    found = read_readings([_csv(tmp_path, *GOOD, "r1,aided,c,5,2026-02-20T09:03:00Z,3,")], KNOWN)
    assert found.warnings == ("r1: 1 cases were read in one arm alone; they are in no comparison of the arms.",)


@pytest.mark.parametrize("text", ["5", "5-1", "a-b", "1-1", "0-inf", "nan-3", ""])
def test_a_scale_that_is_none(text: str) -> None:
    with pytest.raises(InputError, match="rising"):
        scale_of(text)


def test_scales() -> None:
    assert scale_of("1-5") == (1, 5)
    assert np.isclose(scale_of("0-0.5"), (0, 0.5)).all()


def test_a_study_without_its_key(tmp_path: Path) -> None:
    (tmp_path / "study.json").write_text("{}", encoding="utf-8")
    with pytest.raises(InputError, match="study cannot be read"):
        read_study(tmp_path)
