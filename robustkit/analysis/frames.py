"""Blocks of rows, column by column, that make up a table: thousands of rows without an object for each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Block = Mapping[str, Any]
"""Column by name: an array of one length, or one value for all rows of the block."""


def frame_of(blocks: Sequence[Block], columns: Sequence[str]) -> pd.DataFrame:
    """Put blocks under each other.

    Args:
        blocks: Each with these columns, in any order.
        columns: Of the table.
    """
    if not blocks:
        return pd.DataFrame(columns=list(columns))
    lengths = np.array([_length(block) for block in blocks])
    return pd.DataFrame({c: _column([block[c] for block in blocks], lengths) for c in columns}, copy=False)


def repeated_text(names: Sequence[str], codes: NDArray[np.intp]) -> pd.api.extensions.ExtensionArray:
    """Give a column of few texts that stand in many rows: a Python object for each text, none for each row.

    Args:
        names: ``(k,)`` the texts.
        codes: ``(n,)`` which of them stands in a row.
    """
    return pd.array(names, dtype="str").take(codes)


def _length(block: Block) -> int:
    return next(len(v) for v in block.values() if isinstance(v, np.ndarray))


def _column(values: Sequence[Any], lengths: NDArray[np.intp]) -> Any:
    is_array = [isinstance(v, np.ndarray) for v in values]
    if all(is_array):
        return np.concatenate(values)
    if any(is_array):
        return np.concatenate([_rows(v, n) for v, n in zip(values, lengths, strict=True)])
    if not all(isinstance(v, str) for v in values):
        return np.repeat(np.array(values), lengths)
    place = {name: i for i, name in enumerate(dict.fromkeys(values))}
    return repeated_text(list(place), np.repeat([place[v] for v in values], lengths))


def _rows(value: Any, n: int) -> NDArray[Any]:
    if isinstance(value, np.ndarray):
        return value
    return np.full(n, value, dtype=object if isinstance(value, str) else None)
