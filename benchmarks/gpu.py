"""All rows that need a GPU, in one call under ten minutes: ``make bench-gpu``.

Bare forwards per second (fp16), crop time over forward time, the whole job over DataLoader + Pillow + autocast eager,
the whole job over the bare forward. Weights are stand-ins (seeded, untrained); films are simulated.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
import whole_job
from films import write_films
from PIL import Image
from robustkit.backends._base import Batch, fetch
from robustkit.crops._base import CropMaker
from robustkit.engine.equip import backend
from robustkit.geometry import Boxes
from robustkit.inputs import IMAGENET_MEAN, IMAGENET_STD, InputSpec
from robustkit.models.open import open_model
from robustkit.models.options import ModelOptions
from robustkit.registry import load
from torch.utils.data import DataLoader, Dataset

CASES = 96
"""So that the whole job takes seconds and not tenths."""


def main() -> None:
    """Measure and print; write JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", default="")
    parser.add_argument("--device", default="cuda:0")
    parser.add_argument("--cases", type=int, default=CASES)
    parser.add_argument("--batches", default="256,512")
    wish = parser.parse_args()
    rows: dict[str, Any] = {"device": wish.device, "torch": torch.__version__}
    if wish.device != "cpu":
        rows["device"] = torch.cuda.get_device_name(wish.device)
    precision = "fp32" if wish.device == "cpu" else "fp16"
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        manifest = write_films(folder / "films", cases=wish.cases, sides=(400, 800))
        for arch in ("resnet50", "inception_v3"):
            checkpoint = whole_job._checkpoint(folder, arch)
            sizes = [int(b) for b in wish.batches.split(",")]
            job = whole_job.Job(manifest, checkpoint, arch, wish.device, precision, sizes[0], whole_job._plan(manifest))
            rates = {b: _rate(job, b) for b in sizes}
            best = max(rates, key=lambda b: rates[b])
            rows[arch] = {"bare forwards per second": {str(b): round(r) for b, r in rates.items()}}
            print(json.dumps({arch: rows[arch]}), flush=True)
            rows[arch] |= _whole(whole_job.Job(**{**vars(job), "batch_size": best}), folder, rates[best])
            print(json.dumps({arch: rows[arch]}), flush=True)
    if wish.json:
        Path(wish.json).parent.mkdir(parents=True, exist_ok=True)
        Path(wish.json).write_text(json.dumps(rows, indent=1), encoding="utf-8")


def _sync(device: str) -> None:
    if device != "cpu":
        torch.cuda.synchronize(device)


def _rate(job: Any, batch_size: int) -> float:
    """Forwards per second of ready random crops on the device."""
    model = open_model(str(job.checkpoint), ModelOptions(**whole_job._options(job)))
    name = "compile"
    batch = Batch(batch_size, job.side_px, job.side_px)
    forward = backend(name).prepare(model, batch, device=job.device, precision=job.precision)
    ready = [torch.randint(0, 256, batch.shape, dtype=torch.uint8, device=job.device) for _ in range(4)]
    steps = 2 if job.device == "cpu" else 100
    fetch([forward(r) for r in ready])
    best = 0.0
    for _ in range(3):
        _sync(job.device)
        begun = time.perf_counter()
        for k in range(steps):
            forward(ready[k % 4])
        _sync(job.device)
        best = max(best, steps * batch_size / (time.perf_counter() - begun))
    return best


def _whole(job: Any, folder: Path, rate: float) -> dict[str, Any]:
    n = job.n_crops
    seconds, included, name = min(
        whole_job._perturb(job, folder / f"run-{job.arch}-{k}") for k in range(2 if job.device == "cpu" else 3)
    )
    loop = _loader(job)
    crop_s = _crop_seconds(job)
    return {
        "crops": n, "backend": name, "batch size": job.batch_size,
        "crops per second": round(n / seconds), "with compilation and trial, s": round(included, 1),
        "perturb over bare forward": round(n / seconds / rate, 3),
        "perturb over DataLoader, Pillow, autocast eager": round(loop / seconds, 1),
        "DataLoader crops per second": round(n / loop),
        "crop time over forward time": round(crop_s / (n / rate), 3),
    }  # fmt: skip


class _Crops(Dataset):  # type: ignore[type-arg, misc]
    """What a user would write: decode the film, crop and resize the box."""

    def __init__(self, work: list[tuple[Path, Boxes]], side: int) -> None:
        self._items = [(p, b) for p, boxes in work for b in boxes.tolist()]
        self._side = side

    def __len__(self) -> int:
        return len(self._items)

    def __getitem__(self, index: int) -> torch.Tensor:
        path, box = self._items[index]
        crop = (
            Image.open(path).convert("L").crop(tuple(box)).resize((self._side, self._side), Image.Resampling.BILINEAR)
        )
        grey = torch.from_numpy(np.asarray(crop, dtype=np.float32) / 255).expand(3, -1, -1)
        mean, std = (torch.tensor(v)[:, None, None] for v in (IMAGENET_MEAN, IMAGENET_STD))
        return (grey - mean) / std


def _loader(job: Any) -> float:
    """Seconds of a DataLoader on all cores with the network under autocast."""
    from robustkit.models.builders import empty_network

    network, _ = empty_network(job.arch, 1)
    network.load_state_dict(torch.load(job.checkpoint, weights_only=True))
    network = network.eval().to(job.device)
    kind = job.device.partition(":")[0]
    data = _Crops(job.boxes(), job.side_px)
    loader = DataLoader(data, job.batch_size, num_workers=os.cpu_count() or 1, pin_memory=kind != "cpu")
    dtype = torch.bfloat16 if kind == "cpu" else torch.float16
    begun = 0.0
    with torch.inference_mode(), torch.autocast(kind, dtype=dtype, enabled=kind != "cpu"):
        network(torch.zeros(job.batch_size, 3, job.side_px, job.side_px, device=job.device))
        _sync(job.device)
        begun = time.perf_counter()
        for x in loader:
            network(x.to(job.device, non_blocking=True)).sigmoid().float().cpu().numpy()
    return time.perf_counter() - begun


def _crop_seconds(job: Any) -> float:
    """Seconds on the device for all crops of films that are there already."""
    maker: CropMaker = load("crops", "gemm")  # type: ignore[assignment]
    cropper = maker.prepare(job.device)
    spec = InputSpec(job.side_px, job.side_px)
    films = [(cropper.load(np.array(Image.open(p).convert("L"))), b.astype(np.float64)) for p, b in job.boxes()[:12]]
    best = float("inf")
    for _ in range(3):
        _sync(job.device)
        begun = time.perf_counter()
        for film, boxes in films:
            cropper.crops(film, boxes, spec, snapping="whole")
        _sync(job.device)
        best = min(best, time.perf_counter() - begun)
    return best * job.n_crops / sum(len(b) for _, b in films)


if __name__ == "__main__":
    main()
