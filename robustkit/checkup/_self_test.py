"""The self-test: a small run on simulated films, and the same numbers by other ways, in plain loops."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from PIL import Image

from robustkit.checkup._bench import SIDE, SPEC, small_network
from robustkit.findings import Finding
from robustkit.phantom.facts import COLUMNS, PHANTOM_SEED, draw_lesions
from robustkit.phantom.film import draw_film
from robustkit.results.folder import RunFolder
from robustkit.seeds import philox4x32

NAME = "self-test"
PER_CLASS, LEVEL, REPEATS = 10, 0.1, 5
"""Films of either label, as few as an AUC can be told of; a level and repeats of ``shift``, in whole pixels, seed 0."""
ORACLE, NETWORK = "phantom-oracle", "small"
_FIX = "A number is wrong on this machine: trust no result of it. Install robustkit anew, and run this again."

PHILOX = (
    ((0, 0, 0, 0), (0, 0), (0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8)),
    ((0xFFFFFFFF,) * 4, (0xFFFFFFFF,) * 2, (0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD)),
    (
        (0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344),
        (0xA4093822, 0x299F31D0),
        (0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1),
    ),
)
"""Counter, key and block: the known answers of Random123 (Salmon et al. 2011)."""

DRAWS = (
    (0.9453381987987086, 0.23452707554679364),
    (0.18781449866946787, 0.15458508732263),
    (0.163972812355496, 0.2821924745803699),
)
"""u0 and u1 of the case ``doctor-00`` for seed 0, repeats 0 to 2, by ``tests/plain_boxes.py``, which uses nothing of robustkit."""
_CASE = "doctor-00"
_SCORE_TOLERANCE, _COUNT_TOLERANCE = 1e-4, 1e-9


@dataclass(frozen=True, slots=True)
class SmallWorld:
    """What the self-test runs on: a manifest of simulated films and an untrained network."""

    manifest: Path
    network: Path


def write_world(folder: Path) -> SmallWorld:
    """Draw the films of some test cases, each of another patient, and write manifest and network."""
    lesions = draw_lesions(PHANTOM_SEED)
    single = lesions[(lesions["split"] == "test") & ~lesions["image"].duplicated(keep=False)]
    rows = single.drop_duplicates("patient_id").groupby("label", sort=True).head(PER_CLASS).reset_index(drop=True)
    rows["case_id"] = [f"doctor-{i:02d}" for i in range(len(rows))]
    (folder / "films").mkdir()
    for _, row in rows.iterrows():
        film = draw_film(row.to_frame().T, seed=PHANTOM_SEED)
        Image.fromarray(film).save((folder / row["image"]).with_suffix(".png"))
    rows["image"] = rows["image"].str.replace(".jpg", ".png")
    rows["cohort"] = "internal"
    manifest = folder / "cases.csv"
    rows[list(COLUMNS)].to_csv(manifest, index=False)
    return SmallWorld(manifest, small_network(folder))


def compared(run: Path, world: SmallWorld) -> Iterator[Finding]:
    """Give a finding for every number that was made twice.

    Args:
        run: Of NETWORK and ORACLE on the world's manifest, with its tables.
        world: What it was made from.
    """
    folder = RunFolder(run)
    rows = folder.predictions()
    cases = pd.read_csv(world.manifest)
    yield _verdict("random numbers", philox_fault(), "the known answers of Philox4x32-10 are met")
    yield _verdict("boxes", boxes_fault(rows, cases, world), "redrawn boxes equal those of a plain loop")
    yield _verdict(
        "crops and network", scores_fault(rows, cases, world), "scores equal Pillow's crops in plain PyTorch"
    )
    yield _verdict("tables", tables_fault(rows, cases, folder), "AUC and flip rate equal a count pair by pair")


def _verdict(subject: str, fault: str, good: str) -> Finding:
    return Finding(NAME, subject, "broken", fault, _FIX) if fault else Finding(NAME, subject, "ok", good)


def philox_fault() -> str:
    """Give what is wrong with the generator; "" where nothing is."""
    for counter, key, block in PHILOX:
        found = philox4x32(np.array(counter, dtype=np.uint32), key)
        if tuple(found.tolist()) != block:
            return "Philox4x32-10 does not give its known answers"
    return ""


def boxes_fault(rows: pd.DataFrame, cases: pd.DataFrame, world: SmallWorld) -> str:
    """Compare the first boxes of one case with draws that are kept and a formula that is written out (design, section 3.4)."""
    own = rows[(rows["case_id"] == _CASE) & (rows["perturbation"] == "shift") & (rows["model"] == NETWORK)]
    case = cases.set_index("case_id").loc[_CASE]
    with Image.open(world.manifest.parent / case["image"]) as film:
        sizes = film.size
    for repeat, draws in enumerate(DRAWS):
        found = own[own["repeat"] == repeat].iloc[0]
        for low, high, u, size in (("x0", "x1", draws[0], sizes[0]), ("y0", "y1", draws[1], sizes[1])):
            side = int(case[high] - case[low])
            start = math.floor(case[low] + LEVEL * side * (2 * u - 1) + 0.5)
            start = min(max(start, 0), size - side)
            if (found[low], found[high]) != (start, start + side):
                return f"repeat {repeat} of {_CASE}: expected {low} = {start}, got {found[low]:g}"
    return ""


def scores_fault(rows: pd.DataFrame, cases: pd.DataFrame, world: SmallWorld) -> str:
    """Compare the network's nominal scores with those of Pillow and PyTorch alone."""
    import torch
    from safetensors.torch import load_file

    from robustkit.checkup._bench import ARCH
    from robustkit.models._torchvision import import_timm

    network = import_timm().create_model(ARCH, pretrained=False, num_classes=1).eval()
    network.load_state_dict(load_file(str(world.network)))
    own = rows[(rows["perturbation"] == "nominal") & (rows["model"] == NETWORK)].set_index("case_id")["score"]
    mean, std = (torch.tensor(v).view(3, 1, 1) for v in (SPEC.mean, SPEC.std))
    for case in cases.to_dict("records"):
        with Image.open(world.manifest.parent / case["image"]) as film:
            x0, y0, x1, y1 = (int(case[c]) for c in ("x0", "y0", "x1", "y1"))
            crop = film.crop((x0, y0, x1, y1)).resize((SIDE, SIDE), Image.Resampling[SPEC.kernel.upper()])
        grey = torch.from_numpy(np.array(crop, dtype=np.float32)) / 255
        with torch.no_grad():
            logit = float(network(((grey - mean) / std)[None])[0, 0])
        score = 1 / (1 + math.exp(-logit))
        if not abs(own[case["case_id"]] - score) <= _SCORE_TOLERANCE:
            return f"{case['case_id']}: expected the score {score:.6f}, got {own[case['case_id']]:.6f}"
    return ""


