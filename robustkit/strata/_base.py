"""The face of a stratifier: every case belongs to exactly one stratum of a variable."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Protocol

import pandas as pd

UNKNOWN = "unknown"


class Stratifier(Protocol):
    """Divides cases by one fact."""

    @property
    def name(self) -> str:
        """As in ``--by`` and in the tables."""
        ...

    def assign(self, cases: pd.DataFrame, *, development: pd.Series) -> pd.Series:
        """Give the stratum of every case as text; a missing fact is ``unknown``, never dropped.

        Args:
            cases: Facts and derived facts, one row per case.
            development: True for the cases on which cut points may be chosen; none: all of them.
        """
        ...


@dataclass(frozen=True, slots=True)
class Column:
    """A stratifier that takes a column as it is."""

    name: str

    def assign(self, cases: pd.DataFrame, *, development: pd.Series) -> pd.Series:
        """Give the column's text, ``unknown`` where it is empty or not there."""
        if self.name not in cases:
            return pd.Series(UNKNOWN, index=cases.index)
        text = cases[self.name].astype("string").fillna("").str.strip()
        return text.where(text != "", UNKNOWN).astype(str)


MANY = 10
"""Distinct numbers from which on a fact is no name any more."""


@dataclass(frozen=True, slots=True)
class Fact:
    """A column that no plug-in knows: names as they are, numbers of more than 10 values in tertiles."""

    name: str

    def assign(self, cases: pd.DataFrame, *, development: pd.Series) -> pd.Series:
        """Give the column's text, or its tertiles of the development cases with their cut points."""
        text = Column(self.name).assign(cases, development=development)
        numbers = pd.to_numeric(text.where(text != UNKNOWN), errors="coerce")
        if numbers.nunique() <= MANY or numbers.notna().sum() < (text != UNKNOWN).sum():
            return text
        return tertiles(numbers, development, "")


def tertiles(values: pd.Series, development: pd.Series, unit: str) -> pd.Series:
    """Give thirds of the development cases (of all where there are none), cut points to three digits.

    Args:
        values: Numbers, NaN where unknown.
        development: True for the cases that the cut points are taken from.
        unit: Behind the numbers in the names of strata; may be empty.
    """
    base = values[development].dropna()
    base = base if len(base) else values.dropna()
    edges = tuple(sorted({float(f"{q:.3g}") for q in base.quantile([1 / 3, 2 / 3]) if q == q}))
    return binned(values, edges, unit) if edges else pd.Series(UNKNOWN, index=values.index)


def binned(values: pd.Series, edges: tuple[float, ...], unit: str) -> pd.Series:
    """Give ``<a``, ``a-b``, ``>=c`` with a unit for numbers, ``unknown`` for NaN; a cut point opens its stratum."""
    names = [f"<{edges[0]:g}", *(f"{a:g}-{b:g}" for a, b in pairwise(edges)), f">={edges[-1]:g}"]
    names = [f"{n} {unit}".rstrip() for n in names]
    codes = pd.cut(values, bins=[float("-inf"), *edges, float("inf")], right=False, labels=names)
    return codes.astype("string").fillna(UNKNOWN).astype(str)
