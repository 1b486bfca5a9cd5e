"""Every format gives the same three boxes; hostile and broken files are named as such."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from robustkit.errors import InputError
from robustkit.formats._base import Imported, ImportOptions
from robustkit.formats._frames import to_displayed
from robustkit.images.film import FilmSize
from robustkit.registry import load, names

from made_annotations import BOXES, SIZE, write_coco, write_films, write_labelme, write_voc, write_yolo

WRITERS = {
    "coco": lambda p: write_coco(p / "boxes.json"),
    "voc": lambda p: write_voc(p / "voc"),
    "yolo": lambda p: write_yolo(p / "yolo"),
    "labelme": lambda p: write_labelme(p / "labelme"),
}


def _read(name: str, source: Path, **options: object) -> Imported:
    return load("formats", name).read(source, ImportOptions(**options))  # type: ignore[attr-defined,arg-type]


def _corners(frame: pd.DataFrame) -> dict[str, list[tuple[float, ...]]]:
    found: dict[str, list[tuple[float, ...]]] = {}
    for row in frame.itertuples():
        found.setdefault(Path(row.image).stem, []).append((row.x0, row.y0, row.x1, row.y1))
    return found


def test_all_seven_formats_are_there() -> None:
    assert names("formats") == ("btxrd", "coco", "csv", "fracatlas", "labelme", "voc", "yolo")


@pytest.mark.parametrize("name", sorted(WRITERS))
def test_the_same_boxes_come_out_of_every_format(name: str, tmp_path: Path) -> None:
    films = write_films(tmp_path / "films")
    imported = _read(name, WRITERS[name](tmp_path), images=films)
    found = _corners(imported.frame)
    assert set(found) == set(BOXES)
    for stem, boxes in BOXES.items():
        np.testing.assert_allclose(found[stem], boxes, atol=1e-4)
    assert imported.root == films
    assert (imported.frame["label"] == "benign").all()
    assert imported.frame["case_id"].is_unique


# a mark at stored (0..10, 0..5) of an 80 x 60 film, where EXIF shows it (worked by hand on paper)
SHOWN = {
    1: (0, 0, 10, 5),
    2: (70, 0, 80, 5),
    3: (70, 55, 80, 60),
    4: (0, 55, 10, 60),
    5: (0, 0, 5, 10),
    6: (55, 0, 60, 10),
    7: (55, 70, 60, 80),
    8: (0, 70, 5, 80),
}


@pytest.mark.parametrize("orientation", range(1, 9))
def test_boxes_turn_with_their_film(orientation: int) -> None:
    w, h = (SIZE[1], SIZE[0]) if orientation >= 5 else SIZE
    size = FilmSize(*SIZE, w, h, orientation)
    assert to_displayed((0, 0, 10, 5), size) == SHOWN[orientation]


def test_the_frame_is_the_one_that_the_size_fits(tmp_path: Path) -> None:
    films = write_films(tmp_path / "films", orientation=6)
    stored = _read("coco", write_coco(tmp_path / "s.json", size=SIZE), images=films)
    shown = _read("coco", write_coco(tmp_path / "d.json", size=SIZE[::-1]), images=films)
    # orientation 6 on 80 x 60: x' = 60 - y, y' = x
    assert _corners(stored.frame)["b"] == [(60 - 44.0, 8.0, 60 - 12.0, 24.0)]
    assert _corners(shown.frame)["b"] == BOXES["b"]
    assert any("stored frame" in n for n in stored.notes)


def test_a_size_that_fits_both_frames_is_listed(tmp_path: Path) -> None:
    films = write_films(tmp_path / "films", orientation=3)
    source = write_coco(tmp_path / "s.json")
    assert _corners(_read("coco", source, images=films).frame) == BOXES
    assert any("fit both frames" in n and "a.jpg, b.jpg" in n for n in _read("coco", source, images=films).notes)
    forced = _read("coco", source, images=films, box_frame="stored")
    assert _corners(forced.frame)["b"] == [(80 - 24.0, 60 - 44.0, 80 - 8.0, 60 - 12.0)]


def test_a_table_is_renamed_and_guessed(tmp_path: Path) -> None:
    write_films(tmp_path)
    (tmp_path / "t.csv").write_text("filename;xmin;ymin;w2;xmax;ymax;class\na.jpg;10;5;1;30;25;benign\n")
    imported = _read("csv", tmp_path / "t.csv")
    assert imported.frame.loc[0, ["image", "x0", "y1", "label"]].tolist() == ["a.jpg", 10.0, 25.0, "benign"]
    (tmp_path / "u.csv").write_text("image,x,y,width,height,diag\na.jpg,10,5,20,20,benign\n")
    imported = _read("csv", tmp_path / "u.csv", columns={"diag": "label"})
    assert imported.frame.loc[0, ["x0", "y0", "x1", "y1"]].astype(float).tolist() == [10, 5, 30, 25]
    with pytest.raises(InputError, match="nothing in the table is label"):
        _read("csv", tmp_path / "u.csv")
    with pytest.raises(InputError, match="no column nope"):
        _read("csv", tmp_path / "u.csv", columns={"nope": "label"})


@pytest.mark.parametrize("heads", ["Left,Top,Width,Height", "x0,y0,w,h", "X,Y,W,H", "xmin,ymin,WIDTH,height"])
def test_a_corner_and_the_sides_are_a_box_in_any_case_of_letters(heads: str, tmp_path: Path) -> None:
    write_films(tmp_path)
    (tmp_path / "t.csv").write_text(f"image,{heads},Diagnosis\na.jpg,10,5,20,25,benign\n")
    frame = _read("csv", tmp_path / "t.csv").frame
    assert frame.loc[0, ["x0", "y0", "x1", "y1"]].astype(float).tolist() == [10, 5, 30, 30]  # 10 + 20, 5 + 25
    assert frame.columns.tolist() == ["case_id", "image", "x0", "y0", "x1", "y1", "label"]


def test_cases_without_a_name_are_numbered_and_that_is_said(tmp_path: Path) -> None:
    write_films(tmp_path)
    (tmp_path / "t.csv").write_text("image,x0,y0,x1,y1,label\na.jpg,10,5,30,25,benign\nb.jpg,10,5,30,25,benign\n")
    imported = _read("csv", tmp_path / "t.csv")
    assert imported.frame["case_id"].tolist() == ["case-00001", "case-00002"]
    assert any("case-00001 to case-00002" in n and "--column THEIRS=case_id" in n for n in imported.notes)
    (tmp_path / "u.csv").write_text("case_id,image,x0,y0,x1,y1,label\nk,a.jpg,10,5,30,25,benign\n")
    assert not any("case_id" in n for n in _read("csv", tmp_path / "u.csv").notes)


def test_the_size_of_a_film_beside_all_four_edges_is_a_fact(tmp_path: Path) -> None:
    write_films(tmp_path)
    (tmp_path / "t.csv").write_text("image,x0,y0,x1,y1,Width,Height,label\na.jpg,10,5,30,25,80,60,benign\n")
    frame = _read("csv", tmp_path / "t.csv").frame
    assert frame.loc[0, ["x1", "y1", "Width", "Height"]].astype(float).tolist() == [30, 25, 80, 60]


def test_films_without_an_annotation_have_no_box(tmp_path: Path) -> None:
    films = write_films(tmp_path / "films")
    (films / "c.jpg").write_bytes((films / "a.jpg").read_bytes())
    coco = json.loads(write_coco(tmp_path / "c.json").read_text())
    coco["images"].append({"id": 9, "file_name": "c.jpg", "width": 80, "height": 60})
    (tmp_path / "c.json").write_text(json.dumps(coco))
    write_voc(tmp_path / "voc")
    (tmp_path / "voc" / "c.xml").write_text("<annotation/>")
    write_yolo(tmp_path / "yolo")
    (tmp_path / "yolo" / "c.txt").write_text("\n")
    write_labelme(tmp_path / "labelme")
    (tmp_path / "labelme" / "c.json").write_text('{"shapes": []}')
    sources = {"coco": "c.json", "voc": "voc", "yolo": "yolo", "labelme": "labelme"}
    for name, source in sources.items():
        frame = _read(name, tmp_path / source, images=films).frame.set_index("case_id")
        assert frame.loc["c-c", ["x0", "y0", "x1", "y1"]].isna().all(), name
        assert frame.loc["c-c", "label"] == "normal"
        assert len(frame) == 4


def test_a_film_with_other_shapes_is_not_one_without_a_lesion(tmp_path: Path) -> None:
    films = write_films(tmp_path / "films")
    write_labelme(tmp_path / "labelme")
    (tmp_path / "labelme" / "b.json").write_text('{"shapes": [{"shape_type": "circle", "points": [[1, 2], [3, 4]]}]}')
    imported = _read("labelme", tmp_path / "labelme", images=films)
    assert imported.frame["case_id"].tolist() == ["a-1", "a-2"]
    assert any("1 films: neither rectangle nor polygon" in n for n in imported.notes)


def test_films_that_share_a_name_are_told_apart_by_their_folder(tmp_path: Path) -> None:
    films = tmp_path / "films"
    for part in ("train", "test"):
        write_films(films / part)
    coco = json.loads(write_coco(tmp_path / "c.json").read_text())
    with pytest.raises(InputError, match=r"'a.jpg' may be test/a.jpg or train/a.jpg"):
        _read("coco", tmp_path / "c.json", images=films)
    for image in coco["images"]:
        image["file_name"] = f"train/{image['file_name']}"
    (tmp_path / "c.json").write_text(json.dumps(coco))
    frame = _read("coco", tmp_path / "c.json", images=films).frame
    assert set(frame["image"]) == {"train/a.jpg", "train/b.jpg"}
    assert frame["case_id"].tolist() == ["train/a-1", "train/a-2", "train/b-1"]


def test_a_name_with_dots_is_no_other_film(tmp_path: Path) -> None:
    films = write_films(tmp_path / "films")
    write_yolo(tmp_path / "yolo")
    (tmp_path / "yolo" / "a.2.txt").write_text("0 .5 .5 .1 .1\n")
    (films / "a.2.jpg").write_bytes((films / "a.jpg").read_bytes())
    frame = _read("yolo", tmp_path / "yolo", images=films).frame.set_index("case_id")
    assert frame.loc["a.2-1", "image"] == "a.2.jpg"
    assert frame.loc["a-1", "image"] == "a.jpg"


def test_another_size_than_annotated_is_said(tmp_path: Path) -> None:
    films = write_films(tmp_path / "films")
    notes = _read("coco", write_coco(tmp_path / "c.json", size=(160, 120)), images=films).notes
    assert any("another size than their annotation" in n and "a.jpg, b.jpg" in n for n in notes)


def test_missing_and_damaged_films_are_said(tmp_path: Path) -> None:
    films = write_films(tmp_path / "films")
    (films / "b.jpg").write_bytes(b"junk")
    assert any("film not readable" in n for n in _read("coco", write_coco(tmp_path / "c.json"), images=films).notes)
    shares = _read("yolo", write_yolo(tmp_path / "yolo"), images=films)
    assert shares.frame["case_id"].tolist() == ["a-1", "a-2"]
    assert any("shares of an unknown size" in n for n in shares.notes)
    (films / "b.jpg").unlink()
    for name in sorted(WRITERS):
        notes = _read(name, WRITERS[name](tmp_path), images=films).notes
        assert any("1 films of the annotations are missing: b" in n for n in notes), name


def test_yolo_polygons_and_confidences(tmp_path: Path) -> None:
    films = write_films(tmp_path / "films")
    (tmp_path / "yolo").mkdir()
    # a triangle, a box with a confidence, a class without a name
    (tmp_path / "yolo" / "a.txt").write_text("0 .1 .5 .5 .1 .9 .9\n0 .5 .5 .25 .5 .99\n7 .5 .5 .25 .5\n")
    (tmp_path / "classes.txt").write_text("malignant\n")
    frame = _read("yolo", tmp_path / "yolo", images=films).frame
    corners = frame[["x0", "y0", "x1", "y1"]].to_numpy()
    np.testing.assert_allclose(corners[:2], [[8, 6, 72, 54], [30, 15, 50, 45]], atol=1e-9)
    assert frame["label"].tolist() == ["malignant", "malignant", "class 7"]


def test_a_table_in_the_stored_frame_turns_too(tmp_path: Path) -> None:
    write_films(tmp_path, orientation=6)
    (tmp_path / "t.csv").write_text("image,x0,y0,x1,y1,label\nb.jpg,8,12,24,44,benign\na.jpg,,,,,normal\n")
    stored = _read("csv", tmp_path / "t.csv", box_frame="stored").frame
    # orientation 6 on 80 x 60: x' = 60 - y, y' = x
    assert stored.loc[0, ["x0", "y0", "x1", "y1"]].tolist() == [16, 8, 48, 24]
    assert stored.loc[1, ["x0", "y0", "x1", "y1"]].isna().all()
    shown = _read("csv", tmp_path / "t.csv")
    assert shown.frame.loc[0, ["x0", "y0", "x1", "y1"]].tolist() == [8, 12, 24, 44]
    assert any("fit both frames" in n for n in shown.notes)


def test_a_table_of_other_kinds_reads_alike(tmp_path: Path) -> None:
    write_films(tmp_path)
    table = pd.DataFrame({"image": ["a.jpg", "b.jpg"], "x0": [1, 2], "y0": [1, 2], "x1": [5, 6], "y1": [5, 6.5]})
    table["label"], table["age"] = ["benign", "malignant"], [30.0, np.nan]
    table.to_csv(tmp_path / "t.csv", index=False)
    table.to_csv(tmp_path / "tab.csv", index=False, sep="\t")
    table.to_parquet(tmp_path / "t.parquet")
    table.to_excel(tmp_path / "t.xlsx", index=False)
    frames = [_read("csv", tmp_path / f).frame for f in ("t.csv", "tab.csv", "t.parquet", "t.xlsx")]
    for frame in frames:
        assert frame["y1"].tolist() == [5.0, 6.5]
        # no age is no text "nan"
        assert frame["age_years"].tolist()[1] == ""
        assert list(frame.columns) == list(frames[0].columns)


def test_a_table_with_roots_of_its_own(tmp_path: Path) -> None:
    write_films(tmp_path / "films")
    (tmp_path / "t.csv").write_text("image,image_root,x0,y0,x1,y1,label\na.jpg,films,1,2,3,4,benign\n")
    imported = _read("csv", tmp_path / "t.csv")
    assert imported.frame["image"].tolist() == ["films/a.jpg"]
    assert "image_root" not in imported.frame


BOMB = '<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b "x">]><annotation>&b;</annotation>'


def _coco_text(**changes: object) -> str:
    good = {
        "images": [{"id": 1, "file_name": "a.jpg", "width": 80, "height": 60}],
        "annotations": [{"id": 5, "image_id": 1, "category_id": 3, "bbox": [1, 2, 3, 4]}],
        "categories": [{"id": 3, "name": "benign"}],
    }
    return json.dumps({**good, **changes})


def _annotation(**changes: object) -> str:
    return _coco_text(annotations=[{"id": 5, "image_id": 1, "category_id": 3, "bbox": [1, 2, 3, 4], **changes}])


def _voc_text(xmin: str) -> str:
    box = f"<xmin>{xmin}</xmin><ymin>1</ymin><xmax>2</xmax><ymax>3</ymax>"
    return f"<annotation><object><name>x</name><bndbox>{box}</bndbox></object></annotation>"


HOSTILE = [
    ("coco", "x.json", "{", "not readable JSON"),
    ("coco", "x.json", "[" * 100_000, "nested too deeply|not readable JSON"),
    ("coco", "x.json", '{"a":' * 100_000, "nested too deeply|not readable JSON"),
    ("coco", "x.json", "1" * 5_000, "not readable JSON"),
    ("coco", "x.json", "[]", "expected COCO JSON"),
    ("coco", "x.json", _coco_text(images={}), "expected COCO JSON"),
    ("coco", "x.json", _coco_text(images=[{}]), "id is missing|'id' is missing"),
    ("coco", "x.json", _coco_text(images=[3]), "expected images with id"),
    (
        "coco",
        "x.json",
        _coco_text(images=[{"id": 1, "file_name": "a.jpg", "width": "w", "height": 1}]),
        "could not convert",
    ),
    ("coco", "x.json", _coco_text(categories=[{}]), "expected images with id"),
    ("coco", "x.json", _coco_text(annotations=["x"]), "annotation 1: expected a bbox"),
    ("coco", "x.json", _annotation(bbox=[float("nan"), 1, 2, 3]), "annotation 5: .*finite"),
    ("coco", "x.json", _annotation(bbox=[1, 2, 3]), "annotation 5: expected a bbox"),
    ("coco", "x.json", _annotation(image_id=[1]), "annotation 5: expected a bbox"),
    ("coco", "x.json", _annotation(category_id={}), "annotation 5: expected a bbox"),
    ("coco", "x.json", _annotation(image_id=77), "1 annotations belong to no image"),
    ("voc", "d/x.xml", BOMB, "not readable XML"),
    ("voc", "d/x.xml", "<a>" * 100_000, "not readable XML"),
    ("voc", "d/x.xml", "<annotation>", "not readable XML"),
    ("voc", "d/a.xml", _voc_text("q"), "expected numbers"),
    ("voc", "d/a.xml", _voc_text("nan"), "expected numbers"),
    ("voc", "d/a.xml", "<annotation><object/></annotation>", "expected numbers in bndbox"),
    (
        "voc",
        "d/a.xml",
        "<annotation><size><width>1e999</width><height>2</height></size></annotation>",
        "expected numbers",
    ),
    ("yolo", "d/a.txt", "0 0.1 0.2\n", "line 1: expected class, centre x"),
    ("yolo", "d/a.txt", "0 .5 .5 .1 .1\ninf .5 .5 .1 .1\n", "line 2: expected class"),
    ("yolo", "d/a.txt", "0 nan .5 .1 .1\n", "expected class"),
    ("yolo", "d/a.txt", "-1 .5 .5 .1 .1\n", "expected class"),
    ("yolo", "d/a.txt", "0.7 .5 .5 .1 .1\n", "expected class"),
    ("yolo", "d/a.txt", "0 .1 .1 .2 .2 .3 .3 .4\n", "expected class"),
    ("yolo", "d/none.md", "", "expected a folder of YOLO"),
    ("labelme", "d/a.json", '{"shapes": [{"points": 3}]}', "expected points of two numbers"),
    ("labelme", "d/a.json", '{"shapes": [7]}', "expected points of two numbers"),
    ("labelme", "d/a.json", '{"shapes": [{"points": [[1, NaN], [2, 3]]}]}', "expected points of two numbers"),
    ("labelme", "d/a.json", "{}", "expected LabelMe JSON"),
    ("csv", "t.csv", "", "not a readable table"),
    ("csv", "t.csv", "x", "nothing in the table is image"),
    ("csv", "t.csv", "image,x0,y0,x1,y1,label\n", "no rows"),
    ("csv", "t.parquet", "junk", "not a readable table"),
    ("csv", "t.xlsx", "junk", "not a readable table"),
    ("csv", "t.xlsx", "PK\x03\x04junk", "not a readable table"),
    ("fracatlas", "d/x", "", "dataset.csv"),
    ("fracatlas", "d/dataset.csv", "image_id,fractured\na.jpg,1\n", "the table lacks hand"),
    ("btxrd", "d/x", "", "dataset.xlsx is missing"),
]


@pytest.mark.parametrize(("name", "file", "content", "match"), HOSTILE)
def test_broken_files_are_named(name: str, file: str, content: str, match: str, tmp_path: Path) -> None:
    path = tmp_path / file
    path.parent.mkdir(exist_ok=True)
    path.write_text(content)
    films = write_films(tmp_path / "films")
    with pytest.raises(InputError, match=match):
        _read(name, path if name in ("coco", "csv") else path.parent, images=films)


@pytest.mark.parametrize("name", sorted(WRITERS))
def test_folders_that_are_not_there_are_named(name: str, tmp_path: Path) -> None:
    source = WRITERS[name](tmp_path)
    with pytest.raises(InputError, match="no such folder of films"):
        _read(name, source, images=tmp_path / "nowhere")
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="no annotated film was found .2 are missing: a"):
        _read(name, source, images=tmp_path / "empty")
