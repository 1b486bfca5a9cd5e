"""repeats.csv: how each metric is spread over the single repeats. Not a measure of stability: it shrinks with n."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from robustkit.analysis.estimates import Stratified
from robustkit.analysis.frames import Block, frame_of
from robustkit.analysis.sample import Flags, Floats, Sample
from robustkit.results.schema import REPEATS_COLUMNS
from robustkit.stats.auc import ALL_TIED

QUANTILES = {"q05": 0.05, "q25": 0.25, "median": 0.5, "q75": 0.75, "q95": 0.95}
"""No smallest, largest or worst repeat: they grow with the number of repeats (estimands, section 3)."""


def repeats_block(sample: Sample, s: Stratified, *, fixed: Mapping[str, object]) -> Block:
    """Give the rows of one model, cohort and perturbed condition: stratum after stratum, each with all metrics.

    Args:
        sample: The answers, with two repeats or more.
        s: The same in strata.
        fixed: Columns that are one for all rows.
    """
    n, everyone = s.counted.n_cases, np.ones(len(sample.rows), dtype=bool)
    right, flips = sample.right(), sample.flips()
    one_class = np.where(s.is_positive, "one class only (no negative case)", "").astype(object)
    one_class[s.is_negative] = "one class only (no positive case)"
    auc = s.estimates["auc"].reason
    found = {
        "auc": (s.aucs, np.where(one_class != "", one_class, np.where(auc == ALL_TIED, "", auc))),
        "sensitivity": (_shares(right, sample.positive, s), np.where(s.is_negative, "no positive case", "")),
        "specificity": (_shares(right, ~sample.positive, s), np.where(s.is_positive, "no negative case", "")),
        "flip_rate": (_shares(flips, everyone, s), np.full(len(n), "")),
    }
    columns: dict[str, list[NDArray[Any]]] = {}
    for metric, (values, reason) in found.items():
        numbers = {
            **_numbers(np.where(reason == "", values, np.nan)), "by": s.layout.by, "stratum": s.layout.stratum,
            "metric": np.full(len(n), metric, dtype=object), "n_cases": n, "n_patients": s.counted.n_patients,
            "reason": reason.astype(object),
        }  # fmt: skip
        for name, column in numbers.items():
            columns.setdefault(name, []).append(column)
    return {**{name: np.stack(parts, axis=1)[n > 0].ravel() for name, parts in columns.items()}, **fixed}


def _shares(events: Flags, keep: Flags, s: Stratified) -> Floats:
    """Give ``(R, k)`` shares of ``(n, R)`` events among the cases that are kept."""
    groups = s.layout.groups.only(keep)
    member = np.zeros((groups.k, len(keep)))
    member[groups.group, groups.case] = 1.0
    size = member.sum(axis=1, keepdims=True)
    hits = member @ events.astype(np.float64)
    return np.asarray(np.divide(hits, size, out=np.full(hits.shape, np.nan), where=size > 0).T)


def _numbers(values: Floats) -> dict[str, Floats]:
    """Give mean, sd and quantiles of ``(R, k)`` values over repeats."""
    quantiles = np.quantile(values, list(QUANTILES.values()), axis=0)
    return {
        "mean": values.mean(axis=0), "sd": values.std(axis=0, ddof=1), **dict(zip(QUANTILES, quantiles, strict=True))
    }  # fmt: skip


def repeats_table(blocks: Sequence[Block]) -> pd.DataFrame:
    """Give repeats.csv."""
    return frame_of(blocks, REPEATS_COLUMNS)
