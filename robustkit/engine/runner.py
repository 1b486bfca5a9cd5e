"""Runs what is left of a request into its folder; every finished part is kept."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow.parquet as pq

from robustkit.atomic import replacing
from robustkit.documents import sink
from robustkit.engine.equipment import Equipment
from robustkit.engine.pipeline import Part, PartResult, run_parts
from robustkit.engine.plan import Plan
from robustkit.engine.rows import SCHEMA
from robustkit.images.thumbnail import Thumbnail
from robustkit.provenance import digest
from robustkit.results.folder import RunFolder
from robustkit.results.schema import PREDICTION_TEXTS
from robustkit.results.thumbnails import FOLDER, write_thumbnails

Progress = Callable[[int, int], None]
"""Called with finished and all rows."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a run did now: seconds of work, rows that it made, rows that were there already, rows that are left."""

    seconds: float
    made: int
    found: int
    left: int = 0

    def plus(self, later: Outcome) -> Outcome:
        """Give the outcome of this and a later round."""
        return Outcome(self.seconds + later.seconds, self.made + later.made, self.found + later.found, later.left)


def part_file(folder: RunFolder, plan: Plan, part: Part) -> Path:
    """Give the file of a part: its name says which cases are in it, and where a later round begins."""
    name = digest([plan.cases[i].case_id for i in part])[:16]
    name += f"-{plan.first_repeat:06d}" if plan.first_repeat else ""
    return folder.path / "predictions" / f"part-{name}.parquet"


def missing(plan: Plan, folder: RunFolder, parts: Sequence[Part]) -> list[Part]:
    """Give the parts that are not in the folder yet."""
    return [p for p in parts if not part_file(folder, plan, p).is_file()]


def write_parts(
    plan: Plan,
    equipment: Equipment,
    folder: RunFolder,
    parts: Sequence[Part],
    *,
    is_stopped: Callable[[], bool] = lambda: False,
) -> Iterator[Part]:
    """Compute and write parts; give each when its file is there, whole. Where it is stopped, those begun are finished."""

    def write(result: PartResult) -> None:
        file = part_file(folder, plan, result.part)
        # the pictures first: a part whose answers are there is finished
        if result.thumbnails:
            write_thumbnails(folder.path / FOLDER / file.name, [_row(n, t) for n, t in result.thumbnails.items()])
        with replacing(file) as temporary:
            _write(result, temporary)

    yield from run_parts(plan, equipment, parts, write=write, is_stopped=is_stopped)


def _row(case_id: str, t: Thumbnail) -> tuple[str, int, int, int, int, bytes]:
    return case_id, t.window.x0, t.window.y0, t.window.side, t.size_px, t.webp


def _write(result: PartResult, file: Path) -> None:
    """Write a row group per model: who reads one model passes over the others."""
    with (
        sink(file) as out,
        pq.ParquetWriter(out, SCHEMA, compression="zstd", use_dictionary=list(PREDICTION_TEXTS)) as writer,
    ):
        for table in result.tables:
            writer.write_table(table, row_group_size=max(len(table), 1))
