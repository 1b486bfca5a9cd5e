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
    lengths = [_length(block) for block in blocks]
    parts = {c: [_column(block[c], n) for block, n in zip(blocks, lengths, strict=True)] for c in columns}
    return pd.DataFrame({c: np.concatenate(found) for c, found in parts.items()})


def _length(block: Block) -> int:
    return next(len(v) for v in block.values() if isinstance(v, np.ndarray))


def _column(value: Any, n: int) -> NDArray[Any]:
    if isinstance(value, np.ndarray):
        return value
    return np.full(n, value, dtype=object if isinstance(value, str) else None)
