"""Runs what is left of a request into its folder; every finished part is kept."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pyarrow.parquet as pq

from robustkit.atomic import replacing
from robustkit.engine.pipeline import Equipment, run_parts
from robustkit.engine.plan import Plan
from robustkit.provenance import digest
from robustkit.results.folder import RunFolder

Progress = Callable[[int, int], None]
"""Called with finished and all rows."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a run did now: seconds of work, rows that it made, rows that were there already."""

    seconds: float
    made: int
    found: int


def part_file(folder: RunFolder, plan: Plan, part: tuple[int, ...]) -> Path:
    """Give the file of a part: its name says which cases are in it."""
    name = digest([plan.cases[i].case_id for i in part])[:16]
    return folder.path / "predictions" / f"part-{name}.parquet"


def run(plan: Plan, equipment: Equipment, folder: RunFolder, *, progress: Progress) -> Outcome:
    """Compute and write every part that is not there yet.

    Args:
        plan: Cases and boxes.
        equipment: Models, forwards, crops.
        folder: With run.json in it.
        progress: Told after every part.
    """
    parts = plan.parts()
    models = len(equipment.models)
    rows = {p: models * sum(plan.n_rows(i) for i in p) for p in parts}
    left = [p for p in parts if not part_file(folder, plan, p).is_file()]
    found = sum(rows.values()) - sum(rows[p] for p in left)
    done = found
    progress(done, sum(rows.values()))
    begun = time.perf_counter()
    for result in run_parts(plan, equipment, left):
        with replacing(part_file(folder, plan, result.part)) as temporary:
            pq.write_table(
                result.rows,
                temporary,
                compression="zstd",
                use_dictionary=["model", "case_id", "perturbation", "status", "reason"],
            )
        done += rows[result.part]
        progress(done, sum(rows.values()))
    return Outcome(time.perf_counter() - begun, done - found, found)
