"""Writes trust.md: what was tried on robustkit, how often, and what happened, from what the tests counted.

    python docs/trust.py build/trust build/soak.json build/scale_of_results.json docs/trust.md

`make trust` makes those files. A part that is not there keeps its section of the page as it is.
"""

from __future__ import annotations

import json
import os
import platform
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

HEAD = """# What was tried

Every row is a count that a test made while it ran; `make trust` makes them all anew (some of it takes long, or downloads packages). A
test fails where something else happens than its section says, so a row also means that nothing else did.
"""
SHARE = "at least 0.95"


def main() -> None:
    """Write the page."""
    *sources, page = map(Path, sys.argv[1:])
    folder, soak, scale = sources
    before = sections(page)
    found = {
        "Faults": ("Machine and people interrupt; what is finished stays, and the outcome is that of an undisturbed run.",
                   plain, read(folder / "faults.json")),
        "Hostile input": ("Ends with one sentence of ours, or as a failed case with a reason, or is answered where it is harmless: no "
                          "traceback, no more than 10 s of the processor (of a slow one as much work), no more than 4 GiB.",
                          hostile, read(folder / "hostile.json")),
        "Privacy": ("Marks put into films and manifests are searched for in everything that is written or said: none may be "
                    "found. Leaks that are planted must all be found by `doctor --privacy`.",
                    searched, read(folder / "privacy.json")),
        "Installation": ("New environments; answers are compared with those of the checkout.", plain, read(folder / "install.json")),
        "Long runs": ("`benchmarks/soak.py`: noise films, a small network with seeded weights (a stand-in).", long_runs, read(soak)),
        "Large runs": ("`benchmarks/scale_of_results.py`: rows of the phantom's cases, made-up scores; memory that processes "
                       "share counts for each.", large_runs, read(scale)),
    }  # fmt: skip
    stamp = f"Counted on {datetime.now(UTC):%Y-%m-%d}: {machine()}."
    text = [HEAD]
    for title, (said, table, rows) in found.items():
        new = "\n".join([f"## {title}", "", said, "", *table(rows), "", stamp, ""]) if rows else ""
        text.append(new or before.get(title, f"## {title}\n\n{said}\n\nNot yet counted.\n"))
    page.write_text("\n".join(text), encoding="utf-8")


def read(file: Path) -> Any:
    """Give what a JSON file holds; None without it."""
    return json.loads(file.read_text(encoding="utf-8")) if file.is_file() else None


def sections(page: Path) -> dict[str, str]:
    """Give the sections of the page as it is, by title."""
    parts = page.read_text(encoding="utf-8").split("\n## ")[1:] if page.is_file() else []
    return {p.partition("\n")[0]: f"## {p.rstrip()}\n" for p in parts}


def machine() -> str:
    """Say what this ran on."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.is_file() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return f"{names[0] if names else platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}"


def table_of(head: Sequence[str], rows: Sequence[Sequence[object]]) -> list[str]:
    """Give a Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return [f"| {' | '.join(str(c).replace('|', '/') for c in line)} |" for line in lines]


def plain(found: Any, *, counted: str = "went wrong") -> list[str]:
    """Give what was tried and what came of it."""
    rows = [(r["what"], f"{r['tried']:,}", f"{r['found']:,}", r["note"]) for r in found["rows"]]
    return table_of(["what", "tried", counted, "beside it"], rows)


def searched(found: Any) -> list[str]:
    """Give what was searched for, and how much of it was found."""
    return plain(found, counted="found")


def hostile(found: Any) -> list[str]:
    """Give how each kind of hostile input ended."""
    kinds = ("tried", "error", "failed_case", "accepted")
    rows = [(r["what"], *(f"{r[k]:,}" for k in kinds), r["note"]) for r in found["rows"]]
    total = ("**all**", *(f"**{sum(r[k] for r in found['rows']):,}**" for k in kinds), "")
    return table_of(["what", "tried", "one sentence", "failed case", "answered", "beside it"], [*rows, total])


def long_runs(found: Any) -> list[str]:
    """Give the last tenth beside the first."""
    memory, files, speed = found["memory_mb"], found["open_files"], found["cases_per_second"]
    rows = [
        ("cases a second", speed[0], speed[-1], f"{SHARE} of the first", f"{found['speed_last_over_first']:g}"),
        ("resident memory, MB", memory[0], memory[-1], "the same", f"{found['memory_last_over_first']:g}"),
        ("open files", files[0], files[-1], "the same", f"{found['files_last_minus_first']:+g}"),
    ]
    said = f"{found['cases']:,} cases, {found['answers']:,} answers, {found['seconds']:g} s."
    return [said, "", *table_of(["measure", "first tenth", "last tenth", "bar", "last against first"], rows)]


def large_runs(found: Any) -> list[str]:
    """Give seconds and memory of the largest run measured."""
    most = max(r["rows"] for r in found)
    rows = [
        (r["command"], f"{r['rows']:,}", f"{r['seconds']:g}", f"{r['peak_mb']:,}") for r in found if r["rows"] == most
    ]
    return table_of(["command", "rows of predictions", "seconds", "peak memory, MB"], rows)


if __name__ == "__main__":
    main()
