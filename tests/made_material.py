"""What pages of the docs take for granted in the working folder: stand-ins that look like it and know nothing."""

from __future__ import annotations

import json
import shutil
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
from robustkit.phantom.store import phantom_manifest_path

from made_readings import made_readings
from networks import save, timm_network
from small_world import write_network

ROOT = Path(__file__).resolve().parents[1]
READINGS = {"readings.csv": "", "pilot.csv": "", "r1-aided.csv": "reader-1", "r2-aided.csv": "reader-2"}
"""Files of made-up readings, and whose; nobody: of both readers. ``readings.csv`` is rated from 1 to 5."""
PATIENTS = 90
"""Of the simulated cohort, taken evenly: enough for every split and both cohorts."""


def make(name: str, folder: Path) -> None:
    """Make a stand-in of that name in a folder: manifest, annotations, checkpoint, settings, a run, the checkout.

    Raises:
        KeyError: A name that this file does not know.
    """
    path = folder / name
    if name == "checkout":
        shutil.copy(ROOT / "pyproject.toml", folder)
        shutil.copytree(ROOT / "tests" / "perturbations", folder / "tests" / "perturbations")
        shutil.copy(ROOT / "tests" / "conftest.py", folder / "tests")
    elif name == "yours.pt":
        _foreign(path)
    elif name in READINGS:
        _readings(path, READINGS[name])
    elif path.suffix == ".csv":
        _cases().to_csv(path, index=False)
    elif path.suffix == ".pt":
        write_network(path, seed=sum(name.encode()))
    elif path.parent.name == "runs":
        _run(path)
    elif name == "boxes.json":
        _coco(path)
    elif name == "robustkit.toml":
        path.write_text('manifest = "cases.csv"\n', encoding="utf-8")
    else:
        raise KeyError(name)


@cache
def _cases() -> pd.DataFrame:
    manifest = phantom_manifest_path()
    cases = pd.read_csv(manifest)
    patients = cases["patient_id"].unique()
    some = patients[:: len(patients) // PATIENTS]
    return cases[cases["patient_id"].isin(some)].assign(image_root=str(manifest.parent))


def _run(path: Path) -> None:
    from robustkit.api.perturb import perturb

    manifest, checkpoint = path.parent.parent / "cases.csv", path.parent.parent / "ckpt.pt"
    for file in (manifest, checkpoint):
        if not file.is_file():
            make(file.name, file.parent)
    perturb(model=[str(checkpoint)], manifest=[manifest], shifts=["0.1"], repeats=8, out=path)


def _coco(path: Path) -> None:
    """Write COCO annotations, and their films beside them."""
    cases = _cases()
    images = {name: i for i, name in enumerate(cases["image"].unique())}
    labels = {name: i for i, name in enumerate(sorted(cases["label"].unique()))}
    (path.parent / "films").mkdir()
    for name in images:
        shutil.copy(Path(cases["image_root"].iloc[0]) / name, path.parent / name)
    content = {
        "images": [{"id": i, "file_name": name} for name, i in images.items()],
        "categories": [{"id": i, "name": name} for name, i in labels.items()],
        "annotations": [
            {
                "id": n,
                "image_id": images[c.image],
                "category_id": labels[c.label],
                "bbox": [c.x0, c.y0, c.x1 - c.x0, c.y1 - c.y0],
            }
            for n, c in enumerate(cases.itertuples())
        ],
    }
    path.write_text(json.dumps(content), encoding="utf-8")


def _readings(path: Path, reader: str) -> None:
    cases = _cases().query("split == 'test'")
    positive = (cases["label"] != "benign").to_numpy()
    read = made_readings(cases.assign(positive=positive, above=positive))
    if reader:
        read = read[read["reader_id"] == reader]
    if path.name == "readings.csv":
        read["score"] = np.clip(1 + read["score"] // 20, 1, 5)
    read.to_csv(path, index=False)


def _foreign(path: Path) -> None:
    """Write a checkpoint as other programs do: weights of two outputs, and nothing about them."""
    network = timm_network("resnet18", n_outputs=2)
    save(path, {"epoch": 12, "state_dict": network.state_dict()})
