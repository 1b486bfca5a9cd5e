"""Hostile annotation files: entity bombs, nesting, numbers without end, sheets without end."""

from __future__ import annotations

import io
import json
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import openpyxl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image
from robustkit.formats import btxrd, coco, csv, labelme, voc, yolo
from robustkit.formats._base import ImportOptions

from bounds import Outcome, Tally

PLUGINS = {m.PLUGIN.name: m.PLUGIN for m in (coco, voc, yolo, labelme, csv, btxrd)}
FILES = {
    "coco": "c.json",
    "voc": "a.xml",
    "yolo": "a.txt",
    "labelme": "a.json",
    "csv": "t.csv",
    "btxrd": "dataset.xlsx",
}


@pytest.fixture
def place(tmp_path: Path) -> Path:
    Image.new("L", (50, 40)).save(tmp_path / "a.png")
    return tmp_path


def judged(
    tally: Tally, place: Path, name: str, content: str | bytes, *, file: str = "", what: str = ""
) -> tuple[Outcome, str]:
    path = place / (file or FILES[name])
    path.write_bytes(content if isinstance(content, bytes) else content.encode("utf-8", "surrogatepass"))
    source = path if name in ("coco", "csv") else place
    return tally.judge(what or f"annotations: {name}", lambda: PLUGINS[name].read(source, ImportOptions(images=place)))


BOX = (
    "<annotation><size><width>50</width><height>40</height></size><object><name>x</name><bndbox><xmin>1</xmin><ymin>2</ymin>"
    "<xmax>3</xmax><ymax>4</ymax></bndbox></object></annotation>"
)
LAUGHS = (
    "<!DOCTYPE a [<!ENTITY l0 'ha'>" + "".join(f"<!ENTITY l{i} '{f'&l{i - 1};' * 10}'>" for i in range(1, 10)) + "]>"
)
XML = {
    "a billion laughs": LAUGHS + BOX.replace(">x<", ">&l9;<"),
    "one long entity": f"<!DOCTYPE a [<!ENTITY a '{'x' * 100_000}'>]>" + BOX.replace(">x<", f">{'&a;' * 10_000}<"),
    "a file inside": "<!DOCTYPE a [<!ENTITY a SYSTEM 'file:///etc/passwd'>]>" + BOX.replace(">x<", ">&a;<"),
    "an address": "<!DOCTYPE a SYSTEM 'http://127.0.0.1:1/x'>" + BOX,
    "a parameter": "<!DOCTYPE a [<!ENTITY % p SYSTEM 'file:///etc/passwd'> %p;]>" + BOX,
    "two hundred thousand deep": "<a>" * 200_000 + "</a>" * 200_000,
    "objects in objects": "<annotation>" + "<object>" * 3000 + "</object>" * 3000 + "</annotation>",
    "no such encoding": "<?xml version='1.0' encoding='zz'?>" + BOX,
    "a codec of Python": "<?xml version='1.0' encoding='hex'?>" + BOX,
    "a codec that is none": "<?xml version='1.0' encoding='undefined'?>" + BOX,
    "another encoding": "<?xml version='1.0' encoding='utf-16'?>" + BOX,
    "nothing": "",
    "zeros": "\0" * 10, "NaN": BOX.replace(">1<", ">nan<"),
    "a hundred thousand digits": BOX.replace(">1<", f">{'9' * 100_000}<"),
    "no size": BOX.replace(">50<", "><b/><"), "no box": BOX.replace("bndbox", "box"),
}  # fmt: skip


@pytest.mark.parametrize("name", XML)
def test_xml(place: Path, tally: Tally, name: str) -> None:
    outcome, said = judged(tally, place, "voc", XML[name])
    assert outcome == "error" or name == "no size"
    assert "root:" not in said


