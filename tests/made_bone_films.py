"""A folder in the shape of BTXRD with as many films as wanted, each with an outline: for work that takes a while."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image


def write_bone_films(folder: Path, *, n: int, side: int = 160) -> Path:
    """Write table, films and annotations; give the folder."""
    rng = np.random.default_rng(2)
    (folder / "images").mkdir(parents=True)
    (folder / "Annotations").mkdir()
    rows = []
    for i in range(n):
        Image.fromarray(rng.integers(0, 256, (side, side), dtype=np.uint8)).save(folder / "images" / f"{i:03d}.jpg")
        x, y = (int(v) for v in rng.integers(10, 60, 2))
        corners = [[x, y], [x + 70, y], [x + 70, y + 60], [x, y + 60]]
        shapes = [
            {"shape_type": "rectangle", "label": "giant cell tumor", "points": [corners[0], corners[2]]},
            {"shape_type": "polygon", "label": "giant cell tumor", "points": corners},
        ]
        content = {"shapes": shapes, "imageWidth": side, "imageHeight": side}
        (folder / "Annotations" / f"{i:03d}.json").write_text(json.dumps(content))
        rows.append({
            "image_id": f"{i:03d}.jpeg", "center": 1 + i % 3, "age": 20 + i % 50, "gender": "MF"[i % 2], "tibia": 1,
            "tumor": 1, "benign": i % 2, "malignant": 1 - i % 2, "giant cell tumor": i % 2, "osteosarcoma": 1 - i % 2,
            "frontal": 1,
        })  # fmt: skip
    pd.DataFrame(rows).to_excel(folder / "dataset.xlsx", index=False)
    return folder
