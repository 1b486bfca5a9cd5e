"""FracAtlas as published: three annotation formats, one set of boxes."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from robustkit.formats._base import ImportOptions
from robustkit.formats.fracatlas import PLUGIN

from shared_data import FRACATLAS, needs_fracatlas

CORNERS = ["x0", "y0", "x1", "y1"]


@pytest.fixture(scope="module")
def frames() -> dict[str, pd.DataFrame]:
    if not FRACATLAS.is_dir():
        return {}
    return {k: PLUGIN.read(FRACATLAS, ImportOptions(boxes=k)).frame for k in ("coco", "voc", "yolo")}  # type: ignore[arg-type]


@needs_fracatlas
def test_coco_voc_and_yolo_give_the_same_536_boxes(frames: dict[str, pd.DataFrame]) -> None:
    boxes = {k: f[f["x0"].notna()].set_index("case_id")[CORNERS].sort_index() for k, f in frames.items()}
    assert {len(b) for b in boxes.values()} == {536}
    assert boxes["coco"].index.equals(boxes["voc"].index)
    assert (boxes["coco"] - boxes["yolo"]).abs().max(axis=None) <= 0.5
    assert (boxes["yolo"] - boxes["voc"]).abs().max(axis=None) <= 0.5
    # VOC cuts YOLO's four decimals to whole px, so against COCO both roundings add up on 32 of 2,144 edges
    apart = (boxes["coco"] - boxes["voc"]).abs().to_numpy()
    assert np.count_nonzero(apart > 0.5) == 32
    assert apart.max() < 0.62


@needs_fracatlas
def test_blocks_of_twenty_numbers_never_straddle_splits(frames: dict[str, pd.DataFrame]) -> None:
    frame = frames["coco"]
    assert len(frame) == 536 + 836
    assert frame.groupby("block")["split"].nunique().max() == 1
    assert set(frame["split"]) == {"train", "val", "test"}
    number = frame["case_id"].str.extract(r"IMG(\d+)")[0].astype(int)
    assert (frame["block"] == ("block-" + (number // 20).astype(str).str.zfill(3))).all()
