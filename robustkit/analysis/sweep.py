"""sweep.csv: what would be found, missed and changed at every threshold, not only at the carried one.

Whoever moves the threshold on the judged cases chooses it on them: these are counts without intervals (estimands,
section 7).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from robustkit.analysis.cohort import ALL, Judged
from robustkit.analysis.errors import of_kind
from robustkit.analysis.frames import Block, frame_of
from robustkit.analysis.layout import Layout
from robustkit.analysis.matrix import ModelAnswers
from robustkit.analysis.sample import Floats, Sample
from robustkit.results.schema import SWEEP_COLUMNS
from robustkit.stats.threshold import OperatingPoint

STEPS = 100
_KINDS = {
    "positive": "missed",
    "malignant": "missed_malignant",
    "intermediate": "missed_intermediate",
    "negative": "false_alarm",
}


def sweep_grid(cohort: Judged, own: ModelAnswers, points: Sequence[OperatingPoint]) -> NDArray[np.float64]:
    """Give the thresholds of one model, rising: hundredths of the judged scores, and every operating point.

    Above the last one nothing is called positive: it is the next number after the largest score.
    """
    scores = own.nominal[cohort.judged & np.isfinite(own.nominal)]
    fixed = [p.value for p in points if np.isfinite(p.value)]
    if not len(scores):
        return np.asarray(sorted(set(fixed)), dtype=np.float64)
    cuts = np.quantile(scores, np.linspace(0, 1, STEPS + 1), method="nearest")
    return np.unique([*cuts, *fixed, np.nextafter(scores.max(), np.inf)])


def sweep_blocks(
    sample: Sample,
    redrawn: Sample | None,
    layout: Layout,
    *,
    group: NDArray[np.object_],
    grid: Floats,
    points: Sequence[OperatingPoint],
    fixed: Mapping[str, object],
) -> Iterator[Block]:
    """Give the rows of one model and cohort: counts on the boxes as given, changed decisions at the primary level.

    Args:
        sample: Boxes as given.
        redrawn: Boxes of the primary level; None where no box was redrawn.
        layout: The strata of ``sample``.
        group: ``(n,)`` WHO group of each unit.
        grid: Of ``sweep_grid``.
        points: Named thresholds.
        fixed: Columns that are one for all rows.
    """
    if not len(sample.rows):
        return  # a cohort whose cases all failed has no threshold to move
    names = [[p.name for p in points if p.value == cut] for cut in grid]
    named = np.array(["; ".join(own) for own in names], dtype=object)
    changed, asked = (_changed(redrawn, grid), redrawn.scores.size) if redrawn else (np.full(len(grid), np.nan), 0)
    # how many thresholds a score reaches: it is called positive at the first so many
    reached = np.searchsorted(grid, sample.scores[:, 0], "right")
    groups = {what: layout.groups.only(of_kind(kind, sample.positive, group)) for what, kind in _KINDS.items()}
    counts = {what: _counts(reached[own.case], own.group, n=own.k, size=len(grid)) for what, own in groups.items()}
    for by, part in layout.parts.items():
        k, is_whole = part.stop - part.start, by == ALL
        columns = {f"n_{what}": np.repeat(n[part], len(grid)) for what, (_, n) in counts.items()}
        columns |= {f"n_{what}_called": called[part].ravel() for what, (called, _) in counts.items()}
        yield {
            **fixed, **columns, "by": by, "stratum": np.repeat(layout.stratum[part], len(grid)),
            "threshold": np.tile(grid, k), "operating_point": np.tile(named, k), "n_answers": asked if is_whole else 0,
            "flip_rate": np.tile(changed, k) if is_whole else np.nan,
        }  # fmt: skip


def _counts(
    reached: NDArray[np.intp], codes: NDArray[np.intp], *, n: int, size: int
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """``(n, size)`` cases called positive at each threshold, ``(n,)`` cases."""
    flat = np.bincount(codes * (size + 1) + reached, minlength=n * (size + 1)).reshape(n, size + 1)
    # at threshold j are called those that reach more than j of them
    called = flat[:, ::-1].cumsum(axis=1)[:, ::-1][:, 1:]
    return called, flat.sum(axis=1)


def _changed(sample: Sample, grid: NDArray[np.float64]) -> NDArray[np.float64]:
    """``(g,)`` share of redrawn boxes whose decision is not that of the box as given: one score reaches t, one does not."""
    lower = np.sort(np.minimum(sample.scores, sample.nominal[:, None]), axis=None)
    upper = np.sort(np.maximum(sample.scores, sample.nominal[:, None]), axis=None)
    if not len(lower):
        return np.full(len(grid), np.nan)
    return (np.searchsorted(lower, grid, "left") - np.searchsorted(upper, grid, "left")) / len(lower)


def sweep_table(blocks: Sequence[Block]) -> pd.DataFrame:
    """Give sweep.csv."""
    return frame_of(blocks, SWEEP_COLUMNS)
