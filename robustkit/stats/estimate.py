"""The noun Estimate: a value, its interval, how it was made, and what it rests on."""

from __future__ import annotations

import math
from dataclasses import dataclass

NAN = math.nan


@dataclass(frozen=True, slots=True)
class Estimate:
    """One number with its interval. Undefined is NaN with a reason, never 0.

    Attributes:
        value: The point estimate.
        low, high: 95 % interval for this fixed rule.
        se: Standard error from sampling and repeats together.
        mc_se: Its Monte-Carlo part (repeats); NaN where there are no repeats.
        method: What made the interval, e.g. ``Wilson, effective size``.
        n_cases, n_patients: What the estimate rests on.
        n_positive, n_positive_patients: Of these, positive.
        reason: Why value or interval is missing; empty where both are there.
    """

    value: float = NAN
    low: float = NAN
    high: float = NAN
    se: float = NAN
    mc_se: float = NAN
    method: str = ""
    n_cases: int = 0
    n_patients: int = 0
    n_positive: int = 0
    n_positive_patients: int = 0
    reason: str = ""
