"""What the table of cases shows of every case beyond the tables: where its scores fall, and some of its boxes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from robustkit.results.folder import RunFolder

QUANTILES = (0.0, 0.05, 0.1, 0.25, 0.4, 0.5, 0.6, 0.75, 0.9, 0.95, 1.0)
BOXES = 10
"""Redrawn boxes shown of each case: more would hide the film."""

MOST_CASES = 5000
"""Cases over which a page would become too large to be mailed: their scores are then shown from smallest to largest."""


@dataclass(frozen=True, slots=True)
class CaseAnswers:
    """Answers at the primary level, by case.

    Attributes:
        given: ``(4,)`` box as given, px of the film, by case.
        redrawn: ``(r, 4)`` the first redrawn boxes, px of the film, by case.
        quantiles: ``(q,)`` of the scores of all redrawn boxes, by model and case.
    """

    given: Mapping[str, NDArray[np.float64]] = field(default_factory=dict)
    redrawn: Mapping[str, NDArray[np.float64]] = field(default_factory=dict)
    quantiles: Mapping[tuple[str, str], NDArray[np.float64]] = field(default_factory=dict)


def case_answers(folder: RunFolder, *, condition: tuple[str, float] | None, n_cases: int) -> CaseAnswers:
    """Read what the table of cases shows.

    Args:
        folder: The run.
        condition: Primary perturbation and level; None where nothing was perturbed.
        n_cases: Of the run; none is read over ``MOST_CASES``.
    """
    if n_cases > MOST_CASES:
        return CaseAnswers()
    sides = ["x0", "y0", "x1", "y1"]
    wanted: list[list[tuple[str, str, str | float]]] = [[("perturbation", "==", "nominal")]]
    if condition:
        wanted.append([("perturbation", "==", condition[0]), ("level", "==", condition[1])])
    rows = folder.predictions(columns=["model", "case_id", "perturbation", "repeat", *sides, "score"], filters=wanted)
    first = rows[rows["model"] == rows["model"].iloc[0]] if len(rows) else rows
    # another program may not tell where each box lay
    first = first[np.isfinite(first[sides].to_numpy(dtype=np.float64)).all(axis=1)]
    is_given = first["perturbation"] == "nominal"
    given = first[is_given].drop_duplicates("case_id")
    moved = first[~is_given].sort_values("repeat", kind="stable").groupby("case_id", sort=False).head(BOXES)
    return CaseAnswers(
        dict(zip(given["case_id"].astype(str), given[sides].to_numpy(dtype=np.float64), strict=True)),
        {str(k): v[sides].to_numpy(dtype=np.float64) for k, v in moved.groupby("case_id", sort=False)},
        _quantiles(rows[(rows["perturbation"] != "nominal") & rows["score"].notna()]),
    )


def _quantiles(rows: pd.DataFrame) -> dict[tuple[str, str], NDArray[np.float64]]:
    """Nearest-rank quantiles of every case and model: one sort, then places are looked up."""
    if rows.empty:
        return {}
    codes, keys = pd.factorize(pd.MultiIndex.from_frame(rows[["model", "case_id"]]))
    scores = rows["score"].to_numpy(dtype=np.float64)
    order = np.lexsort((scores, codes))
    counts = np.bincount(codes)
    starts = np.concatenate([[0], np.cumsum(counts)[:-1]])
    places = starts[:, None] + np.rint(np.asarray(QUANTILES) * (counts - 1)[:, None]).astype(np.intp)
    found = scores[order][places]
    return {(str(m), str(c)): own for (m, c), own in zip(keys, found, strict=True)}
