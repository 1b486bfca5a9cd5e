"""Writes RESULTS.md from pytest-benchmark's JSON: ``make bench``."""

from __future__ import annotations

import json
import os
import platform
import sys
from datetime import UTC, datetime
from pathlib import Path

WAITING = (
    "bare forwards per second of ResNet50 and InceptionV3 (fp16)",
    "whole `perturb` over DataLoader, PIL and autocast eager",
    "crop time over forward time, boxes of 400 to 800 px",
    "whole `perturb` over the bare forward (pipeline efficiency)",
)


def main() -> None:
    """Write the table: ``python benchmarks/write_results.py bench.json benchmarks/RESULTS.md``."""
    measured = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))["benchmarks"]
    rows = []
    for one in measured:
        said = "; ".join(f"{v:g} {k}" for k, v in one["extra_info"].items())
        rows.append(
            f"| {one['name'].removeprefix('test_').replace('_', ' ')} | {said} | {one['stats']['median'] * 1000:.1f} |"
        )
    machine = f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}"
    text = [
        "# What was measured",
        "",
        f"By `make bench` on {datetime.now(UTC):%Y-%m-%d}, {machine}, no GPU. Ratios are of one run; times are of this machine.",
        "",
        "| part | ratio | median, ms |",
        "| --- | --- | --- |",
        *rows,
        "",
        "## Not yet measured: needs a GPU",
        "",
        *(f"- {w}" for w in WAITING),
        "",
    ]
    Path(sys.argv[2]).write_text("\n".join(text), encoding="utf-8")


if __name__ == "__main__":
    main()
