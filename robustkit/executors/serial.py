"""serial: one process, one device; films, crops and rows in threads beside the network."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from robustkit.engine.pipeline import Part
from robustkit.engine.runner import write_parts
from robustkit.executors._base import Job


class Serial:
    """Computes here."""

    name = "serial"

    def run(self, job: Job, parts: Sequence[Part]) -> Iterator[Part]:
        """Compute the parts in order."""
        equipment = job.equip()
        if parts and equipment is not None:
            yield from write_parts(job.plan, equipment, job.folder, parts, is_stopped=job.is_stopped)


PLUGIN = Serial()
