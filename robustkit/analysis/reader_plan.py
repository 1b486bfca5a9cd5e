"""How many readers and cases a planned reader study needs, from a pilot."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from robustkit.analysis.reader_truth import Truth
from robustkit.analysis.readings import Readings
from robustkit.errors import InputError
from robustkit.stats.auc import not_estimable
from robustkit.stats.multireader import Components, components, mean_squares, power, reader_aucs

MOST_TIMES = 50.0
"""Times the pilot's cases up to which a plan is looked for."""


@dataclass(frozen=True, slots=True)
class Pilot:
    """What a pilot says about the errors of a larger study.

    Attributes:
        n_cases, n_positive, n_readers: Of the pilot.
        difference: Of the readers' mean AUCs, aided minus unaided.
        errors: Covariances, by jackknife.
        ms_tr: Mean square of arms x readers.
    """

    n_cases: int
    n_positive: int
    n_readers: int
    difference: float
    errors: Components
    ms_tr: float


@dataclass(frozen=True, slots=True)
class PlannedStudy:
    """One plan.

    Attributes:
        readers: How many.
        n_cases: Cases needed, classes as in the pilot; 0 where no number up to 50 times the pilot's is enough.
        power: With these cases; with 50 times the pilot's where they are not enough.
        power_now: With as many cases as the pilot had.
        reason: Why there is no number.
    """

    readers: int
    n_cases: int
    power: float
    power_now: float
    reason: str = ""


def pilot_of(readings: Readings, truth: Truth) -> Pilot:
    """Estimate the errors from cases that all readers read in both arms.

    Raises:
        InputError: One reader, or too few patients of a class.
    """
    readers, arms = readings.readers, readings.arms
    if len(readers) < 2:
        what = "the pilot has one reader: how readers differ cannot be told."
        raise InputError(what, where="readers plan", fix="Two readers are the least; more are better.")
    wide = readings.frame.pivot(index="case_id", columns=["arm", "reader_id"], values="score")
    own = wide[[(a, r) for a in arms for r in readers]].dropna()
    positive, patients = truth.of(own.index)
    reason = not_estimable(positive, patients) if len(own) else "no case was read by all readers in both arms"
    if reason:
        fix = "A pilot needs at least 10 patients of either class, read by all."
        raise InputError(f"the pilot's errors cannot be estimated: {reason}.", where="readers plan", fix=fix)
    scores = own.to_numpy().T.reshape(2, len(readers), -1)
    aucs, covariances = reader_aucs(positive, scores, patients, covariance="jackknife")
    errors = components(covariances, arms=2, readers=len(readers))
    difference = float(aucs[0].mean() - aucs[1].mean())
    return Pilot(len(own), int(positive.sum()), len(readers), difference, errors, mean_squares(aucs)[1])


def plans(pilot: Pilot, readers: Sequence[int], *, difference: float, wanted: float) -> Iterator[PlannedStudy]:
    """Give the cases that each number of readers needs.

    Args:
        pilot: Of ``pilot_of``.
        readers: Numbers of readers.
        difference: In AUC, that is to be found.
        wanted: Power.
    """
    for n in readers:
        at = partial(_power, pilot, difference, n)
        now, most = at(1.0), at(MOST_TIMES)
        if not most >= wanted:
            reason = f"{MOST_TIMES:g} times the pilot's cases are not enough: these readers differ too much"
            yield PlannedStudy(n, 0, most, now, reason if most == most else "cannot be computed")
            continue
        # power grows with the cases: halve the interval until it is narrower than a case
        low, high = 1 / pilot.n_cases, MOST_TIMES
        while (high - low) * pilot.n_cases > 0.5:
            middle = (low + high) / 2
            low, high = (low, middle) if at(middle) >= wanted else (middle, high)
        cases = int(np.ceil(high * pilot.n_cases))
        yield PlannedStudy(n, cases, at(cases / pilot.n_cases), now)


def _power(pilot: Pilot, difference: float, readers: int, ratio: float) -> float:
    """Give the power with so many times the pilot's cases."""
    return power(
        difference, pilot.errors, pilot.ms_tr, pilot_readers=pilot.n_readers, readers=readers, case_ratio=ratio
    )
