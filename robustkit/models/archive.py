"""TorchScript and torch.export archives: programs, opened only on the user's word."""

from __future__ import annotations

import warnings
from pathlib import Path

import torch
from torch import nn

from robustkit.errors import CheckpointError

_KINDS = {"torchscript": "a TorchScript archive", "export": "a torch.export archive"}


def open_archive(path: Path, content: str, *, trust_code: bool) -> nn.Module:
    """Give the module of an archive.

    Raises:
        CheckpointError: Without ``trust_code`` (the archive brings its own program and pickled members), or damaged.
    """
    if not trust_code:
        what = f"this is {_KINDS[content]}: a program with pickled members, not weights alone."
        fix = "Export it to ONNX, save a state dict, or say --trust-code if you trust its maker."
        raise CheckpointError(what, where=str(path), fix=fix)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            if content == "torchscript":
                return torch.jit.load(path, map_location="cpu").eval()
            return torch.export.load(path).module()
    except (RuntimeError, ValueError, KeyError, OSError, EOFError, TypeError, AttributeError) as error:
        reason = str(error).splitlines()[0][:120] if str(error) else type(error).__name__
        what = f"the archive cannot be opened ({reason})."
        raise CheckpointError(what, where=str(path), fix="Save it again with this version of torch.") from error


def count_outputs(module: nn.Module, shape: tuple[int, ...], *, where: str) -> int:
    """Give the numbers per crop, by one forward of a grey crop.

    Args:
        module: Of an archive or a trusted pickle.
        shape: Of the input for one crop.
        where: For errors.
    """
    for batch in (2, 1):  # an exported program may have a fixed batch
        try:
            with torch.inference_mode():
                out = module(torch.full((batch, *shape), 0.5))
        except (RuntimeError, ValueError, TypeError, AssertionError) as error:
            fault = error
            continue
        out = out[0] if isinstance(out, tuple | list) else out
        return int(out.reshape(batch, -1).shape[1])
    reason = str(fault).splitlines()[0][:160]
    what = f"the model does not take an input of {' x '.join(map(str, shape))} ({reason})."
    raise CheckpointError(what, where=where, fix="Give --input-size, --channels or layout in a sidecar.")
