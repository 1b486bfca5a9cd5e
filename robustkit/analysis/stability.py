"""stability.csv: one row per model, case, perturbation and level."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from robustkit.analysis.cohort import Judged
from robustkit.analysis.frames import Block, frame_of
from robustkit.analysis.matrix import ModelAnswers, ScoreMatrix
from robustkit.results.schema import STABILITY_COLUMNS
from robustkit.stats.stability import reference_rank, smallest_flip, spread
from robustkit.stats.threshold import logit

Floats = NDArray[np.float64]


def stability_table(cohort: Judged, answers: ModelAnswers, threshold: float) -> pd.DataFrame:
    """Give the rows of one model, judged cases only.

    Args:
        cohort: Who is judged.
        answers: Of the model.
        threshold: The carried one; decision: score >= threshold.

    Returns:
        ``low, high`` hold 95 % of the repeats' scores.
        A case with a repeat that failed has no numbers but ``n_failed``: its repeats are fewer than the others'.
    """
    if not answers.matrices:
        return pd.DataFrame(columns=list(STABILITY_COLUMNS))
    development = answers.nominal[cohort.development]
    development = development[np.isfinite(development)]
    case_id = cohort.frame["case_id"].to_numpy(dtype=object)[cohort.judged]
    blocks = [{"case_id": case_id, **_block(cohort, m, threshold, development)} for m in answers.matrices]
    table = frame_of(blocks, [c for c in STABILITY_COLUMNS if c != "censored"])
    table["censored"] = table["smallest_flip"].isna().astype("boolean").mask(table["flips"].isna())
    return table[list(STABILITY_COLUMNS)]


def _block(cohort: Judged, matrix: ScoreMatrix, threshold: float, development: Floats) -> Block:
    keep = cohort.judged
    scores, nominal = matrix.scores[keep], matrix.nominal[keep]
    usual = nominal >= threshold
    flips = (scores >= threshold) != usual[:, None]
    n_flips, repeats = np.count_nonzero(flips, axis=1), scores.shape[1]
    n_failed = repeats - np.count_nonzero(np.isfinite(scores), axis=1)
    undefined = (n_failed > 0) | ~np.isfinite(nominal)
    # of two decisions, one that flips from the right one is wrong, and the other way round
    was_right = usual == cohort.positive[keep]
    ordered = np.sort(scores, axis=1)
    return {
        "model": matrix.model,
        "perturbation": matrix.perturbation,
        "level": matrix.level,
        "repeats": repeats,
        "n_distinct": matrix.n_distinct[keep],
        "n_failed": n_failed,
        "nominal": nominal,
        "mean": scores.mean(axis=1),
        "sd": spread(scores),
        "sd_logit": spread(logit(scores)),
        "rank_sd": spread(reference_rank(scores, development)),
        # smallest and largest would grow with the number of repeats
        "low": _quantile(ordered, 0.025),
        "high": _quantile(ordered, 0.975),
        "flips": np.where(undefined, np.nan, n_flips),
        "flip_rate": np.where(undefined, np.nan, n_flips / repeats),
        "to_wrong": np.where(undefined, np.nan, n_flips * was_right),
        "to_right": np.where(undefined, np.nan, n_flips * ~was_right),
        "smallest_flip": np.where(undefined, np.nan, smallest_flip(matrix.moved[keep], flips)),
        "achieved_iou": matrix.iou[keep].mean(axis=1),
        "share_unmoved": np.count_nonzero(matrix.is_same[keep], axis=1) / repeats,
    }


def _quantile(ordered: Floats, share: float) -> Floats:
    """Give ``(n,)`` the linear quantile of ``(n, R)`` numbers that are sorted by row; NaN where one is NaN.

    It is that of ``numpy.quantile``, which would sort anew, and slower.
    """
    last = ordered.shape[1] - 1
    below = int(share * last)
    at, low, high = share * last - below, ordered[:, below], ordered[:, min(below + 1, last)]
    found = low + (high - low) * at if at < 0.5 else high - (high - low) * (1 - at)
    return np.where(np.isnan(ordered[:, last]), np.nan, found)
