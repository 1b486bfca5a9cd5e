"""The AUC of many groups of the same cases at once, with clustered DeLong intervals.

Sources: DeLong et al. 1988, Biometrics 44:837; Obuchowski 1997, Biometrics 53:567 (clusters).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logit

from robustkit.stats.auc import ALIKE, ALL_TIED, TINY, Z
from robustkit.stats.estimate import Estimates, no_estimates
from robustkit.stats.group_placements import GroupPlacements, Sizes
from robustkit.stats.groups import Floats, Groups

Flags = NDArray[np.bool_]


def clustered_aucs(placed: GroupPlacements) -> Estimates:
    """Give the AUC of every group, averaged over repeats, with a clustered DeLong interval on the logit scale.

    Returns:
        See ``auc.clustered_auc``.
    """
    groups, sizes, value = placed.classed.groups, placed.classed.sizes, placed.value
    reason = placed.classed.reason.copy()
    reason[(reason == "") & np.isnan(value)] = "a score is missing (NaN)"
    found = no_estimates(
        groups.k, n_cases=sizes.n, n_patients=sizes.m, n_positive=sizes.n_positive,
        n_positive_patients=sizes.m_positive, reason=reason,
    )  # fmt: skip
    known = reason == ""
    is_perfect = known & np.isin(value, (0.0, 1.0))
    se = np.sqrt(_variance(groups, _influence(placed), sizes))
    is_tied = known & ~is_perfect & (se < TINY)
    usual = known & ~is_perfect & ~is_tied
    found.value[known], found.mc_se[known] = value[known], _mc_se(placed)[known]
    found.se[usual], found.reason[is_tied] = se[usual], ALL_TIED
    found.method[usual], found.method[is_perfect] = "clustered DeLong, logit scale", "perfect separation, exact bound"
    at, half = logit(value[usual]), Z * se[usual] / (value[usual] * (1.0 - value[usual]))
    found.low[usual], found.high[usual] = expit(at - half), expit(at + half)
    found.low[is_perfect], found.high[is_perfect] = _perfect(value[is_perfect], sizes, is_perfect)
    return found


def _influence(placed: GroupPlacements) -> tuple[Floats, Floats]:
    """Give what each patient adds to the error of each group's AUC, ``(P,)``, by her positives and by her negatives."""
    classed = placed.classed
    part = (placed.mean - placed.value[classed.groups.group]) / classed.n_own
    by_pair = (classed.groups.by_pair(np.where(own, part, 0.0)) for own in (classed.is_positive, ~classed.is_positive))
    return next(by_pair), next(by_pair)


def _variance(groups: Groups, influence: tuple[Floats, Floats], sizes: Sizes) -> Floats:
    """Obuchowski's S10 / n_positive + S01 / n_negative + 2 S11 / (n_positive n_negative): see ``auc``."""

    def small(m: Floats) -> Floats:
        return m / np.maximum(m - 1.0, 1.0)

    positive, negative = influence
    s10 = small(sizes.m_positive) * groups.over_pairs(positive**2)
    s01 = small(sizes.m_negative) * groups.over_pairs(negative**2)
    s11 = small(sizes.m) * groups.over_pairs(positive * negative)
    return np.maximum(0.0, s10 + s01 + 2.0 * s11)


def _mc_se(placed: GroupPlacements) -> Floats:
    """Error that redrawing the boxes alone would give: see ``auc``."""
    within = placed.classed.groups.over_cases(placed.variance / placed.classed.n_own**2)
    return np.sqrt(within / placed.n_independent)


def _perfect(value: Floats, sizes: Sizes, own: Flags) -> tuple[Floats, Floats]:
    """Bound AUCs of 1 or 0, where the logit is not defined: see ``auc``."""
    k = np.minimum(np.minimum(sizes.m_positive, sizes.m_negative), sizes.m // 2)[own]
    bound = 0.025 ** (1.0 / k)
    return np.where(value == 1.0, bound, 0.0), np.where(value == 1.0, 1.0, 1.0 - bound)


def aucs_lost(nominal: GroupPlacements, redrawn: GroupPlacements) -> Estimates:
    """Give the nominal AUC minus the AUC averaged over repeats, by clustered paired DeLong.

    Args:
        nominal: Of the boxes as given: one repeat.
        redrawn: Of the same groups.

    Returns:
        See ``auc.paired_auc_difference``; without ``mc_se``.
    """
    groups, sizes = redrawn.classed.groups, redrawn.classed.sizes
    diff = nominal.value - redrawn.value
    reason = redrawn.classed.reason.copy()
    reason[(reason == "") & np.isnan(diff)] = "a score is missing (NaN)"
    found = no_estimates(groups.k, n_cases=sizes.n, n_patients=sizes.m, reason=reason)
    known = reason == ""
    apart = [a - b for a, b in zip(_influence(nominal), _influence(redrawn), strict=True)]
    se = np.sqrt(_variance(groups, (apart[0], apart[1]), sizes))
    is_alike, usual = known & (se < TINY) & (np.abs(diff) < TINY), known & (se >= TINY)
    found.method[known], found.value[known] = "clustered paired DeLong", diff[known]
    found.reason[known & ~usual] = ALL_TIED
    found.value[is_alike], found.se[is_alike], found.reason[is_alike] = 0.0, 0.0, ALIKE
    found.se[usual] = se[usual]
    found.low[usual] = np.maximum(-1.0, diff - Z * se)[usual]
    found.high[usual] = np.minimum(1.0, diff + Z * se)[usual]
    return found
