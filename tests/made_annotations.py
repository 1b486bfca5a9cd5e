"""Two made-up films with three boxes, annotated in every format; and the boxes that must come out."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from PIL import Image

SIZE = (80, 60)
BOXES = {"a": [(10.0, 5.0, 30.0, 25.0), (40.0, 30.0, 70.0, 50.0)], "b": [(8.0, 12.0, 24.0, 44.0)]}


def write_films(folder: Path, *, orientation: int = 1) -> Path:
    """Write films a and b (stored 80 x 60 px) with an EXIF orientation."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in BOXES:
        image = Image.fromarray(np.full((SIZE[1], SIZE[0]), 90, dtype=np.uint8))
        exif = Image.Exif()
        exif[0x0112] = orientation
        image.save(folder / f"{name}.jpg", exif=exif)
    return folder


def write_coco(path: Path, *, size: tuple[int, int] = SIZE) -> Path:
    """Write the boxes as COCO."""
    images = [{"id": i, "file_name": f"{n}.jpg", "width": size[0], "height": size[1]} for i, n in enumerate(BOXES)]
    annotations = [
        {"id": k, "image_id": i, "category_id": 3, "bbox": [x0, y0, x1 - x0, y1 - y0]}
        for i, boxes in enumerate(BOXES.values())
        for k, (x0, y0, x1, y1) in enumerate(boxes)
    ]
    path.write_text(
        json.dumps({"images": images, "annotations": annotations, "categories": [{"id": 3, "name": "benign"}]})
    )
    return path


def write_voc(folder: Path) -> Path:
    """Write the boxes as Pascal VOC."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, boxes in BOXES.items():
        objects = "".join(
            f"<object><name>benign</name><bndbox><xmin>{x0}</xmin><ymin>{y0}</ymin><xmax>{x1}</xmax><ymax>{y1}</ymax></bndbox></object>"
            for x0, y0, x1, y1 in boxes
        )
        size = f"<size><width>{SIZE[0]}</width><height>{SIZE[1]}</height></size>"
        (folder / f"{name}.xml").write_text(f"<annotation>{size}{objects}</annotation>")
    return folder


def write_yolo(folder: Path) -> Path:
    """Write the boxes as YOLO."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "classes.txt").write_text("benign\n")
    for name, boxes in BOXES.items():
        lines = [
            f"0 {(x0 + x1) / 2 / SIZE[0]:.6f} {(y0 + y1) / 2 / SIZE[1]:.6f} {(x1 - x0) / SIZE[0]:.6f} {(y1 - y0) / SIZE[1]:.6f}"
            for x0, y0, x1, y1 in boxes
        ]
        (folder / f"{name}.txt").write_text("\n".join(lines) + "\n")
    return folder


def write_labelme(folder: Path, *, label: str = "benign", polygon: bool = False) -> Path:
    """Write the boxes as LabelMe rectangles, corners in any order, with a polygon each if asked."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, boxes in BOXES.items():
        shapes = [
            {"shape_type": "rectangle", "label": label, "points": [[x1, y0], [x0, y1]]} for x0, y0, x1, y1 in boxes
        ]
        if polygon:
            shapes += [
                {"shape_type": "polygon", "label": label, "points": [[x0, y0], [x1, y0], [x1, y1], [x0, y1]]}
                for x0, y0, x1, y1 in boxes
            ]
        content = {"shapes": shapes, "imageWidth": SIZE[0], "imageHeight": SIZE[1]}
        (folder / f"{name}.json").write_text(json.dumps(content))
    return folder
