"""Keyed hashes of ids: values of another implementation, the key's file, what hashing does not hide."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pandas as pd
import pytest
from robustkit.cohort.hashed import HashKey, hash_key, plain_ids_in
from robustkit.errors import InputError

KEY = HashKey(bytes(range(32)))


@pytest.mark.parametrize(
    ("column", "expected"),
    [("patient_id", "6e7f95983e0f68344685b58371ddcf0d"), ("lesion_id", "2ef906bb94d30b6b8188e70dc6242e86")],
)
def test_hashes_are_those_of_openssl(column: str, expected: str) -> None:
    # printf P0001 | openssl mac -macopt hexkey:000102..1f -macopt size:16 -macopt custom:COLUMN BLAKE2BMAC  (OpenSSL 3.0.19)
    assert KEY.hashes(column, ["P0001"]) == [expected]


def test_equal_names_meet_however_they_are_composed() -> None:
    composed, decomposed = KEY.hashes("patient_id", ["M\u00fcller", "Mu\u0308ller"])
    assert composed == decomposed
    assert HashKey(bytes(32)).hashes("patient_id", ["M\u00fcller"]) != [composed]


def test_the_secret_shows_nowhere() -> None:
    for shown in (repr(KEY), str(KEY), str(KEY.to_dict())):
        assert KEY.secret.hex() not in shown
        assert repr(KEY.secret) not in shown
    assert re.fullmatch("[0-9a-f]{16}", KEY.name)


def test_a_key_is_made_once_and_for_its_owner_alone(tmp_path: Path) -> None:
    file = tmp_path / "deep" / "robustkit.key"
    first = hash_key(file)
    assert file.stat().st_mode & 0o777 == 0o600
    assert list(file.parent.iterdir()) == [file]
    again = hash_key(file)
    assert again.secret == first.secret
    assert not again.is_open
    assert hash_key(tmp_path / "other.key").secret != first.secret
    file.chmod(0o644)
    assert hash_key(file).is_open


@pytest.mark.parametrize("content", ["", "abcd\n", "not hex\n", "00" * 33, "schl\u00fcssel"])
def test_a_file_that_is_no_key_is_refused_and_kept(tmp_path: Path, content: str) -> None:
    file = tmp_path / "robustkit.key"
    file.write_text(content, encoding="utf-8")
    with pytest.raises(InputError, match="expected a key of 64 hex digits"):
        hash_key(file)
    assert file.read_text(encoding="utf-8") == content


def test_a_key_that_may_not_be_read_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "robustkit.key").mkdir()
    with pytest.raises(InputError, match="expected a key"):
        hash_key(tmp_path / "robustkit.key")


def test_a_file_system_without_hard_links_is_served(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(1, "no links here")

    monkeypatch.setattr(os, "link", refuse)
    assert hash_key(tmp_path / "k").secret == hash_key(tmp_path / "k").secret
    assert [p.name for p in tmp_path.iterdir()] == ["k"]


def test_ids_inside_other_text_are_counted() -> None:
    frame = pd.DataFrame({
        "case_id": ["4711-1", "b", "c", "99"],
        "image": ["films/4711.png", "films/b.png", "films/c.png", "films/99.png"],
        "patient_id": ["4711", "4712", "films/c.png", "99"],  # the third patient is unknown, the fourth too short to tell
        "lesion_id": ["4711-1", "b", "c", "99"],
        "remark": ["", "sister of 4711", "", ""],
        "age_years": [4711.0, 1.0, 2.0, 3.0],
    })  # fmt: skip
    assert plain_ids_in(frame) == {"case_id": 1, "image": 1}
    assert plain_ids_in(frame.assign(remark="seen with 4712")) == {"case_id": 1, "image": 1, "remark": 1}
