"""The nouns Estimate and Estimates: a value, its interval, how it was made, and what it rests on; one, or many at once."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

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


@dataclass(frozen=True, slots=True)
class Estimates:
    """k estimates, field by field: see ``Estimate``.

    Attributes:
        value, low, high, se, mc_se: ``(k,)`` float64.
        method, reason: ``(k,)`` text.
        n_cases, n_patients, n_positive, n_positive_patients: ``(k,)`` whole numbers.
    """

    value: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    se: NDArray[np.float64]
    mc_se: NDArray[np.float64]
    method: NDArray[np.object_]
    n_cases: NDArray[np.intp]
    n_patients: NDArray[np.intp]
    n_positive: NDArray[np.intp]
    n_positive_patients: NDArray[np.intp]
    reason: NDArray[np.object_]

    def __len__(self) -> int:
        return len(self.value)

    def one(self, i: int) -> Estimate:
        """Give one of them."""
        return Estimate(**{f.name: getattr(self, f.name)[i : i + 1].tolist()[0] for f in fields(Estimates)})

    def part(self, own: slice) -> Estimates:
        """Give some of them, as views."""
        return Estimates(**{f.name: getattr(self, f.name)[own] for f in fields(Estimates)})


def no_estimates(k: int, **given: NDArray[Any]) -> Estimates:
    """Give k estimates without a value, but for what is ``given`` (copied: fields may be written to)."""
    blank = Estimate()
    made = {}
    for field in fields(Estimate):
        default = getattr(blank, field.name)
        kind = object if isinstance(default, str) else np.float64 if isinstance(default, float) else np.intp
        made[field.name] = np.full(k, default, dtype=kind)
        if field.name in given:
            made[field.name][:] = given[field.name]
    return Estimates(**made)
