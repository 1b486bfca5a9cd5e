"""Files that others wrote: what damaged ones make readers raise; JSON and TOML, of which every fault is a ValueError."""

from __future__ import annotations

import csv
import json
import struct
import tomllib
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

TABLE_FAULTS = (
    ArithmeticError,
    AttributeError,
    EOFError,
    LookupError,
    MemoryError,
    NotImplementedError,
    OSError,
    RuntimeError,
    SyntaxError,
    TypeError,
    ValueError,
    csv.Error,
    struct.error,
    zipfile.BadZipFile,
    zlib.error,
)
"""What a damaged or hostile table makes pandas, pyarrow and openpyxl raise."""


def parquet_table(
    files: Path | Sequence[Path],
    *,
    columns: Sequence[str] | None = None,
    filters: Any = None,
    use_threads: bool = True,
) -> Any:
    """Read Parquet files as one pyarrow table, and look at every value: texts that are none are told here, not later.

    Args:
        files: One, or several of the same columns.
        columns: Names; all where None.
        filters: As pyarrow takes them.
        use_threads: Whether Arrow decodes on all cores.

    Raises:
        Exception: One of TABLE_FAULTS, for files that are damaged.
    """
    import pyarrow.parquet as pq

    table = pq.read_table(
        files if isinstance(files, Path) else list(files),
        columns=list(columns) if columns else None,
        filters=filters,
        use_threads=use_threads,
    )
    table.validate(full=True)
    return table


@contextmanager
def sink(file: Path) -> Iterator[Any]:
    """Yield a file for pyarrow to write, closed in any case: one that Parquet's own writer opened would, on a full disk,
    stay open and keep its space although it is deleted."""
    import pyarrow as pa

    with pa.OSFile(str(file), "wb") as out:
        yield out


LARGEST_TOML = 2**15
"""Characters: the standard library's reader takes the square of the length for some texts."""


def is_file(path: Path) -> bool:
    """Tell whether there is such a file; a name that no file can have is none."""
    try:
        return path.is_file()
    except (OSError, ValueError):
        return False


def parse_json(text: str, **options: Any) -> Any:
    """Give what JSON says.

    Args:
        text: Of the file.
        options: Of ``json.loads``.

    Raises:
        ValueError: No JSON, nested too deeply, or a whole number of thousands of digits.
    """
    try:
        return json.loads(text, **options)
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error


def parse_toml(text: str) -> dict[str, Any]:
    """Give what TOML says.

    Raises:
        ValueError: No TOML, nested too deeply, or of more than LARGEST_TOML characters.
    """
    if len(text) > LARGEST_TOML:
        raise ValueError(f"it has {len(text)} characters, more than {LARGEST_TOML}")
    try:
        return tomllib.loads(text)
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error
