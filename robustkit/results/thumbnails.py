"""thumbnails/*.parquet: a small picture of every case, written beside the predictions while the film is in memory.

Columns: ``case_id``; ``x0, y0, side_px`` of the square on the film, px of the film; ``size_px`` and ``webp``, the picture.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from robustkit.documents import TABLE_FAULTS, parquet_table, sink

if TYPE_CHECKING:
    import pyarrow as pa

FOLDER = "thumbnails"
COLUMNS = ("case_id", "x0", "y0", "side_px", "size_px", "webp")


def write_thumbnails(file: Path, rows: Sequence[tuple[str, int, int, int, int, bytes]]) -> None:
    """Write some rows, whole or not at all."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    from robustkit.atomic import replacing

    kinds = _kinds()
    columns = [pa.array([r[i] for r in rows], kind) for i, kind in enumerate(kinds.types)]
    with replacing(file) as temporary, sink(temporary) as out:
        pq.write_table(
            pa.table(columns, schema=kinds),
            out,
            compression="none",
            use_dictionary=False,
            write_statistics=False,
        )


def read_thumbnails(run: Path) -> pd.DataFrame:
    """Give the pictures of a run, a row each; none where it has none, or where a file of them cannot be read.

    A row without an id, a picture or a side is left out.

    Args:
        run: Folder of the run.
    """
    found = []
    for file in sorted((run / FOLDER).glob("*.parquet")):
        try:
            found.append(_sound(parquet_table(file, columns=COLUMNS).cast(_kinds()).to_pandas()))
        except TABLE_FAULTS:
            # pictures are an ornament: a page without some of them is better than none
            continue
    return pd.concat(found, ignore_index=True) if found else pd.DataFrame(columns=list(COLUMNS))


def _kinds() -> pa.Schema:
    import pyarrow as pa

    kinds = (pa.string(), pa.int32(), pa.int32(), pa.int32(), pa.int32(), pa.binary())
    return pa.schema(list(zip(COLUMNS, kinds, strict=True)))


def _sound(rows: pd.DataFrame) -> pd.DataFrame:
    return rows[rows.notna().all(axis=1) & (rows["side_px"] > 0) & (rows["size_px"] > 0)]
