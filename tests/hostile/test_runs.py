"""Damaged run folders, and those of other programs: every reader of them says what is wrong."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from robustkit.analysis.cohort import judged_cases
from robustkit.analysis.matrix import read_answers
from robustkit.cohort.vocabulary import read_vocabulary
from robustkit.results.films import read_films
from robustkit.results.folder import RunFolder
from robustkit.results.record import record_faults
from robustkit.results.schema import TABLES, TEXT_COLUMNS

from bounds import Tally

ARCHIVE = Path(__file__).resolve().parents[1] / "archive" / "v1"
QUICK = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)


@pytest.fixture
def run(tmp_path: Path) -> Path:
    shutil.copytree(ARCHIVE, tmp_path / "run")
    return tmp_path / "run"


def read(run: Path) -> None:
    """Read all that every command reads before it computes: record, cases, and each model's answers."""
    folder = RunFolder(run)
    record = folder.record()
    cohort = judged_cases(folder, record, read_vocabulary())
    levels = [(g["kind"], float(v)) for g in record["perturbations"] for v in g["levels"]]
    for entry in record["models"]:
        read_answers(
            folder, entry["name"], cohort.frame["case_id"].tolist(), levels, set_size=record.get("set_size", 1)
        )


def judged(tally: Tally, what: str, run: Path) -> tuple[str, str]:
    return tally.judge(what, lambda: read(run))


def test_the_archived_run_is_whole(run: Path, tally: Tally) -> None:
    assert judged(tally, "runs: whole", run)[0] == "accepted"


@pytest.mark.parametrize(
    "content",
    [b"", b"[", b"[1]", b"null", b"{}", b'"x"', b"[" * 100_000, b"\xff\xfe", b"\0" * 50, b'{"format": 1e999}'],
)
def test_records_of_nothing(run: Path, tally: Tally, content: bytes) -> None:
    (run / "run.json").write_bytes(content)
    assert judged(tally, "runs: run.json", run)[0] == "error"


STRANGE: tuple[Any, ...] = (None, "x", -1, [], {}, [None], [{}], ["x"], float("inf"), 10**400, True, 5, {"a": None})
NEEDED = ("format", "seed", "repeats", "perturbations", "models")
OTHER = ("status", "identity", "manifests", "thresholds", "counts", "packages", "command", "timings_s", "set_size", "warnings", "stratify",
         "positive_labels", "border", "snap", "precision", "depth", "device")  # fmt: skip


@pytest.mark.parametrize("field", [*NEEDED, *OTHER])
def test_a_record_of_strange_values(run: Path, tally: Tally, field: str) -> None:
    record = json.loads((run / "run.json").read_text())
    for value in STRANGE:
        (run / "run.json").write_text(json.dumps({**record, field: value}))
        judged(tally, "runs: run.json", run)
    record.pop(field, None)
    (run / "run.json").write_text(json.dumps(record))
    assert (judged(tally, "runs: run.json", run)[0] == "error") == (field in NEEDED)


@pytest.mark.parametrize(
    "field", ["name", "classes", "positive", "assumed", "operating_points", "arch", "lineage", "input", "sha256"]
)
def test_a_model_of_strange_values(run: Path, tally: Tally, field: str) -> None:
    record = json.loads((run / "run.json").read_text())
    for value in STRANGE:
        changed = [{**record["models"][0], field: value}, *record["models"][1:]]
        (run / "run.json").write_text(json.dumps({**record, "models": changed}))
        judged(tally, "runs: run.json", run)


@pytest.mark.parametrize("levels", [None, 0.1, "x", ["x"], [float("nan")], [float("inf")], [{}], [None], [True]])
def test_levels_that_are_no_numbers(run: Path, tally: Tally, levels: Any) -> None:
    record = json.loads((run / "run.json").read_text())
    (run / "run.json").write_text(json.dumps({**record, "perturbations": [{"kind": "shift", "levels": levels}]}))
    outcome, said = judged(tally, "runs: run.json", run)
    assert (outcome, "levels" in said) == ("error", True)


