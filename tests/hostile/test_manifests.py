"""Hostile manifests: encodings, columns, boxes, paths, names, and Parquet that lies."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from robustkit.cohort.manifest import read_manifest

from bounds import Outcome, Tally

HEADING = "case_id,image,x0,y0,x1,y1,label"
ROW = "a,a.png,0,0,10,10,benign"
GOOD = f"{HEADING}\n{ROW}\n"


def read(place: Path) -> Callable[[], object]:
    return lambda: list(read_manifest(place).cases())


def written(folder: Path, content: str | bytes, name: str = "m.csv") -> Path:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode("utf-8", "surrogatepass"))
    return path


@pytest.mark.parametrize(
    "encoding", ["utf-16", "utf-16-le", "utf-32", "latin-1", "cp1252", "cp037", "shift_jis", "mac_roman"]
)
def test_other_encodings_are_named(tmp_path: Path, tally: Tally, encoding: str) -> None:
    text = GOOD.replace("a,", "é,", 1).replace("é", "ｱ" if encoding == "shift_jis" else "é")
    outcome, said = tally.judge("manifests: encodings", read(written(tmp_path, text.encode(encoding))))
    assert (outcome, "UTF-8" in said) == ("error", True)


@pytest.mark.parametrize("start", [b"\xef\xbb\xbf", b"\xef\xbb\xbf" * 2, b"\n\n", b"\r\n"])
def test_byte_order_marks_and_blank_lines_are_passed_over(tmp_path: Path, tally: Tally, start: bytes) -> None:
    assert tally.judge("manifests: encodings", read(written(tmp_path, start + GOOD.encode())))[0] == "accepted"


WRONG_COLUMNS = {
    "a million": (f"{HEADING}," + ",".join(f"c{i}" for i in range(10**6)) + f"\n{ROW}" + "," * 10**6 + "\n", "1000007 columns"),
    "three thousand": (f"{HEADING}," + ",".join(f"c{i}" for i in range(3000)) + "\n", "3007 columns"),
    "twice": (f"{HEADING},label\n{ROW},malignant\n", "the column label more than once"),
    "twice, quoted": (f'{HEADING},"x0"\n{ROW},9\n', "the column x0 more than once"),
    "one value more": (f"{HEADING}\n{ROW},more\n", "row 1 has more values than the 7 columns"),
    "decimal commas": (f"{HEADING}\na,a.png,0,0,10,5,10,benign\n", "row 1 has more values"),
    "one value more below": (f"{GOOD}b,b.png,0,0,10,10,benign,more\n", "Expected 7 fields in line 3, saw 8"),
    "semicolons": (GOOD.replace(",", ";"), "is missing"),
    "an open quote": (f'{HEADING}\n"{ROW}\n', "EOF inside string"),
    "zeros": (b"\0" * 1000, "is missing"),
    "only a mark": (b"\xef\xbb\xbf", "No columns"),
    "an index": (f"{HEADING}\n1,{ROW}\n", "row 1 has more values"),
    "a long name": ("x" * 200_000 + f",{GOOD}", "not a readable table"),
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG_COLUMNS)
def test_columns_that_cannot_be_told_apart_are_refused(tmp_path: Path, tally: Tally, name: str) -> None:
    content, sentence = WRONG_COLUMNS[name]
    outcome, said = tally.judge("manifests: columns", read(written(tmp_path, content)))
    assert outcome == "error"
    assert sentence in said
    assert len(said) < 2000


@pytest.mark.parametrize(
    "value",
    ["nan", "inf", "-inf", "1e999", "1e308", "1e10", "0x10", "1_000", "١", "１", "∞", "True", "1e5e5", "1+2j", "1" * 5000],
)  # fmt: skip
def test_a_box_that_no_film_holds_is_a_bad_row(tmp_path: Path, tally: Tally, value: str) -> None:
    outcome, said = tally.judge(
        "manifests: boxes", read(written(tmp_path, f"{HEADING}\na,a.png,0,0,{value},10,benign\n"))
    )
    assert outcome == "error"
    assert "row 1, x1" in said
    assert len(said) < 500


def test_a_box_from_end_to_end_of_the_numbers_is_a_bad_row(tmp_path: Path, tally: Tally) -> None:
    text = f"{HEADING}\na,a.png,-1e308,-1e308,1e308,1e308,benign\n"
    outcome, said = tally.judge("manifests: boxes", read(written(tmp_path, text)))
    assert (outcome, said.count("number of pixels")) == ("error", 4)


@pytest.mark.parametrize(
    "path", ["../x.png", "a/../../x.png", "/etc/passwd", "//etc/passwd", "a\0b.png", '"a\nb.png"', '"a\rb.png"', "a\x1b[31m.png"]
)  # fmt: skip
@pytest.mark.parametrize("column", ["image", "mask"])
def test_paths_out_of_the_folder_and_names_nobody_can_see_are_bad_rows(
    tmp_path: Path, tally: Tally, path: str, column: str
) -> None:
    text = f"{HEADING},mask\na,{path if column == 'image' else 'a.png'},0,0,10,10,benign,{path if column == 'mask' else ''}\n"
    assert tally.judge("manifests: paths", read(written(tmp_path, text)))[0] == "error"


@pytest.mark.parametrize(
    "path", ["~/x.png", "C:\\x.png", "..\\x.png", "file:///etc/passwd", "|ls", "$(ls)", "x" * 5000, "CON", "."]
)
def test_a_path_is_a_name_in_the_folder_and_nothing_else(tmp_path: Path, tally: Tally, path: str) -> None:
    """No shell, no home folder, no address: what is not there is a failed case."""
    from robustkit.images.film import read_film

    found = next(read_manifest(written(tmp_path, f"{HEADING}\na,{path},0,0,10,10,benign\n")).cases()).image
    assert found.is_relative_to(tmp_path)
    assert tally.judge("manifests: paths", lambda: read_film(found))[0] == "failed_case"


def test_links_out_of_the_folder(tmp_path: Path, tally: Tally) -> None:
    inside = tmp_path / "in"
    inside.mkdir()
    (inside / "folder").symlink_to(tmp_path)
    (inside / "loop.png").symlink_to(inside / "loop.png")
    for path in ("folder/out.png", "folder/in/../out.png"):
        text = f"{HEADING}\na,{path},0,0,10,10,benign\n"
        assert tally.judge("manifests: paths", read(written(inside, text)))[0] == "error"
    from robustkit.images.film import read_film

    assert tally.judge("manifests: paths", lambda: read_film(inside / "loop.png"))[0] == "failed_case"


@pytest.mark.parametrize(
    "name", ["=cmd|' /C calc'!A0", "@SUM(1)", "+1", "-1", "<script>", "../../x", "\u202ea", "NaN", "NA", "x" * 100_000]
)
def test_formulas_and_odd_names_are_text(tmp_path: Path, tally: Tally, name: str) -> None:
    path = written(tmp_path, f"{HEADING}\n{name},a.png,0,0,10,10,benign\n")
    assert tally.judge("manifests: names", read(path))[0] == "accepted"
    assert next(read_manifest(path).cases()).case_id == name


@pytest.mark.parametrize("name", ["\0", "a\0b", '"a\nb"', "a\tb", "a\x1b[2J", "a\u2028b", "a\x85b"])
def test_control_characters_in_names_are_bad_rows(tmp_path: Path, tally: Tally, name: str) -> None:
    outcome, said = tally.judge(
        "manifests: names", read(written(tmp_path, f"{HEADING}\n{name},a.png,0,0,10,10,benign\n"))
    )
    assert (outcome, "control character" in said) == ("error", True)


def test_names_that_are_one_in_another_spelling(tmp_path: Path, tally: Tally) -> None:
    text = f"{HEADING}\n\u00e9,a.png,0,0,10,10,benign\ne\u0301,a.png,0,0,10,10,benign\n"
    outcome, said = tally.judge("manifests: names", read(written(tmp_path, text)))
    assert (outcome, "must be unique" in said) == ("error", True)


CASE: dict[str, Any] = {
    "case_id": ["a"],
    "image": ["a.png"],
    "x0": [0.0],
    "y0": [0.0],
    "x1": [9.0],
    "y1": [9.0],
    "label": ["b"],
}
LIES: dict[str, tuple[pa.Table | bytes, Outcome]] = {
    "lists": (pa.table({**CASE, "case_id": [["a", "b"]]}), "error"),
    "null label": (pa.table({**CASE, "label": pa.nulls(1)}), "error"),
    "truth for a number": (pa.table({**CASE, "x1": [True]}), "error"),
    "a date beyond the calendar": (pa.table({**CASE, "view": pa.array([2**31 - 1], pa.date32())}), "error"),
    "column twice": (pa.Table.from_arrays([*map(pa.array, CASE.values()), pa.array(["c"])], names=[*CASE, "label"]), "error"),
    "no rows": (pa.table(CASE).slice(0, 0), "error"),
    "many rows": (pa.table({k: pa.array(v).take(pa.array([0] * 4_000_000)) for k, v in list(CASE.items())[:7]}), "error"),
    "pandas: no columns": (pa.table(CASE).replace_schema_metadata({"pandas": "{}"}), "accepted"),
    "pandas: an index that is not there": (
        pa.table(CASE).replace_schema_metadata({"pandas": '{"index_columns":["zz"],"columns":[],"column_indexes":[]}'}), "accepted"),
    "pandas: a type that is none": (
        pa.table(CASE).replace_schema_metadata({"pandas": '{"index_columns":[],"columns":[{"name":"x0","field_name":"x0",'
        '"pandas_type":"categorical","numpy_type":"evil","metadata":null}],"column_indexes":[]}'}), "accepted"),
    "not Parquet": (GOOD.encode(), "error"),
    "nothing": (b"", "error"),
    "magic alone": (b"PAR1" + b"\0" * 20 + b"PAR1", "error"),
    "a footer of 4 GB": (b"PAR1" + b"\xff" * 8 + b"PAR1", "error"),
}  # fmt: skip


@pytest.mark.parametrize("name", LIES)
def test_parquet_that_lies(tmp_path: Path, tally: Tally, name: str) -> None:
    content, expected = LIES[name]
    path = tmp_path / "m.parquet"
    path.write_bytes(content) if isinstance(content, bytes) else pq.write_table(content, path)
    assert tally.judge("manifests: Parquet", read(path))[0] == expected


def test_what_is_no_file(tmp_path: Path, tally: Tally, typed: Any) -> None:
    import os

    os.mkfifo(tmp_path / "pipe.csv")
    (tmp_path / "folder.csv").mkdir()
    (tmp_path / "loop.csv").symlink_to("loop.csv")
    for name in ("pipe.csv", "folder.csv", "loop.csv", "none.csv"):
        assert tally.judge("manifests: no file", read(tmp_path / name))[0] == "error"
    outcome, said = typed("manifests: no file", "describe", tmp_path / ("x" * 300))
    assert (outcome, "no such manifest" in said) == ("error", True)


cell = st.one_of(
    st.text(max_size=12),
    st.sampled_from(["0", "10", "nan", "-1e9", "a.png", "../a", "benign", "test", "=1+1", '"', "\0", "é", ",", "\n"]),
    st.floats().map(str),
)


@settings(
    max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(
    rows=st.lists(st.lists(cell, min_size=5, max_size=9), max_size=5), more=st.lists(st.text(max_size=5), max_size=2)
)
def test_any_cells(tmp_path: Path, tally: Tally, rows: list[list[str]], more: list[str]) -> None:
    text = "\n".join([",".join([HEADING, *more]), *(",".join(r) for r in rows)])
    tally.judge("manifests: any cells (generated)", read(written(tmp_path, text)))


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(content=st.one_of(st.binary(max_size=300), st.binary(max_size=60).map(lambda b: HEADING.encode() + b"\n" + b)))
def test_any_bytes(tmp_path: Path, tally: Tally, content: bytes) -> None:
    tally.judge("manifests: any bytes (generated)", read(written(tmp_path, content)))


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(changes=st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 255)), min_size=1, max_size=5))
def test_any_damage_of_parquet(tmp_path: Path, tally: Tally, changes: list[tuple[float, int]]) -> None:
    path = tmp_path / "m.parquet"
    pq.write_table(pa.table(CASE), path)
    content = bytearray(path.read_bytes())
    for where, value in changes:
        content[int(where * len(content))] = value
    path.write_bytes(content)
    tally.judge("manifests: damaged Parquet (generated)", read(path))
