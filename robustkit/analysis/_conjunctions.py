"""Every conjunction of facts that is large enough, each set of cases once, and the wider ones it must be held to."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, product

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.sparse import csr_array, vstack

from robustkit.strata._base import UNKNOWN

Facts = tuple[int, ...]
WHOLE: Facts = ()
_CELLS = 2**24
"""Cases times conjunctions that are looked at together: 16 MB."""


@dataclass(frozen=True, slots=True)
class Population:
    """The cases that one question is asked of.

    Attributes:
        names: Of k facts, e.g. ``region=axial``.
        variables: ``(k,)`` code of each fact's variable.
        facts: ``(n, k)`` True where a case has the fact.
        patients: ``(n,)`` codes 0..m-1.
        confirms: ``(n,)`` True for cases of the patients that confirm, False for those that are searched.
    """

    names: tuple[str, ...]
    variables: NDArray[np.intp]
    facts: NDArray[np.bool_]
    patients: NDArray[np.intp]
    confirms: NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Smallest:
    """How many cases and patients a conjunction needs, in each half."""

    cases: int
    patients: int


@dataclass(frozen=True, slots=True)
class Conjunctions:
    """K sets of cases, the whole population first.

    Attributes:
        facts: Of each.
        members: ``(K, n)`` sparse, 1 for its cases.
        also: Other conjunctions with the same cases, by position.
        child, parent: ``(L,)`` positions: every wider conjunction that each is held to.
        too_small: Conjunctions that were not large enough.
    """

    facts: tuple[Facts, ...]
    members: csr_array
    also: Mapping[int, tuple[Facts, ...]]
    child: NDArray[np.intp]
    parent: NDArray[np.intp]
    too_small: int


def population(
    strata: Mapping[str, pd.Series], patients: NDArray[np.intp], confirms: NDArray[np.bool_], *, rows: NDArray[np.intp]
) -> Population:
    """Take the facts of some cases; unknown is none, and what all cases share tells nothing.

    Args:
        strata: Stratum of every case of the run, by variable.
        patients, confirms: ``(N,)`` of every case of the run.
        rows: ``(n,)`` cases that the question is asked of.
    """
    names, variables, columns = [], [], []
    for code, (by, series) in enumerate(strata.items()):
        own = series.to_numpy()[rows]
        for stratum in sorted(set(own) - {UNKNOWN}):
            has = own == stratum
            if not has.all():
                names.append(f"{by}={stratum}")
                variables.append(code)
                columns.append(has)
    facts = np.stack(columns, axis=1).astype(bool) if columns else np.zeros((len(rows), 0), dtype=bool)
    codes = np.unique(patients[rows], return_inverse=True)[1]
    return Population(tuple(names), np.array(variables, dtype=np.intp), facts, codes, confirms[rows])


def conjunctions(people: Population, *, depth: int, smallest: Smallest) -> Conjunctions:
    """Find all conjunctions of up to ``depth`` facts of different variables that are large enough in both halves.

    A conjunction with the cases of one of its own parts is no slice of its own and is left out; of several with the
    same cases the first is kept, the shortest.
    """
    search = _Search(people, smallest)
    alive = search.admit([(f,) for f in range(len(people.names))])
    for _ in range(depth - 1):
        alive = search.admit(_longer(alive, people.variables))
    return search.done()


class _Search:
    """What has been found so far: grows level by level."""

    def __init__(self, people: Population, smallest: Smallest) -> None:
        n = len(people.patients)
        self.people, self.smallest = people, smallest
        self.by_patient = csr_array((np.ones(n), (np.arange(n), people.patients)))
        self.sizes: dict[Facts, int] = {WHOLE: n}
        self.place: dict[Facts, int] = {WHOLE: 0}
        self.kept: list[Facts] = [WHOLE]
        self.parts: list[csr_array] = [csr_array(np.ones((1, n)))]
        self.seen: dict[bytes, int] = {}
        self.also: dict[int, list[Facts]] = {}
        self.too_small = 0

    def admit(self, asked: Sequence[Facts]) -> list[Facts]:
        """Keep those that are large enough and differ from their own parts; give them."""
        alive = []
        step = max(1, _CELLS // max(1, len(self.people.patients)))
        for start in range(0, len(asked), step):
            some = asked[start : start + step]
            has = np.asarray(self.people.facts[:, np.array(some, dtype=np.intp)].all(axis=2)).T
            large = np.flatnonzero(self._large(has)).tolist()
            self.too_small += len(some) - len(large)
            sizes = has.sum(axis=1).tolist()
            own = [i for i in large if all(self.sizes[p] > sizes[i] for p in _parts(some[i]))]
            new = [i for i in own if self._is_new(some[i], has[i], sizes[i])]
            self.parts.append(csr_array(has[new].astype(np.float64)))
            alive += [some[i] for i in own]
        return alive

    def _large(self, has: NDArray[np.bool_]) -> NDArray[np.bool_]:
        enough = np.ones(len(has), dtype=bool)
        for half in (self.people.confirms, ~self.people.confirms):
            inside = csr_array((has & half).astype(np.float64))
            own_patients = np.diff((inside @ self.by_patient).indptr)
            enough &= (np.diff(inside.indptr) >= self.smallest.cases) & (own_patients >= self.smallest.patients)
        return enough

    def _is_new(self, facts: Facts, has: NDArray[np.bool_], size: int) -> bool:
        """Note a conjunction that is alive; tell whether its cases are met for the first time."""
        self.sizes[facts] = size
        key = np.packbits(has).tobytes()
        position = self.seen.setdefault(key, len(self.kept))
        self.place[facts] = position
        if position < len(self.kept):
            self.also.setdefault(position, []).append(facts)
            return False
        self.kept.append(facts)
        return True

    def done(self) -> Conjunctions:
        """Close the search: link each to the wider ones."""
        wider = _implied(self.people.facts)
        pairs = [(i, j) for i, f in enumerate(self.kept) for j in self._parents(f, i, wider)]
        child, parent = np.array(pairs, dtype=np.intp).reshape(-1, 2).T
        also = {i: tuple(names) for i, names in self.also.items()}
        return Conjunctions(tuple(self.kept), vstack(self.parts, format="csr"), also, child, parent, self.too_small)

    def _parents(self, facts: Facts, own: int, wider: Sequence[Sequence[int]]) -> set[int]:
        """Give what is left when facts are dropped, or replaced by facts that follow from them (pelvis: axial)."""
        choices: list[list[int | None]] = [[None, f, *wider[f]] for f in facts]
        names = ({f for f in chosen if f is not None} for chosen in product(*choices))
        found = {self.place.get(tuple(sorted(n))) for n in names}
        return {p for p in found if p is not None and p != own}


def _parts(facts: Facts) -> Iterable[Facts]:
    return combinations(facts, len(facts) - 1)


def _longer(alive: Sequence[Facts], variables: NDArray[np.intp]) -> list[Facts]:
    """Join those that share all but the last fact, where every part is alive too (a priori pruning).

    Source: Agrawal and Srikant 1994, VLDB, section 2.1.1.
    """
    known = set(alive)
    by_start: dict[Facts, list[int]] = {}
    for facts in alive:
        by_start.setdefault(facts[:-1], []).append(facts[-1])
    return [f for f in _joined(by_start) if variables[f[-1]] != variables[f[-2]] and known.issuperset(_parts(f))]


def _joined(by_start: Mapping[Facts, Sequence[int]]) -> Iterator[Facts]:
    for start, ends in by_start.items():
        for a, b in combinations(sorted(ends), 2):
            yield (*start, a, b)


def _implied(facts: NDArray[np.bool_]) -> list[list[int]]:
    """Give for each fact the wider facts that all its cases have."""
    has = facts.astype(np.float64)
    size = has.sum(axis=0)
    inside = (has.T @ has == size[:, None]) & (size[None, :] > size[:, None])
    return [np.flatnonzero(row).tolist() for row in inside]
