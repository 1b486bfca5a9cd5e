"""A long run: 20,000 simulated cases through `perturb`; are memory, open files and speed the same at the end?

    python benchmarks/soak.py --json build/soak.json

500 noise films of 256 x 256 px with 40 boxes each, asked of a small network with seeded weights at 64 px (a stand-in): what
is watched is the program. Memory (resident), open file handles and threads of the process are sampled twice a second. Speed
is read from the times at which the parts of the run were whole; a tenth is a tenth of the cases after the first three parts
(imports, compilation and the start-up check lie before those). With ``--rounds``, the first is told
in full, and of all the ratio of the speeds: the machine may have other work.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import threading
import time
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from PIL import Image
from robustkit.models.builders import empty_network

FILMS, BOXES_PER_FILM, SIDE_PX = 500, 40, 256
ARCH, INPUT_PX, REPEATS = "mobilenetv3_small_050", 64, 10
WARM_PARTS, SAMPLES_S = 3, 0.5


def main() -> None:
    """Measure and print; write JSON."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--json", default="")
    parser.add_argument("--films", type=int, default=FILMS)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--folder", default="", help="run one soak in this folder, and print its figures")
    wish = parser.parse_args()
    if wish.folder:
        print(json.dumps(_one(Path(wish.folder))))
        return
    with tempfile.TemporaryDirectory() as name:
        write_cohort(Path(name), films=wish.films)
        found = [_apart(Path(name), i) for i in range(wish.rounds)]
    said = json.dumps(found[0] | {"rounds": [f["speed_last_over_first"] for f in found]}, indent=1)
    print(said)
    if wish.json:
        Path(wish.json).write_text(said, encoding="utf-8")


def write_cohort(folder: Path, *, films: int) -> None:
    """Write films, manifest and network."""
    rng = np.random.default_rng(8)
    rows = []
    for f in range(films):
        image = f"film{f:04d}.png"
        Image.fromarray(rng.integers(0, 256, (SIDE_PX, SIDE_PX), dtype=np.uint8)).save(folder / image, compress_level=1)
        for b in range(BOXES_PER_FILM):
            side = rng.integers(30, 90, 2)
            left, top = rng.integers(10, SIDE_PX - 10 - side)
            label = "malignant" if (f + b) % 3 == 0 else "benign"
            case = f"case-{f:04d}-{b:02d}"
            rows.append([case, image, left, top, left + side[0], top + side[1], label, f"patient-{f:04d}"])
    columns = ["case_id", "image", "x0", "y0", "x1", "y1", "label", "patient_id"]
    pd.DataFrame(rows, columns=columns).assign(split="test").to_csv(folder / "cases.csv", index=False)
    torch.manual_seed(0)
    torch.save(empty_network(ARCH, 1)[0].state_dict(), folder / "network.pt")


def _apart(folder: Path, i: int) -> dict[str, Any]:
    own = folder / f"round-{i}"
    own.mkdir()
    said = [sys.executable, __file__, "--folder", str(own)]
    done = subprocess.run(said, check=True, stdout=subprocess.PIPE, text=True).stdout
    return dict(json.loads(done.splitlines()[-1]))


def _one(folder: Path) -> dict[str, Any]:
    from robustkit.api.perturb import perturb

    samples: list[tuple[float, float, int, int]] = []
    stop = threading.Event()
    watcher = threading.Thread(target=_watch, args=(samples, stop), daemon=True)
    watcher.start()
    perturb(
        model=[str(folder.parent / "network.pt")], manifest=[folder.parent / "cases.csv"], shifts=["0.1"], repeats=REPEATS,
        out=folder / "run", device="cpu", arch=ARCH, input_size=INPUT_PX, kernel="bilinear", scaling="imagenet",
        classes="benign,malignant", positive="malignant",
    )  # fmt: skip
    stop.set()
    watcher.join()
    return _figures(folder / "run", samples)


def _watch(samples: list[tuple[float, float, int, int]], stop: threading.Event) -> None:
    while not stop.wait(SAMPLES_S):
        status = Path("/proc/self/status").read_text()
        fields = dict(line.split(":", 1) for line in status.splitlines())
        memory = int(fields["VmRSS"].split()[0]) / 1024
        samples.append((time.time(), memory, len(list(Path("/proc/self/fd").iterdir())), int(fields["Threads"])))


def _figures(run: Path, samples: list[tuple[float, float, int, int]]) -> dict[str, Any]:
    """Compare the last tenth of the cases with the first."""
    parts = sorted((p.stat().st_mtime, _cases(p)) for p in (run / "predictions").glob("*.parquet"))
    n_cases = sum(n for _, n in parts)
    times, counts = np.array([t for t, _ in parts]), np.cumsum([n for _, n in parts])
    times, counts = times[WARM_PARTS - 1 :], counts[WARM_PARTS - 1 :]
    edges = np.interp(np.linspace(counts[0], counts[-1], 11), counts, times)
    speed = np.diff(np.linspace(counts[0], counts[-1], 11)) / np.diff(edges)
    table = np.array(samples)
    spans = [table[(table[:, 0] >= a) & (table[:, 0] < b)] for a, b in pairwise(edges)]
    medians = np.array([np.median(s[:, 1:], axis=0) for s in spans])
    return {
        "cases": int(n_cases), "answers": int(n_cases * (1 + REPEATS)), "seconds": round(float(edges[-1] - edges[0]), 1),
        "cases_per_second": [round(float(s), 1) for s in speed],
        "memory_mb": [round(float(m)) for m in medians[:, 0]],
        "open_files": [round(float(m), 1) for m in medians[:, 1]],
        "threads": [round(float(m), 1) for m in medians[:, 2]],
        "speed_last_over_first": round(float(speed[-1] / speed[0]), 3),
        "memory_last_over_first": round(float(medians[-1, 0] / medians[0, 0]), 3),
        "files_last_minus_first": round(float(medians[-1, 1] - medians[0, 1]), 1),
    }  # fmt: skip


def _cases(part: Path) -> int:
    return int(pd.read_parquet(part, columns=["case_id"])["case_id"].nunique())


if __name__ == "__main__":
    main()
