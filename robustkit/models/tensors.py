"""From a torch file to one plain state dict, whatever it is wrapped in."""

from __future__ import annotations

import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from robustkit.errors import CheckpointError

_WRAPPINGS = ("state_dict", "model_state_dict", "model", "net", "ema", "network", "module")
_PREFIXES = ("module.", "_orig_mod.", "model.", "net.", "network.")

REFUSAL = (
    "this file holds pickled Python objects, so it is a program: opening it would run whatever its maker put in."
)
REFUSAL_FIX = (
    "Save the weights alone (torch.save(model.state_dict(), ...) or safetensors), or say --trust-code if you trust its maker."
)


def read_tensors(path: Path, *, trust_code: bool) -> Any:
    """Read a torch file on the CPU; nothing of it is run unless ``trust_code``.

    Returns:
        Whatever the file holds: tensors in dictionaries, or with ``trust_code`` any object.

    Raises:
        CheckpointError: A program, or damaged.
    """
    try:
        return torch.load(path, map_location="cpu", weights_only=not trust_code)
    except pickle.UnpicklingError as error:
        if "Weights only load failed" in str(error) or "Unsupported" in str(error):
            raise CheckpointError(REFUSAL, where=str(path), fix=REFUSAL_FIX) from error
        raise CheckpointError("the checkpoint is damaged.", where=str(path), fix="Copy it again.") from error
    except (RuntimeError, EOFError, OSError, ValueError, KeyError, IndexError, TypeError, AttributeError) as error:
        reason = str(error).splitlines()[0][:120] if str(error) else type(error).__name__
        what = f"the checkpoint is cut off or damaged ({reason})."
        raise CheckpointError(what, where=str(path), fix="Copy it again from where it came.") from error


def unwrap(content: Any, *, where: str) -> dict[str, torch.Tensor]:
    """Give the state dict inside of the usual wrappings, without the usual prefixes.

    Raises:
        CheckpointError: No tensors by name in it.
    """
    found = content
    for _ in range(4):
        if not isinstance(found, Mapping) or any(isinstance(v, torch.Tensor) for v in found.values()):
            break
        inner = next((found[k] for k in _WRAPPINGS if isinstance(found.get(k), Mapping)), None)
        if inner is None:
            break
        found = inner
    if not isinstance(found, Mapping):
        raise CheckpointError(f"expected tensors by name, got {type(found).__name__}.", where=where, fix=REFUSAL_FIX)
    tensors = {str(k): v for k, v in found.items() if isinstance(v, torch.Tensor)}
    if not tensors:
        held = ", ".join(str(k) for k in list(found)[:6])
        raise CheckpointError(f"no tensors in this checkpoint (it holds {held}).", where=where, fix="Save a state dict.")
    return strip_prefixes(tensors)


def strip_prefixes(tensors: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Take off prefixes that every key has, such as ``module.`` of DataParallel."""
    while True:
        prefix = next((p for p in _PREFIXES if all(k.startswith(p) for k in tensors)), None)
        if prefix is None:
            return tensors
        tensors = {k.removeprefix(prefix): v for k, v in tensors.items()}
