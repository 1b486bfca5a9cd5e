"""fracatlas: the FracAtlas archive as published (doi 10.1038/s41597-023-02432-4): lesion = fracture."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pandas as pd

from robustkit.errors import InputError
from robustkit.formats._base import Imported, ImportOptions, manifest_frame, read_json
from robustkit.formats._frames import Corners, Frames
from robustkit.formats._parse import read_voc_boxes, read_yolo_boxes
from robustkit.seeds import generator

PARTS = ("hand", "leg", "hip", "shoulder")
VIEWS = ("frontal", "lateral", "oblique")
COCO = "Annotations/COCO JSON/COCO_fracture_masks.json"
VOC = "Annotations/PASCAL VOC"
YOLO = "Annotations/YOLO"
SHARES = (("train", 0.6), ("val", 0.2), ("test", 0.2))


class FracAtlas:
    """One case per fracture; films without one are kept without a box, for control boxes."""

    name = "fracatlas"

    def read(self, source: Path, options: ImportOptions) -> Imported:
        """Read the archive's folder (``dataset.csv``, ``images/``, ``Annotations/``)."""
        table = _table(source)
        sizes, coco = _coco(source)
        frames = Frames(options.box_frame)
        rows: list[dict[str, object]] = []
        for facts in table.to_dict("records"):
            stem = Path(str(facts["image_id"])).stem
            folder = "Fractured" if facts["fractured"] == "1" else "Non_fractured"
            film = source / "images" / folder / str(facts["image_id"])
            boxes = _boxes(source, stem, options.boxes, sizes=sizes, coco=coco)
            shown = frames.displayed(boxes, film, annotated=sizes.get(stem)) if boxes else []
            rows += _rows(facts, stem, f"images/{folder}/{facts['image_id']}", shown)
        if options.split_blocks:
            _split(rows, options.split_blocks, options.seed)
        frame = manifest_frame(rows)
        n = int(frame["x0"].notna().sum())
        said = f"{n} fractures with a box on {frame.loc[frame['x0'].notna(), 'image'].nunique()} films"
        plain = f"{int(frame['x0'].isna().sum())} films without a fracture have no box"
        return Imported(frame, source.resolve(), (said, plain, *frames.notes()))


def _table(source: Path) -> pd.DataFrame:
    file = source / "dataset.csv"
    if not file.is_file():
        what = "expected FracAtlas's folder with dataset.csv, images/ and Annotations/."
        raise InputError(what, where=str(source), fix="Give the unpacked archive.")
    table = pd.read_csv(file, dtype=str, keep_default_na=False)
    lacking = [c for c in ("image_id", "fractured", *PARTS, *VIEWS) if c not in table]
    if lacking:
        raise InputError(
            f"the table lacks {', '.join(lacking)}.", where=str(file), fix="Use the published dataset.csv."
        )
    return table


def _coco(source: Path) -> tuple[dict[str, tuple[int, int]], dict[str, list[Corners]]]:
    """Give the annotated size and the boxes of every film in the COCO file."""
    content = read_json(source / COCO)
    stems = {i["id"]: Path(i["file_name"]).stem for i in content["images"]}
    sizes = {stems[i["id"]]: (int(i["width"]), int(i["height"])) for i in content["images"]}
    boxes: dict[str, list[Corners]] = {}
    for a in content["annotations"]:
        x, y, w, h = (float(v) for v in a["bbox"])
        boxes.setdefault(stems[a["image_id"]], []).append((x, y, x + w, y + h))
    return sizes, boxes


def _boxes(
    source: Path, stem: str, kind: str, *, sizes: dict[str, tuple[int, int]], coco: dict[str, list[Corners]]
) -> list[Corners]:
    if kind == "coco":
        return coco.get(stem, [])
    if kind == "yolo":
        return read_yolo_boxes(source / YOLO / f"{stem}.txt", sizes.get(stem))
    # the archive's VOC files hold the edges cut to whole px: half a pixel more is their middle
    return [(a + 0.5, b + 0.5, c + 0.5, d + 0.5) for a, b, c, d in read_voc_boxes(source / VOC / f"{stem}.xml")]


def _rows(facts: dict[str, str], stem: str, image: str, boxes: list[Corners]) -> list[dict[str, object]]:
    number = int(re.sub(r"\D", "", stem))
    shared: dict[str, object] = {
        "image": image,
        "label": "fractured" if boxes else "normal",
        "subtype": "fracture" if boxes else "",
        "site": "|".join(p for p in PARTS if facts[p] == "1"),
        "view": "|".join(v for v in VIEWS if facts[v] == "1"),
        "hardware": facts.get("hardware", ""),
        "number": number,
    }
    if not boxes:
        nothing = dict.fromkeys(("x0", "y0", "x1", "y1"), np.nan)
        return [{"case_id": f"{stem}-c", **shared, **nothing}]
    return [
        {"case_id": f"{stem}-{k}", **shared, "x0": x0, "y0": y0, "x1": x1, "y1": y1}
        for k, (x0, y0, x1, y1) in enumerate(sorted(boxes), start=1)
    ]


def _split(rows: list[dict[str, object]], size: int, seed: int) -> None:
    """Neighbouring image numbers are often one patient: whole blocks go to one split."""
    blocks = sorted({int(str(r["number"])) // size for r in rows})
    order = generator(seed, "fracatlas-blocks").permutation(len(blocks))
    edges = np.cumsum([share for _, share in SHARES]) * len(blocks)
    split = {
        blocks[b]: next(s for (s, _), e in zip(SHARES, edges, strict=True) if k < e + 1e-9) for k, b in enumerate(order)
    }
    for row in rows:
        block = int(str(row.pop("number"))) // size
        row["split"] = split[block]
        row["block"] = f"block-{block:03d}"


PLUGIN = FracAtlas()
