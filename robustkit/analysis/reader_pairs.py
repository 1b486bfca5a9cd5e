"""Rows of readers.csv about two readings of the same cases: a reader aided and unaided, a reader and the model."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from robustkit.analysis.reader_truth import Codes, Flags, Floats, Place, Truth
from robustkit.stats.auc import auc, not_estimable, paired_auc_difference
from robustkit.stats.bootstrap import clustered_mean
from robustkit.stats.codes import n_distinct
from robustkit.stats.estimate import NAN
from robustkit.stats.paired_table import mcnemar_p
from robustkit.stats.permutation import sign_flip

PER_READER, AGAINST_MODEL, CHANGES = "per reader", "reader against model", "changes of mind"
FLIPS = 4999
"""Random sign patterns where a patient has several cases."""


@dataclass(frozen=True, slots=True)
class Pair:
    """Two readings of the same cases.

    Attributes:
        reader: Who read.
        arms: What the two are called.
        cases: Their names.
        a, b: ``(n,)`` ratings.
        called: By operating point ("" the rating cut, ``_referred`` the decision), ``(n,)`` called positive in a and b.
    """

    reader: str
    arms: tuple[str, str]
    cases: pd.Index
    a: Floats
    b: Floats
    called: Mapping[str, tuple[Flags, Flags]]

    @property
    def columns(self) -> dict[str, object]:
        """``reader_id``, ``arm_a``, ``arm_b``."""
        return {"reader_id": self.reader, "arm_a": self.arms[0], "arm_b": self.arms[1]}


def pair_rows(pair: Pair, truth: Truth, place: Place, *, analysis: str) -> Iterator[dict[str, object]]:
    """Give AUC (DeLong, paired, by patient), sensitivity and specificity (McNemar, exact) of both, a minus b."""
    positive, patients = truth.of(pair.cases)
    yield _auc_row(pair, positive, patients, place=place, analysis=analysis)
    for point, (a, b) in pair.called.items():
        for metric, keep in (("sensitivity", positive), ("specificity", ~positive)):
            right = (a[keep] == positive[keep], b[keep] == positive[keep])
            e = clustered_mean(right[0].astype(np.float64) - right[1], patients[keep], truth.draws)
            p, test = _paired_p(*right, patients[keep], seed=truth.seed)
            n = int(keep.sum())
            yield place.row(
                analysis, **pair.columns, metric=f"{metric}{point}", value_a=_mean(right[0]), value_b=_mean(right[1]),
                diff=_mean(right[0]) - _mean(right[1]), low=e.low, high=e.high, p=p, n_cases=n, n_patients=e.n_patients,
                method="; ".join(w for w in (test, e.method) if w), reason=e.reason if n else f"no {_OTHER[metric]} case",
            )  # fmt: skip


_OTHER = {"sensitivity": "positive", "specificity": "negative"}


def _auc_row(pair: Pair, positive: Flags, patients: Codes, *, place: Place, analysis: str) -> dict[str, object]:
    found = paired_auc_difference(positive, pair.a[None], pair.b[None], patients=patients)
    has_both = not not_estimable(positive, patients)
    values = [auc(positive, x) if has_both else NAN for x in (pair.a, pair.b)]
    return place.row(
        analysis, **pair.columns, metric="auc", value_a=values[0], value_b=values[1], diff=found.diff, low=found.low,
        high=found.high, statistic=found.statistic, p=found.p, n_cases=found.n_cases, n_patients=found.n_patients,
        method=found.method, reason=found.reason,
    )  # fmt: skip


def _paired_p(a: Flags, b: Flags, patients: Codes, *, seed: int) -> tuple[float, str]:
    """McNemar's exact test; sign flips by patient where a patient has several cases."""
    if len(a) == 0:
        return NAN, ""
    if n_distinct(patients) == len(patients):
        return mcnemar_p(a, b), "exact McNemar"
    return sign_flip(_by_patient(a.astype(np.float64) - b, patients), draws=FLIPS, seed=seed, purpose="readers"), _FLIP


_FLIP = "sign flip by patient"


def _by_patient(values: Floats, patients: Codes) -> Floats:
    """Sum over each patient's cases: the sum of these is what the mean over cases is made of."""
    codes = np.unique(patients, return_inverse=True)[1]
    return np.asarray(np.bincount(codes, weights=values), dtype=np.float64)


def _mean(values: NDArray[np.generic]) -> float:
    return float(np.mean(values.astype(np.float64))) if len(values) else NAN


def time_rows(pair: Pair, seconds: pd.DataFrame, truth: Truth, place: Place) -> Iterator[dict[str, object]]:
    """Give the mean time per case of a reader in both arms; none where no times are known.

    Args:
        pair: Of the two arms.
        seconds: By case_id; columns arm and reader.
        truth: Of the cases.
        place: Of the row.
    """
    own = seconds.loc[pair.cases, [(a, pair.reader) for a in pair.arms]].dropna()
    if own.empty:
        return
    a, b = (own.iloc[:, k].to_numpy(dtype=np.float64) for k in (0, 1))
    _, patients = truth.of(own.index)
    e = clustered_mean(a - b, patients, truth.draws)
    yield place.row(
        PER_READER, **pair.columns, metric="seconds", value_a=_mean(a), value_b=_mean(b), diff=_mean(a - b), low=e.low,
        high=e.high, p=sign_flip(_by_patient(a - b, patients), draws=FLIPS, seed=truth.seed, purpose="seconds"),
        n_cases=len(own), n_patients=e.n_patients, method="; ".join(w for w in (_FLIP, e.method) if w), reason=e.reason,
    )  # fmt: skip


def change_rows(pair: Pair, truth: Truth, place: Place) -> Iterator[dict[str, object]]:
    """Count changed decisions at the rating cut: for better and worse, towards the model's decision and away from it.

    ``value_a`` is the count, ``value_b`` the cases read in both arms.
    """
    positive, _ = truth.of(pair.cases)
    frame = truth.frame.loc[pair.cases]
    aided, unaided = pair.called[""]
    sides: dict[str, tuple[Flags, str]] = {"": (np.ones(len(aided), dtype=bool), "count")}
    if truth.model:
        # a case that the model did not answer is on neither side
        answered, above = frame["model"].notna().to_numpy(), frame["above"].to_numpy(dtype=bool)
        told = f"count; model {truth.model}"
        sides["_with_model"] = (answered & (aided == above), told)
        sides["_against_model"] = (answered & (aided != above), told)
    for direction, is_it in (("better", aided == positive), ("worse", aided != positive)):
        for side, (is_on_it, method) in sides.items():
            n = int(((aided != unaided) & is_it & is_on_it).sum())
            yield place.row(
                CHANGES, **pair.columns, metric=f"{direction}{side}", value_a=float(n), value_b=float(len(aided)),
                n_cases=len(aided), n_patients=frame["patient"].nunique(), method=method,
            )  # fmt: skip


def against_model(pair: Pair, truth: Truth) -> Iterator[Pair]:
    """Give each of a reader's arms beside the model alone, on the cases that the model answered."""
    frame = truth.frame.loc[pair.cases]
    known = frame["model"].notna().to_numpy()
    model, above = frame["model"].to_numpy(dtype=np.float64)[known], frame["above"].to_numpy(dtype=bool)[known]
    for k, arm in enumerate(pair.arms):
        ratings, called = (pair.a, pair.b)[k][known], pair.called[""][k][known]
        arms = (arm, f"model {truth.model}")
        yield Pair(pair.reader, arms, frame.index[known], ratings, model, {"": (called, above)})
