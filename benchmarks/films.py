"""The films that whole jobs are measured on: phantom films enlarged to 2,500 x 2,000 px (simulated)."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image
from robustkit.phantom.facts import PHANTOM_SEED, draw_lesions
from robustkit.phantom.film import draw_film

HEIGHT_PX, WIDTH_PX = 2500, 2000
SIDES_PX = (300, 1500)


def write_films(folder: Path, *, cases: int, form: str = "jpg", sides: tuple[int, int] = SIDES_PX) -> Path:
    """Write one film per case and a manifest; give the manifest.

    Args:
        folder: New or empty.
        cases: Films; 12 different ones are drawn, and written again where more are wanted.
        form: ``jpg`` (as the phantom itself) or ``png``.
        sides: Least and greatest side of a box, in px.
    """
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(3)
    drawn = [rows for _, rows in draw_lesions(PHANTOM_SEED).groupby("image", sort=False)][:12]
    films = [_enlarged(draw_film(rows, seed=PHANTOM_SEED), rng) for rows in drawn[: min(cases, 12)]]
    rows = []
    for k in range(cases):
        name = f"film{k:05d}.{form}"
        films[k % len(films)].save(folder / name, **({"quality": 92} if form == "jpg" else {}))
        width, height = rng.integers(sides[0], sides[1] + 1, 2)
        # a box that stays on its film when it is shifted by a tenth of its sides
        x0 = rng.integers(0.1 * width, WIDTH_PX - 1.1 * width)
        y0 = rng.integers(0.1 * height, HEIGHT_PX - 1.1 * height)
        label = "benign" if k % 2 else "malignant"
        rows.append([f"case{k:05d}", name, x0, y0, x0 + width, y0 + height, label, f"patient{k}", "test"])
    columns = ["case_id", "image", "x0", "y0", "x1", "y1", "label", "patient_id", "split"]
    pd.DataFrame(rows, columns=columns).to_csv(folder / "cases.csv", index=False)
    return folder / "cases.csv"


def _enlarged(film: np.ndarray, rng: np.random.Generator) -> Image.Image:
    large = np.asarray(Image.fromarray(film).resize((WIDTH_PX, HEIGHT_PX), Image.Resampling.BICUBIC), dtype=np.float32)
    grain = rng.normal(0, 2, large.shape).astype(np.float32)
    return Image.fromarray(np.clip(large + grain + 0.5, 0, 255).astype(np.uint8))
