"""import, validate and describe as a user types them: what goes to stdout, what to stderr, and the exit code."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from robustkit.cli.main import app
from typer.testing import CliRunner, Result

from made_annotations import write_coco, write_films


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    write_films(tmp_path / "films")
    write_coco(tmp_path / "boxes.json")
    return tmp_path


def _type(*words: str) -> Result:
    return CliRunner().invoke(app, list(words))


def _import(*more: str) -> Result:
    return _type("import", "coco", "boxes.json", "--images", "films", "-o", "cases.csv", *more)


def test_import_prints_the_path_and_says_the_rest_on_stderr(folder: Path) -> None:
    done = _import()
    assert (done.exit_code, done.stdout) == (0, "cases.csv\n")
    assert "3 cases on 2 films: 3 benign" in done.stderr
    quiet = _import("--quiet")
    assert (quiet.stdout, quiet.stderr) == ("cases.csv\n", "")
    said = json.loads(_import("--json").stdout)
    assert said["labels"] == {"benign": 3}
    assert said["no_network_auc"] is None


def test_validate_lists_both_kinds_and_exits_2(folder: Path) -> None:
    _import()
    assert _type("validate", "cases.csv").exit_code == 0
    table = (folder / "cases.csv").read_text()
    (folder / "cases.csv").write_text(table.replace("a-1,a.jpg,10.0", "a-1,a.jpg,99.0"))
    (folder / "films" / "b.jpg").write_bytes(b"junk")
    done = _type("validate", "cases.csv", "-q")
    assert done.exit_code == 2
    assert "cases.csv: row 1, x1 = '99.0..30.0': the box is empty or inverted" in done.stdout
    assert "b-1: expected a JPEG, PNG, TIFF or DICOM film" in done.stdout
    assert "1 bad values, 1 bad films" in done.stdout
    said = json.loads(_type("validate", "cases.csv", "--json").stdout)
    assert [r["column"] for r in said["rows"]] == ["x1"]
    assert [f["case_id"] for f in said["films"]] == ["b-1"]


def test_describe_prints_counts(folder: Path) -> None:
    _import()
    done = _type("describe", "cases.csv")
    assert done.exit_code == 0
    assert done.stdout.startswith("3 cases, 2 films, patients unknown\n")
    assert any(line.split() == ["label", "benign", "3", "2", "0"] for line in done.stdout.splitlines())
    assert json.loads(_type("describe", "cases.csv", "--json").stdout)["n_films"] == 2
