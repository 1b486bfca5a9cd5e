"""The face of a stratifier: every case belongs to exactly one stratum of a variable."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Protocol

import pandas as pd

UNKNOWN = "unknown"


class Stratifier(Protocol):
    """Divides cases by one fact."""

    name: str

    def assign(self, cases: pd.DataFrame, *, development: pd.Series) -> pd.Series:
        """Give the stratum of every case as text; a missing fact is ``unknown``, never dropped.

        Args:
            cases: Facts and derived facts, one row per case.
            development: True for the cases on which cut points may be chosen.
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


def binned(values: pd.Series, edges: tuple[float, ...], unit: str) -> pd.Series:
    """Give ``<a``, ``a-b``, ``>=c`` with a unit for numbers, ``unknown`` for NaN."""
    names = [f"<{edges[0]:g} {unit}"]
    names += [f"{a:g}-{b:g} {unit}" for a, b in pairwise(edges)]
    names += [f">={edges[-1]:g} {unit}"]
    codes = pd.cut(values, bins=[float("-inf"), *edges, float("inf")], right=False, labels=names)
    return codes.astype("string").fillna(UNKNOWN).astype(str)
