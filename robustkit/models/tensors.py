"""From a torch file to one plain state dict, whatever it is wrapped in."""

from __future__ import annotations

import argparse
import pathlib
import pickle
import re
import struct
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from robustkit.errors import CheckpointError

Tensors = dict[str, torch.Tensor]

# the plain weights before their moving average, where a file holds both
_WRAPPINGS = (
    "state_dict", "model_state_dict", "model", "net", "network", "module", "weights", "params",
    "ema", "state_dict_ema", "model_ema", "ema_state_dict",
)  # fmt: skip
_PREFIXES = (
    "module.", "_orig_mod.", "model.", "net.", "network.", "backbone.", "encoder.", "base_model.", "timm_model.",
)  # fmt: skip
_DEEPEST = 8
_COUNTERS = ("n_averaged",)
"""What torch's own AveragedModel counts beside the weights."""

_PROGRAM = (
    "this file holds pickled Python objects{named}, so it is a program: opening it would run whatever its maker put in."
)
_PROGRAM_FIX = (
    "Save the weights alone (torch.save(model.state_dict(), ...) or safetensors), "
    "or say --trust-code if you trust its maker."
)
_DAMAGE = (
    RuntimeError, EOFError, OSError, ValueError, KeyError, IndexError, TypeError, AttributeError, AssertionError,
    ImportError, OverflowError, MemoryError, struct.error,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class StateDict:
    """Tensors by name, and what they were wrapped in.

    Attributes:
        tensors: Without the prefixes that all of them had.
        wrapping: Keys and prefixes that were taken off, outermost first, e.g. ``("state_dict", "module.")``.
        notes: What was left out, one sentence each.
    """

    tensors: Tensors
    wrapping: tuple[str, ...]
    notes: tuple[str, ...] = ()


def read_tensors(path: Path, *, trust_code: bool) -> Any:
    """Read a torch file on the CPU; nothing of it is run unless ``trust_code``.

    Returns:
        Whatever the file holds: tensors in dictionaries, or with ``trust_code`` any object.

    Raises:
        CheckpointError: A program, or damaged.
    """
    try:
        with warnings.catch_warnings(), torch.serialization.safe_globals(_harmless()):
            warnings.simplefilter("ignore")  # of damaged files; what counts becomes an error below
            return torch.load(path, map_location="cpu", weights_only=not trust_code)
    except pickle.UnpicklingError as error:
        text = str(error)
        if "Unsupported" in text or "GLOBAL" in text:
            found = re.search(r"(?:GLOBAL|global|class|function) ([\w.]+\.\w+)", text)
            what = _PROGRAM.format(named=f" ({found.group(1)})" if found else "")
            raise CheckpointError(what, where=str(path), fix=_PROGRAM_FIX) from error
        raise CheckpointError("the checkpoint is damaged.", where=str(path), fix="Copy it again.") from error
    except _DAMAGE as error:
        reason = str(error).splitlines()[0][:120] if str(error) else type(error).__name__
        what = f"the checkpoint is cut off or damaged ({reason})."
        raise CheckpointError(what, where=str(path), fix="Copy it again from where it came.") from error


def unwrap(content: Any, *, where: str) -> StateDict:
    """Give the state dict inside of the usual wrappings, without the usual prefixes.

    Raises:
        CheckpointError: No tensors by name in it.
    """
    found = content
    wrapping: list[str] = []
    notes: list[str] = []
    # a pickle may hold itself: what lies deeper than any training script puts it is not looked for
    while isinstance(found, Mapping) and len(wrapping) < _DEEPEST:
        inner = [k for k in _WRAPPINGS if isinstance(found.get(k), Mapping) and found[k]]
        if not inner:
            break
        if len(inner) > 1:
            notes.append(f"the weights are those under {inner[0]}; the file also holds {', '.join(inner[1:])}")
        wrapping.append(inner[0])
        found = found[inner[0]]
    if not isinstance(found, Mapping):
        raise CheckpointError(f"expected tensors by name, got {type(found).__name__}.", where=where, fix=_PROGRAM_FIX)
    tensors = {str(k): v for k, v in found.items() if isinstance(v, torch.Tensor) and k not in _COUNTERS}
    if not tensors:
        held = ", ".join(str(k) for k in list(found)[:6]) or "nothing"
        raise CheckpointError(
            f"no tensors in this checkpoint (it holds {held}).", where=where, fix="Save a state dict."
        )
    strange = [k for k, v in tensors.items() if not _is_plain(v)]
    if strange:
        what = f"{len(strange)} tensors are sparse, quantised, complex or without values ({', '.join(strange[:5])})."
        raise CheckpointError(what, where=where, fix="Save them as plain float tensors.")
    tensors, prefixes = strip_prefixes(tensors)
    return StateDict(tensors, (*wrapping, *prefixes), tuple(notes))


def _is_plain(tensor: torch.Tensor) -> bool:
    return tensor.layout == torch.strided and not (tensor.is_quantized or tensor.is_complex() or tensor.is_meta)


def strip_prefixes(tensors: Tensors) -> tuple[Tensors, tuple[str, ...]]:
    """Take off prefixes that every key has, such as ``module.`` of DataParallel, and name them."""
    taken: list[str] = []
    while True:
        prefix = next((p for p in _PREFIXES if all(k.startswith(p) for k in tensors)), None)
        if prefix is None:
            return tensors, tuple(taken)
        tensors = {k.removeprefix(prefix): v for k, v in tensors.items()}
        taken.append(prefix)


def _harmless() -> list[Any]:
    """Give what training scripts put beside weights and what runs nothing: numbers, settings, paths."""
    scalar = np.float64(0).__reduce__()[0]
    kinds = [type(np.dtype(t)) for t in ("float16", "float32", "float64", "int32", "int64", "bool")]
    return [
        argparse.Namespace, pathlib.PosixPath, np.dtype, *kinds,
        (scalar, "numpy.core.multiarray.scalar"), (scalar, "numpy._core.multiarray.scalar"),
    ]  # fmt: skip
