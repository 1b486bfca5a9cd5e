"""Deals cases into train, val and test: patients whole, strata in proportion, the same for everyone who asks again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from robustkit.seeds import generator

Codes = NDArray[np.intp]

SPLITS = ("train", "val", "test")


def groups_of(columns: Sequence[pd.Series]) -> Codes:
    """Give ``(n,)`` codes of rows that belong together: those that share a value of any column, directly or over others.

    Args:
        columns: Of n rows each, text; two films of one patient belong together, and two patients on one film do too.
    """
    n = len(columns[0])
    codes = [pd.factorize(c)[0] for c in columns]
    offset = np.cumsum([n, *(int(c.max(initial=-1)) + 1 for c in codes)])
    rows = np.tile(np.arange(n), len(codes))
    values = np.concatenate([c + o for c, o in zip(codes, offset, strict=False)])
    links = coo_array((np.ones(len(rows)), (rows, values)), shape=(offset[-1], offset[-1]))
    found = connected_components(links, directed=False)[1][:n]
    return np.unique(found, return_inverse=True)[1].astype(np.intp)


def draw_splits(groups: Codes, strata: pd.Series, shares: Mapping[str, float], *, seed: int) -> list[str]:
    """Give the split of every row.

    Groups are dealt stratum by stratum, in random order and the large ones first, each to the split that lacks most cases,
    in its stratum and over all together. A group's stratum is all that its rows are.

    Args:
        groups: ``(n,)`` codes of what must not be divided.
        strata: ``(n,)`` text.
        shares: By split, adding up to 1.
        seed: Of the order.
    """
    names = [s for s in shares if shares[s] > 0]
    wanted = np.array([shares[s] for s in names])
    size = np.bincount(groups)
    kinds = strata.astype(str).groupby(groups).agg(lambda s: " + ".join(sorted(set(s)))).to_numpy()
    given, dealt = np.zeros(len(names)), np.zeros(len(size), dtype=np.intp)
    for kind in sorted(set(kinds)):
        members = np.flatnonzero(kinds == kind)
        order = generator(seed, "split", str(kind)).permutation(members)
        own = np.zeros(len(names))
        for group in order[np.argsort(-size[order], kind="stable")]:
            n = size[group]
            lacking = wanted * (own.sum() + n) - own + wanted * (given.sum() + n) - given
            chosen = int(np.argmax(lacking))
            dealt[group] = chosen
            own[chosen] += n
            given[chosen] += n
    return [names[k] for k in dealt[groups]]
