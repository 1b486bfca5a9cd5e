"""study_cohorts.csv: who is in a study: every fact by cohort and split, counted or summarised."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

from robustkit.analysis.transfer import INTERNAL
from robustkit.results.schema import STUDY_COHORTS_COLUMNS
from robustkit.stats.estimate import NAN

CATEGORIES = ("label", "group", "subtype", "sex", "region", "site", "view", "centre", "reference", "size_source")
NUMBERS = {"age_years": "years", "size_mm": "mm", "size_frac": "share of film", "size_px": "px"}
UNKNOWN = "unknown"
EVERY_SPLIT = "all"

Row = dict[str, Any]


def study_cohorts(frame: pd.DataFrame) -> pd.DataFrame:
    """Give counts and summaries of every fact by cohort and split.

    Args:
        frame: All cases of the study, split=train included, with derived facts (``cohort.derive``).

    Returns:
        One row per fact, category, cohort and split: ``n`` of ``of`` cases with ``share``, or mean, sd, median and quartiles.
    """
    rows = [{"cohort": cohort, "split": split, **row} for cohort, split, part in _parts(frame) for row in _facts(part)]
    return pd.DataFrame(rows, columns=list(STUDY_COHORTS_COLUMNS))


def _parts(frame: pd.DataFrame) -> Iterator[tuple[str, str, pd.DataFrame]]:
    names = sorted(set(frame["cohort"].astype(str)), key=lambda c: (c != INTERNAL, c))
    for cohort in names:
        own = frame[frame["cohort"] == cohort]
        splits = [s for s in ("train", "val", "test", "") if (own["split"] == s).any()]
        yield cohort, EVERY_SPLIT, own
        if len(splits) > 1:
            for split in splits:
                yield cohort, split or "none given", own[own["split"] == split]


def _facts(part: pd.DataFrame) -> Iterator[Row]:
    for fact, column in (("patients", "patient_id"), ("films", "image")):
        if column in part:
            yield _row(fact, "", n=part[column].nunique())
    yield _row("cases", "", n=len(part))
    for fact in CATEGORIES:
        if fact in part:
            yield from _counts(fact, part[fact])
    for fact, unit in NUMBERS.items():
        if fact in part and pd.to_numeric(part[fact], errors="coerce").notna().any():
            yield _summary(fact, unit, pd.to_numeric(part[fact], errors="coerce"))


def _counts(fact: str, values: pd.Series) -> Iterator[Row]:
    said = values.astype("string").fillna("")
    missing = int(((said == "") | (said == UNKNOWN)).sum())
    if missing == len(said):
        return
    for value, n in said[(said != "") & (said != UNKNOWN)].value_counts(sort=True).items():
        yield _row(fact, str(value), n=int(n), of=len(said), share=int(n) / len(said), n_missing=missing)


def _summary(fact: str, unit: str, values: pd.Series) -> Row:
    known = values.dropna().to_numpy(dtype=np.float64)
    low, middle, high = np.percentile(known, [25, 50, 75])
    sd = float(known.std(ddof=1)) if len(known) > 1 else NAN
    return _row(
        fact, "", n=len(known), of=len(values), unit=unit, mean=float(known.mean()), sd=sd, median=float(middle),
        low_quartile=float(low), high_quartile=float(high), n_missing=len(values) - len(known),
    )  # fmt: skip


def _row(fact: str, category: str, **more: Any) -> Row:
    return {"fact": fact, "category": category, **more}
