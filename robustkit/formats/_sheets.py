"""Tables as cells of text: CSV with any usual separator, Parquet, Excel."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import pandas as pd

from robustkit.cohort.cells import check_columns, read_cells, unreadable
from robustkit.documents import TABLE_FAULTS
from robustkit.errors import InputError

SEPARATORS = ",;\t|"
LARGEST_ROWS = 200_000
"""Of an Excel sheet: a cell in its last row costs a reader a million empty ones."""
LARGEST_RATIO = 200
LARGEST_SHEET = 2**28
"""Of an Excel file, unpacked, in bytes: three hundred times the largest published table."""


def read_sheet(file: Path) -> pd.DataFrame:
    """Give a table, every cell as text, nothing as the empty text.

    Raises:
        InputError: No such file, or no table.
    """
    if not file.is_file():
        raise InputError("there is no such table.", where=str(file), fix="Give a CSV, Parquet or Excel file.")
    table = _excel(file) if file.suffix.lower() in (".xlsx", ".xlsm") else read_cells(file, separators=SEPARATORS)
    table.columns = [str(c).strip() for c in table.columns]
    check_columns(list(table.columns), file)
    return table


def _excel(file: Path) -> pd.DataFrame:
    """Read the first sheet: the first row with a value holds the names, of formulas the value last seen counts."""
    from openpyxl import load_workbook

    try:
        _check_size(file)
        book = load_workbook(file, read_only=True, data_only=True)
        try:
            sheet = book.worksheets[0]
            sheet.reset_dimensions()  # what the file says of its own size may lie
            rows = list(islice(_rows(sheet), LARGEST_ROWS))
        finally:
            book.close()
    except TABLE_FAULTS as error:
        raise unreadable(file, error) from error
    if len(rows) == LARGEST_ROWS:
        what = f"the sheet has {LARGEST_ROWS} rows or more."
        raise InputError(what, where=str(file), fix="Delete what is far below the table, or save it as CSV UTF-8.")
    filled = [row for row in rows if row]
    if not filled:
        raise InputError("the sheet is empty.", where=str(file), fix="Put the table into the first sheet.")
    width = max(map(len, filled))
    names = [n or f"column {i}" for i, n in enumerate([*filled[0], *[""] * (width - len(filled[0]))], start=1)]
    check_columns(names, file)
    return pd.DataFrame([row + [""] * (width - len(row)) for row in filled[1:]], columns=names, dtype=str)


def _rows(sheet: Any) -> Iterator[list[str]]:
    for cells in sheet.iter_rows(values_only=True):
        row = [_text(v) for v in cells]
        while row and not row[-1]:
            row.pop()
        yield row


def _text(value: Any) -> str:
    """Give a cell as people see it: Excel holds every number as a float."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return "" if value is None else str(value)


def _check_size(file: Path) -> None:
    with zipfile.ZipFile(file) as archive:
        unpacked = sum(m.file_size for m in archive.infolist())
    if unpacked > min(LARGEST_SHEET, LARGEST_RATIO * file.stat().st_size + 2**20):
        what = f"the workbook would unpack to {unpacked // 2**20} MiB."
        raise InputError(what, where=str(file), fix="Save the table alone, as CSV UTF-8.")
