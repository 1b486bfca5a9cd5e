"""The noun HeatmapFolder: the heatmaps of one method, in ``RUN/heatmaps/<method>/``, a few hundred cases to a file.

Columns of the files: ``model, case_id, perturbation, level, repeat`` as in the predictions; ``x0, y0, x1, y1``, the region of
the film that the crop shows; ``height, width`` in cells and ``values``, row by row; ``score`` of the crop that the map is of;
``reason`` why there is none.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from robustkit.atomic import replacing, write_text
from robustkit.documents import TABLE_FAULTS, parquet_table, parse_json
from robustkit.errors import RunError

FOLDER = "heatmaps"
RECORD = "heatmaps.json"
FORMAT = 1
NOMINAL = "nominal"


@dataclass(frozen=True, slots=True)
class MapRow:
    """One heatmap on disk.

    Attributes:
        case_id: Of the case.
        perturbation, level, repeat: Which of its boxes.
        region: x0, y0, x1, y1, px of the film.
        values: ``(h, w)`` float32, unscaled; empty where there is none.
        score: Of the crop.
        reason: Why there is none.
    """

    case_id: str
    perturbation: str
    level: float
    repeat: int
    region: tuple[float, float, float, float]
    values: NDArray[np.float32]
    score: float
    reason: str = ""


@dataclass(frozen=True, slots=True)
class HeatmapFolder:
    """The heatmaps of one method of a run."""

    path: Path

    @classmethod
    def of(cls, run: Path, method: str) -> HeatmapFolder:
        """Give the folder of a method; it need not exist."""
        return cls(run / FOLDER / method)

    def record(self) -> dict[str, Any] | None:
        """Give what the maps were made with; None where there are none.

        Raises:
            RunError: It cannot be read.
        """
        file = self.path / RECORD
        if not file.is_file():
            return None
        try:
            found: dict[str, Any] = parse_json(file.read_text(encoding="utf-8"))
        except (ValueError, OSError) as error:
            fix = "Make the heatmaps again with --new."
            raise RunError(f"the record of the heatmaps cannot be read ({error}).", where=str(file), fix=fix) from error
        return found

    def write_record(self, record: Mapping[str, Any]) -> None:
        """Write what the maps are made with, whole or not at all."""
        write_text(self.path / RECORD, json.dumps({"format": FORMAT, **record}, indent=1, ensure_ascii=False) + "\n")

    def write_part(self, model: int, part: int, name: str, rows: Sequence[MapRow]) -> None:
        """Write some maps of a model, whole or not at all.

        Args:
            model: Its position in run.json, for the name of the file.
            part: Number of the file.
            name: Of the model.
            rows: All maps of some cases.
        """
        columns: dict[str, list[object]] = {
            "model": [name] * len(rows),
            "case_id": [r.case_id for r in rows],
            "perturbation": [r.perturbation for r in rows],
            "level": [r.level for r in rows],
            "repeat": [r.repeat for r in rows],
            **{side: [r.region[i] for r in rows] for i, side in enumerate(("x0", "y0", "x1", "y1"))},
            "height": [r.values.shape[0] for r in rows],
            "width": [r.values.shape[1] for r in rows],
            "values": [r.values.ravel() for r in rows],
            "score": [r.score for r in rows],
            "reason": [r.reason for r in rows],
        }
        file = self.path / f"{model:03d}-{part:05d}.parquet"
        with replacing(file) as temporary:
            pd.DataFrame(columns).to_parquet(temporary, index=False)

    def next_part(self, model: int) -> int:
        """Give the number of the next file of a model."""
        return max((int(p.stem.split("-")[1]) + 1 for p in self._files(model)), default=0)

    def done(self, model: int) -> dict[str, str]:
        """Give the cases of a model that were made already, and why they have no map; "" where they have."""
        found: dict[str, str] = {}
        for file in self._files(model):
            part = self._read(file, columns=["case_id", "reason"])
            found.update(zip(part["case_id"].astype(str), part["reason"].astype(str), strict=True))
        return found

    def parts(self, model: int, *, nominal: bool = False) -> Iterator[pd.DataFrame]:
        """Give the maps of a model, some cases at a time.

        Args:
            model: Its position in run.json.
            nominal: Only those of the boxes as given.

        Raises:
            RunError: A file cannot be read.
        """
        for file in self._files(model):
            yield self._read(file, filters=[("perturbation", "==", NOMINAL)] if nominal else None)

    def _files(self, model: int) -> list[Path]:
        return sorted(self.path.glob(f"{model:03d}-*.parquet"))

    def _read(self, file: Path, **options: Any) -> pd.DataFrame:
        try:
            frame: pd.DataFrame = parquet_table(file, **options).to_pandas()
        except TABLE_FAULTS as error:
            fix = "Delete the file that is named and run `robustkit heatmaps` again: it makes what is missing."
            raise RunError(f"heatmaps cannot be read ({error}).", where=str(file), fix=fix) from error
        return frame


def grid(row: Any) -> NDArray[np.float64]:
    """Give the ``(h, w)`` float64 map of a row of a part; ``(0, 0)`` where there is none."""
    return np.asarray(row["values"], dtype=np.float64).reshape(int(row["height"]), int(row["width"]))


def write_arrays(file: Path, folder: HeatmapFolder, model: int) -> Path:
    """Write all maps of a model as arrays: ``values (n, h, w)``, ``region (n, 4)`` and what each is of, by position.

    Args:
        file: Ending in .npz.
        folder: Of the method.
        model: Position in run.json.
    """
    found = pd.concat([p[p["reason"] == ""] for p in folder.parts(model)], ignore_index=True)
    arrays = {
        "values": np.stack([grid(r) for r in found.to_dict("records")]).astype(np.float32),
        "region": found[["x0", "y0", "x1", "y1"]].to_numpy(dtype=np.float64),
        "case_id": found["case_id"].to_numpy(dtype=str),
        "perturbation": found["perturbation"].to_numpy(dtype=str),
        "level": found["level"].to_numpy(dtype=np.float64),
        "repeat": found["repeat"].to_numpy(dtype=np.int64),
        "score": found["score"].to_numpy(dtype=np.float64),
    }
    with replacing(file) as temporary, temporary.open("wb") as stream:
        np.savez_compressed(stream, allow_pickle=False, **arrays)
    return file
