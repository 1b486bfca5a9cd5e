"""The whole job against plain ways of doing it, as ratios within one run.

    python benchmarks/whole_job.py --device cpu --json build/whole_job.json
    python benchmarks/whole_job.py --device cuda --json build/whole_job_gpu.json

Weights are stand-ins (seeded, untrained): speed does not depend on them.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from films import write_films
from PIL import Image
from robustkit.api.perturb import perturb
from robustkit.backends._base import Batch, fetch
from robustkit.backends._threads import compute_threads
from robustkit.cohort.manifest import read_manifest
from robustkit.crops.pillow import PLUGIN as PILLOW
from robustkit.engine.conditions import Levels
from robustkit.engine.equip import backend, resolve_workers
from robustkit.engine.equipment import Equipment
from robustkit.engine.films import read_headers
from robustkit.engine.plan import Plan
from robustkit.engine.runner import write_parts
from robustkit.inputs import IMAGENET_MEAN, IMAGENET_STD
from robustkit.models.builders import empty_network
from robustkit.models.open import open_model
from robustkit.models.options import ModelOptions
from robustkit.results.folder import RunFolder

REPEATS = 50
SIDE_PX = {"resnet50": 224, "inception_v3": 299}


@dataclass
class Job:
    """Films, boxes and one network."""

    manifest: Path
    checkpoint: Path
    arch: str
    device: str
    precision: str
    batch_size: int
    plan: Plan

    @property
    def side_px(self) -> int:
        """Of the input."""
        return SIDE_PX[self.arch]

    def boxes(self) -> list[tuple[Path, np.ndarray]]:
        """Film and distinct boxes of every case."""
        boxes = self.plan.boxes(range(len(self.plan.cases)))
        return [(c.image, np.unique(b, axis=0).astype(int)) for c, b in zip(self.plan.cases, boxes, strict=True)]

    @property
    def n_crops(self) -> int:
        """Distinct boxes of all cases."""
        return sum(len(b) for _, b in self.boxes())


def main() -> None:
    """Measure and print; write JSON."""
    wish = _parse()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        manifest = write_films(folder / "films", cases=wish.cases, form=wish.form)
        rows = []
        for arch in wish.archs.split(","):
            checkpoint = _checkpoint(folder, arch)
            for precision in wish.precisions.split(","):
                job = Job(manifest, checkpoint, arch, wish.device, precision, wish.batch_size, _plan(manifest))
                rows.append(_measure(job, folder, rounds=wish.rounds))
                print(json.dumps(rows[-1]), flush=True)
    if wish.json:
        Path(wish.json).write_text(json.dumps(rows, indent=1), encoding="utf-8")


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--archs", default="resnet50,inception_v3")
    parser.add_argument("--precisions", default="fp32,bf16")
    parser.add_argument("--cases", type=int, default=12)
    parser.add_argument("--batch-size", type=int, default=32)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--form", default="jpg")
    parser.add_argument("--json", default="")
    return parser.parse_args()


def _checkpoint(folder: Path, arch: str) -> Path:
    torch.manual_seed(0)
    network, _ = empty_network(arch, 1)
    for module in network.modules():
        if isinstance(module, torch.nn.Conv2d):
            torch.nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
            module.weight.data *= 0.5
    path = folder / f"{arch}.pt"
    torch.save(network.state_dict(), path)
    return path


def _plan(manifest: Path) -> Plan:
    cases = tuple(sorted(read_manifest(manifest, labels=None, fills={}).cases(), key=lambda c: c.case_id))
    headers = read_headers(cases, workers=2)
    return Plan(cases, headers, (Levels("shift", (0.1,)),), REPEATS, 0, "inside", "whole")


def _options(job: Job) -> dict[str, Any]:
    return {"arch": job.arch, "input_size": job.side_px, "kernel": "bilinear", "scaling": "imagenet",
            "classes": "benign,malignant", "positive": "malignant"}  # fmt: skip


def _measure(job: Job, folder: Path, *, rounds: int) -> dict[str, Any]:
    """Interleave the ways, so that a slow minute of the machine meets all of them."""
    n = job.n_crops
    seconds: dict[str, list[float]] = {}
    shown: dict[str, float] = {}
    for k in range(rounds):
        ours, included, name = _perturb(job, folder / f"run-{job.arch}-{job.precision}-{k}")
        ways: dict[str, Callable[[], float]] = {"bare": lambda name=name: _bare(job, name, n)}  # type: ignore[misc]
        if k == 0 or job.precision == "fp32":
            ways["naive"] = lambda: _loop(job, cached=False)
            ways["cached"] = lambda: _loop(job, cached=True)
        seconds.setdefault("perturb", []).append(ours)
        shown[f"included {k}"] = included
        for way, run in ways.items():
            seconds.setdefault(way, []).append(run())
    seconds["host"], seconds["pillow"] = _host_work(job, folder)
    best = {way: min(found) for way, found in seconds.items()}
    return {
        "arch": job.arch, "precision": job.precision, "device": job.device, "backend": name, "crops": n,
        "perturb over naive loop": round(best["naive"] / best["perturb"], 2),
        "perturb over loop with cached films": round(best["cached"] / best["perturb"], 2),
        "perturb over bare forward": round(best["bare"] / best["perturb"], 3),
        "host work over pillow": round(best["host"] / best["pillow"], 2),
        "perturb with compilation and trial over naive loop": round(best["naive"] / min(shown.values()), 2),
        "crops per second": round(n / best["perturb"], 1),
        "bare crops per second": round(n / best["bare"], 1),
        "seconds": {way: [round(s, 3) for s in found] for way, found in seconds.items()} | {"included": shown},
    }  # fmt: skip


def _perturb(job: Job, out: Path) -> tuple[float, float, str]:
    """Give the seconds of the work, those with opening, compilation and trial, and the backend."""
    begun = time.perf_counter()
    result = perturb(
        model=[f"net={job.checkpoint}"], manifest=[job.manifest], shifts=["0.1"], repeats=REPEATS, device=job.device,
        precision=job.precision, batch_size=str(job.batch_size), snap="whole", out=out, **_options(job),
    )  # fmt: skip
    record = RunFolder(out).record()
    assert result.n_failed == 0
    return result.seconds, time.perf_counter() - begun, record["backend"]["net"]


def _bare(job: Job, name: str, n: int) -> float:
    """Forwards of as many ready random crops, in full batches and a rest."""
    model = open_model(str(job.checkpoint), ModelOptions(**_options(job)))
    batch = Batch(job.batch_size, job.side_px, job.side_px)
    forward = backend(name).prepare(model, batch, device=_device(job), precision=job.precision)  # type: ignore[arg-type]
    rng = np.random.default_rng(0)
    ready = [rng.integers(0, 256, batch.shape, dtype=np.uint8) for _ in range(4)]
    if job.device != "cpu":
        ready = [torch.from_numpy(r).to(job.device) for r in ready]  # type: ignore[misc]
    fetch([forward(r) for r in ready])
    steps = 10 if job.device == "cpu" else 200
    begun = time.perf_counter()
    fetch([forward(ready[k % 4]) for k in range(steps)])
    return (time.perf_counter() - begun) / (steps * job.batch_size) * n


def _device(job: Job) -> str:
    return "cpu" if job.device == "cpu" else "cuda:0"


def _loop(job: Job, *, cached: bool) -> float:
    """What a user would write: decode, crop and resize with Pillow per repeat, the network as it stands."""
    network, _ = empty_network(job.arch, 1)
    network.load_state_dict(torch.load(job.checkpoint, weights_only=True))
    network = network.eval().to(job.device)
    mean, std = (torch.tensor(v, device=job.device)[None, :, None, None] for v in (IMAGENET_MEAN, IMAGENET_STD))
    work = job.boxes()
    films = {p: Image.open(p).convert("L") for p, _ in work} if cached else {}
    for film in films.values():
        film.load()
    size = (job.side_px, job.side_px)

    def show(crops: list[np.ndarray]) -> None:
        x = torch.from_numpy(np.stack(crops)).to(job.device).float().div(255)[:, None].expand(-1, 3, -1, -1)
        with torch.inference_mode():
            network((x - mean) / std).sigmoid().cpu().numpy()

    crops: list[np.ndarray] = []
    show([np.zeros(size[::-1], dtype=np.uint8)] * job.batch_size)
    begun = time.perf_counter()
    for path, boxes in work:
        for box in boxes.tolist():
            film = films[path] if cached else Image.open(path).convert("L")
            crops.append(np.asarray(film.crop(tuple(box)).resize(size, Image.Resampling.BILINEAR)))
            if len(crops) == job.batch_size:
                show(crops)
                crops = []
    if crops:
        show(crops)
    return time.perf_counter() - begun


class _Nothing:
    """A forward that does nothing."""

    def __call__(self, crops: Any, filled: int) -> np.ndarray:
        return np.zeros((len(crops), 1), dtype=np.float32)


def _host_work(job: Job, folder: Path) -> tuple[list[float], list[float]]:
    """Seconds of everything but the network, and of Pillow's crop and resize alone with as many threads."""
    model = open_model(str(job.checkpoint), ModelOptions(**_options(job)))
    workers = resolve_workers(0)
    equipment = Equipment((model,), {model.name: _Nothing()}, PILLOW, job.batch_size, "cpu", workers)
    films = [(Image.open(p).convert("L"), b) for p, b in job.boxes()]
    for film, _ in films:
        film.load()
    host, pillow = [], []
    for k in range(4):
        out = RunFolder(folder / f"host-{job.arch}-{job.precision}-{k}")
        begun = time.perf_counter()
        list(write_parts(job.plan, equipment, out, job.plan.parts()))
        host.append(time.perf_counter() - begun)
        begun = time.perf_counter()
        with ThreadPoolExecutor(workers) as pool:
            list(pool.map(lambda one: _cut(job, *one), films))
        pillow.append(time.perf_counter() - begun)
    return host, pillow


def _cut(job: Job, film: Image.Image, boxes: np.ndarray) -> None:
    for box in boxes.tolist():
        np.asarray(film.crop(tuple(box)).resize((job.side_px, job.side_px), Image.Resampling.BILINEAR))


if __name__ == "__main__":
    torch.set_num_threads(compute_threads())
    main()