def test_xml_that_includes_a_file_reads_none(place: Path, tally: Tally) -> None:
    inside = "<xi:include xmlns:xi='http://www.w3.org/2001/XInclude' href='/etc/passwd' parse='text'/>"
    assert judged(tally, place, "voc", BOX.replace("<name>x", f"<name>{inside}"))[0] == "accepted"
    found = PLUGINS["voc"].read(place, ImportOptions(images=place)).frame
    assert found["label"].tolist() == [""]


DETECTIONS = {
    "images": [{"id": 1, "file_name": "a.png", "width": 50, "height": 40}],
    "annotations": [{"id": 1, "image_id": 1, "category_id": 1, "bbox": [1, 2, 3, 4]}],
    "categories": [{"id": 1, "name": "x"}],
}
STRANGE: tuple[Any, ...] = (
    None,
    True,
    [],
    {},
    [1],
    "x",
    "",
    float("nan"),
    float("inf"),
    1e308,
    -1,
    10**400,
    [None] * 4,
    ["1", [2], 3, 4],
)


@pytest.mark.parametrize("part", DETECTIONS)
def test_coco_of_strange_values(place: Path, tally: Tally, part: str) -> None:
    """Any value in any place of a detection file."""
    for value in STRANGE:
        judged(tally, place, "coco", json.dumps({**DETECTIONS, part: value}))
        judged(tally, place, "coco", json.dumps({**DETECTIONS, part: [value]}))
        for field in DETECTIONS[part][0]:
            entry = {**DETECTIONS[part][0], field: value}
            judged(tally, place, "coco", json.dumps({**DETECTIONS, part: [entry]}))


@pytest.mark.parametrize(
    "name", ["../../etc/passwd", "/etc/passwd", "", ".", "..", "a\0b", "a\nb", "x" * 5000, "\ud800"]
)
def test_films_that_annotations_name(place: Path, tally: Tally, name: str) -> None:
    content = {**DETECTIONS, "images": [{**DETECTIONS["images"][0], "file_name": name}]}
    assert judged(tally, place, "coco", json.dumps(content), what="annotations: paths")[0] == "error"


@pytest.mark.parametrize(
    "text", ["[" * 100_000, '{"a":' * 100_000, "", "[]", "null", "\0", '"' + "x" * 10**6, "9" * 5000]
)
@pytest.mark.parametrize("name", ["coco", "labelme"])
def test_json_of_nothing(place: Path, tally: Tally, name: str, text: str) -> None:
    assert judged(tally, place, name, text)[0] == "error"


RECTANGLE = {"label": "x", "shape_type": "rectangle", "points": [[1, 2], [3, 4]]}
POINTS: tuple[Any, ...] = (
    *STRANGE,
    [[1, 2]],
    [[1, 2], [3]],
    [[1, 2, 3], [4, 5, 6]],
    ["ab", "cd"],
    {"12": 1},
    [[1, 1]] * 100_000,
)


@pytest.mark.parametrize("field", ["label", "shape_type", "points", "shapes", "imageWidth", "imageHeight", "imagePath"])
def test_labelme_of_strange_values(place: Path, tally: Tally, field: str) -> None:
    for value in POINTS:
        shape = {**RECTANGLE, field: value} if field in RECTANGLE else RECTANGLE
        content = {"shapes": [shape], "imageWidth": 50, "imageHeight": 40}
        judged(tally, place, "labelme", json.dumps(content if field in RECTANGLE else {**content, field: value}))


@pytest.mark.parametrize("line", [
    "-1 .5 .5 .1 .1", "0 nan .5 .1 .1", "9" * 5000 + " .5 .5 .1 .1", "\0",
    "1_0 .5 .5 .1", "x" * 10**6, "0.0.0 .5 .5 .1 .1", "0", "0 inf inf inf inf",
])  # fmt: skip
def test_yolo_lines(place: Path, tally: Tally, line: str) -> None:
    outcome, said = judged(tally, place, "yolo", line)
    assert outcome == "error"
    assert len(said) < 1000


def test_a_yolo_polygon_of_a_million_points(place: Path, tally: Tally) -> None:
    assert judged(tally, place, "yolo", "0 " + ".5 " * 10**6)[0] == "accepted"


