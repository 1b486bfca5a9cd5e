"""The noun OpenRun: a run folder as the dashboard asks it about one lesion."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from robustkit.cohort.case import Case
from robustkit.documents import parse_json
from robustkit.errors import RunError, UnknownNameError
from robustkit.geometry import Box
from robustkit.results.folder import RunFolder

BOX = ("x0", "y0", "x1", "y1")
_OWN = {"case_id", "image", "image_path", "mask_path", "label", "patient_id", "split", "spacing_mm", *BOX}


@dataclass(frozen=True, slots=True)
class Cut:
    """The carried threshold of a model: score >= value is followed.

    Attributes:
        value: In [0, 1].
        source: Where it comes from, in words.
        is_carried: False where 0.5 stands in for a threshold that nobody gave.
    """

    value: float
    source: str
    is_carried: bool = True


@dataclass(frozen=True, slots=True)
class Nominal:
    """The run's own answer for a case: its nominal row."""

    box: tuple[float, float, float, float]
    score: float


@dataclass(frozen=True, slots=True)
class OpenRun:
    """One run folder, read once.

    Attributes:
        key: Short name, unique among the runs of a desk.
        folder: On disk.
        record: run.json.
        cases: cases.parquet, by case_id.
        words: Of each case, in lower case, for those who search.
    """

    key: str
    folder: RunFolder
    record: Mapping[str, Any]
    cases: pd.DataFrame = field(repr=False)
    words: tuple[str, ...] = field(repr=False, default=())

    @classmethod
    def open(cls, path: Path, key: str) -> OpenRun:
        """Read a run folder.

        Raises:
            RunError: It is none, or damaged.
        """
        folder = RunFolder(path)
        record = folder.record()
        frame = folder.cases()
        table = frame.assign(case_id=frame["case_id"].astype(str)).drop_duplicates("case_id").set_index("case_id")
        return cls(key, folder, record, table, _words(table))

    @property
    def models(self) -> tuple[str, ...]:
        """Names of its models."""
        return tuple(str(m["name"]) for m in self.record["models"])

    @property
    def is_simulated(self) -> bool:
        """True where its films are the phantom's."""
        return bool(self.record.get("simulated"))

    def entry(self, model: str) -> Mapping[str, Any]:
        """Give what run.json says of a model.

        Raises:
            UnknownNameError: The run has no such model.
        """
        for entry in self.record["models"]:
            if entry["name"] == model:
                return dict(entry)
        fix = f"It has {', '.join(self.models)}."
        raise UnknownNameError(f"the run has no model {model!r}.", where=self.key, fix=fix)

    def cut(self, model: str) -> Cut:
        """Give the carried threshold: of thresholds.csv, else of checkpoint or run, else 0.5 and a word about it."""
        try:
            table = self.folder.table("thresholds")
        except RunError:
            table = pd.DataFrame({"model": [], "value": []})
        mine = table[table["model"] == model]
        if len(mine) and np.isfinite(float(mine.iloc[0]["value"])):
            row = mine.iloc[0]
            source = str(row.get("source", ""))
            return Cut(
                float(row["value"]), _source(source, str(row.get("operating_point", ""))), "default" not in source
            )
        own = dict(self.entry(model).get("operating_points") or {})
        if own:
            name = "youden" if "youden" in own else next(iter(own))
            return Cut(float(own[name]), _source("checkpoint", name))
        for said in self.record.get("thresholds") or ():
            if said.get("model") == model:
                return Cut(float(said["value"]), _source("run", str(said.get("operating_point", ""))))
        return Cut(0.5, "no threshold is known, 0.5 stands in for it", is_carried=False)

    def nominal(self, model: str, case_id: str) -> Nominal | None:
        """Give the run's own answer; None where it has none, or the case failed."""
        written = (self.folder.path / "run.json").stat().st_mtime_ns
        return _nominal(self.folder, written).get((model, case_id))

    def facts(self, case_id: str) -> pd.Series:
        """Give the row of a case.

        Raises:
            UnknownNameError: The run has no such case.
        """
        if case_id not in self.cases.index:
            raise UnknownNameError(f"the run has no case {case_id!r}.", where=self.key, fix="Choose one from the menu.")
        return self.cases.loc[case_id]

    def spacing_mm(self, case_id: str) -> float:
        """Give the side of a pixel in mm; NaN where neither film nor manifest says."""
        facts = self.facts(case_id)
        for column in ("film_spacing_mm", "spacing_mm"):
            value = pd.to_numeric(facts.get(column), errors="coerce")
            if pd.notna(value) and value > 0:
                return float(value)
        return float("nan")

    def case(self, case_id: str) -> Case:
        """Give a case as models are told of it: the spacing is the film's where the manifest has none."""
        row = self.facts(case_id)
        known = [pd.to_numeric(row.get(c), errors="coerce") for c in ("spacing_mm", "film_spacing_mm")]
        spacing = next((v for v in known if pd.notna(v)), None)
        mask = row.get("mask_path")
        return Case(
            case_id=case_id,
            image=Path(str(row.get("image_path") or "")),
            box=Box(*(float(row[c]) for c in BOX)),
            label=str(row.get("label") or ""),
            patient_id=str(row.get("patient_id") or ""),
            split=str(row.get("split") or ""),
            spacing_mm=None if spacing is None else float(spacing),
            facts={str(k): "" if pd.isna(v) else str(v) for k, v in row.items() if k not in _OWN},
            mask=Path(mask) if isinstance(mask, str) and mask else None,
        )

    def readers_shift(self) -> float | None:
        """Give the readers' disagreement: the ``shift`` of box_noise.json, which `box-noise --json` prints."""
        file = self.folder.path / "box_noise.json"
        if not file.is_file():
            return None
        try:
            said = parse_json(file.read_text(encoding="utf-8"))
            found = [float(m["value"]) for m in said["measures"] if m["name"] == "shift" and m["value"] is not None]
        except (ValueError, KeyError, TypeError, OSError):
            return None
        return found[0] if found and np.isfinite(found[0]) and found[0] > 0 else None


