"""Two groups of cases of one cohort: the difference of their means, crude and adjusted, the patient as the unit."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import norm

from robustkit.stats.bootstrap import MIN_PATIENTS, PatientDraws, bca
from robustkit.stats.codes import n_distinct
from robustkit.stats.difference import Difference

Floats = NDArray[np.float64]
Codes = NDArray[np.intp]
Flags = NDArray[np.bool_]


def mean_difference(values: Floats, patients: Codes, inside: Flags, draws: PatientDraws) -> Difference:
    """Give the mean of the cases inside a group minus that of the others; a patient may have cases in both.

    Args:
        values: ``(n,)``, finite.
        patients: ``(n,)`` codes of the patients that ``draws`` counts.
        inside: ``(n,)``.
        draws: Shared counts.

    Returns:
        Interval by patient bootstrap, BCa; p from z of the difference with the bootstrap's standard error.
    """
    counted = Difference(n_cases=len(values), n_patients=n_distinct(patients) if len(values) else 0)
    few = [n_distinct(patients[k]) if k.any() else 0 for k in (inside, ~inside)]
    if min(few) < MIN_PATIENTS:
        return replace(counted, reason=f"fewer than {MIN_PATIENTS} patients on one side ({few[0]} and {few[1]})")
    m = len(draws.by_patient)
    weights = (inside * values, inside.astype(np.float64), ~inside * values, (~inside).astype(np.float64))
    sums = np.stack([np.bincount(patients, weights=w, minlength=m) for w in weights])
    members = np.unique(patients)
    drawn = sums[:, members] @ draws.by_patient[members]
    with np.errstate(invalid="ignore", divide="ignore"):
        diffs = drawn[0] / drawn[1] - drawn[2] / drawn[3]
        total = sums.sum(axis=1)
        left = total[:, None] - sums[:, members]
        left_out = left[0] / left[1] - left[2] / left[3]
    diff = float(total[0] / total[1] - total[2] / total[3])
    low, high, se, reason = bca(diffs, diff, left_out)
    z = diff / se if se > 0 else np.nan
    p = float(2 * norm.sf(abs(z))) if np.isfinite(z) else np.nan
    return replace(
        counted, diff=diff, low=low, high=high, se=se, statistic=z, p=p, method="patient bootstrap, BCa", reason=reason
    )


def adjusted_difference(values: Floats, patients: Codes, inside: Flags, facts: Mapping[str, pd.Series]) -> Difference:
    """Give the difference between two groups at equal facts: least squares, errors clustered by patient.

    Args:
        values: ``(n,)``, finite.
        patients: ``(n,)`` codes.
        inside: ``(n,)``.
        facts: ``(n,)`` each: numbers enter as they are (unknown ones as their mean, with a column that says so), names as
            one column each but the first; what does not vary is left out.
    """
    import statsmodels.api as sm

    counted = Difference(n_cases=len(values), n_patients=n_distinct(patients) if len(values) else 0)
    few = [n_distinct(patients[k]) if k.any() else 0 for k in (inside, ~inside)]
    if min(few) < MIN_PATIENTS:
        return replace(counted, reason=f"fewer than {MIN_PATIENTS} patients on one side ({few[0]} and {few[1]})")
    columns = [c for fact in facts.values() for c in _columns(fact)]
    design = np.column_stack([np.ones(len(values)), inside.astype(np.float64), *columns])
    if counted.n_patients < 3 * design.shape[1]:
        return replace(counted, reason=f"{counted.n_patients} patients are too few for {design.shape[1]} coefficients")
    others = np.delete(design, 1, axis=1)
    # what of the group the other columns do not tell: without any of it there is nothing to compare at equal facts
    rest = design[:, 1] - others @ np.linalg.lstsq(others, design[:, 1], rcond=None)[0]
    if float(rest @ rest) < 1e-8 * len(values):
        return replace(counted, reason="the facts tell the groups apart: no two cases with equal facts")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        fit = sm.OLS(values, design).fit(cov_type="cluster", cov_kwds={"groups": patients}, use_t=True)
        (low, high), se = fit.conf_int()[1], float(fit.bse[1])
    if not np.isfinite(se) or se <= 0:
        return replace(counted, diff=float(fit.params[1]), reason="no standard error: nothing varies")
    return replace(
        counted,
        diff=float(fit.params[1]),
        low=float(low),
        high=float(high),
        se=se,
        statistic=float(fit.tvalues[1]),
        p=float(fit.pvalues[1]),
        method="least squares, errors by patient",
    )


def _columns(fact: pd.Series) -> list[Floats]:
    numbers = pd.to_numeric(fact, errors="coerce").to_numpy(dtype=np.float64)
    if np.isfinite(numbers).any() and not (np.isnan(numbers) & fact.notna().to_numpy() & (fact != "").to_numpy()).any():
        unknown = ~np.isfinite(numbers)
        filled = np.where(unknown, numbers[~unknown].mean(), numbers)
        found = [filled, unknown.astype(np.float64)]
    else:
        names = fact.astype(str)
        found = [(names == n).to_numpy(dtype=np.float64) for n in sorted(set(names))[1:]]
    return [c for c in found if np.ptp(c) > 0]
