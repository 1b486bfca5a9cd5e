"""study_seeds.csv: every way of training over its seeds, with an interval from patients and seeds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from robustkit.analysis.cohort import Judged
from robustkit.analysis.matrix import read_answers
from robustkit.results.folder import RunFolder
from robustkit.results.schema import STUDY_SEEDS_COLUMNS
from robustkit.stats.multiplicity import holm
from robustkit.stats.seeds import over_seeds, seeds_difference

DIFFERENCE = "difference"

Floats = NDArray[np.float64]


def study_seeds(folder: RunFolder, cohort: Judged, seeds: Mapping[str, Sequence[str]]) -> pd.DataFrame:
    """Give mean, interval and spread of the nominal AUC of every arm, and all differences between arms.

    Args:
        folder: A run of all trainings.
        cohort: Who is judged.
        seeds: Names of the trainings of every arm.

    Returns:
        ``analysis`` is ``mean`` or ``difference`` (arm minus ``arm_b``, Holm over the pairs of a cohort).
    """
    ids = cohort.frame["case_id"].tolist()
    scores = {
        arm: np.array([read_answers(folder, m, ids, []).nominal for m in models]) for arm, models in seeds.items()
    }
    rows: list[dict[str, Any]] = []
    for name in cohort.cohorts:
        known = cohort.in_cohort(name) & np.isfinite(np.concatenate(list(scores.values()))).all(axis=0)
        place = {"cohort": name, "split": cohort.split_of(name), "metric": "auc"}
        labels, patients = cohort.positive[known], cohort.patients[known]
        rows += [{**place, **_mean(arm, s[:, known], labels, patients)} for arm, s in scores.items()]
        rows += _differences({a: s[:, known] for a, s in scores.items()}, labels, patients, place)
    return pd.DataFrame(rows, columns=list(STUDY_SEEDS_COLUMNS))


def _mean(arm: str, scores: Floats, labels: NDArray[np.bool_], patients: NDArray[np.intp]) -> dict[str, Any]:
    found = over_seeds(labels, scores, patients)
    e = found.mean
    return {
        "analysis": "mean", "arm": arm, "n_seeds": len(scores), "value": e.value, "low": e.low, "high": e.high,
        "sd_seeds": found.sd, "least": min(found.aucs), "most": max(found.aucs), "method": e.method,
        "n_cases": e.n_cases, "n_patients": e.n_patients, "n_positive": e.n_positive, "reason": e.reason,
    }  # fmt: skip


def _differences(
    scores: Mapping[str, Floats], labels: NDArray[np.bool_], patients: NDArray[np.intp], place: Mapping[str, Any]
) -> list[dict[str, Any]]:
    rows = []
    for a, b in combinations(scores, 2):
        d = seeds_difference(labels, scores[a], scores[b], patients)
        rows.append({
            **place, "analysis": DIFFERENCE, "arm": a, "arm_b": b, "n_seeds": min(len(scores[a]), len(scores[b])),
            "value": d.diff, "low": d.low, "high": d.high, "p": d.p, "method": d.method, "n_cases": d.n_cases,
            "n_patients": d.n_patients, "reason": d.reason,
        })  # fmt: skip
    adjusted = holm(np.array([r["p"] for r in rows], dtype=np.float64)) if rows else np.empty(0)
    return [{**r, "p_adjusted": float(p)} for r, p in zip(rows, adjusted, strict=True)]
