"""A table of an older version opens: columns that it did not know are missing, those that name its rows must be there."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
from robustkit.errors import RunError
from robustkit.results.folder import RunFolder
from robustkit.results.schema import STRATA_COLUMNS

from made_tables import strata


def _written(folder: Path, table: pd.DataFrame) -> RunFolder:
    (folder / "tables").mkdir()
    table.to_csv(folder / "tables" / "strata.csv", index=False)
    return RunFolder(folder)


def test_values_that_an_older_version_did_not_write_are_missing(tmp_path: Path) -> None:
    whole = strata(["a"], ["internal"])
    read = _written(tmp_path, whole.drop(columns=["mc_se", "p_adjusted", "reason"])).table("strata")
    assert set(read.columns) == set(STRATA_COLUMNS)
    assert read["p_adjusted"].isna().all()
    assert (read["reason"] == "").all()
    assert read["value"].to_list() == pytest.approx(whole["value"].to_list(), nan_ok=True)


def test_a_table_whose_rows_have_no_name_is_refused(tmp_path: Path) -> None:
    folder = _written(tmp_path, strata(["a"], ["internal"]).drop(columns=["model", "stratum"]))
    with pytest.raises(RunError, match="the table lacks stratum, model"):
        folder.table("strata")
