"""evaluate: judge models on the nominal boxes alone, and write all tables."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from robustkit.api._outcome import PerturbResult, Progress


def evaluate(
    *,
    model: Sequence[str],
    manifest: Sequence[Path] = (),
    fill: Sequence[str] = (),
    seed: int = 0,
    snap: Literal["auto", "whole", "none"] = "auto",
    border: Literal["inside", "clip", "pad"] = "inside",
    splits: Sequence[str] = (),
    device: str = "auto",
    backend: str = "auto",
    precision: str | None = None,
    batch_size: str = "auto",
    workers: int = 0,
    allow_truncated: bool = False,
    allow_seen: bool = False,
    no_images: bool = False,
    hash_ids: bool = False,
    hash_key: Path | None = None,
    arch: str | None = None,
    input_size: int | None = None,
    kernel: str | None = None,
    scaling: str | None = None,
    margin: float | None = None,
    fit: str | None = None,
    channels: str | None = None,
    classes: str | None = None,
    positive: str | None = None,
    outputs: str | None = None,
    trust_code: bool = False,
    out: Path | None = None,
    command: Sequence[str] = (),
    progress: Progress | None = None,
) -> PerturbResult:
    """Run every model on the nominal boxes, then write the tables of the run.

    The arguments are those of ``robustkit.api.perturb.perturb``.

    Returns:
        The finished run, with its tables.

    Raises:
        RobustkitError: Wrong input (exit 2), found before anything is written.
    """
    given = dict(locals())
    from robustkit.api.perturb import perturb
    from robustkit.api.stratify import stratify

    result = perturb(**given)
    if result.run is not None:
        stratify(run=result.run)
    return result
