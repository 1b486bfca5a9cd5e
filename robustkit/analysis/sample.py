"""The noun Sample: one model's answers in one condition, and everything that the metrics need of them."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from robustkit.stats.bootstrap import PatientDraws
from robustkit.stats.stability import reference_rank
from robustkit.stats.threshold import logit

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Sample:
    """n units of a cohort, all answered.

    Attributes:
        rows: ``(n,)`` positions among the run's cases (of the unit's first case).
        positive: ``(n,)`` truth.
        patients: ``(n,)`` codes.
        scores: ``(n, R)``; R = 1 for the nominal condition.
        nominal: ``(n,)``.
        development: ``(d,)`` the model's own nominal development scores, for ranks.
        threshold: Decision: score >= threshold.
        is_nominal: True for the nominal condition.
        draws: Of patients, shared by everything of the run.
        cut_distance: ``(n,)`` how far the nominal score lies from the threshold, in reference ranks; NaN without
            development rows.
        prevalence: At which PPV and NPV are given; None: they are not.
        set_size: Repeats of a set of Sobol points; 1 for random boxes.
    """

    rows: NDArray[np.intp]
    positive: Flags
    patients: NDArray[np.intp]
    scores: Floats
    nominal: Floats
    development: Floats
    threshold: float
    is_nominal: bool
    draws: PatientDraws
    cut_distance: Floats
    prevalence: float | None = None
    set_size: int = 1

    @property
    def repeats(self) -> int:
        """Repeats, 1 for the nominal condition."""
        return int(self.scores.shape[1])

    def only(self, keep: Flags) -> Sample:
        """Give the units of a stratum."""
        return replace(
            self,
            rows=self.rows[keep],
            positive=self.positive[keep],
            patients=self.patients[keep],
            scores=self.scores[keep],
            nominal=self.nominal[keep],
            cut_distance=self.cut_distance[keep],
        )

    def ranks(self) -> Floats:
        """Give ``(n, R)`` reference ranks of the scores; NaN without development rows."""
        return reference_rank(self.scores, self.development)

    def right(self) -> Flags:
        """Give ``(n, R)``: is the decision right?"""
        return np.asarray((self.scores >= self.threshold) == self.positive[:, None])

    def flips(self) -> Flags:
        """Give ``(n, R)``: does the decision differ from the nominal one?"""
        return np.asarray((self.scores >= self.threshold) != (self.nominal >= self.threshold)[:, None])


@dataclass(frozen=True, slots=True)
class Rules:
    """How answers become units and decisions.

    Attributes:
        units: ``(N,)`` codes of lesion or patient; None: every case is a unit.
        development: The model's own nominal development scores, for ranks.
        threshold: Decision: score >= threshold.
        draws: Of patients.
        prevalence, set_size: See ``Sample``.
    """

    units: NDArray[np.intp] | None
    development: Floats
    threshold: float
    draws: PatientDraws
    prevalence: float | None = None
    set_size: int = 1


def make_sample(
    scores: Floats,
    nominal: Floats,
    *,
    positive: Flags,
    patients: NDArray[np.intp],
    keep: Flags,
    rules: Rules,
    is_nominal: bool,
) -> Sample:
    """Take the answered rows of a cohort, averaged over units where asked (mean logit, positive if any is).

    Args:
        scores: ``(N, R)``.
        nominal: ``(N,)``.
        positive, patients: ``(N,)``.
        keep: ``(N,)`` rows of the cohort.
        rules: Of units and decisions.
        is_nominal: True for the nominal condition.
    """
    known = keep & np.isfinite(nominal) & np.isfinite(scores).all(axis=1)
    rows = np.flatnonzero(known)
    s, z, y, p = scores[rows], nominal[rows], positive[rows], patients[rows]
    if rules.units is not None:
        _, first, code = np.unique(rules.units[rows], return_index=True, return_inverse=True)
        s, z = _mean_logit(s, code), _mean_logit(z[:, None], code)[:, 0]
        y = np.bincount(code, weights=y) > 0
        rows, p = rows[first], p[first]
    away = np.abs(reference_rank(z, rules.development) - reference_rank(np.array(rules.threshold), rules.development))
    return Sample(
        rows, y, p, s, z, rules.development, rules.threshold, is_nominal, rules.draws, away, rules.prevalence,
        set_size=1 if is_nominal else rules.set_size,
    )  # fmt: skip


def _mean_logit(scores: Floats, code: NDArray[np.intp]) -> Floats:
    n = np.bincount(code)[:, None]
    total = np.zeros((len(n), scores.shape[1]))
    np.add.at(total, code, logit(scores))
    return 1.0 / (1.0 + np.exp(-total / n))
