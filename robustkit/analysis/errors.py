"""errors.csv: missed lesions and false alarms apart, with rates and intervals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from robustkit.analysis.cohort import ALL
from robustkit.analysis.frames import Block, frame_of
from robustkit.analysis.layout import Layout
from robustkit.analysis.sample import Sample
from robustkit.results.schema import ERRORS_COLUMNS
from robustkit.stats.proportion import clustered_proportions

KINDS = ("missed", "missed_malignant", "missed_intermediate", "false_alarm")


def errors_block(sample: Sample, layout: Layout, group: NDArray[np.object_], *, fixed: Mapping[str, object]) -> Block:
    """Give the rows of one model, cohort and condition: stratum after stratum, each with its kinds of errors.

    ``k`` is the number of errors; under a perturbation its mean over repeats.

    Args:
        sample: The answers.
        layout: The strata.
        group: ``(n,)`` WHO group of each unit.
        fixed: Columns that are one for all rows.
    """
    wrong = np.asarray((~sample.right()).mean(axis=1), dtype=np.float64)
    groups, n = layout.groups, layout.groups.n_cases()
    n_positive = groups.sums(sample.positive)
    # missed is always three numbers: non-benign, malignant, intermediate
    is_whole = layout.by == ALL
    is_asked = {k: is_whole | ((n_positive > 0) if k != KINDS[3] else (n_positive < n)) for k in KINDS}
    columns: dict[str, list[NDArray[Any]]] = {}
    for kind in KINDS:
        counted = groups.only(of_kind(kind, sample.positive, group))
        e = clustered_proportions(wrong, counted, repeats=sample.repeats)
        found = {
            "by": layout.by, "stratum": layout.stratum, "kind": np.full(len(n), kind, dtype=object),
            "k": np.round(counted.sums(wrong), 6), "n_cases": e.n_cases, "n_patients": e.n_patients,
            "rate": e.value, "low": e.low, "high": e.high, "method": e.method, "reason": e.reason,
        }  # fmt: skip
        for name, values in found.items():
            columns.setdefault(name, []).append(values)
    rows = np.stack(list(is_asked.values()), axis=1)
    return {**{name: np.stack(values, axis=1)[rows] for name, values in columns.items()}, **fixed}


def of_kind(kind: str, positive: NDArray[np.bool_], group: NDArray[np.object_]) -> NDArray[np.bool_]:
    """``(n,)`` True for the cases that an error of this kind is counted among."""
    if kind == "false_alarm":
        return ~positive
    if kind == "missed":
        return positive
    return np.asarray(positive & (group == kind.removeprefix("missed_")), dtype=bool)


def errors_table(blocks: Sequence[Block]) -> pd.DataFrame:
    """Give errors.csv."""
    return frame_of(blocks, ERRORS_COLUMNS)
