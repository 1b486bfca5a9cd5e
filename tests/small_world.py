"""A few made-up films with boxes and a tiny network with seeded weights: stand-ins, they know nothing."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image

ARCH = "test_resnet"
SIDE = 32


def write_films(folder: Path, *, n: int = 9, seed: int = 3) -> Path:
    """Write ``n`` films of 150 x 130 px with one box each and give the manifest's path."""
    rng = np.random.default_rng(seed)
    (folder / "films").mkdir(parents=True, exist_ok=True)
    rows = []
    for i in range(n):
        film = rng.integers(0, 256, (130, 150), dtype=np.uint8)
        Image.fromarray(film).save(folder / "films" / f"f{i}.png")
        x, y, w, h = rng.integers(5, 60), rng.integers(5, 40), rng.integers(20, 80), rng.integers(20, 80)
        rows.append({
            "case_id": f"case-{i}", "image": f"films/f{i}.png", "x0": x, "y0": y, "x1": x + w, "y1": y + h,
            "label": "non-benign" if i % 2 else "benign", "patient_id": f"p{i // 2}", "cohort": "internal",
            "split": "val" if i % 4 == 3 else "test", "site": "femur" if i % 3 else "pelvis",
            "subtype": "osteosarcoma" if i % 2 else "enchondroma",
        })  # fmt: skip
    path = folder / "cases.csv"
    pd.DataFrame(rows).to_csv(path, index=False)
    return path


def write_network(path: Path, *, seed: int = 0, side: int = SIDE, margin: float = 0.0) -> Path:
    """Write a self-describing checkpoint of a tiny network with seeded weights."""
    import torch
    from robustkit.inputs import InputSpec, OutputSpec
    from robustkit.models.native import save_native

    network = build(seed)
    save_native(
        path,
        network.state_dict(),
        arch=ARCH,
        input=InputSpec(height_px=side, width_px=side, margin=margin),
        output=OutputSpec("sigmoid-logit"),
        classes=("benign", "non-benign"),
        positive=("non-benign",),
        lineage="seeded stand-in",
        operating_points={},
        seen={},
        training={},
    )
    assert torch is not None
    return path


def build(seed: int):  # type: ignore[no-untyped-def]
    """Build the tiny network with seeded weights, larger than usual so that answers differ."""
    import torch
    from robustkit.models._torchvision import import_timm

    timm = import_timm()
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        network = timm.create_model(ARCH, pretrained=False, num_classes=1).eval()
        for value in network.parameters():
            if value.ndim > 1:
                torch.nn.init.normal_(value, std=0.15)
    return network
