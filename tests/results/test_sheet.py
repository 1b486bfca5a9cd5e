"""Sheets: rows of predictions in their places, whoever wrote them and in whatever order; no object per row."""

from __future__ import annotations

import json
import tracemalloc
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from robustkit.atomic import replacing
from robustkit.errors import RunError
from robustkit.results.folder import RunFolder
from robustkit.results.sheet import NOMINAL, read_sheets

CASES = ("a", "b", "c")
CONDITIONS = [NOMINAL, ("shift", 0.1), ("shift", 0.3)]


def _frame() -> pd.DataFrame:
    """Two models; the score of a row is told by its place: model 100, level 10 x level, case 1, repeat 0.001."""
    rows = []
    for m, model in enumerate(("one", "two")):
        for i, case in enumerate(CASES):
            for kind, level, repeats in (("nominal", 0.0, 1), ("shift", 0.1, 4), ("shift", 0.3, 4)):
                for r in range(repeats):
                    score = m * 100 + level * 10 + i + r / 1000
                    rows.append([model, case, kind, level, r, r, 1.0, r + 5, 9.0, score, [0.0, 1.0], "ok", ""])
    names = [
        "model",
        "case_id",
        "perturbation",
        "level",
        "repeat",
        "x0",
        "y0",
        "x1",
        "y1",
        "score",
        "logits",
        "status",
        "reason",
    ]
    return pd.DataFrame(rows, columns=names)


def _folder(path: Path, *frames: pd.DataFrame) -> RunFolder:
    (path / "predictions").mkdir(parents=True)
    for i, frame in enumerate(frames):
        frame.to_parquet(path / "predictions" / f"part-{i}.parquet", index=False)
    (path / "run.json").write_text(
        json.dumps({"format": 1, "seed": 0, "repeats": 4, "perturbations": [], "models": []})
    )
    return RunFolder(path)


@pytest.mark.parametrize("kind", ["object", "category", "large_string"])
def test_every_score_has_its_place_in_any_order_and_any_text_type(tmp_path: Path, kind: str) -> None:
    frame = _frame().sample(frac=1, random_state=1)
    halves = [frame.iloc[:20], frame.iloc[20:]]
    texts = ["model", "case_id", "perturbation", "status", "reason"]
    if kind == "category":
        halves = [h.astype(dict.fromkeys(texts, "category")) for h in halves]
    folder = _folder(tmp_path / "run", *halves)
    if kind == "large_string":
        for file in (tmp_path / "run" / "predictions").glob("*.parquet"):
            table = pq.read_table(file)
            for name in texts:
                at = table.column_names.index(name)
                table = table.set_column(at, name, table[name].cast(pa.large_string()))
            pq.write_table(table, file)
    nominal, low, high = read_sheets(folder, "two", ["c", "a"], CONDITIONS)
    assert nominal.scores.tolist() == [[102.0], [100.0]]
    np.testing.assert_allclose(low.scores, 101 + np.array([[2.0], [0.0]]) + np.arange(4) / 1000)
    np.testing.assert_allclose(high.scores[1], 103 + np.arange(4) / 1000)
    np.testing.assert_array_equal(low.boxes[0], [[r, 1, r + 5, 9] for r in range(4)])
    assert low.asked.all()


def test_failed_rows_are_nan_and_rows_that_are_not_there_were_not_asked(tmp_path: Path) -> None:
    frame = _frame()
    frame.loc[(frame["case_id"] == "b") & (frame["model"] == "one"), ["status", "reason"]] = ["failed", "no film"]
    gone = (frame["case_id"] == "c") & (frame["repeat"] == 2) & (frame["level"] == 0.1)
    folder = _folder(tmp_path / "run", frame[~gone])
    _, low, _ = read_sheets(folder, "one", CASES, CONDITIONS)
    assert np.isnan(low.scores[1]).all()
    assert low.asked[1].all()
    assert low.asked[2].tolist() == [True, True, False, True]
    assert np.isnan(low.boxes[2, 2]).all()
    assert folder.failures() == {"b": "no film"}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda f: pd.concat([f, f.tail(1)]), "a case is answered twice"),
        (lambda f: f[f["level"] != 0.3], "hold no answer"),
        (lambda f: f.assign(repeat=f["repeat"] - 1), "a repeat is -1"),
        (lambda f: f.drop(columns="score"), "cannot be read"),
    ],
)
def test_what_cannot_be_laid_out_is_refused(tmp_path: Path, change, said: str) -> None:  # type: ignore[no-untyped-def]
    folder = _folder(tmp_path / "run", change(_frame()))
    with pytest.raises(RunError, match=said):
        read_sheets(folder, "two", CASES, CONDITIONS)


def test_a_half_written_file_is_never_read(tmp_path: Path) -> None:
    folder = _folder(tmp_path / "run", _frame())
    (folder.path / "predictions" / ".tmp-0-part-9.parquet").write_bytes(b"PAR1")
    assert len(folder.predictions()) == len(_frame())
    assert read_sheets(folder, "one", CASES, CONDITIONS)[0].asked.all()


def test_a_file_in_the_making_is_not_found_by_the_pattern_of_its_kind(tmp_path: Path) -> None:
    with replacing(tmp_path / "part-0.parquet") as temporary:
        temporary.write_bytes(b"PAR1")
        assert list(tmp_path.glob("*.parquet")) == []
        assert list(tmp_path.glob(".*"))
    assert [p.name for p in tmp_path.iterdir()] == ["part-0.parquet"]


def test_memory_holds_the_arrays_and_no_object_per_row(tmp_path: Path) -> None:
    n, repeats = 200, 1000
    rows = n * repeats
    frame = pd.DataFrame({
        "model": "one", "case_id": np.repeat([f"case-{i}" for i in range(n)], repeats), "perturbation": "shift", "level": 0.1,
        "repeat": np.tile(np.arange(repeats), n), "x0": 0.0, "y0": 0.0, "x1": 1.0, "y1": 1.0, "score": 0.5, "status": "ok",
        "reason": "",
    })  # fmt: skip
    folder = _folder(tmp_path / "run", frame)
    del frame
    read_sheets(folder, "one", ["case-0"], [("shift", 0.1)])  # imports are not counted
    tracemalloc.start()
    sheets = read_sheets(folder, "one", [f"case-{i}" for i in range(n)], [("shift", 0.1)])
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert sheets[0].asked.all()
    # a row is 41 bytes of a sheet; a sheet is copied once when it is cut, a batch holds some columns more
    assert peak < 6 * 41 * rows
