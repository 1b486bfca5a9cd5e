"""A cohort for a small study: films whose positive cases are brighter in the box, of two cohorts, with all facts."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image

SPLITS = ("train",) * 24 + ("val",) * 12 + ("test",) * 24 + ("",) * 24
STUDY = """
title = "A small study"
notes = ["Films are noise with bright spots."]
[[cohorts]]
manifest = "cases.csv"
[train]
input_size = 32
epochs = 2
batch_size = 8
[[networks]]
name = "Net A"
arch = "test_resnet"
weights = "stand-in:1"
seeds = 2
[[networks]]
name = "Net B"
arch = "test_resnet"
weights = "scratch"
seeds = 1
[perturb]
shifts = ["0.1"]
repeats = 3
[stratify]
draws = 200
by = ["region"]
[drift]
draws = 200
no_films = true
[[published]]
model = "Net A"
cohort = "external"
value = 0.738
low = 0.714
high = 0.762
source = "a paper"
"""


def write_study(folder: Path, text: str = STUDY, *, change: dict[str, list[str]] | None = None) -> Path:
    """Write films, manifest and study file; give the study file.

    Args:
        folder: Of all.
        text: Of the study file.
        change: Columns of the manifest that are replaced.
    """
    rng = np.random.default_rng(5)
    (folder / "films").mkdir(parents=True, exist_ok=True)
    rows = []
    for i, split in enumerate(SPLITS):
        positive = i % 2 == 1
        film = rng.integers(40, 160, (60, 64), dtype=np.uint8)
        film[20:40, 20:40] = np.clip(film[20:40, 20:40] + 60 * positive, 0, 255)
        Image.fromarray(film).save(folder / "films" / f"{i}.png")
        rows.append({
            "case_id": f"c{i:02d}", "image": f"films/{i}.png", "x0": 20, "y0": 20, "x1": 40, "y1": 40,
            "label": "non-benign" if positive else "benign", "patient_id": f"p{i}", "split": split,
            "cohort": "internal" if split else "external", "site": ("femur", "pelvis", "spine")[i % 3],
            "subtype": "osteosarcoma" if positive else "enchondroma", "age_years": 10 + i % 60, "sex": "FM"[i % 5 > 1],
            "spacing_mm": 0.5, "centre": "A" if split else "B",
        })  # fmt: skip
    pd.DataFrame(rows).assign(**(change or {})).to_csv(folder / "cases.csv", index=False)
    file = folder / "study.toml"
    file.write_text(text, encoding="utf-8")
    return file
