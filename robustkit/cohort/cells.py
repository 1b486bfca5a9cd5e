"""Tables that others wrote as cells of text: whole, each column once, each value under its own heading.

pandas alone takes much for granted: a row with one cell too many moves every value to the left, a heading that stands
twice is renamed, a file of ten kilobytes may unpack to ten gigabytes.
"""

from __future__ import annotations

import csv
from pathlib import Path
from typing import TextIO

import pandas as pd

from robustkit.documents import TABLE_FAULTS
from robustkit.errors import InputError

LARGEST_COLUMNS = 2000
LARGEST_CELLS = 20_000_000
"""Of a packed table (Parquet), whose size on disk says nothing."""


def read_cells(file: Path, *, separators: str = ",") -> pd.DataFrame:
    """Read CSV (UTF-8), or Parquet where the name says so; every cell is text, nothing is the empty text.

    Args:
        file: Of the table.
        separators: The one that stands most often in the heading is taken.

    Raises:
        InputError: No table.
    """
    try:
        if file.suffix.lower() in (".parquet", ".pq"):
            return _parquet(file)
        return _csv(file, separators)
    except UnicodeDecodeError as error:
        raise InputError("expected UTF-8 text.", where=str(file), fix="Save the table as CSV UTF-8.") from error
    except TABLE_FAULTS as error:
        raise unreadable(file, error) from error


def unreadable(file: Path, error: Exception) -> InputError:
    """Give the error about a table that cannot be read."""
    reason = str(error).splitlines()[0][:200] if str(error) else type(error).__name__
    return InputError(f"not a readable table ({reason}).", where=str(file), fix="Save it as CSV UTF-8.")


def check_columns(names: list[str], file: Path) -> None:
    """Refuse more columns than any table of cases has, and names that stand twice.

    Raises:
        InputError: It says which.
    """
    if len(names) > LARGEST_COLUMNS:
        what = f"the table has {len(names)} columns, more than {LARGEST_COLUMNS}."
        raise InputError(what, where=str(file), fix="Leave out what is no fact of a case.")
    twice = sorted({n for n in names if n.strip() and names.count(n) > 1})
    if twice:
        what = f"the table has the column {listed(twice)} more than once."
        raise InputError(what, where=str(file), fix="Rename or remove one.")


def listed(names: list[str]) -> str:
    """Give names for a sentence: the first few, none of them long."""
    shown = [n if len(n) <= 40 else f"{n[:37]}..." for n in names[:20]]
    return ", ".join(shown) + (f" and {len(names) - 20} more" if len(names) > 20 else "")


def _csv(file: Path, separators: str) -> pd.DataFrame:
    with file.open(encoding="utf-8-sig", newline="") as handle:
        separator, names = _heading(handle, separators)
    check_columns(names, file)
    table = pd.read_csv(
        file, dtype=str, keep_default_na=False, encoding="utf-8-sig", sep=separator, compression=None, low_memory=False
    )
    if not isinstance(table.index, pd.RangeIndex):
        what = f"row 1 has more values than the {len(names)} columns."
        fix = "Put values that hold the separator in quotes, or name the further columns."
        raise InputError(what, where=str(file), fix=fix)
    return table.fillna("")


def _heading(handle: TextIO, separators: str) -> tuple[str, list[str]]:
    """Give the separator and the names of the columns; blank lines before them are passed over."""
    first = next((line for line in iter(lambda: handle.readline(2**24), "") if line.strip()), "")
    separator = max(separators, key=first.count)
    if first.count(separator) > LARGEST_COLUMNS:
        return separator, first.split(separator)
    names: list[str] = next(csv.reader([first, *handle.readlines(2**16)], delimiter=separator), [])
    return separator, names


def _parquet(file: Path) -> pd.DataFrame:
    import pyarrow.parquet as pq

    source = pq.ParquetFile(file)
    names = list(source.schema_arrow.names)
    check_columns(names, file)
    if source.metadata.num_rows * max(len(names), 1) > LARGEST_CELLS:
        what = f"the table has {source.metadata.num_rows} rows, more than can be cases."
        raise InputError(what, where=str(file), fix="Give one row per lesion.")
    # what pandas wrote of itself into the file may lie
    table = source.read()
    table.validate(full=True)
    frame: pd.DataFrame = table.to_pandas(ignore_metadata=True)
    return frame.map(lambda v: "" if v is None or v != v else str(v))
