"""Which architecture a bare state dict belongs to: keys and shapes looked up in a small table."""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files


@dataclass(frozen=True, slots=True)
class Architecture:
    """One row of the table.

    Attributes:
        name: timm's name, or ``torchvision/<name>``.
        head: Prefix of the classifier's keys, e.g. ``fc``.
        n_tensors: Without the head.
        digest: Of keys and shapes without the head.
    """

    name: str
    head: str
    n_tensors: int
    digest: str


@dataclass(frozen=True, slots=True)
class Recognised:
    """The architecture taken, and others whose keys and shapes are the same."""

    architecture: Architecture
    others: tuple[str, ...]


Shapes = Mapping[str, tuple[int, ...]]


def fingerprint(shapes: Shapes, head: str) -> tuple[int, str]:
    """Give number and digest of the tensors outside the head."""
    body = sorted(f"{k}:{'x'.join(map(str, s))}" for k, s in shapes.items() if not is_head(k, head))
    return len(body), hashlib.sha256("\n".join(body).encode()).hexdigest()[:16]


def is_head(key: str, head: str) -> bool:
    """Tell whether a key belongs to the classifier."""
    return key == head or key.startswith(head + ".")


@cache
def table() -> tuple[Architecture, ...]:
    """Read the table; plain originals stand before their variants."""
    text = files("robustkit.models").joinpath("architectures.csv").read_text(encoding="utf-8")
    rows = csv.DictReader(text.splitlines())
    return tuple(Architecture(r["name"], r["head"], int(r["n_tensors"]), r["digest"]) for r in rows)


def find(shapes: Shapes) -> Recognised | None:
    """Give the architecture whose keys and shapes are exactly these, whatever the head."""
    prints = {head: fingerprint(shapes, head) for head in dict.fromkeys(a.head for a in table())}
    same = [a for a in table() if prints[a.head] == (a.n_tensors, a.digest)]
    return Recognised(same[0], tuple(a.name for a in same[1:])) if same else None


def closest(shapes: Shapes) -> tuple[str, ...]:
    """Name the three architectures of the nearest number of tensors, for an error."""
    near = sorted(table(), key=lambda a: abs(a.n_tensors - len(shapes)))
    return tuple(f"{a.name} ({a.n_tensors} tensors)" for a in near[:3])
