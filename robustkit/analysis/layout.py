"""The nouns Layout and Layouts: the strata of a cohort's units, all variables side by side, the whole cohort first; and those
of several cohorts, one after the other."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
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
        parts: Where the strata of each variable lie; in `Layouts.together` those of each cohort.
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


@dataclass(frozen=True, slots=True)
class Layouts:
    """The strata of several cohorts of the same n units: what is asked of a unit is asked once for all of them.

    Attributes:
        together: Those of all cohorts, one cohort after the other.
        own: Those of each cohort, by its name.
        rows: ``(n_cohort,)`` its units among the n, rising.
        unions: A stratum of all cohorts, by number, and those of the single cohorts that it is put together from.
        key: Equal for layouts that are equal, whichever process made them.
    """

    together: Layout
    own: Mapping[str, Layout]
    rows: Mapping[str, Codes]
    unions: Mapping[int, Codes]
    key: Hashable


def side_by_side(own: Mapping[str, Layout], rows: Mapping[str, Codes], *, key: Hashable) -> Layouts:
    """Put the strata of several cohorts after each other.

    Args:
        own: Layout of each cohort, by its name.
        rows: ``(n_cohort,)`` its units among the n, rising; the whole of them is called ``all`` where there are several.
        key: See ``Layouts``.
    """
    starts = np.cumsum([0, *(len(found.stratum) for found in own.values())])
    pairs = np.cumsum([0, *(len(found.groups.pair_group) for found in own.values())])
    parts = {name: slice(int(a), int(b)) for name, a, b in zip(own, starts[:-1], starts[1:], strict=True)}
    all_groups = [found.groups for found in own.values()]
    groups = Groups(
        k=int(starts[-1]),
        case=np.concatenate([rows[name][found.groups.case] for name, found in own.items()]),
        group=np.concatenate([g.group + start for g, start in zip(all_groups, starts, strict=False)]),
        pair=np.concatenate([g.pair + start for g, start in zip(all_groups, pairs, strict=False)]),
        pair_group=np.concatenate([g.pair_group + start for g, start in zip(all_groups, starts, strict=False)]),
        pair_patient=np.concatenate([g.pair_patient for g in all_groups]),
    )
    by, stratum = (np.concatenate([getattr(found, f) for found in own.values()]) for f in ("by", "stratum"))
    together = Layout(by, stratum, groups, {}, parts)
    return Layouts(together, own, rows, _unions(together) if len(own) > 1 else {}, key)


def _unions(together: Layout) -> dict[int, Codes]:
    """Find the strata of all cohorts whose cases are, each once, those of the single cohorts' strata of this name."""
    whole, n = together.parts[ALL], together.groups.n_cases()
    strata = list(zip(together.by.tolist(), together.stratum.tolist(), strict=True))
    places: dict[tuple[str, str], list[int]] = {}
    for i in (*range(whole.start), *range(whole.stop, len(strata))):
        places.setdefault(strata[i], []).append(i)
    found = {i: np.array(places.get(strata[i], ()), dtype=np.intp) for i in range(whole.start, whole.stop)}
    # a cohort that is itself called "all" is not among the single ones
    return {i: parts for i, parts in found.items() if n[parts].sum() == n[i]}
