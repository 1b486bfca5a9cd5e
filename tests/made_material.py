"""What pages of the docs take for granted in the working folder: stand-ins that look like it and know nothing."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pandas as pd
from robustkit.phantom.store import phantom_manifest_path

from small_world import write_network

PATIENTS = 90
"""Of the simulated cohort, taken evenly: enough for every split and both cohorts."""


def make(name: str, folder: Path) -> None:
    """Make a stand-in of that name in a folder: a manifest, a checkpoint, or a run of both.

    Raises:
        KeyError: A name that this file does not know.
    """
    path = folder / name
    if path.suffix == ".csv":
        _cases().to_csv(path, index=False)
    elif path.suffix == ".pt":
        write_network(path, seed=sum(name.encode()))
    elif path.parent.name == "runs":
        _run(path)
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