ROWS = (("image", "x0", "y0", "x1", "y1", "label"), ("a.png", 1, 2, 3, 4, "x"))


def book(
    fill: Callable[[Any], Any] = lambda sheet: None, change: Callable[[bytes], bytes] = bytes, member: str = "sheet1"
) -> bytes:
    """Give a workbook; ``change`` is made to one of its files."""
    made, held, out = openpyxl.Workbook(), io.BytesIO(), io.BytesIO()
    for row in ROWS:
        made.active.append(row)
    fill(made.active)
    made.save(held)
    with zipfile.ZipFile(held) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            content = old.read(name)
            new.writestr(name, change(content) if member in name and name.endswith(".xml") else content)
    return out.getvalue()


def _end(more: bytes) -> Callable[[bytes], bytes]:
    return lambda content: content.replace(b"</sheetData>", more + b"</sheetData>")


SHEETS: dict[str, tuple[Callable[[], bytes], Outcome]] = {
    "formulas": (lambda: book(lambda s: s.append(("a.png", "=1+1", '=HYPERLINK("http://x")', 3, 4, "=cmd|'/c calc'!A0"))), "accepted"),
    "a cell in the last corner": (lambda: book(lambda s: s.cell(1_048_576, 16_384, "x")), "error"),
    "a cell in the last row": (lambda: book(lambda s: s.cell(1_048_576, 1, "x")), "error"),
    "a cell in the last column": (lambda: book(lambda s: s.cell(1, 16_384, "x")), "error"),
    "a row beyond the sheet": (lambda: book(change=lambda c: c.replace(b'<row r="2"', b'<row r="1000000000"')), "error"),
    "a size that is a lie": (lambda: book(change=lambda c: c.replace(b"A1:F2", b"A1:XFD1048576")), "accepted"),
    "blanks without end": (lambda: book(change=_end(b" " * 300_000_000)), "error"),
    "rows without end": (lambda: book(change=_end(b"<row/>" * 5_000_000)), "error"),
    "cells without end": (lambda: book(change=_end(b"<row>" + b"<c/>" * 5_000_000 + b"</row>")), "error"),
    "a billion laughs": (lambda: book(change=lambda c: LAUGHS.encode() + c.replace(b"<sheetData>", b"<sheetData>&l9;")), "error"),
    "nested deeply": (lambda: book(change=_end(b"<a>" * 200_000 + b"</a>" * 200_000)), "accepted"),
    "no such cell": (lambda: book(change=lambda c: c.replace(b'r="A2"', b'r="ZZZZZ99999999999"')), "error"),
    "no sheet": (lambda: book(change=lambda c: b"", member="workbook"), "error"),
    "junk": (lambda: b"junk", "error"),
    "a zip of nothing": (lambda: b"PK\x05\x06" + bytes(18), "error"),
    "cut": (lambda: book()[:1500], "error"),
}  # fmt: skip


@pytest.mark.parametrize("name", SHEETS)
def test_workbooks(place: Path, tally: Tally, name: str) -> None:
    make, expected = SHEETS[name]
    assert judged(tally, place, "csv", make(), file="t.xlsx", what="annotations: workbooks")[0] == expected


def test_the_workbook_of_btxrd(place: Path, tally: Tally) -> None:
    (place / "Annotations").mkdir()
    for make in (book, lambda: b"", lambda: book(lambda s: s.cell(1, 1, "image_id"))):
        assert judged(tally, place, "btxrd", make(), what="annotations: workbooks")[0] == "error"


