"""The noun RunFolder: what lies in one run's folder, read by column and filter.

A folder that another program wrote to the contract (design, section 3.3) works as well.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import pandas as pd

from robustkit.atomic import replacing, write_text
from robustkit.documents import TABLE_FAULTS, parquet_table, parse_json
from robustkit.errors import RunError
from robustkit.results.csv_text import csv_text
from robustkit.results.record import NEEDED, record_faults
from robustkit.results.schema import FORMAT, PREDICTION_COLUMNS, PREDICTION_TEXTS, TEXT_COLUMNS, completed, table_fault


@dataclass(frozen=True, slots=True)
class RunFolder:
    """One run on disk: ``run.json``, ``cases.parquet``, ``predictions/*.parquet``, ``tables/*.csv``.

    Attributes:
        path: The folder.
        is_alone: False where several threads or processes read predictions at once: each then does with one core.
    """

    path: Path
    is_alone: bool = True

    def record(self) -> dict[str, Any]:
        """Give run.json.

        Raises:
            RunError: No run.json, not JSON, a field is missing or of another kind, or a newer format.
        """
        file = self.path / "run.json"
        if not file.is_file():
            fix = "Give a folder that `robustkit perturb` wrote."
            raise RunError("this is not a run folder (no run.json).", where=str(self.path), fix=fix)
        try:
            record: dict[str, Any] = parse_json(file.read_text(encoding="utf-8"))
        except (ValueError, OSError) as error:
            fix = "Run `perturb` again with the same flags; finished parts are kept."
            raise RunError(f"run.json cannot be read ({error}).", where=str(file), fix=fix) from error
        lacking = [k for k in NEEDED if not isinstance(record, dict) or k not in record]
        if lacking:
            raise RunError(
                f"run.json lacks {', '.join(lacking)}.", where=str(file), fix="See docs on the run folder's format."
            )
        if record["format"] != FORMAT:
            what = f"expected format {FORMAT}, got {record['format']!r}."
            raise RunError(
                what, where=str(file), fix="Read it with the robustkit version that wrote it, or a newer one."
            )
        fault = next(record_faults(record), None)
        if fault:
            raise RunError(f"{fault}.", where=str(file), fix="See docs on the run folder's format.")
        return record

    def write_record(self, record: dict[str, Any]) -> None:
        """Write run.json, whole or not at all."""
        write_text(self.path / "run.json", json.dumps(record, indent=1, ensure_ascii=False) + "\n")

    def scan(self, *, columns: Sequence[str], filters: list[Any] | None = None) -> Iterator[Any]:
        """Give the prediction rows batch by batch, as Arrow record batches, text as dictionaries.

        Row groups that the filters rule out by their statistics are not read.

        Args:
            columns: Names of PREDICTION_COLUMNS.
            filters: pyarrow filters, e.g. ``[("perturbation", "==", "nominal")]``.

        Raises:
            RunError: No predictions, or a file that cannot be read.
        """
        import pyarrow.dataset as ds
        import pyarrow.parquet as pq

        options = ds.ParquetReadOptions(dictionary_columns=PREDICTION_TEXTS)
        chosen = pq.filters_to_expression(filters) if filters else None
        try:
            source = ds.dataset([str(p) for p in self._parts()], format=ds.ParquetFileFormat(read_options=options))
            self._check_kinds(source.schema, columns)
            yield from source.to_batches(columns=list(columns), filter=chosen, use_threads=self.is_alone)
        except TABLE_FAULTS as error:
            raise self._unreadable(error) from error

    def predictions(self, *, columns: Sequence[str] | None = None, filters: list[Any] | None = None) -> pd.DataFrame:
        """Give the prediction rows as one frame (in no particular order): for the few rows of some cases.

        Args:
            columns: Names of PREDICTION_COLUMNS; all where None.
            filters: pyarrow filters, e.g. ``[("perturbation", "==", "nominal")]``.

        Raises:
            RunError: No predictions, or a file that cannot be read.
        """
        parts = self._parts()
        try:
            found = parquet_table(parts, columns=columns, filters=filters, use_threads=self.is_alone)
        except TABLE_FAULTS as error:
            raise self._unreadable(error) from error
        wanted = tuple(columns or PREDICTION_COLUMNS)
        lacking = [c for c in wanted if c not in found.schema.names]
        if lacking:
            where, fix = str(self.path / "predictions"), "See docs on the run folder's format."
            raise RunError(f"the predictions lack {', '.join(lacking)}.", where=where, fix=fix)
        self._check_kinds(found.schema, wanted)
        frame: pd.DataFrame = found.to_pandas()
        return frame

    def failures(self) -> dict[str, str]:
        """Give the reason of every case that failed in any row (the first reason found)."""
        found: dict[str, str] = {}
        for batch in self.scan(columns=("case_id", "reason"), filters=[("status", "!=", "ok")]):
            # the reasons of a case are few, its rows many
            distinct = batch.to_pandas().drop_duplicates()
            for case, reason in zip(distinct["case_id"], distinct["reason"], strict=True):
                found.setdefault(str(case), str(reason))
        return found

    def _parts(self) -> list[Path]:
        # hidden files are not data, whoever left them (the rule of Arrow's own datasets)
        parts = sorted(p for p in (self.path / "predictions").glob("*.parquet") if not p.name.startswith((".", "_")))
        if not parts:
            raise RunError(
                "there are no predictions yet.", where=str(self.path), fix="Run `robustkit perturb` again to go on."
            )
        return parts

    def _check_kinds(self, schema: Any, columns: Sequence[str]) -> None:
        for name in (c for c in columns if c in schema.names and c != "logits"):
            kind, wanted = schema.field(name).type, "text" if name in PREDICTION_TEXTS else "numbers"
            if kind_of(kind) not in (wanted, "nothing"):
                what = f"the column {name} of the predictions holds {kind}, expected {wanted}."
                raise RunError(what, where=str(self.path / "predictions"), fix="See docs on the run folder's format.")

    def _unreadable(self, error: Exception) -> RunError:
        fix = "Delete the file that is named and run `robustkit perturb` again: it makes what is missing."
        return RunError(f"predictions cannot be read ({error}).", where=str(self.path / "predictions"), fix=fix)

    def cases(self) -> pd.DataFrame:
        """Give the facts of all cases: the manifest's columns plus derived ones (region, group, size, ...).

        Raises:
            RunError: There are none, they cannot be read, or nothing names them.
        """
        file = self.path / "cases.parquet"
        if not file.is_file():
            raise RunError(
                "cases.parquet is missing.", where=str(self.path), fix="Run `robustkit perturb` again to go on."
            )
        try:
            # what pandas wrote of itself into the file may lie
            found = parquet_table(file)
            strange = [f.name for f in found.schema if kind_of(f.type) == "others"]
            frame: pd.DataFrame = found.to_pandas(ignore_metadata=True)
        except TABLE_FAULTS as error:
            fix = "Delete it and run `robustkit perturb` again: it makes what is missing."
            raise RunError(f"the cases cannot be read ({error}).", where=str(file), fix=fix) from error
        if strange:
            what = f"the column {', '.join(strange)} holds neither text nor numbers."
            raise RunError(what, where=str(file), fix="See docs on the run folder's format.")
        if "case_id" not in frame:
            raise RunError("the table of cases lacks case_id.", where=str(file), fix="Give each case a name.")
        nameless = frame["case_id"].isna() | (frame["case_id"] == "")
        if nameless.any():
            what = f"{int(nameless.sum())} of {len(frame)} cases have no case_id."
            raise RunError(what, where=str(file), fix="Give each case a name.")
        return frame

    def table(self, name: str) -> pd.DataFrame:
        """Give ``tables/<name>.csv``.

        Raises:
            RunError: The table has not been made yet, cannot be read, or is not as `stratify` writes it.
        """
        file = self.table_file(name)
        if not file.is_file():
            raise RunError(
                f"the table {name}.csv is missing.", where=str(self.path), fix=f"Run `robustkit stratify {self.path}`."
            )
        # a stratum may be called NA: only an empty cell is a missing one
        again = f"Run `robustkit stratify {self.path}` again, or what else made it."
        try:
            table = pd.read_csv(file, keep_default_na=False, na_values=[""], dtype=dict.fromkeys(TEXT_COLUMNS, str))
        except TABLE_FAULTS as error:
            raise RunError(f"the table cannot be read ({error}).", where=str(file), fix=again) from error
        fault = table_fault(name, table)
        if fault:
            raise RunError(f"the table {fault}.", where=str(file), fix=again)
        return completed(name, table)

    def table_file(self, name: str) -> Path:
        """Give the path of ``tables/<name>.csv``."""
        return self.path / "tables" / f"{name}.csv"

    def write_table(self, name: str, frame: pd.DataFrame) -> Path:
        """Write ``tables/<name>.csv``, whole or not at all, and give its path."""
        file = self.table_file(name)
        with replacing(file) as temporary:
            temporary.write_bytes(csv_text(frame))
        return file


def kind_of(type_: Any) -> Literal["text", "numbers", "nothing", "others"]:
    """Tell what a column of an Arrow type holds; dates and truth values are text to us, as in the manifest."""
    import pyarrow.types as pt

    inner = type_.value_type if pt.is_dictionary(type_) else type_
    if pt.is_null(inner):
        return "nothing"
    if pt.is_integer(inner) or pt.is_floating(inner):
        return "numbers"
    is_text = pt.is_string(inner) or pt.is_large_string(inner) or pt.is_string_view(inner)
    return "text" if is_text or pt.is_boolean(inner) or pt.is_temporal(inner) else "others"


def written_threshold(folder: RunFolder, model: str) -> float | None:
    """Give the threshold that `stratify` wrote down, so that all commands speak of one decision; None where it did not."""
    try:
        table = folder.table("thresholds")
    except RunError:
        return None
    own = table.loc[table["model"] == model, "value"]
    return float(own.iloc[0]) if len(own) and own.iloc[0] == own.iloc[0] else None
