"""Tables as cells of text: CSV with any usual separator, Parquet, Excel."""

from __future__ import annotations

import struct
import zipfile
import zlib
from pathlib import Path

import pandas as pd

from robustkit.errors import InputError

SEPARATORS = (",", ";", "\t", "|")
_FAULTS = (
    ArithmeticError,
    AttributeError,
    EOFError,
    LookupError,
    NotImplementedError,
    OSError,
    SyntaxError,
    TypeError,
    ValueError,
    struct.error,
    zipfile.BadZipFile,
    zlib.error,
)
"""What a damaged or hostile file makes pandas, openpyxl and pyarrow raise."""


def read_sheet(file: Path) -> pd.DataFrame:
    """Give a table, every cell as text, nothing as the empty text.

    Raises:
        InputError: No such file, or no table.
    """
    if not file.is_file():
        raise InputError("there is no such table.", where=str(file), fix="Give a CSV, Parquet or Excel file.")
    try:
        table = _read(file)
    except _FAULTS as error:
        reason = str(error).splitlines()[0][:200] if str(error) else type(error).__name__
        raise InputError(f"not a readable table ({reason}).", where=str(file), fix="Save it as CSV UTF-8.") from error
    table.columns = [str(c).strip() for c in table.columns]
    twice = sorted({c for c in table.columns if list(table.columns).count(c) > 1})
    if twice:
        what = f"the table has the column {', '.join(twice)} more than once."
        raise InputError(what, where=str(file), fix="Rename or remove one.")
    return table


def _read(file: Path) -> pd.DataFrame:
    suffix = file.suffix.lower()
    if suffix in (".parquet", ".pq"):
        return pd.read_parquet(file).map(lambda v: "" if v is None or v != v else str(v))
    if suffix in (".xlsx", ".xlsm"):
        return pd.read_excel(file, dtype=str, keep_default_na=False)
    with file.open(encoding="utf-8-sig") as handle:
        head = handle.readline()
    separator = max(SEPARATORS, key=head.count)
    return pd.read_csv(file, dtype=str, keep_default_na=False, encoding="utf-8-sig", sep=separator)
