"""Tables as text: what pandas writes, and what it reads back."""

from __future__ import annotations

import io

import numpy as np
import pandas as pd
from hypothesis import given
from hypothesis import strategies as st
from robustkit.results.csv_text import csv_text

TABLE = pd.DataFrame({
    "number": [0.1, np.nan, -0.0, 12345678.0, np.inf, 1 / 3],
    "whole": [1, -2, 3, 4, 5, 6],
    "text": ["plain", 'has "quotes"', "a, b", "two\nlines", "", "NA"],
    "lacking": pd.Series(["x", None, "y", None, "z", ""], dtype=object),
    "truth": pd.array([True, False, None, True, True, False], dtype="boolean"),
    "sure": [True, False, True, True, False, False],
    "count": pd.array([1, None, 3, 4, 5, 6], dtype="Int64"),
    "nothing": pd.Series([None] * 6, dtype=object),
})  # fmt: skip


def _text(table: pd.DataFrame) -> str:
    return bytes(csv_text(table)).decode()


def test_the_text_is_that_of_pandas() -> None:
    assert _text(TABLE) == TABLE.to_csv(index=False, lineterminator="\n")


@given(st.lists(st.floats(), min_size=1, max_size=3), st.integers(4, 9))
def test_numbers_that_come_again_are_written_as_those_that_do_not(values: list[float], times: int) -> None:
    assert _text(pd.DataFrame({"x": values * times, "mark": 0})).splitlines()[1:] == (
        _text(pd.DataFrame({"x": values, "mark": 0})).splitlines()[1:] * times
    )
    table = pd.DataFrame({"x": [-0.0, 0.0, 2.5, np.nan, 3.0, np.inf] * times, "mark": 0})
    assert _text(table) == table.to_csv(index=False, lineterminator="\n")


def test_a_table_without_rows_is_its_header() -> None:
    assert _text(TABLE.iloc[:0]) == ",".join(TABLE.columns) + "\n"
    assert _text(pd.DataFrame(columns=["a", "b"])) == "a,b\n"


@given(st.lists(st.floats(allow_nan=False), min_size=1))
def test_every_number_reads_back_as_itself(values: list[float]) -> None:
    text = _text(pd.DataFrame({"x": values, "mark": 0}))
    assert [float(line.split(",")[0]) for line in text.splitlines()[1:]] == values


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00\r")), min_size=1))
def test_every_text_reads_back_as_itself(values: list[str]) -> None:
    text = _text(pd.DataFrame({"x": pd.Series(values, dtype=object), "mark": 0}))
    again = pd.read_csv(io.StringIO(text), keep_default_na=False, dtype=str)
    assert again["x"].tolist() == values
