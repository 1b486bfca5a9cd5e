"""The table of all cases: values are the tables', pictures fit, what is not there is not shown."""

from __future__ import annotations

import dataclasses
import io
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image
from robustkit.documents import TABLE_FAULTS
from robustkit.images.thumbnail import encoded, thumbnail, window_around
from robustkit.report import case_table
from robustkit.report.case_answers import BOXES, MOST_CASES, QUANTILES, CaseAnswers, case_answers
from robustkit.report.case_table import case_table_data, case_table_section, fitted
from robustkit.results.folder import RunFolder
from robustkit.results.thumbnails import COLUMNS, FOLDER, read_thumbnails, write_thumbnails

from factories import Answers, cohort, redrawn, scores_of, write_run
from made_tables import HOSTILE, all_tables
from made_view import record, view

SHIFT = ("shift", 0.1)


def _webp(side: int = 160, seed: int = 0) -> bytes:
    noise = np.random.default_rng(seed).integers(0, 255, (side, side), dtype=np.uint8)
    return encoded(Image.fromarray(noise), quality=55)


def _view(**more: Any) -> Any:
    tables = all_tables(cases=("c1", "c2", HOSTILE))
    cases = pd.DataFrame({"case_id": ["c1", "c2", HOSTILE], "label": ["benign", "non-benign", "benign"], "site": ["", "femur", None],
                          "centre": ["", "", ""]})  # fmt: skip
    return view(tables, record(("a", "b")), cases=cases, **more)


def test_columns_are_the_tables() -> None:
    own = _view()
    data = case_table_data(own, own.table("stability"))
    assert data["case"] == sorted(["c1", "c2", HOSTILE])
    assert [f for f, _ in data["facts"]] == ["label", "site"]  # a fact that no case has is no column
    rows = own.table("stability").query("level == 0.1 and model == 'b'").set_index("case_id")
    model = data["models"][1]
    assert model["name"] == "b"
    assert model["flip_rate"] == pytest.approx(rows["flip_rate"].reindex(data["case"]).tolist(), abs=1e-4)
    assert model["threshold"] == own.table("thresholds").set_index("model").loc["b", "value"]


def test_more_cases_than_a_page_can_hold_leave_the_most_stable_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(case_table, "MOST_ROWS", 2)
    own = _view()
    data = case_table_data(own, own.table("stability"))
    assert len(data["case"]) == 2
    assert "c1" not in data["case"]  # the first case of made_tables never changes
    assert data["left_out"].startswith("1 cases")


def test_no_answers_no_section() -> None:
    assert case_table_section(view({})) is None


def test_scores_and_boxes_are_those_of_the_run(tmp_path: Path) -> None:
    cases = cohort(12, 8)
    nominal = scores_of(cases)
    moved = redrawn(cases, nominal, repeats=40)
    folder = write_run(tmp_path / "run", cases, {"m": Answers(nominal, {SHIFT: moved})}, repeats=40)
    found = case_answers(folder, condition=SHIFT, n_cases=len(cases))
    judged = [i for i, split in enumerate(cases["split"]) if split != "val"]  # others are shown as given alone
    assert len(found.quantiles) == len(judged)
    for i in judged:
        case = cases["case_id"][i]
        assert found.quantiles["m", case] == pytest.approx(np.quantile(moved[i], QUANTILES, method="nearest"))
    case = cases["case_id"][judged[3]]
    rows = folder.predictions(filters=[("case_id", "==", case)])
    boxes = rows[rows["perturbation"] == "shift"].sort_values("repeat")[["x0", "y0", "x1", "y1"]].to_numpy()
    assert np.array_equal(found.redrawn[case], boxes[:BOXES])


def test_a_run_without_perturbation_has_its_given_boxes(tmp_path: Path) -> None:
    cases = cohort(6, 4)
    folder = write_run(tmp_path / "run", cases, {"m": Answers(scores_of(cases), {})})
    found = case_answers(folder, condition=None, n_cases=len(cases))
    assert set(found.given) == set(cases["case_id"])
    assert not found.redrawn
    assert not found.quantiles


def test_very_many_cases_are_not_read(tmp_path: Path) -> None:
    assert case_answers(RunFolder(tmp_path / "absent"), condition=SHIFT, n_cases=MOST_CASES + 1) == CaseAnswers()


