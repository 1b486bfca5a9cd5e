"""What models are compared by, case by case: right nominal decisions, and flip rate and rank sd of redrawn boxes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from robustkit.analysis.cohort import Judged
from robustkit.analysis.matrix import ModelAnswers, ScoreMatrix
from robustkit.stats.bootstrap import PatientDraws
from robustkit.stats.difference import Difference
from robustkit.stats.paired_means import Values, minus, paired_means
from robustkit.stats.paired_table import mcnemar_p
from robustkit.stats.stability import reference_rank, spread
from robustkit.stats.threshold import target_sensitivity

DEVELOPMENT_SENSITIVITY = 0.9
"""Between models, decisions are compared where both find this share of the development positives."""

NO_DEVELOPMENT = "no positive development rows: thresholds of equal sensitivity and reference ranks need them"

OF_NOMINAL = ("sensitivity", "specificity")
OF_REDRAWN = ("flip_rate", "rank_sd")

Flags = NDArray[np.bool_]
Numbers = Mapping[str, Values]
"""By metric: ``(N,)`` one per case, NaN where it is not known, or why there are none."""


def case_numbers(cohort: Judged, answers: ModelAnswers) -> list[Numbers]:
    """Give the numbers of one model under every condition, the nominal one first.

    The threshold is that of equal sensitivity on development rows. Nothing depends on which other cases are looked at,
    so that all cohorts and strata share these numbers.
    """
    known = cohort.development & np.isfinite(answers.nominal)
    if not cohort.positive[known].any():
        redrawn: Numbers = dict.fromkeys(OF_REDRAWN, NO_DEVELOPMENT)
        return [dict.fromkeys(OF_NOMINAL, NO_DEVELOPMENT), *[redrawn] * len(answers.matrices)]
    development = answers.nominal[known]
    cut = target_sensitivity(cohort.positive[known], development, DEVELOPMENT_SENSITIVITY).value
    right = ((answers.nominal >= cut) == cohort.positive).astype(np.float64)
    return [
        dict.fromkeys(OF_NOMINAL, right),
        *(_of_redrawn(m, cohort.judged & m.known, cut, development=development) for m in answers.matrices),
    ]


def _of_redrawn(matrix: ScoreMatrix, rows: Flags, cut: float, *, development: NDArray[np.float64]) -> Numbers:
    scores, nominal = matrix.scores[rows], matrix.nominal[rows]
    flips, rank_sd = (np.full(len(rows), np.nan) for _ in OF_REDRAWN)
    flips[rows] = ((scores >= cut) != (nominal >= cut)[:, None]).mean(axis=1)
    rank_sd[rows] = spread(reference_rank(scores, development))
    return {"flip_rate": flips, "rank_sd": rank_sd}


@dataclass(frozen=True, slots=True)
class Resampling:
    """Bootstrap and permutation draws, and their seed."""

    draws: PatientDraws
    permutations: int
    seed: int


def differences_of_means(
    cohort: Judged, numbers: Sequence[Sequence[Numbers]], rows: Sequence[Flags], *, how: Resampling
) -> list[dict[str, list[Difference]]]:
    """Give the differences of the means of every pair of models, by condition and metric.

    Conditions with the same cases are worked on together: they share draws and sign patterns.

    Args:
        cohort: Who is judged.
        numbers: By model, then by condition.
        rows: ``(N,)`` who is compared, by condition.
        how: Draws.
    """
    found: list[dict[str, list[Difference]]] = [{} for _ in rows]
    alike: dict[tuple[str, bytes], list[int]] = {}
    for i, keep in enumerate(rows):
        for metric in OF_REDRAWN if i else OF_NOMINAL:
            alike.setdefault((metric, _counted(cohort, keep, metric).tobytes()), []).append(i)
    for (metric, _), conditions in alike.items():
        own = _counted(cohort, rows[conditions[0]], metric)
        apart = [
            minus(a, b)
            for i in conditions
            for a, b in combinations([_of(model[i][metric], own) for model in numbers], 2)
        ]
        means = paired_means(
            apart, cohort.patients[own], how.draws, permutations=how.permutations, seed=how.seed, purpose=metric
        )
        n_pairs = len(apart) // len(conditions)
        for k, i in enumerate(conditions):
            found[i][metric] = means[k * n_pairs : (k + 1) * n_pairs]
        if metric in OF_NOMINAL:
            decisions = [_of(model[0][metric], own) for model in numbers]
            found[0][metric] = [_tested(d, *pair) for d, pair in zip(means, combinations(decisions, 2), strict=True)]
    return found


def _counted(cohort: Judged, rows: Flags, metric: str) -> Flags:
    """Give ``(N,)`` who counts for a metric: sensitivity is that of the positives, specificity of the negatives."""
    if metric not in OF_NOMINAL:
        return rows
    return np.asarray(rows & (cohort.positive == (metric == "sensitivity")))


def _of(values: Values, rows: Flags) -> Values:
    return values if isinstance(values, str) else values[rows]


def _tested(d: Difference, a: Values, b: Values) -> Difference:
    """Test decisions by McNemar where each case is a patient of its own."""
    if isinstance(a, str) or isinstance(b, str) or not np.isfinite(d.diff) or d.n_patients != d.n_cases:
        return d
    interval = d.method.split(";")[0]
    return replace(d, p=mcnemar_p(a > 0, b > 0), method=f"{interval}; exact McNemar")
