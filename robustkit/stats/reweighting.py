"""What a rate in cohort a would be, had a the shares of strata that b has: direct standardisation.

Source: Fleiss, Levin and Paik 2003, Statistical Methods for Rates and Proportions, chapter 19; Kish 1965, Survey
Sampling, section 11.7 (effective size); estimands, section 5, for what is not estimable.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from robustkit.stats.bootstrap import bca
from robustkit.stats.estimate import NAN, Estimate
from robustkit.stats.sides import Sides

Floats = NDArray[np.float64]
Codes = NDArray[np.intp]

MIN_EFFECTIVE = 50
"""Effective cases of a under which nothing is estimated."""

MIN_SUPPORT = 0.9
"""Share of b's cases in strata that a has too, under which nothing is estimated."""

ONE_STRATUM = "one stratum only: there is nothing to exchange"

_ROUNDING = 1e-9


@dataclass(frozen=True, slots=True)
class Reweighted:
    """A rate of cohort a under the strata of cohort b.

    Attributes:
        observed: The rate as it is.
        value: The rate that it would be.
        change: value - observed, with interval; NaN with the reason where it is not estimable.
        effective: Effective cases of a under the weights.
        support: Share of b's cases in strata that a has too.
    """

    observed: float
    value: float
    change: Estimate
    effective: float
    support: float


def reweight(events: Floats, codes: Codes, sides: Sides, *, n_strata: int) -> Reweighted:
    """Weight a's cases so that their strata have b's shares; the weights are estimated anew in every draw.

    Args:
        events: ``(n,)`` 0 or 1 (or a share); those of b are not looked at.
        codes: ``(n,)`` stratum of each case, 0..n_strata-1; -1 where the fact is not known. Such cases of a are
            left out of both rates; such cases of b count as not supported.
        sides: Of the cases.
        n_strata: K.

    Returns:
        A draw in which support is too small is undefined; over 5 % of them: no interval, with the reason.
    """
    is_known = codes >= 0
    inside = (np.arange(n_strata)[:, None] == codes).astype(np.float64)
    counted = Estimate(
        n_cases=int((sides.is_a & is_known).sum()), n_patients=sides.only(is_known).patients_of(is_a=True)
    )
    sums = sides.sums(np.concatenate([inside, inside * events, ~is_known[None]]))
    found = _standardise(sums.total)
    support, effective = float(found.support[0]), float(found.effective[0])
    reason = sides.only(is_known).too_few() or _refusal(sides.is_a & ~is_known, sides.is_a, support, effective)
    reason = reason or (ONE_STRATUM if len(np.unique(codes[is_known])) == 1 else "")
    if reason:
        return Reweighted(float(found.observed[0]), NAN, replace(counted, reason=reason), effective, support)
    change = float(found.change[0])
    drawn = _standardise(sums.drawn)
    left_out = _standardise(sums.left_out).change
    low, high, se, reason = bca(
        np.where(drawn.support >= MIN_SUPPORT - _ROUNDING, drawn.change, np.nan),
        change,
        left_out[np.isfinite(left_out)],
    )
    method = "direct standardisation; patient bootstrap, BCa, weights anew in every draw"
    e = replace(counted, value=change, low=low, high=high, se=se, method=method, reason=reason)
    return Reweighted(float(found.observed[0]), float(found.observed[0]) + change, e, effective, support)


def _refusal(unknown: NDArray[np.bool_], is_a: NDArray[np.bool_], support: float, effective: float) -> str:
    known = 1 - unknown.sum() / is_a.sum()
    if known < MIN_SUPPORT:
        return f"the fact is known for {known:.0%} of the external cases, under {MIN_SUPPORT:.0%}"
    if support < MIN_SUPPORT - _ROUNDING:
        return f"support {support:.0%}, under {MIN_SUPPORT:.0%}: internal cases without external ones like them"
    if effective < MIN_EFFECTIVE - _ROUNDING:
        return f"{effective:.1f} effective cases, under {MIN_EFFECTIVE}"
    return ""


@dataclass(frozen=True, slots=True)
class _Found:
    """Each ``(k,)``; NaN where it is not defined."""

    observed: Floats
    change: Floats
    effective: Floats
    support: Floats


def _standardise(sums: Floats) -> _Found:
    """From ``(2 (2K + 1), k)`` numbers, events and unknown ones of a, then of b."""
    half = len(sums) // 2
    strata = (half - 1) // 2
    # sums of whole numbers: what is left of a patient taken away is rounding
    n_a, events, n_b = np.round(sums[:strata]), sums[strata : 2 * strata], np.round(sums[half : half + strata])
    size_a, size_b = n_a.sum(axis=0), n_b.sum(axis=0)
    target = n_b / np.where(size_b > 0, size_b, 1.0) * (n_a > 0)
    shared = target.sum(axis=0)
    rate = events / np.where(n_a > 0, n_a, 1.0)
    observed = _ratio(events.sum(axis=0), size_a)
    # of all cases of b, those of unknown strata too
    of_all = _ratio(size_b, size_b + sums[-1])
    return _Found(
        observed=observed,
        change=_ratio((target * rate).sum(axis=0), shared) - observed,
        effective=_ratio(shared**2, (target**2 / np.where(n_a > 0, n_a, 1.0)).sum(axis=0)),
        support=np.nan_to_num(shared * of_all),
    )


def _ratio(above: Floats, below: Floats) -> Floats:
    return np.asarray(np.divide(above, below, out=np.full(np.shape(below), np.nan), where=below > 0))
