"""machine: processors, threads, memory."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterator
from pathlib import Path

from robustkit.backends._threads import compute_threads
from robustkit.checkup._base import Place
from robustkit.engine.equip import resolve_workers
from robustkit.findings import Finding

LEAST_GIB = 2.0
"""Below this a network, a few films of ten million px as float64 and the arrays of a table no longer fit side by side."""

_MEMORY = Path("/proc/meminfo")


class Machine:
    """What the operating system tells."""

    name = "machine"
    order = 30

    def look(self, place: Place) -> Iterator[Finding]:
        """Give processors, threads and memory."""
        there = os.cpu_count() or 1
        said = f"{there} ({platform.machine()}); {compute_threads()} for networks, {resolve_workers(0)} to read films"
        yield Finding(self.name, "processors", "ok", said)
        free = free_gib()
        if free is None:
            yield Finding(self.name, "memory", "note", "how much is free is not told by this system")
        elif free < LEAST_GIB:
            fix = "Close other programs, or give a smaller --batch-size and --workers 1."
            yield Finding(self.name, "memory", "note", f"{free:.1f} GiB free: little for large films", fix)
        else:
            yield Finding(self.name, "memory", "ok", f"{free:.1f} GiB free")


def free_gib() -> float | None:
    """Give the memory that a new process may have, in GiB; None where the system does not tell."""
    if not _MEMORY.is_file():
        return None
    lines = dict(line.split(":", 1) for line in _MEMORY.read_text(encoding="ascii").splitlines() if ":" in line)
    told = lines.get("MemAvailable", "").split()
    return int(told[0]) / 2**20 if told else None


PLUGIN = Machine()
