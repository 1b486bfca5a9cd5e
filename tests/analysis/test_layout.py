"""Strata side by side, and blocks of rows."""

from __future__ import annotations

import numpy as np
import pandas as pd
from robustkit.analysis.frames import frame_of
from robustkit.analysis.layout import code, lay_out

STRATA = {
    "site": pd.Series(["tibia", "femur", "tibia", "ulna"]),
    "size": pd.Series(["small", "small", "large", "large"]),
}


def test_the_whole_comes_first_then_the_strata_in_order() -> None:
    found = lay_out(np.array([0, 1, 2]), np.array([4, 4, 5]), code(STRATA))
    assert list(zip(found.by, found.stratum, strict=True)) == [
        ("all", "all"), ("site", "femur"), ("site", "tibia"), ("size", "large"), ("size", "small"),
    ]  # fmt: skip
    assert found.groups.n_cases().tolist() == [3, 1, 2, 1, 2]
    assert found.codes["site"].tolist() == [1, 0, 1]
    assert (found.parts["size"].start, found.parts["size"].stop) == (3, 5)


def test_a_stratum_without_a_unit_is_listed_where_asked() -> None:
    listed = np.array([True, True, True, True])
    found = lay_out(np.array([0, 1, 2]), np.array([4, 4, 5]), code(STRATA), listed=listed)
    assert found.stratum[found.parts["site"]].tolist() == ["femur", "tibia", "ulna"]
    assert found.groups.n_cases()[found.parts["site"]].tolist() == [1, 2, 0]


def test_blocks_are_rows_under_each_other() -> None:
    blocks = [{"a": np.array([1.0, 2.0]), "b": "x", "c": 3}, {"c": np.array([4]), "b": "y", "a": float("nan")}]
    table = frame_of(blocks, ("b", "a", "c"))
    assert table.to_csv(index=False) == "b,a,c\nx,1.0,3\nx,2.0,3\ny,,4\n"
    assert list(frame_of([], ("b", "a"))) == ["b", "a"]


def test_texts_and_numbers_of_blocks_are_repeated_in_their_rows() -> None:
    text = np.array(["u", "v"], dtype=object)
    blocks = [
        {"t": "x", "m": text, "n": 1, "k": text},
        {"t": "y", "m": "w", "n": 0.5, "k": text[:1]},
        {"t": "x", "m": "w", "n": 2, "k": text},
    ]
    table = frame_of(blocks, ("t", "m", "n", "k"))
    assert table["t"].tolist() == ["x", "x", "y", "x", "x"]
    assert table["m"].tolist() == ["u", "v", "w", "w", "w"]
    assert table["n"].tolist() == [1.0, 1.0, 0.5, 2.0, 2.0]
    assert (table[["t", "m", "k"]].dtypes == "str").all()
