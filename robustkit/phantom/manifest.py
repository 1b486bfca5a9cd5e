"""The manifest of the bundled phantom: ``python -m robustkit.phantom.manifest`` writes it anew."""

from __future__ import annotations

import sys
from importlib.resources import files
from pathlib import Path

from robustkit.atomic import write_bytes
from robustkit.phantom.facts import PHANTOM_SEED, draw_facts

NAME = "phantom.csv"


def manifest_bytes() -> bytes:
    """Give the bundled manifest as the code draws it now, as CSV."""
    table: str = draw_facts(PHANTOM_SEED).to_csv(index=False, lineterminator="\n")
    return table.encode()


def bundled_manifest() -> bytes:
    """Give the manifest that is installed with the package."""
    return files("robustkit.data_manifests").joinpath(NAME).read_bytes()


if __name__ == "__main__":
    write_bytes(Path(sys.argv[1] if len(sys.argv) > 1 else f"data_manifests/{NAME}"), manifest_bytes())
