"""Which architecture a bare state dict belongs to: keys and shapes looked up in a small table."""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

Shapes = Mapping[str, tuple[int, ...]]

OTHER_HEADS = ("fc", "classifier", "head", "linear", "last_linear", "cls_head", "heads")
"""How people call a classifier that they put in the place of the network's own."""


@dataclass(frozen=True, slots=True)
class Architecture:
    """One row of the table.

    Attributes:
        name: timm's name, or ``torchvision/<name>``, ``keras/<name>`` or ``small/<name>``.
        head: Prefix of the classifier's keys, e.g. ``fc``.
        stem: Key of the first convolution's weight; "" where there is none that sees the image.
        n_tensors: Without the head.
        digest: Of keys and shapes without the head.
    """

    name: str
    head: str
    stem: str
    n_tensors: int
    digest: str


@dataclass(frozen=True, slots=True)
class Recognised:
    """The architecture taken, others whose keys and shapes are the same, and what differs from its plain form.

    Attributes:
        architecture: The plain original.
        others: Names of those that share all keys and shapes.
        head: Prefix of the classifier's keys in these tensors.
        n_channels: 3, or 1 where the first convolution takes grey.
    """

    architecture: Architecture
    others: tuple[str, ...]
    head: str
    n_channels: int


def fingerprint(shapes: Shapes, head: str) -> tuple[int, str]:
    """Give number and digest of the tensors outside the head.

    The counters of batch norm are counted and not digested: files of old torch versions lack them, and
    inference does not read them.
    """
    body = [(k, s) for k, s in shapes.items() if not is_head(k, head)]
    lines = sorted(f"{k}:{'x'.join(map(str, s))}" for k, s in body if not is_counter(k))
    return len(body), hashlib.sha256("\n".join(lines).encode()).hexdigest()[:16]


def is_head(key: str, head: str) -> bool:
    """Tell whether a key belongs to the classifier."""
    return key == head or key.startswith(head + ".")


def is_counter(key: str) -> bool:
    """Tell whether a key is a batch counter, which inference does not read."""
    return key.endswith("num_batches_tracked")


@cache
def table() -> tuple[Architecture, ...]:
    """Read the table; plain originals stand before their variants."""
    text = files("robustkit.models").joinpath("architectures.csv").read_text(encoding="utf-8")
    rows = csv.DictReader(text.splitlines())
    return tuple(Architecture(r["name"], r["head"], r["stem"], int(r["n_tensors"]), r["digest"]) for r in rows)


def find(shapes: Shapes, rows: Iterable[Architecture]) -> Recognised | None:
    """Give the architecture whose keys and shapes are exactly these, whatever the head.

    Args:
        shapes: Of the tensors by name.
        rows: Where to look; usually ``table()``.
    """
    rows = tuple(rows)
    stems = [s for s in dict.fromkeys(r.stem for r in rows) if len(shapes.get(s, ())) == 4 and shapes[s][1] == 1]
    for stem in ("", *stems):
        seen = {**shapes, stem: (shapes[stem][0], 3, *shapes[stem][2:])} if stem else shapes
        for head in dict.fromkeys((*(r.head for r in rows), *OTHER_HEADS)):
            digest = fingerprint(seen, head)[1]
            same = [r for r in rows if r.digest == digest and (not stem or r.stem == stem)]
            if same:
                return Recognised(same[0], tuple(r.name for r in same[1:]), head, 1 if stem else 3)
    return None


def closest(shapes: Shapes) -> tuple[Architecture, ...]:
    """Give the three architectures of the nearest number of tensors, for an error."""
    return tuple(sorted(table(), key=lambda a: abs(a.n_tensors - len(shapes)))[:3])
