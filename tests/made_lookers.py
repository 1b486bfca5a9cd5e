"""Two planted networks and their films: one looks at the lesion, the other at a marker beside it.

Their weights are written by hand: the first convolution tells bright from dark, the rest adds up.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import torch
from PIL import Image
from robustkit.inputs import InputSpec, OutputSpec
from robustkit.models._small import TutorialNet
from robustkit.models.native import save_native

ARCH = "small/tutorial_net"
LAYER = "conv1"
SIDE, MARGIN = 60, 1.0


def write_lookers(folder: Path) -> tuple[Path, Path]:
    """Write both checkpoints: of the lesion, and of the marker."""
    paths = (folder / "lesion.safetensors", folder / "marker.safetensors")
    for path, looks_at_marker in zip(paths, (False, True), strict=True):
        save_native(
            path,
            _weights(looks_at_marker=looks_at_marker),
            arch=ARCH,
            input=InputSpec(32, 32, scaling="unit", mean=(0.0, 0.0, 0.0), std=(1.0, 1.0, 1.0), margin=MARGIN),
            output=OutputSpec("sigmoid-logit"),
            classes=("benign", "non-benign"),
            positive=("non-benign",),
            lineage="weights written by hand",
            operating_points={},
            seen={},
            training={},
        )
    return paths


def _weights(*, looks_at_marker: bool) -> dict[str, torch.Tensor]:
    network = TutorialNet(1)
    state = {k: torch.zeros_like(v) for k, v in network.state_dict().items()}
    # channel 0: brighter than 0.55; channel 1: darker than 0.3
    state["conv1.weight"][:2, 0, 2, 2] = torch.tensor([10.0, -10.0])
    state["conv1.bias"][:2] = torch.tensor([-5.5, 3.0])
    weights = torch.tensor([0.0, 1.0]) if looks_at_marker else torch.tensor([0.5, 0.0])
    state["conv2.weight"][0, :2, 2, 2] = weights
    state["fc1.weight"][0, :25] = 1.0
    state["fc2.weight"][0, 0] = 1.0
    state["fc3.weight"][0, 0] = 0.5
    state["fc3.bias"][0] = -0.5 if looks_at_marker else -2.0
    return state


def write_cohort(folder: Path, *, n: int = 40, seed: int = 0, masks: bool = True) -> Path:
    """Write films of 260 px: a grey blob in the box of every other case, a black marker beside the box in all but some."""
    random = np.random.default_rng(seed)
    (folder / "films").mkdir(parents=True, exist_ok=True)
    rows = []
    y, x = np.mgrid[:260, :260] + 0.5
    for i in range(n):
        film = random.normal(110, 4, (260, 260))
        left, top = random.integers(80, 120, 2)
        centre = (left + SIDE / 2, top + SIDE / 2)
        radius = SIDE / 2 * random.uniform(0.7, 1)
        blob = (x - centre[0]) ** 2 + (y - centre[1]) ** 2 <= radius**2
        if i % 2:
            film[blob] = random.normal(200, 4, blob.sum())
        # in every fifth film the marker lies on the lesion's edge
        away = (-4, -5) if i % 5 == 0 else random.integers(26, 40, 2)
        mark = (top - away[0], left - away[1])
        film[mark[0] : mark[0] + 16, mark[1] : mark[1] + 16] = 0
        Image.fromarray(np.clip(film, 0, 255).astype(np.uint8)).save(folder / "films" / f"f{i}.png")
        if masks:
            Image.fromarray((blob * 255).astype(np.uint8)).save(folder / "films" / f"m{i}.png")
        rows.append({
            "case_id": f"case-{i:02d}", "image": f"films/f{i}.png", "x0": left, "y0": top, "x1": left + SIDE, "y1": top + SIDE,
            "label": "non-benign" if i % 2 else "benign", "patient_id": f"p{i:02d}", "split": "test",
            "subtype": "osteosarcoma" if i % 2 else "enchondroma", "site": "femur" if i % 4 < 2 else "pelvis",
            **({"mask": f"films/m{i}.png"} if masks else {}),
        })  # fmt: skip
    path = folder / "cases.csv"
    pd.DataFrame(rows).to_csv(path, index=False)
    return path
