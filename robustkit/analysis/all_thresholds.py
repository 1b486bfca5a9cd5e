"""roc.csv and decision_curve.csv: the boxes as given at every threshold, with pointwise bands."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from robustkit.analysis.cohort import Judged
from robustkit.analysis.sample import Sample
from robustkit.analysis.strata_table import Condition
from robustkit.results.schema import DECISION_CURVE_COLUMNS, ROC_COLUMNS
from robustkit.stats.codes import n_distinct
from robustkit.stats.roc import Band, net_benefit_band, roc_band

FALSE_ALARMS = np.linspace(0, 1, 51)
PROBABILITIES = np.linspace(0.01, 0.95, 95)
METHOD = "patient bootstrap, percentile, pointwise"


def roc_rows(cohort: Judged, sample: Sample, *, condition: Condition) -> list[dict[str, object]]:
    """Give sensitivity over 1 - specificity for one model and cohort; one row with the reason where there is no curve."""
    s = sample
    band = roc_band(s.positive, s.scores[:, 0], s.patients, s.draws, grid=FALSE_ALARMS)
    return _rows(band, FALSE_ALARMS, cohort, s, condition=condition)


def decision_rows(cohort: Judged, sample: Sample, *, condition: Condition) -> list[dict[str, object]]:
    """Give net benefit over the threshold probability, and that of calling every case positive."""
    s = sample
    band = net_benefit_band(s.positive, s.scores[:, 0], s.patients, s.draws, grid=PROBABILITIES)
    rows = _rows(band, PROBABILITIES, cohort, s, condition=condition)
    share = float(s.positive.mean()) if len(s.positive) else float("nan")
    return [{**r, "treat_all": share - (1 - share) * x / (1 - x)} for r in rows for x in [float(str(r["x"]))]]


def _rows(band: Band, x: object, cohort: Judged, sample: Sample, *, condition: Condition) -> list[dict[str, object]]:
    fixed = {
        "cohort": condition.cohort, "split": cohort.split_of(condition.cohort), "model": condition.model,
        "n_cases": len(sample.positive), "n_patients": n_distinct(sample.patients), "n_positive": int(sample.positive.sum()),
        "reason": band.reason,
    }  # fmt: skip
    none = float("nan")
    if not np.isfinite(band.value).any():
        return [{**fixed, "x": none, "value": none, "low": none, "high": none, "method": ""}]
    method = METHOD if np.isfinite(band.low).any() else ""
    points = zip(np.asarray(x, dtype=np.float64), band.value, band.low, band.high, strict=True)
    return [{**fixed, "x": at, "value": v, "low": low, "high": high, "method": method} for at, v, low, high in points]


def roc_table(rows: Sequence[dict[str, object]]) -> pd.DataFrame:
    """Give roc.csv."""
    return pd.DataFrame(list(rows), columns=list(ROC_COLUMNS))


def decision_curve_table(rows: Sequence[dict[str, object]]) -> pd.DataFrame:
    """Give decision_curve.csv."""
    return pd.DataFrame(list(rows), columns=list(DECISION_CURVE_COLUMNS))
