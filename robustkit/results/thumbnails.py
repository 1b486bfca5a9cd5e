"""thumbnails/*.parquet: a small picture of every case, written beside the predictions while the film is in memory.

Columns: ``case_id``; ``x0, y0, side_px`` of the square on the film, px of the film; ``size_px`` and ``webp``, the picture.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

FOLDER = "thumbnails"
COLUMNS = ("case_id", "x0", "y0", "side_px", "size_px", "webp")


def write_thumbnails(file: Path, rows: Sequence[tuple[str, int, int, int, int, bytes]]) -> None:
    """Write some rows, whole or not at all."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    from robustkit.atomic import replacing

    kinds = (pa.string(), pa.int32(), pa.int32(), pa.int32(), pa.int32(), pa.binary())
    columns = [pa.array([r[i] for r in rows], kind) for i, kind in enumerate(kinds)]
    with replacing(file) as temporary:
        pq.write_table(
            pa.table(columns, names=list(COLUMNS)),
            temporary,
            compression="none",
            use_dictionary=False,
            write_statistics=False,
        )


def read_thumbnails(run: Path) -> pd.DataFrame:
    """Give the pictures of a run, a row each; none where it has none, or where a file of them cannot be read.

    Args:
        run: Folder of the run.
    """
    found = []
    for file in sorted((run / FOLDER).glob("*.parquet")):
        try:
            found.append(pd.read_parquet(file, columns=list(COLUMNS)))
        except (OSError, ValueError):
            # pictures are an ornament: a page without some of them is better than none
            continue
    return pd.concat(found, ignore_index=True) if found else pd.DataFrame(columns=list(COLUMNS))
