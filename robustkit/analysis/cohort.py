"""Who is judged: splits, labels, patients, development rows; and the flow of cases to the estimates."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from robustkit.cohort.columns import OPTIONAL
from robustkit.cohort.derive import DERIVED, derive
from robustkit.cohort.vocabulary import Vocabulary
from robustkit.errors import InputError
from robustkit.results.folder import RunFolder

ALL = "all"


@dataclass(frozen=True, slots=True)
class Judged:
    """The cases of a run, ready to be counted.

    Attributes:
        frame: All cases of the run, sorted by case_id, with derived facts.
        positive: ``(N,)`` truth.
        patients: ``(N,)`` codes 0..m-1.
        judged: ``(N,)`` True for rows that enter estimates.
        development: ``(N,)`` True for rows on which thresholds and bins are chosen.
        cohorts: Cohort names, ``all`` first where there are several.
        split: What stands in the column ``split`` of the tables.
        warnings: One sentence each.
    """

    frame: pd.DataFrame
    positive: NDArray[np.bool_]
    patients: NDArray[np.intp]
    judged: NDArray[np.bool_]
    development: NDArray[np.bool_]
    cohorts: tuple[str, ...]
    split: str
    warnings: tuple[str, ...]

    def in_cohort(self, cohort: str) -> NDArray[np.bool_]:
        """Give ``(N,)`` True for judged rows of that cohort."""
        if cohort == ALL:
            return self.judged
        return self.judged & (self.frame["cohort"] == cohort).to_numpy()


def judged_cases(
    folder: RunFolder, record: dict[str, Any], vocabulary: Vocabulary, *, positive: Sequence[str] = ()
) -> Judged:
    """Read the cases of a run and decide who is judged (estimands, section 1).

    Raises:
        InputError: No row is left, or a label of which nothing says whether it is positive.
    """
    frame = folder.cases().sort_values("case_id", ignore_index=True)
    for column in OPTIONAL:
        if column not in frame:
            frame[column] = np.nan if column in ("age_years", "spacing_mm") else ""
    if not set(DERIVED) <= set(frame.columns):
        frame = derive(frame, vocabulary)
    frame["patient_id"] = frame["patient_id"].where(frame["patient_id"] != "", frame["image"])
    frame["cohort"] = frame["cohort"].where(frame["cohort"] != "", "cohort")
    judged, split, warnings = _judged(frame)
    if not judged.any():
        what = f"no row is left to judge: the splits found are {', '.join(sorted(set(frame['split'])))}."
        raise InputError(what, where=str(folder.path), fix="Estimates use split=test, and cohorts without any split.")
    names = sorted(set(frame.loc[judged, "cohort"]), key=lambda c: (c != "internal", c))
    cohorts = tuple(names) if len(names) == 1 else (ALL, *names)
    internal = frame["cohort"].isin(["internal", "cohort"]).to_numpy()
    development = (frame["split"] == "val").to_numpy() & internal
    codes, _ = pd.factorize(frame["patient_id"], sort=True)
    truth = _truth(frame["label"], record, vocabulary, positive)
    return Judged(frame, truth, codes.astype(np.intp), judged, development, cohorts, split, warnings)


def _judged(frame: pd.DataFrame) -> tuple[NDArray[np.bool_], str, tuple[str, ...]]:
    split = frame["split"].fillna("")
    if (split == "").all():
        text = "no split given: if the model has seen these films, every number is too good"
        return np.ones(len(frame), dtype=bool), "none given", (text,)
    given = (split != "").groupby(frame["cohort"]).transform("any")
    return ((split == "test") | ~given).to_numpy(), "test", ()


def _truth(
    labels: pd.Series, record: dict[str, Any], vocabulary: Vocabulary, positive: Sequence[str]
) -> NDArray[np.bool_]:
    """Positive labels: as asked, else the checkpoints' classes by name, else the vocabulary."""
    chosen = set(positive) or {c for m in record["models"] for c in m["positive"]}
    classes = set() if positive else {c for m in record["models"] for c in m["classes"]}
    meaning: dict[str, bool] = {}
    for label in set(labels):
        known = vocabulary.is_positive(label)
        if label in chosen:
            meaning[label] = True
        elif label in classes or positive:
            meaning[label] = False
        elif known is None:
            what = f"nothing says whether the label {label!r} is positive; positive are {', '.join(sorted(chosen))}."
            raise InputError(what, where="cases.parquet", fix="Name the positive labels with --positive.")
        else:
            meaning[label] = known
    return labels.map(meaning).to_numpy(dtype=bool)


def flow_table(cohort: Judged, failures: pd.DataFrame) -> pd.DataFrame:
    """Count every case from film found to estimate, with the reason of each loss.

    Args:
        cohort: The judged cases.
        failures: ``model, case_id, reason`` of failed nominal rows.
    """
    frame = cohort.frame
    rows = []

    def count(step: str, keep: NDArray[np.bool_], *, model: str = "", reason: str = "") -> None:
        for (name, split), part in frame[keep].groupby(["cohort", "split"], dropna=False):
            rows.append((step, name, split, model, len(part), part["patient_id"].nunique(), reason))

    count("in the run", np.ones(len(frame), dtype=bool))
    count(
        "set aside for thresholds and bins", (frame["split"] == "val").to_numpy(), reason="split=val enters no estimate"
    )
    other = ~cohort.judged & (frame["split"] != "val").to_numpy()
    count("left out", other, reason="training rows, or without split in a cohort with splits")
    count("to be judged", cohort.judged)
    for (model, reason), part in failures.groupby(["model", "reason"]):
        count("failed", frame["case_id"].isin(part["case_id"]).to_numpy(), model=str(model), reason=str(reason))
    for model, part in failures.groupby("model"):
        count("estimated", cohort.judged & ~frame["case_id"].isin(part["case_id"]).to_numpy(), model=str(model))
    if failures.empty:
        count("estimated", cohort.judged)
    return pd.DataFrame(rows, columns=["step", "cohort", "split", "model", "n_cases", "n_patients", "reason"])