def test_pictures_are_made_smaller_until_they_fit(monkeypatch: pytest.MonkeyPatch) -> None:
    files = [_webp(seed=i) for i in range(6)]
    assert fitted(files, 160) == (160, files)
    monkeypatch.setattr(case_table, "PICTURE_BYTES", sum(map(len, files)) // 3)
    side, smaller = fitted(files, 160)
    assert side < 160
    assert sum(map(len, smaller)) <= sum(map(len, files)) // 3
    assert {Image.open(io.BytesIO(f)).size for f in smaller} == {(side, side)}


def test_boxes_lie_on_the_picture_as_on_the_film() -> None:
    # a film of 400 x 300 with one bright square: the given box is that square
    film = np.zeros((300, 400), dtype=np.uint8)
    film[100:150, 200:260] = 255
    given = np.array([[200.0, 100.0, 260.0, 150.0]])
    window = window_around(given)
    picture = thumbnail(film, window, size_px=160, quality=90)
    row = {
        "case_id": "c1",
        "x0": window.x0,
        "y0": window.y0,
        "side_px": window.side,
        "size_px": 160,
        "webp": picture.webp,
    }
    answers = CaseAnswers({"c1": given[0]}, {"c1": given + 4.0}, {})
    section = case_table_section(_view(answers=answers, thumbnails=pd.DataFrame([row])))
    assert section is not None
    pictures = section.data["pictures"]
    at = section.data["cases"]["case"].index("c1")
    x0, y0, x1, y1 = pictures["boxes"][at][0]
    pixels = np.asarray(Image.open(io.BytesIO(picture.webp)).convert("L"))
    assert pixels[y0 + 3 : y1 - 3, x0 + 3 : x1 - 3].min() > 200
    assert (
        max(pixels[: y0 - 3].max(), pixels[y1 + 3 :].max(), pixels[:, : x0 - 3].max(), pixels[:, x1 + 3 :].max()) < 60
    )
    assert pictures["webp"][section.data["cases"]["case"].index("c2")] is None


def test_films_are_left_out_where_asked() -> None:
    row = {"case_id": "c1", "x0": 0, "y0": 0, "side_px": 100, "size_px": 160, "webp": _webp()}
    given = CaseAnswers({"c1": np.array([10.0, 10.0, 60.0, 60.0])}, {}, {})
    base = _view(answers=given, thumbnails=pd.DataFrame([row]))
    shown = case_table_section(base)
    assert shown is not None
    assert "pictures" in shown.data
    assert dataclasses.replace(base, shown=[]).shows_films
    without = case_table_section(dataclasses.replace(base, has_images=False))
    assert without is not None
    assert "pictures" not in without.data


def test_a_picture_that_leaves_the_film_is_black_there() -> None:
    film = np.full((100, 100), 200, dtype=np.uint8)
    window = window_around(np.array([[0.0, 0.0, 20.0, 20.0]]))
    assert window.x0 < 0
    pixels = np.asarray(Image.open(io.BytesIO(thumbnail(film, window, size_px=80, quality=90).webp)).convert("L"))
    assert pixels[2, 2] < 20
    assert pixels[60, 60] > 180


def test_pictures_are_read_as_they_were_written_and_a_damaged_file_is_passed_over(tmp_path: Path) -> None:
    rows = [("a", -3, 4, 200, 160, b"one"), ("b", 5, 6, 100, 160, b"two")]
    write_thumbnails(tmp_path / FOLDER / "part-1.parquet", rows)
    (tmp_path / FOLDER / "part-2.parquet").write_bytes(b"half a fi")
    found = read_thumbnails(tmp_path)
    assert list(found.itertuples(index=False, name=None)) == rows
    assert tuple(read_thumbnails(tmp_path / "none").columns) == COLUMNS


def _written(run: Path, **columns: pa.Array) -> None:
    whole = {
        "case_id": pa.array(["a", "b"]), "x0": pa.array([0, 0]), "y0": pa.array([0, 0]), "side_px": pa.array([9, 9]),
        "size_px": pa.array([9, 9]), "webp": pa.array([b"1", b"2"]),
    }  # fmt: skip
    (run / FOLDER).mkdir(exist_ok=True)
    pq.write_table(pa.table({**whole, **columns}), run / FOLDER / "part-1.parquet")


NO_TEXT = pa.StringArray.from_buffers(2, pa.py_buffer(np.array([0, 1, 2], dtype=np.int32)), pa.py_buffer(b"\xffb"))


@pytest.mark.parametrize(
    "column",
    [
        {"case_id": NO_TEXT},
        {"webp": pa.array([10**12, 1])},
        {"x0": pa.array([2**40, 0])},
        {"size_px": pa.array(["", "x"])},
        {"side_px": pa.array([[1], [2]])},
    ],
    ids=lambda c: next(iter(c)),
)
def test_a_file_of_pictures_of_other_kinds_is_passed_over(tmp_path: Path, column: dict[str, pa.Array]) -> None:
    _written(tmp_path)
    assert len(read_thumbnails(tmp_path)) == 2
    _written(tmp_path, **column)
    assert read_thumbnails(tmp_path).empty


def test_pictures_without_a_side_or_content_are_left_out(tmp_path: Path) -> None:
    for column in ({"side_px": pa.array([0, 9])}, {"size_px": pa.array([-1, 9])}, {"webp": pa.array([None, b"2"])}):
        _written(tmp_path, **column)
        assert read_thumbnails(tmp_path)["case_id"].tolist() == ["b"]


@pytest.mark.parametrize("fault", TABLE_FAULTS)
def test_whatever_a_damaged_file_raises(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault: type[Exception]
) -> None:
    """Bytes changed at random have raised OSError, ValueError and NotImplementedError; pyarrow may have others."""
    _written(tmp_path)

    def read(*_: object, **__: object) -> None:
        raise fault("damaged")

    for name in ("pyarrow.parquet.read_table", "pandas.read_parquet"):
        monkeypatch.setattr(name, read)
    assert read_thumbnails(tmp_path).empty


HUGE = encoded(Image.new("L", (4097, 4097)), quality=30)


@pytest.mark.parametrize("bad", [b"", b"RIFF", _webp()[:40], HUGE, b"II*\0" * 9], ids=len)
def test_what_is_no_small_picture_is_not_made_smaller(monkeypatch: pytest.MonkeyPatch, bad: bytes) -> None:
    monkeypatch.setattr("robustkit.report.case_table.PICTURE_BYTES", 1)
    _, files = fitted([_webp(), bad], 160)
    assert files[0]
    assert files[1] == b""
