"""Reads the text of a folder's files: tables, JSON, pages, plain text."""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from robustkit.privacy._base import Cells
from robustkit.privacy._blocks import packed_blocks, plain_text
from robustkit.report.markup import FIELD, UNIT

_PLAIN = (
    ".txt",
    ".md",
    ".toml",
    ".log",
    ".rules",
    ".svg",
    ".xml",
    ".yaml",
    ".yml",
    ".tsv",
    ".ini",
    ".js",
    ".css",
    ".key",
)
_TABLE_BLOCK = "table-"


def read_texts(path: Path, file: str) -> tuple[Cells, ...] | None:
    """Give the text of one file; None where its kind holds none that is known.

    Args:
        path: Of the file.
        file: How it is called.

    Raises:
        OSError, ValueError: It cannot be read.
    """
    suffix = path.suffix.lower()
    reader = _PLAIN_READER if suffix in _PLAIN else _READERS.get(suffix)
    return None if reader is None else tuple(reader(path, file))


def _parquet(path: Path, file: str) -> Iterator[Cells]:
    import pyarrow as pa
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    with pq.ParquetFile(path) as source:
        for field in source.schema_arrow:
            if not (pa.types.is_string(field.type) or pa.types.is_large_string(field.type) or _is_whole(field.type)):
                yield Cells(file, field.name, ())
                continue
            column = source.read(columns=[field.name]).column(0)
            yield Cells(file, field.name, tuple(str(v) for v in pc.unique(column).to_pylist() if v is not None))


def _is_whole(kind: Any) -> bool:
    import pyarrow as pa

    return bool(pa.types.is_integer(kind) or pa.types.is_date(kind) or pa.types.is_timestamp(kind))


def _csv(path: Path, file: str) -> Iterator[Cells]:
    csv.field_size_limit(sys.maxsize)
    with path.open(encoding="utf-8-sig", newline="") as handle:
        rows = csv.reader(handle)
        head = next(rows, [])
        found: list[dict[str, None]] = [{} for _ in head]
        for row in rows:
            for place, value in zip(found, row, strict=False):
                place[value] = None
    for column, values in zip(head, found, strict=True):
        yield Cells(file, column, tuple(values))


def _json(path: Path, file: str) -> Iterator[Cells]:
    yield from _flat(json.loads(path.read_text(encoding="utf-8-sig")), file, "")


def _flat(value: Any, file: str, place: str, depth: int = 0) -> Iterator[Cells]:
    """Give every text of a JSON value; texts of one list are one column."""
    if depth > 200:
        raise ValueError("nested too deeply")
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield Cells(file, place, (str(key),), is_table=False)
            yield from _flat(inner, file, f"{place}.{key}" if place else str(key), depth + 1)
    elif isinstance(value, list):
        texts = dict.fromkeys(v for v in value if isinstance(v, str))
        if texts:
            yield Cells(file, place, tuple(texts), is_table=False)
        for inner in value:
            if isinstance(inner, (Mapping, list)):
                yield from _flat(inner, file, place, depth + 1)
    elif isinstance(value, str):
        yield Cells(file, place, (value,), is_table=False)


def _page(path: Path, file: str) -> Iterator[Cells]:
    page = path.read_text(encoding="utf-8")
    yield Cells(file, "", (plain_text(page),), is_table=False)
    for name, content in packed_blocks(page):
        if name.startswith(_TABLE_BLOCK):
            for column in content.split(FIELD):
                head, *values = column.split(UNIT)
                yield Cells(file, head, tuple(dict.fromkeys(values)))
        else:
            yield from _flat(json.loads(content), file, name)


def _arrays(path: Path, file: str) -> Iterator[Cells]:
    with np.load(path, allow_pickle=False) as arrays:
        for name in arrays.files:
            own = arrays[name]
            texts = tuple(dict.fromkeys(own.ravel().tolist())) if own.dtype.kind in "US" else ()
            yield Cells(file, name, tuple(map(str, texts)))


def _plain(path: Path, file: str) -> Iterator[Cells]:
    lines = path.read_text(encoding="utf-8").splitlines()
    yield Cells(file, "", tuple(dict.fromkeys(lines)), is_table=False)


Reader = Callable[[Path, str], Iterator[Cells]]
_PLAIN_READER: Reader = _plain
_READERS: dict[str, Reader] = {
    ".parquet": _parquet,
    ".csv": _csv,
    ".json": _json,
    ".html": _page,
    ".npz": _arrays,
}
