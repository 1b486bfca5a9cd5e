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
from robustkit.analysis.matrix import ModelAnswers
from robustkit.analysis.sample import Sample
from robustkit.analysis.strata_table import Condition
from robustkit.results.schema import SWEEP_COLUMNS
from robustkit.stats.threshold import OperatingPoint

STEPS = 100
COUNTED = ("positive", "malignant", "intermediate", "negative")
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


def sweep_rows(
    cohort: Judged,
    sample: Sample,
    redrawn: Sample | None,
    strata: Mapping[str, pd.Series],
    *,
    grid: NDArray[np.float64],
    points: Sequence[OperatingPoint],
    condition: Condition,
) -> Iterator[dict[str, object]]:
    """Give the rows of one model and cohort: counts on the boxes as given, changed decisions at the primary level.

    Args:
        cohort: All cases.
        sample: Boxes as given.
        redrawn: Boxes of the primary level; None where no box was redrawn.
        strata: Stratum of every case, by variable.
        grid: Of ``sweep_grid``.
        points: Named thresholds.
        condition: Of ``sample``.
    """
    group = cohort.frame["group"].to_numpy()[sample.rows]
    named = {p.value: [q.name for q in points if q.value == p.value] for p in points}
    changed, asked = (_changed(redrawn, grid), redrawn.scores.size) if redrawn else (np.full(len(grid), np.nan), 0)
    fixed = {"model": condition.model, "cohort": condition.cohort, "split": cohort.split_of(condition.cohort)}
    # how many thresholds a score reaches: it is called positive at the first so many
    reached = np.searchsorted(grid, sample.scores[:, 0], "right")
    everyone = pd.Series(ALL, index=cohort.frame.index)
    for by, series in {ALL: everyone, **strata}.items():
        codes, names = pd.factorize(series.to_numpy()[sample.rows], sort=True)
        counts = {
            what: _counts(reached, codes, of_kind(kind, sample.positive, group), n=len(names), size=len(grid))
            for what, kind in _KINDS.items()
        }
        for i, stratum in enumerate(names):
            for j, cut in enumerate(grid):
                row = {**fixed, "by": by, "stratum": str(stratum), "threshold": cut,
                       "operating_point": "; ".join(named.get(cut, ()))}  # fmt: skip
                for what in COUNTED:
                    row |= {f"n_{what}": counts[what][1][i], f"n_{what}_called": counts[what][0][i, j]}
                is_whole = by == ALL
                yield row | {"n_answers": asked if is_whole else 0, "flip_rate": changed[j] if is_whole else np.nan}


def _counts(
    reached: NDArray[np.intp], codes: NDArray[np.intp], keep: NDArray[np.bool_], *, n: int, size: int
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """``(n, size)`` cases called positive at each threshold, ``(n,)`` cases."""
    flat = np.bincount(codes[keep] * (size + 1) + reached[keep], minlength=n * (size + 1)).reshape(n, size + 1)
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


def sweep_table(rows: Sequence[dict[str, object]]) -> pd.DataFrame:
    """Give sweep.csv."""
    return pd.DataFrame(list(rows), columns=list(SWEEP_COLUMNS))
