"""Every format gives the same three boxes; hostile and broken files are named as such."""

from __future__ import annotations

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
    assert imported.frame.loc[0, ["image", "x0", "y1", "label"]].tolist() == ["a.jpg", "10", "25", "benign"]
    (tmp_path / "u.csv").write_text("image,x,y,width,height,diag\na.jpg,10,5,20,20,benign\n")
    imported = _read("csv", tmp_path / "u.csv", columns={"diag": "label"})
    assert imported.frame.loc[0, ["x0", "y0", "x1", "y1"]].astype(float).tolist() == [10, 5, 30, 25]
    with pytest.raises(InputError, match="nothing in the table is label"):
        _read("csv", tmp_path / "u.csv")
    with pytest.raises(InputError, match="no column nope"):
        _read("csv", tmp_path / "u.csv", columns={"nope": "label"})


BOMB = '<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b "x">]><annotation>&b;</annotation>'


@pytest.mark.parametrize(
    ("name", "file", "content", "match"),
    [
        ("coco", "x.json", "{", "not readable JSON"),
        ("coco", "x.json", "[" * 100_000, "nested too deeply|not readable JSON"),
        ("coco", "x.json", "[]", "expected COCO JSON"),
        ("voc", "d/x.xml", BOMB, "not readable XML"),
        ("voc", "d/x.xml", "<annotation>", "not readable XML"),
        (
            "voc",
            "d/a.xml",
            "<annotation><object><bndbox><xmin>q</xmin></bndbox></object></annotation>",
            "expected numbers",
        ),
        ("yolo", "d/a.txt", "0 0.1 0.2\n", "expected class, centre x"),
        ("yolo", "d/none.md", "", "expected a folder of YOLO"),
        ("labelme", "d/a.json", '{"shapes": [{"points": 3}]}', "expected points of two numbers"),
        ("labelme", "d/a.json", "{}", "expected LabelMe JSON"),
        ("fracatlas", "d/x", "", "dataset.csv"),
        ("btxrd", "d/x", "", "dataset.xlsx is missing"),
    ],
)
def test_broken_files_are_named(name: str, file: str, content: str, match: str, tmp_path: Path) -> None:
    path = tmp_path / file
    path.parent.mkdir(exist_ok=True)
    path.write_text(content)
    films = write_films(tmp_path / "films")
    with pytest.raises(InputError, match=match):
        _read(name, path if name == "coco" else path.parent, images=films)
