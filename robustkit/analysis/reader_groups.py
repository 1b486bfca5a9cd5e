"""Rows of readers.csv about several readers: how far they agree, and all of them together."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

import pandas as pd

from robustkit.analysis.reader_truth import EVERYONE, Place, Truth
from robustkit.analysis.readings import Readings
from robustkit.stats.auc import not_estimable
from robustkit.stats.codes import n_distinct
from robustkit.stats.multireader import FEW_READERS, Covariance, components, obuchowski_rockette, reader_aucs
from robustkit.stats.null_rates import null_rate
from robustkit.stats.rater_agreement import icc_agreement, weighted_kappa

AGREEMENT, ALL_READERS = "agreement", "all readers"
COVARIANCES: tuple[Covariance, ...] = ("jackknife", "DeLong")
FEW = "{n} readers: nothing follows about other readers"


def agreement_rows(wide: pd.DataFrame, readings: Readings, truth: Truth, place: Place) -> Iterator[dict[str, object]]:
    """Give weighted kappa of every two readers and ICC of all, in each arm.

    Args:
        wide: Ratings of the place by case_id; columns arm and reader.
        readings: All of them.
        truth: Of the cases.
        place: Of the rows.
    """
    readers = readings.readers
    for arm in readings.arms:
        questions: list[tuple[str, tuple[str, ...], str]] = [
            (", ".join(pair), pair, "weighted_kappa") for pair in combinations(readers, 2)
        ]
        if len(readers) > 1:
            questions.append((EVERYONE, readers, "icc"))
        for who, group, metric in questions:
            own = wide[[(arm, r) for r in group]].dropna()
            ratings = own.to_numpy().T
            value = icc_agreement(ratings) if metric == "icc" else weighted_kappa(*ratings)
            yield place.row(
                AGREEMENT, reader_id=who, metric=metric, arm_a=arm, value_a=value, n_cases=len(own), method=_METHODS[metric],
                n_patients=n_distinct(truth.of(own.index)[1]) if len(own) else 0,
                reason="" if value == value else "the ratings do not vary, or fewer than two cases",
            )  # fmt: skip


_METHODS = {"weighted_kappa": "squared weights", "icc": "ICC(A,1)"}


def multireader_rows(wide: pd.DataFrame, readings: Readings, truth: Truth, place: Place) -> Iterator[dict[str, object]]:
    """Give the difference of the readers' mean AUCs (Obuchowski and Rockette), on cases that all read in both arms.

    Args:
        wide: Ratings of the place by case_id; columns arm and reader.
        readings: All of them.
        truth: Of the cases.
        place: Of the rows.
    """
    readers, arms = readings.readers, readings.arms
    own = wide[[(a, r) for a in arms for r in readers]].dropna()
    positive, patients = truth.of(own.index)
    fixed = {
        "reader_id": EVERYONE,
        "metric": "auc",
        "arm_a": arms[0],
        "arm_b": arms[1],
        "n_cases": len(own),
        "n_patients": n_distinct(patients) if len(own) else 0,
    }
    reason = not_estimable(positive, patients) if len(own) else "no case was read by all readers in both arms"
    if reason:
        yield place.row(ALL_READERS, **fixed, method="Obuchowski-Rockette", reason=reason)
        return
    scores = own.to_numpy().T.reshape(2, len(readers), -1)
    few = FEW.format(n=len(readers)) if len(readers) < FEW_READERS else ""
    for covariance in COVARIANCES:
        aucs, errors = reader_aucs(positive, scores, patients, covariance=covariance)
        for test in obuchowski_rockette(aucs, components(errors, arms=2, readers=len(readers))):
            is_fixed = test.inference == "fixed readers"
            yield place.row(
                ALL_READERS, **fixed, value_a=float(aucs[0].mean()), value_b=float(aucs[1].mean()), diff=test.diff,
                low=test.low, high=test.high, statistic=test.statistic, df=test.df1 if is_fixed else test.df2, p=test.p,
                null_rate=null_rate(len(readers), covariance, test.inference),
                method=f"Obuchowski-Rockette, {test.inference}, {covariance}", reason=test.reason or ("" if is_fixed else few),
            )  # fmt: skip