def tables_fault(rows: pd.DataFrame, cases: pd.DataFrame, folder: RunFolder) -> str:
    """Compare the oracle's AUC and flip rate in strata.csv with counts in plain loops."""
    own = rows[rows["model"] == ORACLE]
    nominal = own[own["perturbation"] == "nominal"].set_index("case_id")["score"].to_dict()
    moved = own[own["perturbation"] == "shift"]
    labels = dict(zip(cases["case_id"], cases["label"], strict=True))
    cut = float(folder.table("thresholds").set_index("model").loc[ORACLE, "value"])
    pairs = [
        (nominal[p], nominal[n]) for p in labels for n in labels if labels[p] != "benign" and labels[n] == "benign"
    ]
    auc = sum(1.0 if p > n else 0.5 if p == n else 0.0 for p, n in pairs) / len(pairs)
    flips = [(s >= cut) != (nominal[c] >= cut) for c, s in zip(moved["case_id"], moved["score"], strict=True)]
    for metric, perturbation, expected in (("auc", "nominal", auc), ("flip_rate", "shift", sum(flips) / len(flips))):
        found = _whole(folder.table("strata"), metric, perturbation)
        if not abs(found - expected) <= _COUNT_TOLERANCE:
            return f"{metric}: counted {expected:.6f}, strata.csv says {found:.6f}"
    return ""


def _whole(strata: pd.DataFrame, metric: str, perturbation: str) -> float:
    """Give the value of the only cohort; NaN where there is none, or more than one."""
    at: Any = (strata["by"] == "all") & (strata["metric"] == metric) & (strata["perturbation"] == perturbation)
    found = strata.loc[at & (strata["model"] == ORACLE), "value"]
    return float(found.iloc[0]) if len(found) == 1 else math.nan
