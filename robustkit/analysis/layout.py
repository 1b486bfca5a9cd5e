"""The noun Layout: the strata of a cohort's units, all variables side by side, the whole cohort first."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from robustkit.analysis.cohort import ALL
from robustkit.stats.groups import Groups, groups_of
from robustkit.strata._order import stratum_key

Codes = NDArray[np.intp]
Texts = NDArray[np.object_]


@dataclass(frozen=True, slots=True)
class Coded:
    """A variable of the run: ``(N,)`` stratum of each case by number, and the names in order."""

    codes: Codes
    names: Texts


def code(strata: Mapping[str, pd.Series]) -> dict[str, Coded]:
    """Number the strata of every variable; this is what takes long with text, so it is done once per run."""
    found = {}
    for by, series in strata.items():
        codes, names = pd.factorize(series.astype(str).to_numpy(dtype=object))
        order = sorted(range(len(names)), key=lambda i: stratum_key(names[i]))
        found[by] = Coded(np.argsort(np.array(order, dtype=np.intp))[codes], names[order])
    return found


@dataclass(frozen=True, slots=True)
class Layout:
    """k strata of n units.

    Attributes:
        by, stratum: ``(k,)`` variable and name.
        groups: Who stands in which.
        codes: ``(n,)`` by variable: which of its strata each unit stands in.
        parts: Where the strata of each variable lie.
    """

    by: Texts
    stratum: Texts
    groups: Groups
    codes: Mapping[str, Codes]
    parts: Mapping[str, slice]


def lay_out(
    rows: Codes, patients: Codes, strata: Mapping[str, Coded], *, listed: NDArray[np.bool_] | None = None
) -> Layout:
    """Give the strata that a cohort's units stand in.

    Args:
        rows: ``(n,)`` place of each unit's first case among the run's.
        patients: ``(n,)`` codes.
        strata: Of every case of the run, by variable.
        listed: ``(N,)`` True for cases whose strata are listed even if no unit is left in them.
    """
    whole = Coded(np.zeros(len(rows), dtype=np.intp), np.array([ALL], dtype=object))
    own = {ALL: whole}
    for by, all_cases in strata.items():
        codes = all_cases.codes[rows]
        present = np.bincount(codes, minlength=len(all_cases.names))
        if listed is not None:
            present = present + np.bincount(all_cases.codes[listed], minlength=len(present))
        kept = np.flatnonzero(present)
        place = np.full(len(present), -1, dtype=np.intp)
        place[kept] = np.arange(len(kept))
        own[by] = Coded(place[codes], all_cases.names[kept])
    ends = np.cumsum([0, *(len(c.names) for c in own.values())])
    return Layout(
        by=np.repeat(np.array(list(own), dtype=object), np.diff(ends)),
        stratum=np.concatenate([c.names for c in own.values()]),
        groups=groups_of([c.codes for c in own.values()], patients, sizes=[len(c.names) for c in own.values()]),
        codes={by: c.codes for by, c in own.items()},
        parts={by: slice(int(a), int(b)) for by, a, b in zip(own, ends[:-1], ends[1:], strict=True)},
    )
