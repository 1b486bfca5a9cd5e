"""The noun Trial: how far a backend's outputs are from the reference, on some of the run's own crops."""

from __future__ import annotations

import json
import platform
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from robustkit.atomic import write_text
from robustkit.backends._base import Batch, Forward, Precision, fetch
from robustkit.cache import cache_root
from robustkit.crops._base import Cropper
from robustkit.engine.plan import Plan
from robustkit.errors import DiskError, FilmError
from robustkit.images.film import read_film
from robustkit.images.radiograph import Depth
from robustkit.inputs import InputSpec
from robustkit.models.classifier import Classifier
from robustkit.provenance import digest, package_versions

TOLERANCE: Mapping[Precision, float] = {"fp32": 1e-4, "tf32": 1e-2, "fp16": 2e-2, "bf16": 2e-1}
"""Largest |logit - reference| / max(1, |reference|). fp32: what results promise between machines (design,
section 3.3); the others: about twice the largest error published for residual networks in that precision."""

CROPS_CPU = 16
CROPS_CUDA = 256


@dataclass(frozen=True, slots=True)
class Trial:
    """One backend against eager fp32.

    Attributes:
        model, backend, precision: What was tried.
        n_crops: Compared.
        error: Largest |logit - reference| / max(1, |reference|); NaN where no crop had a finite reference.
        tolerance: What it may be.
        is_remembered: True where it was measured in an earlier run on this machine.
    """

    model: str
    backend: str
    precision: str
    n_crops: int
    error: float
    tolerance: float
    is_remembered: bool = False

    @property
    def is_near(self) -> bool:
        """True where the error is within its tolerance."""
        return not self.error > self.tolerance

    def to_dict(self) -> dict[str, Any]:
        """Give the entry of run.json."""
        return asdict(self) | {"error": self.error if np.isfinite(self.error) else None}

    def sentence(self) -> str:
        """Give what a person reads."""
        return (
            f"{self.model}: {self.backend} {self.precision} differs from eager fp32 by at most {self.error:.1e} "
            f"on {self.n_crops} crops (allowed {self.tolerance:g})"
        )


def distance(ours: NDArray[np.float32], reference: NDArray[np.float32]) -> float:
    """Give the largest |ours - reference| / max(1, |reference|); NaN where no reference is finite.

    An output that is finite in one and not in the other is infinitely far.
    """
    both = np.isfinite(ours) & np.isfinite(reference)
    if (np.isfinite(ours) != np.isfinite(reference)).any():
        return float("inf")
    if not both.any():
        return float("nan")
    away = np.abs(ours[both].astype(np.float64) - reference[both]) / np.maximum(1.0, np.abs(reference[both]))
    return float(away.max())


def answers(forward: Forward, batch: Batch, crops: NDArray[Any]) -> NDArray[np.float32]:
    """Give ``(N, K)`` outputs of ``(N, h, w)`` crops, the last batch padded."""
    done = []
    for start in range(0, len(crops), batch.size):
        part = crops[start : start + batch.size]
        full = batch.zeros()
        full[: len(part)] = part
        done.append(fetch([forward(full)])[: len(part)])
    return np.concatenate(done)


@dataclass(frozen=True, slots=True)
class Sample:
    """Where the crops of a trial come from.

    Attributes:
        plan: Of the run.
        cropper: On the CPU.
        depth, allow_truncated: How films are read.
        n_crops: Wanted.
    """

    plan: Plan
    cropper: Cropper
    depth: Depth
    allow_truncated: bool
    n_crops: int

    def crops(self, spec: InputSpec) -> NDArray[Any]:
        """Give up to ``n_crops`` of the run's own crops, spread over cases and conditions.

        Of every chosen case one box is taken, and more where cases are few; films that cannot be read are passed over.
        """
        made = []
        for place, (index, take) in enumerate(self._quotas()):
            boxes = self.plan.boxes([index])[0, : self.plan.n_rows(index)]
            rows = (np.linspace(0, len(boxes), take, endpoint=False).astype(np.intp) + place) % len(boxes)
            try:
                film = read_film(self.plan.cases[index].image, depth=self.depth, allow_truncated=self.allow_truncated)
            except FilmError:
                continue
            loaded = self.cropper.load(film.pixels)
            made.append(self.cropper.crops(loaded, boxes[rows], spec, snapping=self.plan.snap))
        shape = (0, spec.height_px, spec.width_px)
        return np.concatenate(made) if made else np.empty(shape, dtype=np.uint8)

    def _quotas(self) -> list[tuple[int, int]]:
        """Give cases, spread over the run, and how many boxes are taken of each."""
        usable = [i for i, fault in enumerate(self.plan.headers.faults) if not fault]
        n = min(self.n_crops, len(usable))
        quotas = {usable[k * len(usable) // n]: 0 for k in range(n)}
        left = self.n_crops
        while left and (open_cases := [i for i in quotas if quotas[i] < self.plan.n_rows(i)]):
            for index in open_cases[:left]:
                quotas[index] += 1
                left -= 1
        return list(quotas.items())


def trial_key(model: Classifier, backend: str, *, precision: str, device: str, batch: Batch) -> str:
    """Give what a trial's outcome depends on: checkpoint, input, backend, precision, batch, versions, processor."""
    return digest({
        "model": model.sha256,
        "input": model.input.to_dict(),
        "backend": backend,
        "precision": precision,
        "batch": asdict(batch),
        "packages": package_versions(),
        "processor": processor(device),
    })  # fmt: skip


@cache
def processor(device: str) -> str:
    """Name the processor or the GPU."""
    if device != "cpu":
        import torch

        return str(torch.cuda.get_device_name(device))
    info = Path("/proc/cpuinfo")
    if info.is_file():
        lines = info.read_text(encoding="utf-8", errors="replace").splitlines()
        named = [line.partition(":")[2].strip() for line in lines if line.startswith(("model name", "flags"))]
        return digest(sorted(set(named)))[:16]
    return f"{platform.machine()} {platform.processor()}"


def remembered(key: str, model: str) -> Trial | None:
    """Give an earlier trial of this machine."""
    try:
        fields = json.loads(_file(key).read_text(encoding="utf-8"))
        trial = Trial(**{**fields, "error": float("nan") if fields["error"] is None else float(fields["error"])})
    except (OSError, ValueError, TypeError, KeyError):
        return None
    return replace(trial, model=model, is_remembered=True)


def remember(key: str, trial: Trial) -> None:
    """Keep a trial for the next run; a cache that cannot be written is no fault."""
    try:
        write_text(_file(key), json.dumps(trial.to_dict()) + "\n")
    except DiskError:
        return


def _file(key: str) -> Path:
    return cache_root() / "trials" / f"{key[:32]}.json"
