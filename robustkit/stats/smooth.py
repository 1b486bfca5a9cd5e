"""A rate along a number, as a smooth curve with a band: natural cubic spline on the logit, errors by patient.

Sources: Harrell 2015, Regression Modeling Strategies, section 2.4.5 (restricted cubic splines, knots at quantiles); Liang
and Zeger 1986, Biometrika 73:13 (sandwich errors by cluster); McCullagh and Nelder 1989, Generalized Linear Models,
section 2.5 (iteratively reweighted least squares). The numbers are those of statsmodels' GLM.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from threading import Lock

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logit

from robustkit.stats.bootstrap import sums_by_patient
from robustkit.stats.codes import n_distinct

Floats = NDArray[np.float64]

MIN_PATIENTS = 10
"""Patients with, and without, the event under which no curve is drawn."""

KNOTS = (0.1, 0.5, 0.9)
"""Quantiles of the three knots: two terms, for a rate that rises, falls, or turns once."""

_Z = 1.959963984540054
_MOST_STEPS = 25
_SETTLED = 1e-8
"""Change of the deviance: statsmodels' own, so that both end at the same step."""
_LEAST_INFORMATION = 1e-6
"""Of p (1 - p), averaged along any curve of the spline."""
_FILTERS = Lock()
"""What is done with warnings is set for all threads at once: curves are fitted one after the other."""


@dataclass(frozen=True, slots=True)
class Curve:
    """A rate along x.

    Attributes:
        x: ``(G,)``.
        value, low, high: ``(G,)`` in [0, 1], with a pointwise 95 % band.
        reason: Why there is no curve; the arrays are then empty.
    """

    x: Floats
    value: Floats
    low: Floats
    high: Floats
    reason: str = ""


def smooth_rate(x: Floats, events: Floats, patients: NDArray[np.intp], *, grid: Floats) -> Curve:
    """Give the rate of events along x.

    Args:
        x: ``(n,)`` positive numbers; the spline is on their logarithm.
        events: ``(n,)`` in [0, 1]: 0 or 1, or a share over repeats.
        patients: ``(n,)`` codes.
        grid: ``(G,)`` where the curve is wanted.
    """
    none = np.empty(0)
    has, lacks = (n_distinct(patients[k]) if k.any() else 0 for k in (events > 0, events < 1))
    if min(has, lacks) < MIN_PATIENTS:
        reason = f"fewer than {MIN_PATIENTS} patients with or without the event ({has}, {lacks})"
        return Curve(none, none, none, none, reason)
    knots = np.unique(np.quantile(np.log(x), KNOTS))
    if len(knots) < len(KNOTS):
        return Curve(none, none, none, none, "too few different sizes")
    terms = _terms(x, knots)
    fit = _fit(terms, events, patients) or _fit_of_statsmodels(terms, events, patients)
    if fit is None:
        return Curve(none, none, none, none, "size separates the event perfectly")
    (coefficients, covariance), terms = fit, _terms(grid, knots)
    middle = terms @ coefficients
    half = _Z * np.sqrt(np.einsum("ij,jk,ik->i", terms, covariance, terms))
    if not (np.isfinite(middle).all() and np.isfinite(half).all()):
        return Curve(none, none, none, none, "the fit did not converge")
    return Curve(grid, expit(middle), expit(middle - half), expit(middle + half))


def _fit(terms: Floats, events: Floats, patients: NDArray[np.intp]) -> tuple[Floats, Floats] | None:
    """Give ``(p,)`` coefficients of ``(n, p)`` terms and their covariance; None where the fit is not a plain one.

    It takes a quarter of statsmodels' time, and needs no lock. In an orthogonal basis of the terms the information is
    between the least and the largest p (1 - p): little of it tells of a separated event.
    """
    basis, upper = np.linalg.qr(terms)
    size = np.abs(np.diag(upper))
    if size.min() <= _LEAST_INFORMATION * size.max():
        return None
    z = logit((events + 0.5) / 2)
    before, deviance = np.inf, _deviance(z, events)
    for _ in range(_MOST_STEPS):
        p = expit(z)
        information = (basis.T * (p * (1 - p))) @ basis
        if not np.linalg.eigvalsh(information)[0] > _LEAST_INFORMATION:
            return None
        if abs(before - deviance) <= _SETTLED:
            break
        z = basis @ np.linalg.solve(information, basis.T @ (p * (1 - p) * z + events - p))
        before, deviance = deviance, _deviance(z, events)
    else:
        return None
    if np.allclose(p, events, rtol=0.0):
        return None
    scores = sums_by_patient(basis.T * (events - p), patients, n_patients=int(patients.max()) + 1)
    m, (n, k) = n_distinct(patients), terms.shape
    # from the orthogonal basis to the terms
    back = np.linalg.solve(information @ upper, scores)
    return np.linalg.solve(upper, basis.T @ z), back @ back.T * (m / (m - 1) * (n - 1) / (n - k))


def _deviance(z: Floats, events: Floats) -> float:
    """But for what does not depend on z."""
    return 2.0 * float((np.logaddexp(0.0, z) - events * z).sum())


def _fit_of_statsmodels(terms: Floats, events: Floats, patients: NDArray[np.intp]) -> tuple[Floats, Floats] | None:
    """Give the same where columns follow from others or steps go on and on; None where the event is separated."""
    from statsmodels.genmod.families import Binomial
    from statsmodels.genmod.generalized_linear_model import GLM
    from statsmodels.tools.sm_exceptions import PerfectSeparationWarning

    with _FILTERS, warnings.catch_warnings():
        warnings.simplefilter("error", PerfectSeparationWarning)
        try:
            fit = GLM(events, terms, family=Binomial()).fit(cov_type="cluster", cov_kwds={"groups": patients})
        except (PerfectSeparationWarning, np.linalg.LinAlgError):
            return None
    return np.asarray(fit.params), np.asarray(fit.cov_params())


def _terms(x: Floats, knots: Floats) -> Floats:
    """Give intercept, log x, and the cubic term that is straight beyond the outer knots."""
    z, (a, b, c) = np.log(x), knots

    def cube(v: Floats) -> Floats:
        return np.asarray(np.maximum(v, 0.0) ** 3)

    bend = (cube(z - a) - cube(z - b) * (c - a) / (c - b) + cube(z - c) * (b - a) / (c - b)) / (c - a) ** 2
    return np.stack([np.ones_like(z), z, bend], axis=1)
