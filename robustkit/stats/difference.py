"""The noun Difference: a minus b, with interval, statistic and p."""

from __future__ import annotations

from dataclasses import dataclass

from robustkit.stats.estimate import NAN


@dataclass(frozen=True, slots=True)
class Difference:
    """One difference; undefined is NaN with a reason.

    Attributes:
        diff: a - b.
        low, high: 95 % interval.
        se, mc_se: Standard error, and its Monte-Carlo part.
        statistic, p: Of the test that the difference is 0.
        method: Of interval and test.
        n_cases, n_patients: What it rests on.
        reason: Why it is missing.
    """

    diff: float = NAN
    low: float = NAN
    high: float = NAN
    se: float = NAN
    mc_se: float = NAN
    statistic: float = NAN
    p: float = NAN
    method: str = ""
    n_cases: int = 0
    n_patients: int = 0
    reason: str = ""
