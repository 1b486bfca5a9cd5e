"""The pictures of a folder: files of their own, in tables, in pages."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from robustkit.privacy._base import Picture, SharedFolder
from robustkit.privacy._blocks import embedded_pictures, packed_blocks
from robustkit.privacy._kinds import PAGES, PICTURES


def pictures(folder: SharedFolder) -> Iterator[Picture]:
    """Give every picture, one at a time; files that could not be read are passed over (they are named elsewhere)."""
    for file in folder.files:
        path, suffix = folder.path / file, Path(file).suffix.lower()
        if file in folder.unread or path.is_symlink():
            continue
        if suffix in PICTURES:
            yield Picture(file, path.read_bytes())
        elif suffix == ".parquet":
            yield from (Picture(file, content) for content in _of_table(path))
        elif suffix in PAGES:
            yield from (Picture(file, content) for content in _of_page(path))


def _of_table(path: Path) -> Iterator[bytes]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    with pq.ParquetFile(path) as source:
        names = [f.name for f in source.schema_arrow if pa.types.is_binary(f.type) or pa.types.is_large_binary(f.type)]
        for batch in source.iter_batches(batch_size=256, columns=names) if names else ():
            for column in batch.columns:
                yield from (bytes(v) for v in column.to_pylist() if v)


def _of_page(path: Path) -> Iterator[bytes]:
    page = path.read_text(encoding="utf-8")
    yield from embedded_pictures(page)
    for _, content in packed_blocks(page):
        yield from embedded_pictures(content)
