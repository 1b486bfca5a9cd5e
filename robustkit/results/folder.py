"""The noun RunFolder: what lies in one run's folder, read by column and filter.

A folder that another program wrote to the contract (design, section 3.3) works as well.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from robustkit.atomic import replacing, write_text
from robustkit.errors import RunError
from robustkit.results.schema import FORMAT, TEXT_COLUMNS

_NEEDED = ("format", "seed", "repeats", "perturbations", "models")


@dataclass(frozen=True, slots=True)
class RunFolder:
    """One run on disk: ``run.json``, ``cases.parquet``, ``predictions/*.parquet``, ``tables/*.csv``."""

    path: Path

    def record(self) -> dict[str, Any]:
        """Give run.json.

        Raises:
            RunError: No run.json, not JSON, a field is missing, or a newer format.
        """
        file = self.path / "run.json"
        if not file.is_file():
            fix = "Give a folder that `robustkit perturb` wrote."
            raise RunError("this is not a run folder (no run.json).", where=str(self.path), fix=fix)
        try:
            record: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
        except (ValueError, OSError) as error:
            fix = "Run `perturb` again with the same flags; finished parts are kept."
            raise RunError(f"run.json cannot be read ({error}).", where=str(file), fix=fix) from error
        lacking = [k for k in _NEEDED if not isinstance(record, dict) or k not in record]
        if lacking:
            raise RunError(
                f"run.json lacks {', '.join(lacking)}.", where=str(file), fix="See docs on the run folder's format."
            )
        if record["format"] != FORMAT:
            what = f"expected format {FORMAT}, got {record['format']!r}."
            raise RunError(
                what, where=str(file), fix="Read it with the robustkit version that wrote it, or a newer one."
            )
        return record

    def write_record(self, record: dict[str, Any]) -> None:
        """Write run.json, whole or not at all."""
        write_text(self.path / "run.json", json.dumps(record, indent=1, ensure_ascii=False) + "\n")

    def predictions(self, *, columns: Sequence[str] | None = None, filters: list[Any] | None = None) -> pd.DataFrame:
        """Give the prediction rows (in no particular order), only these columns, only rows that pass the filters.

        Args:
            columns: Names of PREDICTION_COLUMNS; all where None.
            filters: pyarrow filters, e.g. ``[("perturbation", "==", "nominal")]``.
        """
        parts = sorted((self.path / "predictions").glob("*.parquet"))
        if not parts:
            raise RunError(
                "there are no predictions yet.", where=str(self.path), fix="Run `robustkit perturb` again to go on."
            )
        try:
            return pd.read_parquet(parts, columns=list(columns) if columns else None, filters=filters)
        except (OSError, ValueError) as error:
            raise RunError(f"predictions cannot be read ({error}).", where=str(self.path / "predictions")) from error

    def cases(self) -> pd.DataFrame:
        """Give the facts of all cases: the manifest's columns plus derived ones (region, group, size, ...)."""
        file = self.path / "cases.parquet"
        if not file.is_file():
            raise RunError(
                "cases.parquet is missing.", where=str(self.path), fix="Run `robustkit perturb` again to go on."
            )
        return pd.read_parquet(file)

    def table(self, name: str) -> pd.DataFrame:
        """Give ``tables/<name>.csv``.

        Raises:
            RunError: The table has not been made yet.
        """
        file = self.path / "tables" / f"{name}.csv"
        if not file.is_file():
            raise RunError(
                f"the table {name}.csv is missing.", where=str(self.path), fix=f"Run `robustkit stratify {self.path}`."
            )
        # a stratum may be called NA: only an empty cell is a missing one
        table = pd.read_csv(file, keep_default_na=False, na_values=[""], dtype=dict.fromkeys(TEXT_COLUMNS, str))
        return table.fillna(dict.fromkeys(set(TEXT_COLUMNS) & set(table.columns), ""))

    def write_table(self, name: str, frame: pd.DataFrame) -> Path:
        """Write ``tables/<name>.csv``, whole or not at all, and give its path."""
        file = self.path / "tables" / f"{name}.csv"
        with replacing(file) as temporary:
            frame.to_csv(temporary, index=False, lineterminator="\n")
        return file
