"""The noun Readings: what readers said, checked whole before a number is made of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from robustkit.cohort.cells import read_cells
from robustkit.documents import parse_json
from robustkit.errors import BadRow, InputError, ReadingsError

NEEDED = ("reader_id", "arm", "score")
KEPT = (
    "reader_id", "case_id", "arm", "score", "decision", "read_at", "seconds", "label", "patient_id", "cohort",
)  # fmt: skip
UNAIDED, AIDED = "unaided", "aided"
REFER = "refer"
DECISIONS = ("dismiss", "follow", REFER)

Fault = tuple[int, str, str, str]
"""Position of the row, column, value, reason."""

_DAY_S = 86400


@dataclass(frozen=True, slots=True)
class Known:
    """What readings are held against.

    Attributes:
        scale: Ends of the rating.
        washout_days: Least days between a reader's two readings of a case; 0: not checked.
        key: Of the study: what codes stand for; None where the rows name their cases.
        labels: Of the cases that there are; None: nothing is known of them.
        study: Name of the study; "" where nobody says.
    """

    scale: tuple[float, float]
    washout_days: float
    key: pd.DataFrame | None = None
    labels: Mapping[str, str] | None = None
    study: str = ""


@dataclass(frozen=True, slots=True)
class Readings:
    """Readings that can be analysed.

    Attributes:
        frame: A row each: ``reader_id, case_id, arm, score, decision, read_at, seconds, label, patient_id, cohort``; text ""
            and numbers NaN where nothing was said.
        n_practice: Rows that were for practice, and are not in the frame.
        warnings: One sentence each.
    """

    frame: pd.DataFrame
    n_practice: int
    warnings: tuple[str, ...]

    @property
    def readers(self) -> tuple[str, ...]:
        """Names, in order."""
        return tuple(sorted(set(self.frame["reader_id"])))

    @property
    def arms(self) -> tuple[str, str]:
        """Names of the two arms: the aided one first."""
        first, second = sorted(set(self.frame["arm"]), key=lambda a: (a == UNAIDED, a != AIDED, a))
        return first, second


def read_readings(files: Sequence[Path], known: Known) -> Readings:
    """Read and check readings.

    Args:
        files: CSV, or JSON as packs save it.
        known: What they are held against.

    Raises:
        InputError: A file that cannot be read, or a column is missing.
        ReadingsError: Rows with faults; all of them are named.
    """
    parts = [_read(f).assign(file=f.name) for f in files]
    frame = pd.concat([p.assign(row=range(1, len(p) + 1)) for p in parts], ignore_index=True).fillna("")
    is_practice = frame.get("practice", pd.Series("", index=frame.index)).str.lower().isin(["true", "1"])
    frame = frame[~is_practice].reset_index(drop=True)
    if frame.empty:
        where = ", ".join(map(str, files))
        raise InputError("there is no reading that counts.", where=where, fix="Give files with readings.")
    frame = _typed(_named(frame, known.key))
    faults = sorted(f for check in _CHECKS for f in check(frame, known))
    if faults:
        several = len(files) > 1
        rows = tuple(
            BadRow(int(frame["row"][i]), column, value, f"{reason} ({frame['file'][i]})" if several else reason)
            for i, column, value, reason in faults
        )
        what = f"{len(rows)} fault{'s' if len(rows) > 1 else ''} in the readings."
        fix = "Mend these rows; none is left out."
        raise ReadingsError(what, where=", ".join(map(str, files)), fix=fix, rows=rows)
    return Readings(frame[list(KEPT)], int(is_practice.sum()), tuple(_half_read(frame)))


def _read(file: Path) -> pd.DataFrame:
    fix = "Give CSV with a heading, or JSON as a pack saves it."
    try:
        if file.suffix.lower() == ".json":
            rows = parse_json(file.read_text(encoding="utf-8"))["readings"]
            frame = pd.DataFrame([{str(k): "" if v is None else str(v) for k, v in r.items()} for r in rows])
        else:
            frame = read_cells(file)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise InputError(f"the readings cannot be read ({reason}).", where=str(file), fix=fix) from error
    lacking = [c for c in NEEDED if c not in frame]
    lacking += [] if {"case_id", "code"} & set(frame.columns) else ["case_id (or code)"]
    if lacking:
        what = f"expected the columns {', '.join(NEEDED)} and case_id or code; {', '.join(lacking)} is missing."
        raise InputError(what, where=str(file), fix="See docs/readers.md.")
    return frame


def _named(frame: pd.DataFrame, key: pd.DataFrame | None) -> pd.DataFrame:
    """Give every row its case: as named, else by the key of the study."""
    nothing = pd.Series("", index=frame.index)
    own, codes = frame.get("case_id", nothing), frame.get("code", nothing)
    if key is None:
        if (own == "").all():
            what = "the readings have codes, and nothing says what they stand for."
            raise InputError(what, where="--study", fix="Give the folder that `readers pack` wrote: it has the key.")
        return frame.assign(case_id=own, code=codes)
    told = {(str(r["reader_id"]), str(r["code"])): str(r["case_id"]) for r in key.to_dict("records")}
    found = [told.get((r, c), "") for r, c in zip(frame["reader_id"], codes, strict=True)]
    return frame.assign(case_id=np.where(own != "", own, found), code=codes)


def _typed(frame: pd.DataFrame) -> pd.DataFrame:
    """Give numbers and dates as such, beside what was written; columns that are missing are empty."""
    nothing = pd.Series("", index=frame.index)
    said = {f"{c}_said": frame.get(c, nothing) for c in ("score", "seconds", "read_at")}
    texts = {c: frame.get(c, nothing) for c in ("decision", "label", "patient_id", "cohort", "study")}
    return frame.assign(
        **said,
        **texts,
        score=pd.to_numeric(said["score_said"], errors="coerce").astype(np.float64),
        seconds=pd.to_numeric(said["seconds_said"], errors="coerce").astype(np.float64),
        read_at=pd.to_datetime(said["read_at_said"].replace("", None), errors="coerce", utc=True, format="ISO8601"),
    )


def _words(frame: pd.DataFrame, known: Known) -> Iterator[Fault]:
    """Ratings, decisions, times and dates that are none, and rows of another study."""
    low, high = known.scale
    for i in np.flatnonzero(~frame["score"].between(low, high)):
        yield int(i), "score", str(frame["score_said"][i]), f"expected a rating from {low:g} to {high:g}"
    for i in np.flatnonzero(frame["reader_id"] == ""):
        yield int(i), "reader_id", "", "nobody is named"
    for i in np.flatnonzero(~frame["decision"].isin(["", *DECISIONS])):
        yield int(i), "decision", str(frame["decision"][i]), f"expected {', '.join(DECISIONS)}, or nothing"
    for i in np.flatnonzero(~(frame["seconds"] >= 0) & frame["seconds_said"].ne("")):
        yield int(i), "seconds", str(frame["seconds_said"][i]), "expected seconds, 0 or more"
    for i in np.flatnonzero(frame["read_at"].isna() & frame["read_at_said"].ne("")):
        yield int(i), "read_at", str(frame["read_at_said"][i]), "expected a date such as 2026-01-31T09:30:00Z"
    if known.study:
        for i in np.flatnonzero(~frame["study"].isin(["", known.study])):
            yield int(i), "study", str(frame["study"][i]), f"a reading of another study than {known.study}"


def _cases(frame: pd.DataFrame, known: Known) -> Iterator[Fault]:
    """Cases that nobody knows, and labels that contradict."""
    first: dict[str, str] = {}
    for i, (case, label) in enumerate(zip(frame["case_id"], frame["label"], strict=True)):
        if case == "":
            has_key = known.key is not None
            why = "the key has no such code of this reader" if has_key else "no case is named"
            yield i, "code" if has_key else "case_id", str(frame["code"][i]) if has_key else "", why
        elif known.labels is not None and case not in known.labels:
            yield i, "case_id", str(case), "there is no such case"
        elif label:
            told = known.labels[case] if known.labels is not None else first.setdefault(case, label)
            if label != told:
                yield i, "label", str(label), f"{case} is {told} elsewhere"


def _twice(frame: pd.DataFrame, known: Known) -> Iterator[Fault]:
    del known
    for i in np.flatnonzero(frame.duplicated(["reader_id", "arm", "case_id"]) & frame["case_id"].ne("")):
        yield int(i), "case_id", str(frame["case_id"][i]), f"read twice by {frame['reader_id'][i]} {frame['arm'][i]}"


def _arms(frame: pd.DataFrame, known: Known) -> Iterator[Fault]:
    """Every reader needs both arms."""
    del known
    arms = sorted(set(frame["arm"]))
    if len(arms) != 2:
        yield 0, "arm", ", ".join(arms), f"expected two arms, such as unaided and aided, got {len(arms)}"
        return
    for reader, own in frame.groupby("reader_id"):
        lacking = [a for a in arms if a not in set(own["arm"])]
        if lacking:
            yield int(own.index[0]), "arm", str(own["arm"].iloc[0]), f"{reader} has no {lacking[0]} reading"


def _washout(frame: pd.DataFrame, known: Known) -> Iterator[Fault]:
    dated = frame[frame["read_at"].notna() & frame["case_id"].ne("")].drop_duplicates(["reader_id", "arm", "case_id"])
    for _, own in dated.sort_values("read_at").groupby(["reader_id", "case_id"]):
        apart = own["read_at"].diff().dt.total_seconds() / _DAY_S
        for i in own.index[apart < known.washout_days]:
            said = f"{apart[i]:.1f} days after the other reading of this case; the washout is {known.washout_days:g}"
            yield int(i), "read_at", str(frame["read_at_said"][i]), said


_CHECKS: tuple[Callable[[pd.DataFrame, Known], Iterator[Fault]], ...] = (_words, _cases, _twice, _arms, _washout)


def _half_read(frame: pd.DataFrame) -> Iterator[str]:
    """Say what is in no comparison of the arms, and what could not be checked."""
    counts = frame.groupby(["reader_id", "case_id"])["arm"].nunique()
    for reader, own in counts.groupby("reader_id"):
        n = int((own < 2).sum())
        if n:
            yield f"{reader}: {n} cases were read in one arm alone; they are in no comparison of the arms."
    n = int(frame["read_at"].isna().sum())
    if n:
        yield f"{n} of {len(frame)} readings have no date: their washout cannot be checked."


def scale_of(text: str) -> tuple[float, float]:
    """Read ``0-100``.

    Raises:
        InputError: Not two rising numbers.
    """
    low, mark, high = text.partition("-")
    try:
        found = float(low), float(high)
    except ValueError:
        found = (0.0, 0.0)
    if not mark or not -np.inf < found[0] < found[1] < np.inf:
        raise InputError(f"expected two rising numbers, got {text!r}.", where="--scale", fix="Write 0-100 or 1-5.")
    return found


def read_study(place: Path) -> tuple[dict[str, Any], pd.DataFrame]:
    """Read what `readers pack` wrote beside the packs: settings, and the key.

    Raises:
        InputError: One of them is missing or cannot be read.
    """
    fix = "Give the folder that `readers pack` wrote, with study.json and key.csv."
    try:
        settings: dict[str, Any] = parse_json((place / "study.json").read_text(encoding="utf-8"))
        key = read_cells(place / "key.csv")
        return dict(settings), key[["reader_id", "code", "case_id"]]
    except (OSError, ValueError, KeyError, TypeError, InputError) as error:
        raise InputError(f"the study cannot be read ({error}).", where=str(place), fix=fix) from error
