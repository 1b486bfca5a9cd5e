"""Strata side by side, and blocks of rows."""

from __future__ import annotations

import numpy as np
import pandas as pd
from robustkit.analysis.frames import frame_of
from robustkit.analysis.layout import Layout, code, lay_out, side_by_side

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


def _cohorts(*names: str) -> tuple[dict[str, Layout], dict[str, np.ndarray]]:
    """Four units in two cohorts, the second one of the last two."""
    rows = {"all": np.arange(4), "internal": np.arange(2), "external": np.arange(2, 4)}
    patients = np.array([7, 7, 7, 9])
    chosen = {name: rows[name] for name in names}
    return {name: lay_out(own, patients[own], code(STRATA)) for name, own in chosen.items()}, chosen


def test_cohorts_side_by_side() -> None:
    own, rows = _cohorts("all", "internal", "external")
    found = side_by_side(own, rows, key="")
    groups, place = found.together.groups, found.together.parts
    assert groups.n_cases()[place["external"]].tolist() == [2, 1, 1, 2]
    assert found.together.stratum[place["external"]].tolist() == ["all", "tibia", "ulna", "large"]
    # the cases are those of the whole, and a patient is one in each stratum of each cohort
    ulna = place["external"].start + 2
    assert groups.case[groups.group == ulna].tolist() == [3]
    assert groups.n_patients()[place["external"]].tolist() == [2, 1, 1, 2]
    assert groups.n_patients()[0] == 2
    tibia = own["all"].stratum.tolist().index("tibia")
    assert sorted(found.unions) == list(range(6))
    assert groups.n_cases()[found.unions[tibia]].tolist() == [1, 1]


def test_a_cohort_left_out_makes_no_union() -> None:
    found = side_by_side(*_cohorts("all", "internal"), key="")
    whole, small = 0, found.together.stratum.tolist().index("small")
    assert whole not in found.unions
    assert found.unions[small].tolist() == [found.together.parts["internal"].start + 3]


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
