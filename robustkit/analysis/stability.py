"""stability.csv: one row per model, case, perturbation and level."""

from __future__ import annotations

import numpy as np
import pandas as pd

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
    """
    development = answers.nominal[cohort.development]
    parts = [_rows(cohort, m, threshold, development[np.isfinite(development)]) for m in answers.matrices]
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=list(STABILITY_COLUMNS))


def _rows(cohort: Judged, matrix: ScoreMatrix, threshold: float, development: np.ndarray) -> pd.DataFrame:
    keep = cohort.judged
    scores, nominal, truth = matrix.scores[keep], matrix.nominal[keep], cohort.positive[keep]
    answered = np.isfinite(scores)
    n = answered.sum(axis=1)
    decided = scores >= threshold
    usual = (nominal >= threshold)[:, None]
    flips = (decided != usual) & answered & np.isfinite(nominal)[:, None]
    right = decided == truth[:, None]
    was_right = (usual[:, 0] == truth)[:, None]
    undefined = ~np.isfinite(scores).all(axis=1) | ~np.isfinite(nominal)
    smallest = smallest_flip(matrix.moved[keep], flips)
    table = {
        "model": matrix.model,
        "case_id": cohort.frame.loc[keep, "case_id"].to_numpy(),
        "perturbation": matrix.perturbation,
        "level": matrix.level,
        "repeats": scores.shape[1],
        "n_distinct": matrix.n_distinct[keep],
        "n_failed": scores.shape[1] - n,
        "nominal": nominal,
        "mean": scores.mean(axis=1),
        "sd": spread(scores),
        "sd_logit": spread(logit(scores)),
        "rank_sd": spread(reference_rank(scores, development)),
        "low": scores.min(axis=1),
        "high": scores.max(axis=1),
        "flips": np.where(undefined, np.nan, flips.sum(axis=1)),
        "flip_rate": np.where(undefined, np.nan, flips.mean(axis=1)),
        "to_wrong": np.where(undefined, np.nan, (flips & was_right).sum(axis=1)),
        "to_right": np.where(undefined, np.nan, (flips & ~was_right & right).sum(axis=1)),
        "smallest_flip": smallest,
        "censored": np.isnan(smallest),
        "achieved_iou": matrix.iou[keep].mean(axis=1),
        "share_unmoved": matrix.is_same[keep].mean(axis=1),
    }
    return pd.DataFrame(table)[list(STABILITY_COLUMNS)]
