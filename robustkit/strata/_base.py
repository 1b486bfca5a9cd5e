"""The face of a stratifier: every case belongs to exactly one stratum of a variable."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from math import isfinite
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


@dataclass(frozen=True, slots=True)
class Bins:
    """A column of numbers divided as the user says: at these edges, or at quantiles of the development cases.

    Attributes:
        name: Of the column.
        edges: Rising; empty: quantiles.
        n_quantiles: How many groups of equal size.
    """

    name: str
    edges: tuple[float, ...] = ()
    n_quantiles: int = 0

    @classmethod
    def read(cls, text: str) -> Bins:
        """Read ``size_mm:20,50`` (edges) or ``size_mm:q4`` (quarters of the development cases).

        Raises:
            ValueError: Neither rising numbers nor q and a number from 2 to 20.
        """
        name, _, rule = text.partition(":")
        if rule[:1] == "q" and rule[1:].isdigit() and 2 <= int(rule[1:]) <= 20:
            return cls(name, (), int(rule[1:]))
        try:
            edges = tuple(float(e) for e in rule.split(","))
        except ValueError:
            edges = ()
        if not edges or not all(map(isfinite, edges)) or not all(a < b for a, b in pairwise(edges)):
            raise ValueError(f"neither rising edges nor q2 to q20: {rule!r}")
        return cls(name, edges)

    def assign(self, cases: pd.DataFrame, *, development: pd.Series) -> pd.Series:
        """Give the bin of every case; text that is no number is ``unknown``."""
        numbers = pd.to_numeric(Column(self.name).assign(cases, development=development), errors="coerce")
        if self.edges:
            return binned(numbers, self.edges, "")
        return quantile_groups(numbers, development, "", n=self.n_quantiles)


def tertiles(values: pd.Series, development: pd.Series, unit: str) -> pd.Series:
    """Give thirds of the development cases: see ``quantile_groups``."""
    return quantile_groups(values, development, unit, n=3)


def quantile_groups(values: pd.Series, development: pd.Series, unit: str, *, n: int) -> pd.Series:
    """Give ``n`` groups of equal size of the development cases (of all where there are none).

    Args:
        values: Numbers, NaN where unknown.
        development: True for the cases that the cut points are taken from.
        unit: Behind the numbers in the names of strata; may be empty.
        n: Groups; cut points have three digits, and fewer groups come out where they coincide.
    """
    base = values[development].dropna()
    base = base if len(base) else values.dropna()
    edges = tuple(sorted({float(f"{q:.3g}") for q in base.quantile([i / n for i in range(1, n)]) if q == q}))
    return binned(values, edges, unit) if edges else pd.Series(UNKNOWN, index=values.index)


def binned(values: pd.Series, edges: tuple[float, ...], unit: str) -> pd.Series:
    """Give ``<a``, ``a-b``, ``>=c`` with a unit for numbers, ``unknown`` for NaN; a cut point opens its stratum."""
    names = [f"<{edges[0]:g}", *(f"{a:g}-{b:g}" for a, b in pairwise(edges)), f">={edges[-1]:g}"]
    names = [f"{n} {unit}".rstrip() for n in names]
    codes = pd.cut(values, bins=[float("-inf"), *edges, float("inf")], right=False, labels=names)
    return codes.astype("string").fillna(UNKNOWN).astype(str)