@lru_cache(maxsize=8)
def _nominal(folder: RunFolder, written: int) -> dict[tuple[str, str], Nominal]:
    columns = ["model", "case_id", *BOX, "score", "status"]
    try:
        rows = folder.predictions(columns=columns, filters=[("perturbation", "==", "nominal")])
    except RunError:
        return {}
    rows = rows[(rows["status"] == "ok") & rows["score"].notna()]
    boxes, scores = rows[list(BOX)].to_numpy(dtype=np.float64), rows["score"].to_numpy(dtype=np.float64)
    names = zip(rows["model"].astype(str), rows["case_id"].astype(str), strict=True)
    return {key: Nominal(_four(b), float(s)) for key, b, s in zip(names, boxes, scores, strict=True)}


def _words(cases: pd.DataFrame) -> tuple[str, ...]:
    columns = [c for c in ("label", "subtype", "site", "cohort", "view", "patient_id") if c in cases]
    texts = [cases.index.astype(str).tolist(), *(cases[c].fillna("").astype(str).tolist() for c in columns)]
    return tuple(" ".join(row).lower() for row in zip(*texts, strict=True))


def _four(box: Any) -> tuple[float, float, float, float]:
    x0, y0, x1, y1 = (float(v) for v in box)
    return x0, y0, x1, y1


def _source(source: str, point: str) -> str:
    words = {
        "flag": "given by a flag",
        "checkpoint": "carried in the checkpoint",
        "development": "chosen on development cases",
        "default 0.5": "no threshold is known, 0.5 stands in for it",
    }
    said = words.get(source, source or "of the run")
    return f"{said}, {point}" if point and not source.startswith("default") else said
