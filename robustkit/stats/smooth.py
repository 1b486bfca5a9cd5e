"""A rate along a number, as a smooth curve with a band: natural cubic spline on the logit, errors by patient.

Sources: Harrell 2015, Regression Modeling Strategies, section 2.4.5 (restricted cubic splines, knots at quantiles); Liang
and Zeger 1986, Biometrika 73:13 (sandwich errors by cluster). The fit is statsmodels' GLM.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from threading import Lock

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit
from statsmodels.genmod.families import Binomial
from statsmodels.genmod.generalized_linear_model import GLM
from statsmodels.tools.sm_exceptions import PerfectSeparationWarning

from robustkit.stats.codes import n_distinct

Floats = NDArray[np.float64]

MIN_PATIENTS = 10
"""Patients with, and without, the event under which no curve is drawn."""

KNOTS = (0.1, 0.5, 0.9)
"""Quantiles of the three knots: two terms, for a rate that rises, falls, or turns once."""

_Z = 1.959963984540054
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
    model = GLM(events, _terms(x, knots), family=Binomial())
    with _FILTERS, warnings.catch_warnings():
        warnings.simplefilter("error", PerfectSeparationWarning)
        try:
            fit = model.fit(cov_type="cluster", cov_kwds={"groups": patients})
        except (PerfectSeparationWarning, np.linalg.LinAlgError):
            return Curve(none, none, none, none, "size separates the event perfectly")
    terms = _terms(grid, knots)
    middle = terms @ fit.params
    half = _Z * np.sqrt(np.einsum("ij,jk,ik->i", terms, fit.cov_params(), terms))
    if not (np.isfinite(middle).all() and np.isfinite(half).all()):
        return Curve(none, none, none, none, "the fit did not converge")
    return Curve(grid, expit(middle), expit(middle - half), expit(middle + half))


def _terms(x: Floats, knots: Floats) -> Floats:
    """Give intercept, log x, and the cubic term that is straight beyond the outer knots."""
    z, (a, b, c) = np.log(x), knots

    def cube(v: Floats) -> Floats:
        return np.asarray(np.maximum(v, 0.0) ** 3)

    bend = (cube(z - a) - cube(z - b) * (c - a) / (c - b) + cube(z - c) * (b - a) / (c - b)) / (c - a) ** 2
    return np.stack([np.ones_like(z), z, bend], axis=1)
