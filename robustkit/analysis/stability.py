"""stability.csv: one row per model, case, perturbation and level."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from robustkit.analysis.cohort import Judged
from robustkit.analysis.matrix import ModelAnswers, ScoreMatrix
from robustkit.results.schema import STABILITY_COLUMNS
from robustkit.stats.stability import reference_rank, smallest_flip, spread
from robustkit.stats.threshold import logit


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
    development = answers.nominal[cohort.development]
    parts = [_rows(cohort, m, threshold, development[np.isfinite(development)]) for m in answers.matrices]
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=list(STABILITY_COLUMNS))


def _rows(cohort: Judged, matrix: ScoreMatrix, threshold: float, development: NDArray[np.float64]) -> pd.DataFrame:
    keep = cohort.judged
    scores, nominal, truth = matrix.scores[keep], matrix.nominal[keep], cohort.positive[keep]
    answered = np.isfinite(scores)
    decided = scores >= threshold
    usual = (nominal >= threshold)[:, None]
    flips = decided != usual
    right = decided == truth[:, None]
    was_right = (usual[:, 0] == truth)[:, None]
    undefined = ~matrix.known[keep]
    smallest = np.where(undefined, np.nan, smallest_flip(matrix.moved[keep], flips))
    # smallest and largest would grow with the number of repeats
    bounds = np.quantile(scores, [0.025, 0.975], axis=1)
    table = {
        "model": matrix.model,
        "case_id": cohort.frame.loc[keep, "case_id"].to_numpy(),
        "perturbation": matrix.perturbation,
        "level": matrix.level,
        "repeats": scores.shape[1],
        "n_distinct": matrix.n_distinct[keep],
        "n_failed": (~answered).sum(axis=1),
        "nominal": nominal,
        "mean": scores.mean(axis=1),
        "sd": spread(scores),
        "sd_logit": spread(logit(scores)),
        "rank_sd": spread(reference_rank(scores, development)),
        "low": bounds[0],
        "high": bounds[1],
        "flips": np.where(undefined, np.nan, flips.sum(axis=1)),
        "flip_rate": np.where(undefined, np.nan, flips.mean(axis=1)),
        "to_wrong": np.where(undefined, np.nan, (flips & was_right).sum(axis=1)),
        "to_right": np.where(undefined, np.nan, (flips & ~was_right & right).sum(axis=1)),
        "smallest_flip": smallest,
        "censored": pd.Series(np.isnan(smallest), dtype="boolean").mask(undefined),
        "achieved_iou": matrix.iou[keep].mean(axis=1),
        "share_unmoved": matrix.is_same[keep].mean(axis=1),
    }
    return pd.DataFrame(table)[list(STABILITY_COLUMNS)]
