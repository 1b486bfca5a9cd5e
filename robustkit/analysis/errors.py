"""errors.csv: missed lesions and false alarms apart, with rates and intervals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from robustkit.analysis.cohort import ALL, Judged
from robustkit.analysis.sample import Sample
from robustkit.analysis.strata_table import Condition
from robustkit.results.schema import ERRORS_COLUMNS
from robustkit.stats.codes import n_distinct
from robustkit.stats.proportion import clustered_proportion

KINDS = ("missed", "missed_malignant", "missed_intermediate", "false_alarm")


def errors_rows(
    cohort: Judged, sample: Sample, strata: Mapping[str, pd.Series], *, condition: Condition
) -> list[dict[str, object]]:
    """Give the rows of one model, cohort and condition.

    ``k`` is the number of errors; under a perturbation its mean over repeats.
    """
    group = cohort.frame["group"].to_numpy()[sample.rows]
    where = {
        "cohort": condition.cohort, "split": cohort.split_of(condition.cohort), "model": condition.model,
        "perturbation": condition.perturbation, "level": condition.level, "operating_point": condition.operating_point,
    }  # fmt: skip
    everyone = np.full(len(sample.rows), ALL, dtype=object)
    rows = _variable(sample, everyone, group, fixed={**where, "by": ALL})
    for by, series in strata.items():
        rows += _variable(sample, series.to_numpy()[sample.rows], group, fixed={**where, "by": by})
    return rows


def _variable(
    s: Sample, own: NDArray[np.object_], group: NDArray[np.object_], *, fixed: Mapping[str, object]
) -> list[dict[str, object]]:
    wrong = np.asarray((~s.right()).mean(axis=1), dtype=np.float64)
    rows = []
    for name in [ALL] if fixed["by"] == ALL else sorted(set(own)):
        inside = own == name
        for kind in _kinds(s.positive[inside], is_whole=fixed["by"] == ALL):
            counted = inside & of_kind(kind, s.positive, group)
            row = _row(wrong[counted], s.patients[counted], repeats=s.repeats)
            rows.append({**fixed, **row, "stratum": str(name), "kind": kind})
    return rows


def _kinds(positive: NDArray[np.bool_], *, is_whole: bool) -> tuple[str, ...]:
    """Missed is always three numbers: non-benign, malignant, intermediate."""
    missed = KINDS[:3] if is_whole or positive.any() else ()
    return missed + (KINDS[3:] if is_whole or not positive.all() else ())


def of_kind(kind: str, positive: NDArray[np.bool_], group: NDArray[np.object_]) -> NDArray[np.bool_]:
    """``(n,)`` True for the cases that an error of this kind is counted among."""
    if kind == "false_alarm":
        return ~positive
    if kind == "missed":
        return positive
    return np.asarray(positive & (group == kind.removeprefix("missed_")), dtype=bool)


def _row(share: NDArray[np.float64], patients: NDArray[np.intp], *, repeats: int) -> dict[str, object]:
    e = clustered_proportion(share, patients, repeats=repeats)
    return {
        "k": round(float(share.sum()), 6), "n_cases": len(share), "n_patients": n_distinct(patients),
        "rate": e.value, "low": e.low, "high": e.high, "method": e.method, "reason": e.reason,
    }  # fmt: skip


def errors_table(rows: Sequence[dict[str, object]]) -> pd.DataFrame:
    """Give errors.csv."""
    return pd.DataFrame(list(rows), columns=list(ERRORS_COLUMNS))
