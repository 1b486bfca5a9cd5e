"""errors.csv: missed lesions and false alarms apart, with rates and intervals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from robustkit.analysis.cohort import ALL
from robustkit.analysis.frames import Block, frame_of
from robustkit.analysis.layout import Layouts
from robustkit.analysis.sample import Sample
from robustkit.results.schema import ERRORS_COLUMNS
from robustkit.stats.groups import Groups
from robustkit.stats.proportion import clustered_proportions

KINDS = ("missed", "missed_malignant", "missed_intermediate", "false_alarm")


@dataclass(frozen=True, slots=True)
class ErrorStrata:
    """Strata of n units, and who is counted there, whatever the answers.

    Attributes:
        layouts: The strata, by cohort and together.
        counted: By kind of error: the units of each stratum that may show it.
        rows: ``(k, kinds)`` True where a row is written.
    """

    layouts: Layouts
    counted: Mapping[str, Groups]
    rows: NDArray[np.bool_]


def error_strata(layouts: Layouts, positive: NDArray[np.bool_], group: NDArray[np.object_]) -> ErrorStrata:
    """Lay out ``(n,)`` units, which are positive or not, and their WHO groups."""
    layout = layouts.together
    n, n_positive = layout.groups.n_cases(), layout.groups.sums(positive)
    # missed is always three numbers: non-benign, malignant, intermediate
    is_whole = layout.by == ALL
    is_asked = [is_whole | ((n_positive > 0) if k != KINDS[3] else (n_positive < n)) for k in KINDS]
    counted = {kind: layout.groups.only(of_kind(kind, positive, group)) for kind in KINDS}
    return ErrorStrata(layouts, counted, np.stack(is_asked, axis=1))


def errors_blocks(
    sample: Sample, strata: ErrorStrata, *, fixed: Mapping[str, Mapping[str, object]]
) -> dict[str, Block]:
    """Give, by cohort, the rows of one model and condition: stratum after stratum, each with its kinds of errors.

    ``k`` is the number of errors; under a perturbation its mean over repeats.

    Args:
        sample: The answers of all these cohorts.
        strata: Of these units.
        fixed: Columns that are one for all rows of a cohort.
    """
    wrong = np.asarray((~sample.right()).mean(axis=1), dtype=np.float64)
    layout, rows = strata.layouts.together, strata.rows
    columns: dict[str, list[NDArray[Any]]] = {}
    for kind, counted in strata.counted.items():
        e = clustered_proportions(wrong, counted, repeats=sample.repeats)
        found = {
            "by": layout.by, "stratum": layout.stratum, "kind": np.full(len(rows), kind, dtype=object),
            "k": np.round(counted.sums(wrong), 6), "n_cases": e.n_cases, "n_patients": e.n_patients,
            "rate": e.value, "low": e.low, "high": e.high, "method": e.method, "reason": e.reason,
        }  # fmt: skip
        for name, values in found.items():
            columns.setdefault(name, []).append(values)
    flat = {name: np.stack(values, axis=1)[rows] for name, values in columns.items()}
    ends = np.concatenate([[0], rows.sum(axis=1).cumsum()])
    return {
        name: {**{c: values[ends[part.start] : ends[part.stop]] for c, values in flat.items()}, **fixed[name]}
        for name, part in layout.parts.items()
    }


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
