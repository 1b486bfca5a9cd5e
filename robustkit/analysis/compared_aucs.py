"""AUCs of several models on the same cases: jointly, pair by pair, and what of them is lost on redrawn boxes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from robustkit.stats.auc import auc_contrasts, clustered_auc, equal_aucs, not_estimable
from robustkit.stats.bootstrap import PatientDraws, bca, weighted_auc
from robustkit.stats.difference import Difference
from robustkit.stats.estimate import Estimate
from robustkit.stats.paired_means import EQUAL
from robustkit.stats.placements import Placements, placements

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
Codes = NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class _Side:
    """``(R, n)`` scores of one model, and their placements."""

    scores: Floats
    placements: Placements


@dataclass(frozen=True, slots=True)
class ComparedCases:
    """The cases that k models are compared on.

    Attributes:
        rows: ``(N,)`` True for these n cases.
        labels, patients: ``(n,)``.
        models: Names.
        nominal: A side of each model; none where the cases have no estimable AUC.
        useless: Why each model is not comparable in stability; "" where it is.
    """

    rows: Flags
    labels: Flags
    patients: Codes
    models: tuple[str, ...]
    nominal: tuple[_Side, ...]
    useless: tuple[str, ...]

    def redrawn(self, scores: Sequence[Floats]) -> tuple[_Side, ...]:
        """Give the sides of ``(N, R)`` scores of each model."""
        if not self.nominal:
            return ()
        return tuple(_side(self.labels, own[self.rows].T) for own in scores)


def compared_cases(
    rows: Flags, labels: Flags, patients: Codes, *, models: Sequence[str], scores: Sequence[Floats]
) -> ComparedCases:
    """Lay out the cases of ``(N,)`` rows, labels, patients and nominal scores of each model."""
    y, who, own = labels[rows], patients[rows], [s[rows][None] for s in scores]
    is_known = not not_estimable(y, who)
    useless = [_not_comparable(m, clustered_auc(y, s, who)) for m, s in zip(models, own, strict=True)]
    nominal = tuple(_side(y, s) for s in own) if is_known else ()
    return ComparedCases(rows, y, who, tuple(models), nominal, tuple(useless))


def _side(labels: Flags, scores: Floats) -> _Side:
    return _Side(scores, placements(labels, scores))


def _not_comparable(model: str, nominal: Estimate) -> str:
    """A model that may know nothing is not comparable in stability, never "more stable"."""
    if not np.isfinite(nominal.low):
        return f"not comparable: {model}'s nominal AUC has no interval ({nominal.reason})"
    if nominal.low <= 0.5 <= nominal.high:
        return f"not comparable: the interval of {model}'s nominal AUC contains 0.5"
    return ""


def joint_test(cases: ComparedCases, sides: Sequence[_Side]) -> Difference:
    """Test that all models have one AUC."""
    return equal_aucs(cases.labels, [s.placements for s in sides], patients=cases.patients)


def auc_differences(
    cases: ComparedCases, redrawn: Sequence[_Side] | None, *, set_size: int = 1, draws: PatientDraws | None = None
) -> dict[str, list[Difference]]:
    """Give the difference of AUC, and of AUC lost on redrawn boxes, of every pair of models.

    Args:
        cases: Who is compared.
        redrawn: Of each model; None: the nominal AUCs are compared, and nothing is lost.
        set_size: Repeats of a set of Sobol points; 1 for random boxes.
        draws: Of the bootstrap that gives the intervals; None: they are DeLong's.
    """
    k = len(cases.models)
    pairs = list(combinations(range(k), 2))
    apart = np.zeros((len(pairs), k))
    for row, (a, b) in zip(apart, pairs, strict=True):
        row[[a, b]] = 1.0, -1.0
    if redrawn is None:
        return {"auc": _contrasts(cases, cases.nominal, apart, draws=draws)}
    # nominal minus mean AUC over repeats, of a minus of b
    weights = np.block([[np.zeros_like(apart), apart], [apart, -apart]])
    found = _contrasts(cases, (*cases.nominal, *redrawn), weights, set_size=set_size, draws=draws)
    lost = [replace(d, reason=EQUAL) if d.p == 1.0 and d.se == 0.0 else d for d in found[len(pairs) :]]
    return {"auc": found[: len(pairs)], "auc_lost": lost}


def _contrasts(
    cases: ComparedCases,
    sides: Sequence[_Side],
    weights: Floats,
    *,
    set_size: int = 1,
    draws: PatientDraws | None = None,
) -> list[Difference]:
    placed = [s.placements for s in sides]
    found = auc_contrasts(cases.labels, placed, weights, patients=cases.patients, set_size=set_size)
    # where DeLong has no interval there is a reason, and it holds for the bootstrap as well
    if draws is None or not any(np.isfinite(d.low) for d in found):
        return found
    times = draws.by_patient[cases.patients].T
    drawn = weights @ np.stack([weighted_auc(cases.labels, s.scores, times) for s in sides])
    return [_bootstrapped(d, own) if np.isfinite(d.low) else d for d, own in zip(found, drawn, strict=True)]


def _bootstrapped(found: Difference, drawn: Floats) -> Difference:
    low, high, se, reason = bca(drawn, found.diff, np.zeros(1))
    z = found.diff / se if se > 0 else float("nan")
    p = float(2 * ndtr(-abs(z)))
    method = "patient bootstrap, bias-corrected; z of the bootstrap error"
    return replace(found, low=low, high=high, se=se, statistic=z, p=p, method=method, reason=reason)
