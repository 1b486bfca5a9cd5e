"""How fast are heatmaps, beside a plain forward and backward of the same crops; does memory grow with the cases?

    python benchmarks/heatmap_speed.py --json build/heatmap_speed.json

The plain way: eager, channels_last, gradients kept through the whole network, as a notebook would do it. Ours: from crops
in memory to maps on the host. Both in turns, medians of five; weights are stand-ins (seeded, untrained). Memory: a run of
20 and one of 200 films of 2,500 x 2,000 px, each in a process of its own.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import torch
from films import write_films
from robustkit.atomic import write_text
from robustkit.engine.heatmaps import Explanation, MapMaker, Reading, Wanted, make_maps
from robustkit.heatmaps._target import positive_logit
from robustkit.inputs import InputSpec, OutputSpec
from robustkit.models.builders import empty_network
from robustkit.models.native import save_native
from robustkit.models.open import open_model
from robustkit.models.options import ModelOptions

NETWORKS = {"resnet50": 224, "inception_v3": 299, "densenet121": 224}
BATCH, ROUNDS = 8, 5
BAR = 1.5


def checkpoint(folder: Path, arch: str, side: int) -> Path:
    """Write a seeded stand-in of an architecture."""
    torch.manual_seed(0)
    network = empty_network(arch, 1)[0]
    state = {
        k: (torch.randn(v.shape) * 0.02 if v.ndim > 1 else torch.ones(v.shape) if "var" in k or "weight" in k else torch.zeros(v.shape))
        if v.is_floating_point() else torch.zeros(v.shape, dtype=v.dtype)
        for k, v in network.state_dict().items()
    }  # fmt: skip
    path = folder / f"{arch}.safetensors"
    save_native(
        path, state, arch=arch, input=InputSpec(side, side, margin=0.2), output=OutputSpec("sigmoid-logit"),
        classes=("benign", "malignant"), positive=("malignant",), lineage="stand-in", operating_points={}, seen={}, training={},
    )  # fmt: skip
    return path


def maker(path: Path) -> MapMaker:
    """Open a checkpoint for Grad-CAM."""
    model = open_model(path, ModelOptions())
    return MapMaker(model, Explanation(), margin=None, device="cpu", batch_size=BATCH)


def ratio(path: Path, side: int) -> dict[str, float]:
    """Give seconds per crop of both ways, and their ratio."""
    ours = maker(path)
    crops = np.random.default_rng(0).integers(0, 256, (2 * BATCH, side, side), dtype=np.uint8)
    target = positive_logit(open_model(path, ModelOptions()))

    def plain() -> None:
        for start in range(0, len(crops), BATCH):
            batch = torch.from_numpy(crops[start : start + BATCH]).float().requires_grad_()
            with torch.enable_grad():
                target(ours.graph(batch)).sum().backward()

    def heat() -> None:
        for start in range(0, len(crops), BATCH):
            ours.maps(crops[start : start + BATCH])

    seconds: dict[str, list[float]] = {"plain": [], "heat": []}
    for turn in range(ROUNDS + 1):
        for name, work in (("plain", plain), ("heat", heat)):
            begun = time.perf_counter()
            work()
            if turn:
                seconds[name].append((time.perf_counter() - begun) / len(crops))
    per = {k: statistics.median(v) for k, v in seconds.items()}
    return {"ratio": per["heat"] / per["plain"], "seconds_per_map": per["heat"], "seconds_plain": per["plain"]}


def peak_mb(cases: int) -> float:
    """Give the peak memory of a process that makes the maps of so many cases."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        manifest = write_films(folder / "films", cases=cases)
        path = checkpoint(folder, "resnet18", 128)
        # the films are written here: their drawing is not what is measured
        code = f"from heatmap_speed import make_all; make_all({str(manifest)!r}, {str(path)!r})"
        done = subprocess.run(
            [sys.executable, "-c", code], cwd=Path(__file__).parent, capture_output=True, text=True, check=True
        )
    return float(done.stdout.strip())


def make_all(manifest: str, path: str) -> None:
    """Make the maps of all cases in this process and print its peak memory in MB."""
    rows = [line.split(",") for line in Path(manifest).read_text(encoding="utf-8").splitlines()[1:]]
    boxes = [np.array([[float(v) for v in r[2:6]]] * 6) for r in rows]
    wanted = [Wanted(r[0], Path(manifest).parent / r[1], b) for r, b in zip(rows, boxes, strict=True)]
    for _ in make_maps(wanted, maker(Path(path)), Reading(workers=2)):
        pass
    # ru_maxrss would begin with the memory of the process that started this one
    said = Path("/proc/self/status").read_text(encoding="utf-8")
    print(int(said.split("VmHWM:")[1].split()[0]) / 1024)


def main() -> None:
    """Measure and write JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", default="build/heatmap_speed.json")
    wish = parser.parse_args()
    found: dict[str, object] = {"bar": BAR, "networks": {}, "batch": BATCH}
    with tempfile.TemporaryDirectory() as folder:
        for arch, side in NETWORKS.items():
            one = ratio(checkpoint(Path(folder), arch, side), side)
            found["networks"][arch] = one  # type: ignore[index]
            print(arch, one, flush=True)
    small, large = peak_mb(20), peak_mb(200)
    found["memory"] = {"ratio": large / small, "mb_20_cases": small, "mb_200_cases": large}
    print(found["memory"])
    write_text(Path(wish.json), json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()
