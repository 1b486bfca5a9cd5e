"""Chooses device, precision, threads and crops, and says why a choice is not to be had."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any, cast

from robustkit.backends._base import Backend, Precision
from robustkit.backends._threads import compute_threads
from robustkit.crops._base import CropMaker
from robustkit.errors import InputError
from robustkit.models.classifier import Classifier
from robustkit.registry import load, names

CPU_BATCH = 8
CUDA_BATCH = 256


def resolve_devices(device: str, *, elsewhere: bool = False) -> tuple[str, ...]:
    """Give ``("cpu",)``, or the CUDA devices that compute: ``cuda`` and ``auto`` mean all of this machine.

    A process that was started as one of several on a machine (LOCAL_RANK) has one of them.

    Args:
        device: ``auto``, ``cpu``, ``cuda`` or ``cuda:n``.
        elsewhere: Other machines compute; what is asked for need not be here.

    Raises:
        InputError: The device does not exist here.
    """
    if device == "cpu":
        return ("cpu",)
    kind, _, number = device.partition(":")
    is_cuda = kind == "cuda" and (number.isdigit() or not number)
    if elsewhere and is_cuda:
        return (f"cuda:{number or 0}",)
    found = tuple(f"cuda:{i}" for i in range(cuda_count()))
    if device in ("auto", "cuda") and found:
        rank = os.environ.get("LOCAL_RANK", "")
        return (found[int(rank) % len(found)],) if rank.isdigit() else found
    if device == "auto":
        return ("cpu",)
    if is_cuda and device in found:
        return (device,)
    shown = ", ".join(["cpu", *found])
    fix = "Use --device auto or one of these."
    raise InputError(f"the device {device!r} does not exist here; found: {shown}.", where="--device", fix=fix)


def cuda_count() -> int:
    """Give the number of CUDA devices that torch sees."""
    import torch

    return torch.cuda.device_count() if torch.cuda.is_available() else 0


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


def resolve_workers(workers: int, device: str = "cpu") -> int:
    """Give the threads that read films: as asked, else one per core, up to eight; on CUDA this device's share.

    Raises:
        InputError: Below 0.
    """
    if workers < 0:
        raise InputError(
            f"expected 0 (auto) or more threads, got {workers}.", where="--workers", fix="Use --workers 0."
        )
    if workers:
        return workers
    if device == "cpu":
        return min(8, compute_threads())
    # a cluster's workers have OMP_NUM_THREADS=1, which is about arithmetic and not about reading films
    return max(2, min(16, (os.cpu_count() or 1) // max(1, cuda_count())))


def candidates(choice: str, model: Classifier, *, device: str, precision: Precision) -> tuple[str, ...]:
    """Give the backends that may run a model, the best first.

    Raises:
        InputError: None can; the reasons are given.
    """
    order = _ORDER[device == "cpu"] if choice == "auto" else (choice,)
    reasons, found = [], []
    for name in order:
        reason = backend(name).can_run(model, device=device, precision=precision)
        if reason:
            reasons.append(f"{name}: {reason}")
        else:
            found.append(name)
    if not found:
        where = f"--backend {choice}, model {model.name}"
        fix = f"Backends here: {', '.join(names('backends'))}; try --backend auto --precision fp32 --device cpu."
        raise InputError(f"no backend can run it ({'; '.join(reasons)}).", where=where, fix=fix)
    return tuple(found)


_ORDER = {True: ("openvino", "eager", "onnxruntime"), False: ("compile", "eager", "onnxruntime")}
"""For ``--backend auto``, by whether the device is a CPU; compiling for a CPU takes longer than it saves."""


def backend(name: str) -> Backend:
    """Give the backend of that name."""
    return cast(Backend, load("backends", name))


def crop_maker(choice: str, device: str = "cpu") -> CropMaker:
    """Give the crop maker of that name; ``auto``: Pillow on a CPU, GEMM on CUDA."""
    auto = "pillow" if device == "cpu" else "gemm"
    return cast(CropMaker, load("crops", auto if choice == "auto" else choice))


def check_names(models: Sequence[Classifier]) -> None:
    """Refuse two models of one name."""
    seen: dict[str, Any] = {}
    for model in models:
        if model.name in seen:
            what = f"two models are called {model.name!r} ({seen[model.name]} and {model.path})."
            raise InputError(what, where="--model", fix="Name them: --model first=a.pt --model second=b.pt.")
        seen[model.name] = model.path
