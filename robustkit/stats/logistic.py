"""Logistic regression with intervals by patient; where the classes are separated, Firth's, and it is said.

Source: Liang and Zeger 1986, Biometrika 73:13 (sandwich variance by cluster), as statsmodels computes it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from robustkit.stats.codes import n_distinct
from robustkit.stats.firth import fit_firth
from robustkit.stats.separation import is_separated

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
Codes = NDArray[np.intp]

BY_PATIENT = "maximum likelihood, sandwich variance by patient, t"
FIRTH = "Firth's penalised likelihood (the classes are separated), profile intervals, cases taken as independent"
FOLLOWS = "follows from the other columns"

_RANK = 1e-8


@dataclass(frozen=True, slots=True)
class LogisticFit:
    """Coefficients of the log-odds.

    Attributes:
        coefficients: ``(p,)``; 0 for a column that follows from those before it.
        low, high: ``(p,)`` 95 % intervals; NaN for such a column.
        method: How they were made.
        follows: ``(p,)`` True for columns that say nothing beyond those before them.
    """

    coefficients: Floats
    low: Floats
    high: Floats
    method: str
    follows: Flags

    @property
    def is_separated(self) -> bool:
        """True where the fit is Firth's."""
        return self.method == FIRTH


def fit_logistic(design: Floats, labels: Flags, patients: Codes) -> LogisticFit:
    """Fit log-odds = design x coefficients.

    Args:
        design: ``(n, p)`` finite, a column of ones first.
        labels: ``(n,)`` bool, both classes there.
        patients: ``(n,)`` codes; with fewer than 2 patients beyond the columns the intervals are NaN.
    """
    follows = dependent_columns(design)
    own = design[:, ~follows]
    if is_separated(own, labels):
        firth = fit_firth(own, labels)
        found, method = (firth.coefficients, firth.low, firth.high), FIRTH
    else:
        found, method = _by_patient(own, labels, patients), BY_PATIENT
    coefficients, low, high = (np.full(design.shape[1], fill) for fill in (0.0, np.nan, np.nan))
    for out, values in zip((coefficients, low, high), found, strict=True):
        out[~follows] = values
    return LogisticFit(coefficients, low, high, method, follows)


def _by_patient(design: Floats, labels: Flags, patients: Codes) -> tuple[Floats, Floats, Floats]:
    from statsmodels.api import GLM, families

    model = GLM(labels.astype(np.float64), design, family=families.Binomial())
    if n_distinct(patients) < 2 or len(labels) <= design.shape[1]:
        beta = np.asarray(model.fit(tol=1e-12, maxiter=200).params)
        return beta, np.full(len(beta), np.nan), np.full(len(beta), np.nan)
    fitted = model.fit(
        cov_type="cluster", cov_kwds={"groups": np.asarray(patients)}, use_t=True, tol=1e-12, maxiter=200
    )
    bounds = np.asarray(fitted.conf_int())
    return np.asarray(fitted.params), bounds[:, 0], bounds[:, 1]


def dependent_columns(design: Floats) -> Flags:
    """Give ``(p,)`` True for columns that are a weighted sum of the columns before them."""
    scaled = design / np.maximum(np.sqrt((design**2).sum(axis=0)), np.finfo(np.float64).tiny)
    basis = np.empty((len(design), 0))
    follows = np.zeros(design.shape[1], dtype=bool)
    for j in range(design.shape[1]):
        # twice: once leaves rounding errors of what was taken away
        rest = scaled[:, j] - basis @ (basis.T @ scaled[:, j])
        rest -= basis @ (basis.T @ rest)
        size = float(np.sqrt(rest @ rest))
        follows[j] = size < _RANK
        if not follows[j]:
            basis = np.c_[basis, rest / size]
    return follows
