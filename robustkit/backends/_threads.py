"""How many threads a network may use on a CPU."""

from __future__ import annotations

import os


def compute_threads() -> int:
    """Give OMP_NUM_THREADS where it is set (cluster workers do), else the processors this process may use."""
    told = os.environ.get("OMP_NUM_THREADS", "").split(",")[0]
    if told.isdigit() and int(told) > 0:
        return int(told)
    if hasattr(os, "sched_getaffinity"):
        return max(1, len(os.sched_getaffinity(0)))
    return os.cpu_count() or 1
