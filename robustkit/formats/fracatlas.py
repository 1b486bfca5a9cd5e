"""fracatlas: the FracAtlas archive as published (doi 10.1038/s41597-023-02432-4): lesion = fracture."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import numpy as np
import pandas as pd

from robustkit.cohort.splits import groups_of
from robustkit.errors import InputError
from robustkit.formats._base import Imported, ImportOptions, manifest_frame, read_json
from robustkit.formats._collect import FREE, NO_BOX
from robustkit.formats._frames import Frames
from robustkit.formats._numbers import Corners, film_side, four
from robustkit.formats._parse import read_lines, read_voc, scale
from robustkit.formats._sheets import read_sheet
from robustkit.provenance import file_digest
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
        sizes, coco = _coco(source / COCO)
        frames = Frames(options.box_frame)
        rows: list[dict[str, object]] = []
        bare = []
        for facts in table.to_dict("records"):
            stem = Path(facts["image_id"]).stem
            folder = "Fractured" if facts["fractured"] == "1" else "Non_fractured"
            image = f"images/{folder}/{Path(facts['image_id']).name}"
            boxes = _boxes(source, stem, options.boxes, sizes=sizes, coco=coco) if facts["fractured"] == "1" else []
            if facts["fractured"] == "1" and not boxes:
                bare.append(stem)
                continue
            shown = frames.displayed(boxes, source / image, annotated=sizes.get(stem)) if boxes else []
            rows += _rows(facts, stem, image, shown)
        if not rows:
            raise InputError("the table has no film.", where=str(source), fix="Give the unpacked archive.")
        _split(rows, options.split_blocks, options.seed, source=source)
        frame = manifest_frame(rows)
        n = int(frame["x0"].notna().sum())
        said = f"{n} fractures with a box on {frame.loc[frame['x0'].notna(), 'image'].nunique()} films"
        plain = f"{int(frame['x0'].isna().sum())} films without a fracture have no box"
        lost = (f"{len(bare)} fractured films have no box and are left out: {', '.join(bare[:5])}",) if bare else ()
        return Imported(frame, source.resolve(), (said, plain, *lost, *frames.notes()))


def _table(source: Path) -> pd.DataFrame:
    file = source / "dataset.csv"
    if not file.is_file():
        what = "expected FracAtlas's folder with dataset.csv, images/ and Annotations/."
        raise InputError(what, where=str(source), fix="Give the unpacked archive.")
    table = read_sheet(file)
    lacking = [c for c in ("image_id", "fractured", *PARTS, *VIEWS) if c not in table]
    if lacking:
        what = f"the table lacks {', '.join(lacking)}."
        raise InputError(what, where=str(file), fix="Use the published dataset.csv.")
    strange = [i for i in table["image_id"] if not re.fullmatch(r"\D*\d{1,15}\.\w+", i)]
    if strange:
        what = f"expected image_id as IMG0000000.jpg, got {strange[0][:40]!r}."
        raise InputError(what, where=str(file), fix="Use the published dataset.csv.")
    return table


def _coco(file: Path) -> tuple[dict[str, tuple[int, int]], dict[str, list[Corners]]]:
    """Give the annotated size and the boxes of every film in the COCO file."""
    content = read_json(file)
    sizes: dict[str, tuple[int, int]] = {}
    boxes: dict[str, list[Corners]] = {}
    try:
        stems = {i["id"]: Path(i["file_name"]).stem for i in content["images"]}
        for image in content["images"]:
            size = film_side(image, "width", "height")
            if size:
                sizes[stems[image["id"]]] = size
        for a in content["annotations"]:
            x, y, w, h = four(a["bbox"])
            boxes.setdefault(stems[a["image_id"]], []).append((x, y, x + w, y + h))
    except (KeyError, TypeError, ValueError) as error:
        what = "expected COCO images and annotations with a bbox of four numbers each."
        raise InputError(what, where=str(file), fix="Use the published file.") from error
    return sizes, boxes


def _boxes(
    source: Path, stem: str, kind: str, *, sizes: dict[str, tuple[int, int]], coco: dict[str, list[Corners]]
) -> list[Corners]:
    if kind == "coco":
        return coco.get(stem, [])
    if kind == "yolo":
        return _yolo(source / YOLO / f"{stem}.txt", sizes.get(stem))
    # the archive's VOC files hold the edges cut to whole px: half a pixel more is their middle
    return [(a + 0.5, b + 0.5, c + 0.5, d + 0.5) for a, b, c, d in read_voc(source / VOC / f"{stem}.xml").boxes]


def _yolo(file: Path, size: tuple[int, int] | None) -> list[Corners]:
    lines = read_lines(file)
    if lines and size is None:
        raise InputError("boxes without the size of their film.", where=str(file), fix="Annotate it in COCO too.")
    return [scale(line.box, *size) for line in lines] if size else []


def _rows(facts: dict[str, str], stem: str, image: str, boxes: list[Corners]) -> list[dict[str, object]]:
    number = int(re.sub(r"\D", "", stem))
    shared: dict[str, object] = {
        "image": image,
        "label": "fractured" if boxes else FREE,
        "subtype": "fracture" if boxes else "",
        "site": "|".join(p for p in PARTS if facts[p] == "1"),
        "view": "|".join(v for v in VIEWS if facts[v] == "1"),
        "hardware": facts.get("hardware", ""),
        "number": number,
    }
    if not boxes:
        return [{"case_id": f"{stem}-c", **shared, **NO_BOX}]
    return [
        {"case_id": f"{stem}-{k}", **shared, "x0": x0, "y0": y0, "x1": x1, "y1": y1}
        for k, (x0, y0, x1, y1) in enumerate(sorted(boxes), start=1)
    ]


def _split(rows: list[dict[str, object]], size: int, seed: int, *, source: Path) -> None:
    """Neighbouring image numbers are often one patient: whole blocks go to one split (no split where size is 0).

    The archive holds some films twice, byte for byte, far apart: their blocks count as one.
    """
    numbers = [int(str(row.pop("number"))) for row in rows]
    if not size:
        return
    blocks = sorted({n // size for n in numbers})
    order = generator(seed, "fracatlas-blocks").permutation(len(blocks))
    edges = np.cumsum([share for _, share in SHARES]) * len(blocks)
    split = {
        blocks[b]: next(s for (s, _), e in zip(SHARES, edges, strict=True) if k + 0.5 < e) for k, b in enumerate(order)
    }
    for row, block in zip(rows, _joined([n // size for n in numbers], rows, source), strict=True):
        row["split"] = split[block]
        row["block"] = f"block-{block:03d}"


def _joined(blocks: list[int], rows: list[dict[str, object]], source: Path) -> list[int]:
    """Give the block of every row; blocks that share a film have the number of the first of them."""
    images = [str(row["image"]) for row in rows]
    sizes = {i: (source / i).stat().st_size if (source / i).is_file() else -1 for i in dict.fromkeys(images)}
    often = {s for s, n in Counter(sizes.values()).items() if n > 1 and s >= 0}
    content = {i: file_digest(source / i) if s in often else i for i, s in sizes.items()}
    own = pd.Series(blocks)
    groups = groups_of([own.astype(str), pd.Series([content[i] for i in images])])
    return [int(b) for b in own.groupby(groups).transform("min")]


PLUGIN = FracAtlas()
