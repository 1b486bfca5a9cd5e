"""films.parquet: the SHA-256 of every case's film as it was when the run began; "" where it could not be read."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from robustkit.atomic import replacing
from robustkit.documents import TABLE_FAULTS, parquet_table
from robustkit.errors import RunError

FILE = "films.parquet"
COLUMNS = ("case_id", "sha256")


def write_films(run: Path, digests: Mapping[str, str]) -> None:
    """Write the digests by case_id, whole or not at all."""
    rows = sorted(digests.items())
    with replacing(run / FILE) as temporary:
        pd.DataFrame(rows, columns=list(COLUMNS)).astype(str).to_parquet(temporary, index=False)


def read_films(run: Path) -> dict[str, str]:
    """Give the digests by case_id; none where the run has none, as those of older versions.

    Raises:
        RunError: The file cannot be read.
    """
    file = run / FILE
    if not file.is_file():
        return {}
    try:
        rows = parquet_table(file, columns=COLUMNS).to_pandas()
    except TABLE_FAULTS as error:
        fix = "Delete it: films are then compared from now on."
        raise RunError(f"the digests of the films cannot be read ({error}).", where=str(file), fix=fix) from error
    return dict(zip(rows["case_id"].astype(str), rows["sha256"].astype(str), strict=True))
