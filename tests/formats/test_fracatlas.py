"""FracAtlas as published: three annotation formats, one set of boxes."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from robustkit.errors import InputError
from robustkit.formats._base import ImportOptions
from robustkit.formats.fracatlas import PLUGIN

from shared_data import FRACATLAS, needs_fracatlas

CORNERS = ["x0", "y0", "x1", "y1"]
KINDS = ("coco", "voc", "yolo")


@pytest.fixture(scope="module")
def frames() -> dict[str, pd.DataFrame]:
    if not FRACATLAS.is_dir():
        return {}
    return {k: PLUGIN.read(FRACATLAS, ImportOptions(boxes=k)).frame for k in KINDS}  # type: ignore[arg-type]


@needs_fracatlas
def test_coco_voc_and_yolo_give_the_same_536_boxes(frames: dict[str, pd.DataFrame]) -> None:
    boxes = {k: f[f["x0"].notna()].set_index("case_id")[CORNERS].sort_index() for k, f in frames.items()}
    assert {len(b) for b in boxes.values()} == {536}
    assert boxes["coco"].index.equals(boxes["voc"].index)
    assert (boxes["coco"] - boxes["yolo"]).abs().max(axis=None) <= 0.2
    assert (boxes["yolo"] - boxes["voc"]).abs().max(axis=None) <= 0.5
    # as published, VOC is YOLO cut to whole px, all 2,144 edges
    pd.testing.assert_frame_equal(np.floor(boxes["yolo"]) + 0.5, boxes["voc"])
    # so against COCO both roundings add up: over half a px on 32 of 2,144 edges
    apart = (boxes["coco"] - boxes["voc"]).abs().to_numpy()
    assert np.count_nonzero(apart > 0.5) == 32
    assert apart.max() < 0.62


@needs_fracatlas
def test_blocks_of_twenty_numbers_never_straddle_splits(frames: dict[str, pd.DataFrame]) -> None:
    frame = frames["coco"]
    assert len(frame) == 536 + 836
    assert frame.groupby("block")["split"].nunique().max() == 1
    shares = frame.drop_duplicates("block")["split"].value_counts(normalize=True)
    assert shares.round(1).to_dict() == {"train": 0.6, "val": 0.2, "test": 0.2}
    number = frame["case_id"].str.extract(r"IMG(\d+)")[0].astype(int)
    own = "block-" + (number // 20).astype(str).str.zfill(3)
    moved = own[frame["block"] != own].unique()
    # the archive holds 7 films twice, byte for byte
    content = frame["image"].map(lambda i: hashlib.sha256((FRACATLAS / i).read_bytes()).hexdigest())
    assert frame.groupby(content)["split"].nunique().max() == 1
    twice = content.groupby(content).transform(lambda c: frame.loc[c.index, "image"].nunique()) > 1
    assert set(moved) <= set(own[twice])
    assert (frame["block"] <= own).all()


def _make(folder: Path, *, fractured: int = 6, plain: int = 4) -> Path:
    """Write an archive of the published shape: films of 80 x 60 px, every second number, one box of 20 x 10 px each."""
    rows, images, annotations = [], [], []
    for kind in ("PASCAL VOC", "YOLO", "COCO JSON"):
        (folder / "Annotations" / kind).mkdir(parents=True)
    for i in range(fractured + plain):
        name, is_broken = f"IMG{i * 2:07d}", i < fractured
        film = folder / "images" / ("Fractured" if is_broken else "Non_fractured") / f"{name}.jpg"
        film.parent.mkdir(parents=True, exist_ok=True)
        Image.new("L", (80, 60), 40 + 3 * i).save(film)
        rows.append(
            {"image_id": film.name, "hand": 1, "leg": 0, "hip": i % 2, "shoulder": 0, "hardware": 0,
             "fractured": int(is_broken), "frontal": 1, "lateral": i % 2, "oblique": 0}
        )  # fmt: skip
        if is_broken:
            images.append({"id": i, "file_name": film.name, "width": 80, "height": 60})
            annotations.append({"id": i, "image_id": i, "category_id": 0, "bbox": [10.5, 20.5, 20, 10]})
            box = "<xmin>10</xmin><ymin>20</ymin><xmax>30</xmax><ymax>30</ymax>"
            xml = f"<annotation><object><name>fractured</name><bndbox>{box}</bndbox></object></annotation>"
            (folder / "Annotations" / "PASCAL VOC" / f"{name}.xml").write_text(xml)
            # centre (20.5, 25.5) of 80 x 60
            (folder / "Annotations" / "YOLO" / f"{name}.txt").write_text("0 0.25625 0.425 0.25 0.166666667\n")
    coco = {"images": images, "annotations": annotations, "categories": [{"id": 0, "name": "fractured"}]}
    (folder / "Annotations/COCO JSON/COCO_fracture_masks.json").write_text(json.dumps(coco))
    pd.DataFrame(rows).to_csv(folder / "dataset.csv", index=False)
    return folder


@pytest.mark.parametrize("kind", KINDS)
def test_made_up_films_by_hand(tmp_path: Path, kind: str) -> None:
    imported = PLUGIN.read(_make(tmp_path), ImportOptions(boxes=kind))  # type: ignore[arg-type]
    frame = imported.frame.set_index("case_id")
    np.testing.assert_allclose(frame.loc["IMG0000002-1", CORNERS].astype(float), [10.5, 20.5, 30.5, 30.5], atol=1e-6)
    facts = ["label", "site", "view", "hardware", "image"]
    assert frame.loc["IMG0000002-1", facts].tolist() == [
        "fractured", "hand|hip", "frontal|lateral", "0", "images/Fractured/IMG0000002.jpg",
    ]  # fmt: skip
    assert frame.loc["IMG0000012-c", "label"] == "normal"
    assert frame.loc["IMG0000012-c", CORNERS].isna().all()
    assert "number" not in frame
    assert "patient_id" not in frame


def test_splits_are_seeded_whole_blocks_and_can_be_left_out(tmp_path: Path) -> None:
    source = _make(tmp_path, fractured=30, plain=20)
    splits = [PLUGIN.read(source, ImportOptions(split_blocks=10, seed=s)).frame["split"].tolist() for s in (0, 0, 1)]
    assert splits[0] == splits[1] != splits[2]
    # 100 numbers are 10 blocks, of which 6, 2 and 2 go to the splits; 5 films each
    assert pd.Series(splits[0]).value_counts().to_dict() == {"train": 30, "val": 10, "test": 10}
    plain = PLUGIN.read(source, ImportOptions(split_blocks=0)).frame
    assert not {"split", "block", "number"} & set(plain)


def test_blocks_that_share_a_film_go_to_one_split(tmp_path: Path) -> None:
    source = _make(tmp_path, fractured=30, plain=20)
    apart = PLUGIN.read(source, ImportOptions(split_blocks=10)).frame.set_index("image")
    first = "images/Fractured/IMG0000000.jpg"
    # the first film of a later block of another split becomes the very first one
    other = next(i for i in apart.index if apart["split"][i] != apart["split"][first])
    (source / other).write_bytes((source / first).read_bytes())
    joined = PLUGIN.read(source, ImportOptions(split_blocks=10)).frame.set_index("image")
    moved = apart.index[apart["block"] == apart["block"][other]]
    assert set(joined.loc[moved, "block"]) == {"block-000"}
    assert joined["split"][other] == joined["split"][first] == apart["split"][first]
    rest = apart.index.difference(moved)
    assert joined.loc[rest, "split"].equals(apart.loc[rest, "split"])


def test_a_fractured_film_without_a_box_is_no_normal_one(tmp_path: Path) -> None:
    source = _make(tmp_path)
    table = pd.read_csv(source / "dataset.csv")
    table.loc[table["image_id"] == "IMG0000012.jpg", "fractured"] = 1
    table.to_csv(source / "dataset.csv", index=False)
    imported = PLUGIN.read(source, ImportOptions())
    assert "IMG0000012-c" not in set(imported.frame["case_id"])
    assert any("1 fractured films have no box and are left out: IMG0000012" in n for n in imported.notes)


@pytest.mark.parametrize(
    ("file", "content", "match"),
    [
        ("Annotations/COCO JSON/COCO_fracture_masks.json", "{}", "expected COCO images and annotations"),
        ("Annotations/COCO JSON/COCO_fracture_masks.json", "3", "expected COCO images and annotations"),
        ("dataset.csv", "image_id,fractured,hand,leg,hip,shoulder,frontal,lateral,oblique\nx,1,,,,,,,\n", "IMG0000000"),
        ("dataset.csv", "image_id,fractured,hand,leg,hip,shoulder,frontal,lateral,oblique\n", "has no film"),
    ],
)
def test_broken_files_are_named(tmp_path: Path, file: str, content: str, match: str) -> None:
    source = _make(tmp_path)
    (source / file).write_text(content)
    with pytest.raises(InputError, match=match):
        PLUGIN.read(source, ImportOptions())
