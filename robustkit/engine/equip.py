"""Chooses device, backend, batch size and threads, and says why a choice is not to be had."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any, cast

from robustkit.backends._base import Backend, Forward, Precision
from robustkit.crops._base import CropMaker
from robustkit.errors import InputError
from robustkit.models.classifier import Classifier
from robustkit.registry import load, names

CPU_BATCH = 64
CUDA_BATCH = 256


def resolve_device(device: str) -> str:
    """Give ``cpu`` or ``cuda:n``.

    Raises:
        InputError: The device does not exist here.
    """
    if device == "cpu":
        return device
    import torch

    count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if device == "auto":
        return "cuda:0" if count else "cpu"
    kind, _, number = device.partition(":")
    if kind == "cuda" and (number.isdigit() or not number) and int(number or 0) < count:
        return f"cuda:{number or 0}"
    found = ", ".join(["cpu", *(f"cuda:{i}" for i in range(count))])
    fix = "Use --device auto or one of these."
    raise InputError(f"the device {device!r} does not exist here; found: {found}.", where="--device", fix=fix)


def resolve_precision(precision: str | None, device: str) -> Precision:
    """Give the precision: fp32 on the CPU and fp16 on CUDA where none is asked for."""
    if precision is None:
        return "fp32" if device == "cpu" else "fp16"
    if precision not in ("fp32", "tf32", "fp16", "bf16"):
        what = f"expected fp32, tf32, fp16 or bf16, got {precision!r}."
        raise InputError(what, where="--precision", fix="Use fp32 where in doubt.")
    return cast(Precision, precision)


def resolve_batch_size(batch_size: str, device: str) -> int:
    """Give the one batch size of the run.

    Raises:
        InputError: Neither ``auto`` nor a whole number above 0.
    """
    if batch_size == "auto":
        return CPU_BATCH if device == "cpu" else CUDA_BATCH
    if not batch_size.isdigit() or int(batch_size) < 1:
        what = f"expected auto or a whole number above 0, got {batch_size!r}."
        raise InputError(what, where="--batch-size", fix="Use --batch-size auto.")
    return int(batch_size)


def resolve_workers(workers: int) -> int:
    """Give the threads that decode and crop: as asked, else up to eight, one per core."""
    if workers < 0:
        raise InputError(
            f"expected 0 (auto) or more threads, got {workers}.", where="--workers", fix="Use --workers 0."
        )
    return workers or min(8, os.cpu_count() or 1)


def resolve_backend(choice: str, model: Classifier, *, device: str, precision: Precision) -> str:
    """Give the name of the backend that runs a model; ``facts`` where no network is run.

    Raises:
        InputError: The chosen backend cannot run this model here; the reason is given.
    """
    if model.engine == "facts":
        return "facts"
    order = ("eager", "onnxruntime") if choice == "auto" else (choice,)
    reasons = []
    for name in order:
        reason = _backend(name).can_run(model, device=device, precision=precision)
        if not reason:
            return name
        reasons.append(f"{name}: {reason}")
    where = f"--backend {choice}, model {model.name}"
    fix = f"Backends here: {', '.join(names('backends'))}; try --backend auto --precision fp32 --device cpu."
    raise InputError(f"no backend can run it ({'; '.join(reasons)}).", where=where, fix=fix)


def prepare(model: Classifier, backend: str, *, device: str, precision: Precision) -> Forward:
    """Give the forward of a model."""
    return _backend(backend).prepare(model, device=device, precision=precision)


def crop_maker(choice: str) -> CropMaker:
    """Give the crop maker of that name (``auto``: Pillow)."""
    return cast(CropMaker, load("crops", "pillow" if choice == "auto" else choice))


def check_names(models: Sequence[Classifier]) -> None:
    """Refuse two models of one name."""
    seen: dict[str, Any] = {}
    for model in models:
        if model.name in seen:
            what = f"two models are called {model.name!r} ({seen[model.name]} and {model.path})."
            raise InputError(what, where="--model", fix="Name them: --model first=a.pt --model second=b.pt.")
        seen[model.name] = model.path


def _backend(name: str) -> Backend:
    return cast(Backend, load("backends", name))
