"""Printing: results on stdout, messages on stderr, JSON for machines."""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import typer


def note(message: str, *, quiet: bool = False) -> None:
    """Print a message on stderr."""
    if not quiet:
        typer.echo(message, err=True)


def as_json(value: Any) -> str:
    """Give JSON of dataclasses, paths and numbers; NaN becomes null."""
    return json.dumps(_plain(value), indent=1, ensure_ascii=False, allow_nan=False)


def _plain(value: Any) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: _plain(getattr(value, f.name)) for f in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_plain(v) for v in value]
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Path):
        return str(value)
    return value


def interval(value: float, low: float, high: float, reason: str) -> str:
    """Give ``0.812 (0.744-0.866)``, or why there is none."""
    if value != value:
        return f"not estimable: {reason}" if reason else "not estimable"
    text = f"{value:.3f}"
    return f"{text} ({low:.3f} to {high:.3f})" if low == low and high == high else text


def grid(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Give a plain text table with aligned columns."""
    widths = [max(len(str(r[i])) for r in (head, *rows)) for i in range(len(head))]
    lines = ["  ".join(str(c).ljust(w) for c, w in zip(r, widths, strict=True)).rstrip() for r in (head, *rows)]
    return "\n".join([lines[0], "  ".join("-" * w for w in widths), *lines[1:]])