TABLE = "image,x0,y0,x1,y1,label\na.png,1,2,3,4,x\n"
TABLES: dict[str, tuple[str, Outcome]] = {
    "a column twice": (TABLE.replace("label", "x0"), "error"), "one value more": (TABLE.replace("x\n", "x,more\n"), "error"),
    "a quote": ('"', "error"), "separators alone": (",,,,\n,,,,", "error"), "one word": ("image", "error"),
    "a film in the system": (TABLE.replace("a.png", "/etc/passwd"), "accepted"),
    "a name with zero": (TABLE.replace("a.png", "a\0b"), "accepted"),
    "a long path": (TABLE.replace("a.png", "a/" * 5000), "accepted"), "infinite": (TABLE.replace("1,2", "inf,2"), "accepted"),
    "too large to add": ("image,x,y,w,h,label\na.png,1e308,1,1e308,1,x\n", "accepted"),
}  # fmt: skip


@pytest.mark.parametrize("name", TABLES)
def test_tables(place: Path, tally: Tally, name: str) -> None:
    """What a table alone cannot tell is found when the manifest is made: see the next test."""
    content, expected = TABLES[name]
    assert judged(tally, place, "csv", content)[0] == expected


@pytest.mark.parametrize("name", [n for n, (_, expected) in TABLES.items() if expected == "accepted"])
def test_no_manifest_is_made_of_them(place: Path, tally: Tally, typed: Any, name: str) -> None:
    (place / "t.csv").write_text(TABLES[name][0], encoding="utf-8")
    outcome, _ = typed("annotations: import", "import", "csv", place / "t.csv", "-o", place / "m.csv")
    # a film that is not there is a failed case of a later run
    assert outcome == ("accepted" if name == "a long path" else "error")
    assert (place / "m.csv").exists() == (outcome == "accepted")


json_value = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4)
    | st.dictionaries(
        st.sampled_from(["id", "bbox", "image_id", "points", "label", "shape_type", "shapes", "images", "annotations", "categories",
                         "file_name", "width", "name", "x"]), inner, max_size=5),
    max_leaves=12,
)  # fmt: skip
QUICK = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)


@QUICK
@given(value=json_value, name=st.sampled_from(["coco", "labelme"]))
def test_any_json(place: Path, tally: Tally, value: Any, name: str) -> None:
    keys = ("images", "annotations", "categories") if name == "coco" else ("shapes",)
    whole = {k: value if isinstance(value, list) else [value] for k in keys}
    judged(tally, place, name, json.dumps(whole), what="annotations: any JSON (generated)")


@QUICK
@given(
    text=st.text(alphabet="<>/&;![]abxyminx=\"' 0123456789.\n", max_size=120),
    start=st.sampled_from(["", "<annotation>", BOX[:150]]),
)
def test_any_xml(place: Path, tally: Tally, text: str, start: str) -> None:
    judged(tally, place, "voc", start + text, what="annotations: any XML (generated)")


@QUICK
@given(text=st.text(alphabet="0123456789.-+einfa \t\n\r", max_size=80))
def test_any_lines(place: Path, tally: Tally, text: str) -> None:
    judged(tally, place, "yolo", text, what="annotations: any lines (generated)")


@pytest.mark.slow
def test_fuzz(place: Path, tally: Tally, pytestconfig: pytest.Config) -> None:
    """Seeded damage for as long as ``--fuzz-seconds`` says."""
    shapes = {"shapes": [RECTANGLE], "imageWidth": 50, "imageHeight": 40}
    seeds = {"coco": json.dumps(DETECTIONS).encode(), "voc": BOX.encode(), "yolo": b"0 .5 .5 .1 .1\n" * 3,
             "labelme": json.dumps(shapes).encode(), "csv": TABLE.encode(), "sheet": book()}  # fmt: skip
    draw = np.random.default_rng(22)
    until = time.monotonic() + pytestconfig.getoption("--fuzz-seconds")
    while time.monotonic() < until:
        name = list(seeds)[draw.integers(len(seeds))]
        content = bytearray(seeds[name])
        for _ in range(draw.integers(1, 6)):
            content[draw.integers(len(content))] = draw.integers(256)
        file = "t.xlsx" if name == "sheet" else ""
        judged(tally, place, "csv" if file else name, bytes(content), file=file, what="annotations: fuzzed")
