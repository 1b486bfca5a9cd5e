"""The order in which strata are listed: ranges by their numbers, names by the alphabet, what is unknown last."""

from __future__ import annotations

import json
import random
from itertools import pairwise

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from robustkit.analysis.layout import code
from robustkit.strata._base import UNKNOWN, binned
from robustkit.strata._order import in_order, is_range

NUMBERS = st.floats(-1e6, 1e6).map(lambda v: float(f"{v:g}") or 0.0)
"""As the names of bins have them: six digits, and no minus before nought."""
EDGES = st.lists(NUMBERS, min_size=1, max_size=8, unique=True)


@pytest.mark.parametrize(
    "names",
    [
        ["<20 mm", "20-50 mm", "50-80 mm", ">=80 mm", UNKNOWN],
        ["<6.47 % of film", "6.47-9.61 % of film", ">=9.61 % of film"],
        ["<-5", "-5--1", "-1-1e+06", ">=1e+06"],
        ["1", "2", "10", UNKNOWN],
        ["axial * <20 mm", "axial * 20-50 mm", "axial * >=50 mm", "limb * <20 mm", "unknown * <20 mm"],
        # names as before: by code point, also where they begin with a digit
        ["2nd toe", "Femur", "femur", "tibia|fibula", "ulna", "école", UNKNOWN],
    ],
)
def test_by_hand(names: list[str]) -> None:
    mixed = list(names)
    random.Random(0).shuffle(mixed)
    assert in_order(mixed) == names


@given(EDGES, st.sampled_from(["", "mm", "% of film"]))
def test_bins_are_in_the_order_of_their_numbers(edges: list[float], unit: str) -> None:
    edges = sorted(edges)
    middles = [edges[0] - 1e7, *((a + b) / 2 for a, b in pairwise(edges)), edges[-1] + 1e7]
    names = binned(pd.Series(middles), tuple(edges), unit).tolist()
    assert in_order(set(names)) == list(dict.fromkeys(names))
    assert all(map(is_range, names))


def test_strata_are_numbered_in_that_order() -> None:
    coded = code({"size": pd.Series([">=80 mm", "20-50 mm", "<20 mm", "20-50 mm"])})["size"]
    assert coded.names.tolist() == ["<20 mm", "20-50 mm", ">=80 mm"]
    assert coded.codes.tolist() == [2, 1, 0, 1]


@pytest.mark.parametrize("name", ["femur", "2nd toe", UNKNOWN, "", "<b>", json.dumps({"a": 1})])
def test_a_name_is_no_range(name: str) -> None:
    assert not is_range(name)
