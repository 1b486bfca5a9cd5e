"""The noun Manifest: the cases of one or several manifest files, checked row by row."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pandas as pd

from robustkit.cohort.case import Case
from robustkit.cohort.cells import listed, read_cells
from robustkit.cohort.columns import BOX, KNOWN, REQUIRED, row_faults
from robustkit.documents import is_file
from robustkit.errors import BadRow, InputError, ManifestError
from robustkit.geometry import Box

UNIQUE = (
    "Make case_id unique over all manifests: name the column that holds it (import csv --column THEIRS=case_id), "
    "or put a word for the hospital before it."
)
"""How case_ids that manifests share are mended."""


@dataclass(frozen=True, slots=True)
class ManifestSource:
    """One file that cases came from: path, sha256 of its bytes, number of its rows."""

    path: Path
    sha256: str
    n_cases: int


@dataclass(frozen=True, slots=True)
class Manifest:
    """Cases in file order, and the files they came from.

    Attributes:
        frame: One row per case. Every known column is there (empty text where the file had none;
            ``x0..y1, spacing_mm, age_years`` float64, NaN where empty), plus ``image_path``: the
            absolute path of the film, and ``mask_path``: that of its mask, empty where none is named.
            ``patient_id`` and ``lesion_id`` have their defaults filled in.
        sources: The files, in the order given.
        has_patients: False where no file had a ``patient_id`` column: patients are unknown.
    """

    frame: pd.DataFrame
    sources: tuple[ManifestSource, ...]
    has_patients: bool

    def __len__(self) -> int:
        return len(self.frame)

    def cases(self) -> Iterator[Case]:
        """Give the cases, one by one, in file order."""
        for row in self.frame.to_dict("records"):
            spacing = row["spacing_mm"]
            yield Case(
                case_id=row["case_id"],
                image=Path(row["image_path"]),
                box=Box(*(float(row[c]) for c in BOX)),
                label=row["label"],
                patient_id=row["patient_id"],
                split=row["split"],
                spacing_mm=float(spacing) if spacing == spacing else None,
                facts={k: str(v) for k, v in row.items() if k not in {"image_path", "mask_path", *REQUIRED}},
                mask=Path(row["mask_path"]) if row["mask_path"] else None,
            )

    def only(self, keep: Sequence[bool]) -> Manifest:
        """Give the manifest with those rows alone (same sources)."""
        return replace(self, frame=self.frame[list(keep)].reset_index(drop=True))


@dataclass(frozen=True, slots=True)
class Checked:
    """A manifest file after the check of its rows.

    Attributes:
        manifest: The good rows; None where there is none.
        faults: Of the bad rows, all of them.
    """

    manifest: Manifest | None
    faults: tuple[BadRow, ...]


def read_manifest(path: Path, *, labels: frozenset[str] | None = None, fills: dict[str, str] | None = None) -> Manifest:
    """Read one manifest (CSV or Parquet) and check every row.

    Args:
        path: The file; images are relative to its folder.
        labels: Where given, a label outside of it is a bad row.
        fills: Column values for all rows of this file (``--set cohort=internal``).

    Raises:
        InputError: No such file, not a table, or a required column is missing.
        ManifestError: Bad rows, all of them.
    """
    checked = check_manifest(path, labels=labels, fills=fills)
    if checked.faults or checked.manifest is None:
        n_rows = len({f.row for f in checked.faults})
        raise ManifestError(f"{len(checked.faults)} bad values in {n_rows} rows.", where=str(path), rows=checked.faults)
    return checked.manifest


def check_manifest(path: Path, *, labels: frozenset[str] | None = None, fills: dict[str, str] | None = None) -> Checked:
    """Read one manifest and part its good rows from the faults of the others; arguments as ``read_manifest``.

    Raises:
        InputError: No such file, not a table, or a required column is missing.
    """
    raw = read_table(path)
    lacking = [c for c in REQUIRED if c not in raw.columns]
    if lacking:
        what = f"expected the columns {', '.join(REQUIRED)}; {', '.join(lacking)} is missing (found: {listed(list(raw.columns))})."
        raise InputError(what, where=str(path), fix="Rename the column, or make the manifest with `robustkit import`.")
    if raw.empty:
        raise InputError("the manifest has no rows.", where=str(path), fix="Give at least one case.")
    for column, value in (fills or {}).items():
        raw[column] = value
    root = path.parent.resolve()
    faults = row_faults(raw, root=root, labels=labels)
    bad = {f.row - 1 for f in faults}
    good = raw[[i not in bad for i in range(len(raw))]].reset_index(drop=True)
    if good.empty:
        return Checked(None, faults)
    source = ManifestSource(path.resolve(), hashlib.sha256(path.read_bytes()).hexdigest(), len(raw))
    return Checked(Manifest(_complete(good, root), (source,), "patient_id" in raw.columns), faults)


def join_manifests(parts: Sequence[Manifest]) -> Manifest:
    """Join manifests; each keeps its own root.

    Raises:
        ManifestError: Two rows of different files share a case_id.
    """
    frame = pd.concat([p.frame for p in parts], ignore_index=True)
    text = [c for c in frame.columns if frame[c].dtype == object or str(frame[c].dtype).startswith("str")]
    frame[text] = frame[text].fillna("")
    twice = frame["case_id"].duplicated(keep=False)
    if twice.any():
        places = [(p.sources[0].path.name, k + 1) for p in parts for k in range(len(p))]
        rows = tuple(
            BadRow(places[i][1], "case_id", str(frame["case_id"][i]), f"in more than one manifest, here {places[i][0]}")
            for i in frame.index[twice]
        )
        raise ManifestError("the manifests share case_ids.", fix=UNIQUE, rows=rows)
    sources = tuple(s for p in parts for s in p.sources)
    return Manifest(frame, sources, all(p.has_patients for p in parts))


def read_table(path: Path) -> pd.DataFrame:
    """Give the cells of a manifest as text, unchecked.

    Raises:
        InputError: No such file, or no table.
    """
    if not is_file(path):
        raise InputError("no such manifest.", where=str(path), fix="Give the path of a CSV or Parquet file.")
    return read_cells(path)


def _complete(raw: pd.DataFrame, root: Path) -> pd.DataFrame:
    frame = raw.copy()
    for column in KNOWN:
        if column not in frame:
            frame[column] = ""
    for column in (*BOX, "spacing_mm", "age_years"):
        frame[column] = pd.to_numeric(frame[column].replace("", None), errors="coerce").astype("float64")
    frame["image_path"] = [str(root / r / i) for r, i in zip(frame["image_root"], frame["image"], strict=True)]
    frame["mask_path"] = [
        str(root / r / m) if m else "" for r, m in zip(frame["image_root"], frame["mask"], strict=True)
    ]
    frame["patient_id"] = frame["patient_id"].where(frame["patient_id"] != "", frame["image"])
    frame["lesion_id"] = frame["lesion_id"].where(frame["lesion_id"] != "", frame["case_id"])
    return frame
