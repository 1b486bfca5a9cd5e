"""TorchScript and torch.export archives: programs, opened only on the user's word."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import torch
from torch import nn
from torch.nn import functional

from robustkit.errors import CheckpointError

_KINDS = {"torchscript": "a TorchScript archive", "export": "a torch.export archive"}
_DAMAGE = (
    RuntimeError, ValueError, KeyError, OSError, EOFError, TypeError, AttributeError, ImportError, AssertionError,
)  # fmt: skip


class Exported(nn.Module):  # type: ignore[misc]  # torch is not followed by the type checker
    """A loaded torch.export program behind the face of a module.

    Such a program is in eval mode for good and refuses to be told so; one that was exported for one batch
    size takes no other, so batches are cut and padded to it.
    """

    def __init__(self, program: nn.Module, batch: int | None) -> None:
        super().__init__()
        self.program = program
        self._batch = batch

    def train(self, mode: bool = True) -> Exported:  # noqa: FBT001, FBT002  # torch's own signature
        """Do nothing: the program has one mode."""
        self.training = mode and False
        return self

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Give the program's first output."""
        if self._batch is None:
            return _first(self.program(x))
        parts = []
        for part in x.split(self._batch):
            lacking = self._batch - len(part)
            full = functional.pad(part, (0, 0) * (x.ndim - 1) + (0, lacking)) if lacking else part
            parts.append(_first(self.program(full))[: len(part)])
        return torch.cat(parts)


@dataclass(frozen=True, slots=True)
class Archive:
    """An opened archive: its module, and the shape of its input (None for open axes; empty where it does not say)."""

    module: nn.Module
    shape: tuple[int | None, ...] = ()


def open_archive(path: Path, content: Literal["torchscript", "export"], *, trust_code: bool) -> Archive:
    """Open an archive on the CPU.

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
                return Archive(torch.jit.load(path, map_location="cpu").eval())
            with path.open("rb") as handle:  # a path would have to end in .pt2
                program = torch.export.load(handle)
            shape = _shape(program)
            return Archive(Exported(program.module(), shape[0] if shape else None), shape)
    except _DAMAGE as error:
        reason = str(error).splitlines()[0][:120] if str(error) else type(error).__name__
        what = f"the archive cannot be opened ({reason})."
        raise CheckpointError(what, where=str(path), fix="Save it again with this version of torch.") from error


def count_outputs(module: nn.Module, shape: tuple[int, int, int], *, where: str) -> int:
    """Give the numbers per crop, by one forward of two grey crops.

    Args:
        module: In eval mode on the CPU.
        shape: Of the input for one crop.
        where: For errors.

    Raises:
        CheckpointError: The network does not take this input, or does not give one row per crop.
    """
    try:
        with torch.inference_mode():
            out = _first(module(torch.full((2, *shape), 0.5)))
            return int(out.reshape(2, -1).shape[1])
    except _DAMAGE as error:
        reason = (str(error).strip() or type(error).__name__).splitlines()[-1][:160]
        what = f"the model does not take an input of {' x '.join(map(str, shape))} ({reason})."
        fix = "Give --input-size and --channels as in its training, or layout in a sidecar."
        raise CheckpointError(what, where=where, fix=fix) from error


def _first(out: object) -> torch.Tensor:
    found = out[0] if isinstance(out, tuple | list) and out else out
    if not isinstance(found, torch.Tensor):
        raise TypeError(f"expected a tensor of outputs, got {type(found).__name__}")
    return found


def _shape(program: torch.export.ExportedProgram) -> tuple[int | None, ...]:
    """Give the shape of the image that a program was exported for."""
    names = set(program.graph_signature.user_inputs)
    for node in program.graph.nodes:
        if node.op == "placeholder" and node.name in names and "val" in node.meta:
            return tuple(s if isinstance(s, int) else None for s in node.meta["val"].shape)
    return ()
