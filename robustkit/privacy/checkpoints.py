"""checkpoints: model files that remember whom they were trained on."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from robustkit.findings import Finding
from robustkit.privacy._base import SharedFolder
from robustkit.privacy._kinds import MODELS

_KEY = "robustkit"
_LARGEST_HEADER = 10_000_000


class Checkpoints:
    """Reads the header of robustkit's own checkpoints; nothing is loaded."""

    name = "checkpoints"
    order = 90

    def search(self, folder: SharedFolder) -> Iterator[Finding]:
        """Give a finding for every checkpoint that holds hashes of patients, and a word on every other."""
        for file in folder.files:
            path = folder.path / file
            if path.suffix.lower() not in MODELS or path.is_symlink():
                continue
            n = len(_seen(path).get("patients", ()))
            if n:
                said = f"a checkpoint with hashes of {n:,} patient ids and their salt: who knows an id can tell whether it is there."
                fix = "Share it only with those who may know that."
                yield Finding(self.name, file, "found", said, fix)
            else:
                yield Finding(
                    self.name, file, "note", "a checkpoint; what a network keeps of its training is not looked for."
                )


def _seen(path: Path) -> dict[str, Any]:
    """Give what a checkpoint of robustkit's own says it saw; empty where it is another, or cannot be read."""
    try:
        with path.open("rb") as handle:
            length = int.from_bytes(handle.read(8), "little")
            header = json.loads(handle.read(length)) if length <= _LARGEST_HEADER else {}
        seen = json.loads(header["__metadata__"][_KEY])["seen"]
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return {}
    return seen if isinstance(seen, dict) else {}


PLUGIN = Checkpoints()
