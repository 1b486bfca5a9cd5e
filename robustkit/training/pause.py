"""Unfinished trainings: kept after every epoch, so that a killed one goes on where it stood."""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from robustkit.atomic import write_bytes
from robustkit.errors import CheckpointError, InputError
from robustkit.models.tensors import read_tensors

FORMAT = 1


@dataclass(frozen=True, slots=True)
class Pause:
    """Where an unfinished training is kept, and what it must be to go on.

    Attributes:
        path: Of the file.
        identity: Of data, network and recipe: a training of another identity never goes on from it.
    """

    path: Path
    identity: str

    @classmethod
    def beside(cls, output: Path, identity: str) -> Pause:
        """Give that of a checkpoint: ``.NAME.unfinished`` beside it."""
        return cls(output.with_name(f".{output.name}.unfinished"), identity)

    def keep(self, state: dict[str, Any]) -> None:
        """Write a training that goes on; whole or not at all.

        Args:
            state: Tensors, numbers, text, lists and dicts of these.
        """
        # torch turns a full disk into a RuntimeError about positions: it writes to memory
        content = io.BytesIO()
        torch.save({"format": FORMAT, "identity": self.identity, "state": state}, content)
        write_bytes(self.path, content.getvalue())

    def kept(self) -> dict[str, Any] | None:
        """Give what ``keep`` wrote for the same training; None where there is nothing, or that of another one.

        Raises:
            InputError: The file is damaged.
        """
        held = self._read()
        return held["state"] if held and held["identity"] == self.identity else None

    @property
    def is_foreign(self) -> bool:
        """Tell whether another training lies here: it will be written over."""
        held = self._read()
        return held is not None and held["identity"] != self.identity

    def remove(self) -> None:
        """Take the file away: the training has ended."""
        self.path.unlink(missing_ok=True)

    def _read(self) -> dict[str, Any] | None:
        if not self.path.is_file():
            return None
        try:
            held = read_tensors(self.path, trust_code=False)
            whole = {"format": held["format"], "identity": str(held["identity"]), "state": dict(held["state"])}
        except (CheckpointError, KeyError, TypeError, ValueError, IndexError):
            what = "the unfinished training that is kept here cannot be read."
            raise InputError(what, where=str(self.path), fix="Delete it; the training then begins anew.") from None
        return whole if whole["format"] == FORMAT else {**whole, "identity": ""}
