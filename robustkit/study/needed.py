"""Which files a study needs, where they are to be had, and which are missing."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from robustkit.study.protocol import IMAGENET, Protocol


@dataclass(frozen=True, slots=True)
class NeededFile:
    """One file or folder that the study reads.

    Attributes:
        what: What it is for.
        path: Where it is looked for.
        is_there: It was found.
        origin: Where a person gets it; "" where the study file does not say.
    """

    what: str
    path: Path
    is_there: bool
    origin: str


def needed_files(protocol: Protocol) -> tuple[NeededFile, ...]:
    """Give all files and folders that the study file names, in its order."""
    found: list[NeededFile] = []

    def add(what: str, path: Path, origin: str) -> None:
        found.append(NeededFile(what, path, path.exists(), origin))

    for i, part in enumerate(protocol.cohorts, start=1):
        if part.manifest is not None:
            add(f"manifest of cohort {i}", part.manifest, part.origin)
        for key in ("source", "images", "groups"):
            if key in part.imported:
                add(f"{key} of cohort {i} ({part.imported['format']})", part.imported[key], part.origin)
    for network in protocol.networks:
        if network.file is not None:
            add(f"weights of {network.name}", network.file, network.origin)
    for checkpoint in protocol.checkpoints:
        add(f"model file of {checkpoint.name}", checkpoint.path, checkpoint.origin)
    for file in protocol.readers.readings if protocol.readers else ():
        add("readings", file, "`robustkit readers pack` writes the pages that readers send back")
    return tuple(found)


def from_the_network(protocol: Protocol) -> tuple[str, ...]:
    """Give the arms whose weights timm fetches: these need a network at the first run."""
    return tuple(n.name for n in protocol.networks if n.weights == IMAGENET)