def test_every_fault_of_a_record_has_its_place() -> None:
    record = json.loads((ARCHIVE / "run.json").read_text())
    assert list(record_faults(record)) == []
    record["models"][1]["operating_points"] = {"youden": "half"}
    record["perturbations"][0]["levels"] = [0.1, None]
    assert list(record_faults(record)) == [
        "perturbations[0].levels[1]: expected a finite number, got None",
        "models[1].operating_points.youden: expected a finite number, got 'half'",
    ]


def _files(run: Path) -> dict[str, Path]:
    return {"cases": run / "cases.parquet", "predictions": next((run / "predictions").glob("*.parquet"))}


@pytest.mark.parametrize("which", ["cases", "predictions"])
@pytest.mark.parametrize(
    "content", [b"", b"PAR1", b"junk" * 50, b"\0" * 100, b"a,b\n1,2\n", b"PAR1" + b"\xff" * 8 + b"PAR1"]
)
def test_parquet_of_nothing(run: Path, tally: Tally, which: str, content: bytes) -> None:
    _files(run)[which].write_bytes(content)
    assert judged(tally, f"runs: {which}", run)[0] == "error"


@pytest.mark.slow
@pytest.mark.parametrize("which", ["cases", "predictions"])
def test_parquet_cut_at_many_bytes(run: Path, tally: Tally, which: str) -> None:
    content = _files(run)[which].read_bytes()
    for cut in range(0, len(content), max(1, len(content) // 40)):
        _files(run)[which].write_bytes(content[:cut])
        assert judged(tally, f"runs: {which}", run)[0] == "error"


VALUES: dict[str, Any] = {
    "nothing": None, "a number": 5, "a list": [1], "NaN": float("nan"), "infinity": float("inf"), "bytes": b"\xff", "text": "x", "-1": -1,
    "2^40": 2.0**40, "a date": pd.Timestamp("2020"), "truth": True, "control": "a\0\x1b[31m", "an object": {"a": 1},
}  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("which", ["cases", "predictions"])
@pytest.mark.parametrize("value", VALUES)
def test_columns_of_strange_values(run: Path, tally: Tally, which: str, value: str) -> None:
    file = _files(run)[which]
    whole = pd.read_parquet(file)
    for column in whole.columns:
        whole.assign(**{column: [VALUES[value]] * len(whole)}).to_parquet(file)
        judged(tally, f"runs: {which}", run)


@pytest.mark.parametrize("which", ["cases", "predictions"])
def test_columns_that_are_not_there(run: Path, tally: Tally, which: str) -> None:
    file = _files(run)[which]
    whole = pd.read_parquet(file)
    for column in whole.columns:
        whole.drop(columns=column).to_parquet(file)
        judged(tally, f"runs: {which}", run)
    for rows in (whole.iloc[:0], pd.concat([whole, whole])):
        rows.to_parquet(file)
        assert judged(tally, f"runs: {which}", run)[0] == "error"


@pytest.mark.parametrize(("column", "value", "sentence"), [
    ("score", 2.0, "a score is 2"), ("score", -0.5, "a score is -0.5"), ("repeat", 2**31 - 1, "a repeat is 2"),
    ("repeat", -1, "a repeat is -1"),
])  # fmt: skip
def test_one_value_that_cannot_be(run: Path, tally: Tally, column: str, value: float, sentence: str) -> None:
    file = _files(run)["predictions"]
    frame = pd.read_parquet(file)
    ok = int(np.flatnonzero((frame["status"] == "ok").to_numpy())[-1])
    frame.loc[frame.index[ok], column] = value
    frame.to_parquet(file)
    outcome, said = judged(tally, "runs: predictions", run)
    assert (outcome, sentence in said) == ("error", True)


def _no_predictions(run: Path) -> None:
    shutil.rmtree(run / "predictions")


def _a_file_for_a_folder(run: Path) -> None:
    _no_predictions(run)
    (run / "predictions").write_text("x")


def _a_folder_for_a_file(run: Path) -> None:
    (run / "cases.parquet").unlink()
    (run / "cases.parquet").mkdir()


def _a_folder_for_the_record(run: Path) -> None:
    (run / "run.json").unlink()
    (run / "run.json").mkdir()


def _a_stranger(run: Path) -> None:
    pd.DataFrame({"a": [1]}).to_parquet(run / "predictions" / "a.parquet")


def _a_link_to_itself(run: Path) -> None:
    (run / "predictions" / "z.parquet").symlink_to("z.parquet")


@pytest.mark.parametrize(
    "change",
    [
        _no_predictions,
        _a_file_for_a_folder,
        _a_folder_for_a_file,
        _a_folder_for_the_record,
        _a_stranger,
        _a_link_to_itself,
    ],
)
def test_folders_that_are_not_as_they_are_written(run: Path, tally: Tally, change: Callable[[Path], None]) -> None:
    change(run)
    assert judged(tally, "runs: the folder", run)[0] == "error"


@pytest.mark.parametrize("content", [b"", b"\xff\xfe\0\0", b'"', b"a,b\n1,2\n", b"\0"])
@pytest.mark.parametrize("name", sorted(TABLES))
def test_tables_of_nothing(run: Path, tally: Tally, name: str, content: bytes) -> None:
    (run / "tables").mkdir()
    (run / "tables" / f"{name}.csv").write_bytes(content)
    outcome, said = tally.judge("runs: tables", lambda: RunFolder(run).table(name))
    assert (outcome, "stratify" in said) == ("error", True)


@pytest.mark.parametrize("name", sorted(TABLES))
def test_tables_that_lack_what_names_a_row_or_hold_text_for_numbers(run: Path, tally: Tally, name: str) -> None:
    folder = RunFolder(run)
    text = {c: ["x"] for c in TABLES[name]}
    folder.write_table(name, pd.DataFrame(text).drop(columns=TABLES[name][0]))
    assert tally.judge("runs: tables", lambda: folder.table(name))[0] == "error"
    folder.write_table(name, pd.DataFrame(text))
    has_numbers = bool(set(TABLES[name]) - {*TEXT_COLUMNS, "is_served"})
    assert tally.judge("runs: tables", lambda: folder.table(name))[0] == ("error" if has_numbers else "accepted")


def test_a_damaged_table_is_said_by_the_page(run: Path, tally: Tally, typed: Any) -> None:
    assert typed("runs: at the command line", "stratify", run, "--draws", 100)[0] == "accepted"
    for name in ("strata", "curves", "thresholds", "stability", "flow"):
        file = run / "tables" / f"{name}.csv"
        whole = file.read_bytes()
        for content in (b"", b"a,b\n1,2\n", whole.replace(b"0.", b"x.")):
            file.write_bytes(content)
            for command in (("report", run), ("curves", run), ("gate", run, "auc > 0.5")):
                typed("runs: at the command line", *command)
        file.write_bytes(whole)


@QUICK
@given(
    changes=st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 255)), min_size=1, max_size=4),
    is_cases=st.booleans(),
)
def test_any_damage(run: Path, tally: Tally, changes: list[tuple[float, int]], is_cases: bool) -> None:
    file = _files(run)["cases" if is_cases else "predictions"]
    whole = file.read_bytes()
    content = bytearray(whole)
    for where, value in changes:
        content[int(where * len(content))] = value
    file.write_bytes(content)
    judged(tally, "runs: any damage (generated)", run)
    file.write_bytes(whole)


@pytest.mark.parametrize("name", ["cases.parquet", "films.parquet"])
def test_bytes_that_are_no_text_in_a_text_column(run: Path, tally: Tally, name: str) -> None:
    """Arrow reads them without a word, and pandas stumbles over them wherever they are looked at first."""
    no_text = pa.StringArray.from_buffers(1, pa.py_buffer(np.array([0, 3], np.int32)), pa.py_buffer(b"\xff\xfeA"))
    columns = {"cases.parquet": ("case_id", "label"), "films.parquet": ("case_id", "sha256")}[name]
    pq.write_table(pa.table(dict.fromkeys(columns, no_text)), run / name)
    act = RunFolder(run).cases if name == "cases.parquet" else (lambda: read_films(run))
    outcome, said = tally.judge(f"runs: {name.partition('.')[0]}", act)
    assert (outcome, "UTF8" in said) == ("error", True)
