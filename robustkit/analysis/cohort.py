"""Who is judged: splits, labels, patients, development rows (estimands, section 1)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from robustkit.cohort.columns import OPTIONAL, REQUIRED
from robustkit.cohort.derive import DERIVED, SIZES, derive
from robustkit.cohort.vocabulary import Vocabulary
from robustkit.errors import InputError, RunError
from robustkit.results.folder import RunFolder

ALL = "all"
NO_SPLIT = "none given"
UNNAMED = "cohort"
"""The cohort of rows that name none."""

_NUMBERS = ("x0", "y0", "x1", "y1", "age_years", "spacing_mm")
_OF_FILMS = ("film_width_px", "film_height_px", "film_spacing_mm", "mask_diameter_px")
_NO_SPLIT_SAID = "no split given: if the model has seen these films, every number is too good."
_ALL_SAID = (
    'a cohort is called "all", which stands for all cohorts together: it has no rows of its own; give it another name.'
)
_NO_PATIENTS_SAID = (
    "patients are unknown (no patient_id): each film counts as one; intervals are too narrow if films share patients."
)


@dataclass(frozen=True, slots=True)
class Judged:
    """The cases of a run, ready to be counted.

    Attributes:
        frame: Cases outside of split=train, sorted by case_id, with derived facts.
        positive: ``(N,)`` truth.
        patients: ``(N,)`` codes 0..m-1.
        judged: ``(N,)`` True for rows that enter estimates.
        development: ``(N,)`` True for rows on which thresholds and bins are chosen.
        cohorts: Cohort names, ``all`` first where there are several.
        trained: Cases of split=train: counted in flow.csv, and nowhere else.
        warnings: One sentence each.
    """

    frame: pd.DataFrame
    positive: NDArray[np.bool_]
    patients: NDArray[np.intp]
    judged: NDArray[np.bool_]
    development: NDArray[np.bool_]
    cohorts: tuple[str, ...]
    trained: pd.DataFrame
    warnings: tuple[str, ...]
    # every table asks for the same few cohorts, hundreds of times
    _rows: dict[str, NDArray[np.bool_]] = field(default_factory=dict, init=False, repr=False, compare=False)
    _splits: dict[str, str] = field(default_factory=dict, init=False, repr=False, compare=False)

    def in_cohort(self, cohort: str) -> NDArray[np.bool_]:
        """Give ``(N,)`` True for judged rows of that cohort; it can only be read."""
        if cohort not in self._rows:
            own = True if cohort == ALL else self.frame["cohort"].eq(cohort).to_numpy(dtype=bool)
            rows = self.judged & own
            rows.flags.writeable = False
            self._rows[cohort] = rows
        return self._rows[cohort]

    def split_of(self, cohort: str) -> str:
        """Give what the column ``split`` says of a cohort: ``test``, ``none given``, or both."""
        if cohort not in self._splits:
            found = set(self.frame["split"].to_numpy()[self.in_cohort(cohort)])
            self._splits[cohort] = ", ".join(s or NO_SPLIT for s in sorted(found, reverse=True))
        return self._splits[cohort]

    def patient_strata(self, *, by_class: bool = True) -> NDArray[np.intp]:
        """Give ``(m,)`` codes of cohort, centre and class (positive if any judged case is) for the bootstrap.

        Without the class where its share is what is estimated.

        Patients without a judged row form the last stratum, so that they change no draw of the others.
        """
        rows = np.flatnonzero(self.judged)
        own, first = np.unique(self.patients[rows], return_index=True)
        positive = np.bincount(self.patients[rows], weights=self.positive[rows])[own] > 0
        place = self.frame["cohort"] + "\x1f" + self.frame["centre"]
        names = place.iloc[rows[first]] + (np.where(positive, "\x1f1", "\x1f0") if by_class else "")
        codes, known = pd.factorize(names, sort=True)
        out = np.full(int(self.patients.max()) + 1, len(known), dtype=np.intp)
        out[own] = codes
        return out


def positive_labels(record: Mapping[str, Any]) -> list[str]:
    """Give the labels that a run counts as positive, sorted: those it says, else those of its models."""
    own = record.get("positive_labels") or {p for m in record["models"] for p in m.get("positive") or ()}
    return sorted(map(str, own))


def judged_cases(
    folder: RunFolder, record: Mapping[str, Any], vocabulary: Vocabulary, *, positive: Sequence[str] = ()
) -> Judged:
    """Read the cases of a run and decide who is judged (estimands, section 1).

    Args:
        folder: The run.
        record: Its run.json.
        vocabulary: For derived facts that the folder lacks, and for labels that no model names.
        positive: Labels that count as positive, instead of the models'.

    Raises:
        RunError: The run is not complete, or a required field or column is missing.
        InputError: No row is left, or a label of which nothing says whether it is positive.
    """
    check_run(folder, record)
    frame = _cases(folder, vocabulary)
    trained = frame[frame["split"] == "train"]
    frame = frame[frame["split"] != "train"].reset_index(drop=True)
    judged = _judged(frame)
    if not judged.any():
        splits = ", ".join(sorted({*frame["split"], *trained["split"]}))
        what = f"no row is left to judge: the splits found are {splits}."
        raise InputError(what, where=str(folder.path), fix="Estimates use split=test, and cohorts without any split.")
    names = sorted(frame.loc[judged, "cohort"].unique(), key=lambda c: (c != "internal", c))
    own = [c for c in names if c != ALL]
    codes, _ = pd.factorize(frame["patient_id"], sort=True)
    return Judged(
        frame=frame,
        positive=truth_of(frame["label"], record["models"], vocabulary, positive),
        patients=codes.astype(np.intp),
        judged=judged,
        development=(frame["split"].eq("val") & frame["cohort"].isin(["internal", UNNAMED])).to_numpy(dtype=bool),
        cohorts=tuple(names) if len(names) == 1 else (ALL, *own),
        trained=trained,
        warnings=(*_warnings(frame, trained, record), *([_ALL_SAID] if 0 < len(own) < len(names) else [])),
    )


def check_run(folder: RunFolder, record: Mapping[str, Any]) -> None:
    """Refuse a run that is not complete.

    Raises:
        RunError: It says how to go on.
    """
    if record.get("status", "complete") != "complete":
        fix = "Run the same `robustkit perturb` again: it goes on where it stopped."
        raise RunError("the run is not complete.", where=str(folder.path), fix=fix)


def _cases(folder: RunFolder, vocabulary: Vocabulary) -> pd.DataFrame:
    """Give all cases sorted by name, every known column there, empty text and NaN where nothing is given."""
    frame = folder.cases()
    where = str(folder.path / "cases.parquet")
    lacking = [c for c in REQUIRED if c not in frame]
    if lacking:
        raise RunError(f"the table of cases lacks {', '.join(lacking)}.", where=where, fix="Add these columns.")
    twice = frame["case_id"][frame["case_id"].duplicated()]
    if len(twice):
        raise RunError(f"the case {twice.iloc[0]!r} stands there twice.", where=where, fix="Give each case one row.")
    frame = frame.sort_values("case_id", ignore_index=True)
    for column in (*REQUIRED, *OPTIONAL):
        if column in _NUMBERS:
            frame[column] = _numbers(frame[column], where=where) if column in frame else np.nan
        elif column != "case_id":
            frame[column] = frame[column].astype("string").fillna("").astype(str) if column in frame else ""
    for column in {*SIZES, *_OF_FILMS} & set(frame):
        frame[column] = _numbers(frame[column], where=where)
    for column in ({*DERIVED} - {*SIZES}) & set(frame):
        frame[column] = frame[column].astype("string").fillna("").astype(str)
    made = [c for c in DERIVED if c not in frame]
    if made:
        frame[made] = derive(frame, vocabulary)[made]
    frame["patient_id"] = frame["patient_id"].where(frame["patient_id"] != "", frame["image"])
    frame["lesion_id"] = frame["lesion_id"].where(frame["lesion_id"] != "", frame["case_id"])
    frame["cohort"] = frame["cohort"].where(frame["cohort"] != "", UNNAMED)
    return frame


def _numbers(values: pd.Series, *, where: str) -> pd.Series:
    """Give a column as float64; NaN where nothing is given."""
    if pd.api.types.is_numeric_dtype(values) and not pd.api.types.is_bool_dtype(values):
        return values.astype(np.float64)
    found = pd.to_numeric(values, errors="coerce")
    said = values.astype("string").str.strip().fillna("")
    other = values[found.isna() & ~said.str.lower().isin(["", "nan"])]
    if len(other):
        what = f"the column {values.name} of the cases holds {other.iloc[0]!r}, expected a number."
        raise RunError(what, where=where, fix="Write a number, or nothing where it is unknown.")
    return found.astype(np.float64)


def _judged(frame: pd.DataFrame) -> NDArray[np.bool_]:
    """split=test, and every row of a cohort without split."""
    has_split = frame["split"].ne("").groupby(frame["cohort"]).transform("any")
    return np.asarray((frame["split"].eq("test") | ~has_split).to_numpy(dtype=bool))


def _warnings(frame: pd.DataFrame, trained: pd.DataFrame, record: Mapping[str, Any]) -> tuple[str, ...]:
    said = []
    if trained.empty and frame["split"].eq("").all():
        said.append(_NO_SPLIT_SAID)
    if not record.get("has_patients", not frame["patient_id"].eq(frame["image"]).all()):
        said.append(_NO_PATIENTS_SAID)
    return tuple(said)


def truth_of(
    labels: pd.Series, models: Sequence[Mapping[str, Any]], vocabulary: Vocabulary, positive: Sequence[str]
) -> NDArray[np.bool_]:
    """Give ``(N,)`` True for positive labels: as asked, else the models' classes by name, else the vocabulary.

    Args:
        labels: Of every case.
        models: Entries of run.json; empty where there is no run.
        vocabulary: For labels that no model names.
        positive: Labels that count as positive, instead of the models'.

    Raises:
        InputError: A label of which nothing says whether it is positive, or none of those asked for.
    """
    found = sorted(labels.unique())
    if positive:
        unknown = sorted(set(positive) - set(found))
        if unknown:
            what = f"no case has the label {unknown[0]!r}; the labels are {', '.join(found)}."
            raise InputError(what, where="--positive", fix="Spell the label as the manifest does.")
        return np.asarray(labels.isin(list(positive)).to_numpy(dtype=bool))
    meaning = {label: _meaning(label, models, vocabulary) for label in found}
    return np.asarray(labels.map(meaning).to_numpy(dtype=bool))


def _meaning(label: str, models: Sequence[Mapping[str, Any]], vocabulary: Vocabulary) -> bool:
    fix = "Name the positive labels with --positive."
    said = {label in m["positive"] for m in models if label in (*m["positive"], *m["classes"])}
    if len(said) > 1:
        what = f"the label {label!r} is positive for one model and negative for another."
        raise InputError(what, where="run.json", fix=fix)
    known = said.pop() if said else vocabulary.is_positive(label)
    if known is None:
        chosen = ", ".join(sorted({p for m in models for p in m["positive"]}))
        what = f"nothing says whether the label {label!r} is positive{f'; positive are {chosen}' if chosen else ''}."
        raise InputError(what, where="the labels of the cases", fix=fix)
    return known
