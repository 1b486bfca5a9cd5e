"""study_crosswalk.csv: which item of a reporting guideline each table of a study serves.

Sources: CLAIM 2024 (Tejani et al. 2024, Radiology: AI 6(4), doi 10.1148/ryai.240300); TRIPOD+AI (Collins et al. 2024,
BMJ 385, doi 10.1136/bmj-2023-078378). Numbers of items are theirs, what they are about is said in our words.
"""

from __future__ import annotations

import csv
from collections.abc import Collection
from importlib.resources import files


def crosswalk(tables: Collection[str]) -> list[dict[str, str | bool]]:
    """Give the rows: ``guideline, item, about, where`` (tables that are there), ``is_served``.

    Args:
        tables: Names of the tables of the study that have rows.
    """
    text = files("robustkit.study").joinpath("assets", "crosswalk.csv").read_text(encoding="utf-8")
    rows: list[dict[str, str | bool]] = []
    for row in csv.DictReader(text.splitlines()):
        found = [t for t in row["where"].split() if t in tables]
        rows.append({**row, "where": ", ".join(found), "is_served": bool(found)})
    return rows
