"""A made-up cohort that a tiny network can learn: films of positive cases have a bright spot in the box."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image


def write_cohort(folder: Path, *, n: int = 32, seed: int = 8, prefix: str = "") -> Path:
    """Write ``n`` films with one box each, half of them for training, and give the manifest's path."""
    rng = np.random.default_rng(seed)
    named = f"{prefix}-" if prefix else ""
    (folder / "films").mkdir(parents=True)
    rows = []
    for i in range(n):
        pixels = rng.integers(30, 120, (120, 140), dtype=np.uint8)
        pixels[45:75, 50:90] += np.uint8(60 * (i % 2))
        Image.fromarray(pixels).save(folder / "films" / f"{i}.png")
        split = "train" if i < n // 2 else "val" if i < 3 * n // 4 else "test"
        rows.append({
            "case_id": f"case-{i}", "image": f"films/{i}.png", "x0": 15, "y0": 8, "x1": 118 + i % 3, "y1": 112,
            "label": "non-benign" if i % 2 else "benign", "patient_id": f"{named}patient-{i}", "cohort": "internal", "split": split,
        })  # fmt: skip
    path = folder / "cases.csv"
    pd.DataFrame(rows).to_csv(path, index=False)
    return path
