"""How a fact enters a logistic model: a number as a line or a natural cubic spline, a name as columns of 0 and 1.

Source: Harrell 2015, Regression Modeling Strategies, 2nd ed., section 2.4.5, equation 2.25 (restricted cubic splines,
divided by the squared distance of the outer knots, so that all columns have the unit of the fact).
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from robustkit.cohort.facts import Facts, known, number

Floats = NDArray[np.float64]

MISSING = "unknown"
"""The level of a name that is not given."""


@dataclass(frozen=True, slots=True)
class Number:
    """A fact that is a number.

    Attributes:
        fact: Its name.
        median: Of the training rows that have it: stands in where it is missing.
        low, high: The training rows lie between.
        knots: At least three, rising: a spline, straight beyond the outer ones; empty: a straight line.
        has_missing_column: True where a column of its own says that it is missing.
    """

    fact: str
    median: float
    low: float
    high: float
    knots: tuple[float, ...] = ()
    has_missing_column: bool = False

    @property
    def columns(self) -> tuple[str, ...]:
        """The fact, its cubic parts with a prime each, and whether it is missing."""
        cubic = tuple(f"{self.fact}{chr(39) * k}" for k in range(1, len(self.knots) - 1))
        return (self.fact, *cubic, *((f"{self.fact} missing",) if self.has_missing_column else ()))

    def values(self, facts: Facts, n: int) -> Floats:
        """Give ``(n,)`` numbers; NaN where missing."""
        found = facts.get(self.fact, "")
        return np.full(n, number(found)) if isinstance(found, str) else found

    def rows(self, facts: Facts, n: int) -> Floats:
        """Give ``(n, n_columns)`` for n boxes of a case."""
        found = self.values(facts, n)
        is_missing = ~np.isfinite(found)
        x = np.where(is_missing, self.median, found)
        parts = [x[:, None], spline(x, self.knots)]
        return np.concatenate([*parts, is_missing[:, None].astype(np.float64)][: 2 + self.has_missing_column], axis=1)

    def to_dict(self) -> dict[str, Any]:
        """Give the fields as JSON-able values."""
        return {"kind": "number", **asdict(self), "knots": list(self.knots)}


def spline(x: Floats, knots: tuple[float, ...]) -> Floats:
    """Give the ``(n, k - 2)`` cubic columns of a natural spline with k knots; none under three.

    Example:
        >>> spline(np.array([0.0, 1.0, 2.0, 4.0]), (0.0, 1.0, 2.0)).ravel().tolist()
        [0.0, 0.25, 1.5, 4.5]
    """
    if len(knots) < 3:
        return np.empty((len(x), 0))
    t = np.asarray(knots)
    cubed = np.maximum(x[:, None] - t, 0.0) ** 3
    before, last = t[-2], t[-1]
    # what is taken off makes the curve straight beyond the last knot
    straight = cubed[:, [-2]] * (last - t[:-2]) - cubed[:, [-1]] * (before - t[:-2])
    return np.asarray((cubed[:, :-2] - straight / (last - before)) / (last - t[0]) ** 2)


@dataclass(frozen=True, slots=True)
class Category:
    """A fact that is a name.

    Attributes:
        fact: Its name.
        reference: The level without a column: it stands in for levels that the training did not see.
        levels: Those with a column of their own.
        other: Rare levels that share the column ``other``.
        as_reference: Rare levels that are taken as the reference, being too few even together.
    """

    fact: str
    reference: str
    levels: tuple[str, ...]
    other: tuple[str, ...] = ()
    as_reference: tuple[str, ...] = ()

    @property
    def columns(self) -> tuple[str, ...]:
        """One per level, and one for the rare ones."""
        return (*(f"{self.fact}={v}" for v in self.levels), *((f"{self.fact}=other",) if self.other else ()))

    def level(self, facts: Facts) -> str:
        """Give the level of a case, ``unknown`` where nothing is given; it may be one that the training did not see."""
        found = facts.get(self.fact, "")
        return (known(found) or MISSING) if isinstance(found, str) else MISSING

    def knows(self, level: str) -> bool:
        """Tell whether the training saw this level."""
        return level in (self.reference, *self.levels, *self.other, *self.as_reference)

    def rows(self, facts: Facts, n: int) -> Floats:
        """Give ``(n, n_columns)`` for n boxes of a case: all rows are equal."""
        level = self.level(facts)
        marks = [level == v for v in self.levels] + ([level in self.other] if self.other else [])
        return np.tile(np.array(marks, dtype=np.float64), (n, 1))

    def to_dict(self) -> dict[str, Any]:
        """Give the fields as JSON-able values."""
        lists = {k: list(getattr(self, k)) for k in ("levels", "other", "as_reference")}
        return {"kind": "name", "fact": self.fact, "reference": self.reference, **lists}


@dataclass(frozen=True, slots=True)
class Design:
    """All facts of a model, in order."""

    terms: tuple[Number | Category, ...]

    @property
    def facts(self) -> tuple[str, ...]:
        """Names of the facts."""
        return tuple(t.fact for t in self.terms)

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of all columns."""
        return tuple(c for t in self.terms for c in t.columns)

    def rows(self, facts: Facts, n: int) -> Floats:
        """Give ``(n, n_columns)`` for n boxes of a case, of which ``facts`` holds ``(n,)`` numbers or text."""
        return np.concatenate([np.empty((n, 0)), *(t.rows(facts, n) for t in self.terms)], axis=1)

    def to_list(self) -> list[dict[str, Any]]:
        """Give the terms as JSON-able values."""
        return [t.to_dict() for t in self.terms]
