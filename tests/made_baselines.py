"""A made-up cohort that baselines can learn: positives have rougher boxes and older patients; and model files by hand."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from PIL import Image

CLASSES = ("benign", "non-benign")
DEALT = ("train", "train", "train", "val", "val", "test")
SITES = ("femur", "tibia", "pelvis", "spine")
FILM_PX = (70, 90)
"""Height and width of the films."""


def write_lesions(folder: Path, *, n: int = 180, seed: int = 5, signal: float = 1.0, masks: bool = False) -> Path:
    """Write ``n`` films with one box each, and give the manifest's path.

    Patients have one or two cases; a fifth of them is external, without a split, the others are dealt 3 : 2 : 1. Positives
    are rougher by ``signal`` and, with odds that rise with it, older.
    """
    rng = np.random.default_rng(seed)
    (folder / "films").mkdir(parents=True)
    rows = []
    for i in range(n):
        patient = 2 * i // 3
        is_external = patient % 5 == 4
        positive = bool(rng.integers(2))
        w, h = (int(v) for v in rng.integers(20, 40, 2))
        x, y = int(rng.integers(2, FILM_PX[1] - w - 2)), int(rng.integers(2, FILM_PX[0] - h - 2))
        pixels = rng.normal(120, 8, FILM_PX)
        rough = float(np.exp(rng.normal(2 + 0.6 * signal * positive, 0.4)))
        pixels[y : y + h, x : x + w] += rng.normal(0, rough, (h, w)) + rng.normal(0, 15)
        Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8)).save(folder / "films" / f"{i:03d}.png")
        if masks:
            inside = np.zeros(FILM_PX, dtype=np.uint8)
            inside[y + 4 : y + h - 4, x + 4 : x + w - 4] = 255
            Image.fromarray(inside).save(folder / "films" / f"{i:03d}-mask.png")
        rows.append({
            "case_id": f"c{i:03d}", "image": f"films/{i:03d}.png", "x0": x, "y0": y, "x1": x + w, "y1": y + h,
            "label": CLASSES[positive], "patient_id": f"p{patient:03d}", "cohort": "external" if is_external else "internal",
            "split": "" if is_external else DEALT[patient // 5 % len(DEALT)],
            "centre": "B" if is_external else "A", "subtype": ("enchondroma", "osteosarcoma")[positive],
            "site": str(rng.choice(SITES)), "sex": "FM"[rng.integers(2)], "spacing_mm": 0.5,
            "age_years": round(float(np.clip(rng.normal(30 + 12 * signal * positive, 14), 1, 90))),
            **({"mask": f"films/{i:03d}-mask.png"} if masks else {}),
        })  # fmt: skip
    path = folder / "cases.csv"
    pd.DataFrame(rows).to_csv(path, index=False)
    return path


def changed(manifest: Path, name: str, change: Any) -> Path:
    """Write another manifest beside one: ``change`` gets its table, all text, and gives or alters it."""
    table = pd.read_csv(manifest, dtype=str, keep_default_na=False)
    found = change(table)
    path = manifest.with_name(name)
    (table if found is None else found).to_csv(path, index=False)
    return path


def clinical_body(**more: Any) -> dict[str, Any]:
    """Give a body with two facts: log-odds = -1 + 0.05 age + 2 if F."""
    facts = [
        {"kind": "number", "fact": "age_years", "median": 30.0, "low": 10.0, "high": 50.0},
        {"kind": "name", "fact": "sex", "reference": "M", "levels": ["F"]},
    ]
    return {"facts": facts, "intercept": -1.0, "coefficients": [0.05, 2.0], **more}


def radiomics_body(**more: Any) -> dict[str, Any]:
    """Give a body with one feature: log-odds = -1 + 3 (mean grey level - 10) / 2."""
    mean = {"name": "stat_mean", "median": 5.0, "mean": 10.0, "scale": 2.0, "coefficient": 3.0}
    settings = {"families": ["first_order"], "normalise": "none"}
    return {"settings": settings, "area": "box", "intercept": -1.0, "features": [mean], **more}


def write_model(path: Path, kind: str, body: dict[str, Any], **more: Any) -> Path:
    """Write a model file by hand."""
    base = {"robustkit_model": 1, "kind": kind, "classes": [*CLASSES], "positive": ["non-benign"]}
    path.write_text(json.dumps({**base, "body": body, **more}), encoding="utf-8")
    return path
