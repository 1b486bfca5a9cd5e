"""validate: bad rows and bad films of the same manifest, all at once."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from robustkit.api.validate import validate

HEAD = "case_id,image,x0,y0,x1,y1,label\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two good films of 40 x 30 px, one cut in half, one that is no film."""
    noise = np.random.default_rng(0).integers(0, 255, (30, 40), dtype=np.uint8)
    for name in ("a.jpg", "b.jpg"):
        Image.fromarray(noise).save(tmp_path / name)
    whole = (tmp_path / "a.jpg").read_bytes()
    (tmp_path / "half.jpg").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "no.jpg").write_text("<html>")
    return tmp_path


def _write(folder: Path, *rows: str, name: str = "m.csv") -> Path:
    (folder / name).write_text(HEAD + "\n".join(rows) + "\n")
    return folder / name


def test_a_good_manifest_is_good(folder: Path) -> None:
    found = validate(
        manifest=[_write(folder, "1,a.jpg,0,0,9,9,benign", "2,a.jpg,5,5,9,9,Malignant", "3,b.jpg,0,0,1,1,normal")]
    )
    assert found.is_good
    assert (found.n_cases, found.n_films) == (3, 2)


def test_both_kinds_of_one_manifest_are_listed(folder: Path) -> None:
    path = _write(
        folder,
        "1,a.jpg,0,0,9,9,benign",
        "2,a.jpg,9,0,9,9,benign",
        "3,half.jpg,0,0,9,9,benign",
        "4,no.jpg,0,0,9,9,purple",
        "5,no.jpg,0,0,9,9,benign",
        "6,gone.jpg,0,0,9,9,benign",
        "7,b.jpg,40,0,50,9,benign",
        "8,b.jpg,-9,0,1,9,benign",
    )
    found = validate(manifest=[path])
    assert [(r.manifest, r.row, r.column) for r in found.rows] == [(path, 2, "x1"), (path, 4, "label")]
    reasons = {f.case_id: f.reason for f in found.films}
    assert set(reasons) == {"3", "5", "6", "7"}
    assert "truncated" in reasons["3"]
    assert "another kind of file" in reasons["5"]
    assert reasons["6"] == "the film is missing."
    # columns 40 and up of a film of 40: half-open, so the box touches nothing
    assert reasons["7"] == "the box does not touch its film of 40 x 30 px"
    assert (found.n_cases, found.n_films) == (6, 5)
    assert not found.is_good


def test_truncated_films_can_be_allowed(folder: Path) -> None:
    path = _write(folder, "1,half.jpg,0,0,9,9,benign")
    assert [f.case_id for f in validate(manifest=[path]).films] == ["1"]
    assert validate(manifest=[path], allow_truncated=True).is_good


def test_several_manifests_are_looked_at_all(folder: Path) -> None:
    one = _write(folder, "1,a.jpg,0,0,9,9,benign", "2,a.jpg,0,0,9,9,", name="one.csv")
    two = _write(folder, "1,b.jpg,0,0,9,9,benign", "5,no.jpg,0,0,9,9,benign", name="two.csv")
    (folder / "three.csv").write_text("case_id,image\n1,a.jpg\n")
    found = validate(manifest=[one, two, folder / "three.csv", folder / "four.csv"])
    assert [(r.manifest.name, r.row, r.column) for r in found.rows] == [("one.csv", 2, "label")]
    assert [f.case_id for f in found.films] == ["5"]
    assert len(found.problems) == 3
    for text in ("1 case_id stands in", "x0, y0, x1, y1, label is missing", "no such manifest"):
        assert sum(text in p for p in found.problems) == 1


def test_shared_case_ids_are_told_once_with_the_mend(folder: Path) -> None:
    rows = [f"{i},a.jpg,0,0,9,9,benign" for i in range(1, 8)]
    one, two = _write(folder, *rows, name="one.csv"), _write(folder, *rows[:5], name="two.csv")
    three = _write(folder, rows[6], "new,a.jpg,0,0,9,9,benign", name="three.csv")
    said = validate(manifest=[one, two, three]).problems
    assert len(said) == 2
    assert said[0].startswith(f"{two}: 5 case_ids stand in {one} too ('1', '2', '3', ...).")
    assert said[1].startswith(f"{three}: 1 case_id stands in {one} too ('7').")
    assert all("Make case_id unique over all manifests" in s and "--column THEIRS=case_id" in s for s in said)


def test_only_bad_rows(folder: Path) -> None:
    found = validate(manifest=[_write(folder, "1,a.jpg,0,0,0,9,benign")])
    assert (found.n_cases, len(found.rows), len(found.films)) == (0, 1, 0)


def test_progress_counts_films_not_cases(folder: Path) -> None:
    told: list[tuple[str, int, int]] = []
    path = _write(folder, "1,a.jpg,0,0,9,9,benign", "2,a.jpg,5,5,9,9,benign", "3,b.jpg,0,0,1,1,benign")
    validate(manifest=[path], progress=lambda *x: told.append(x))
    assert told == [("films", 1, 2), ("films", 2, 2)]
