"""Firth's logistic regression: finite coefficients where the classes are separated, with intervals by profile.

Sources: Firth 1993, Biometrika 80:27, section 3 (the penalty is half the logarithm of the information's determinant);
Heinze and Schemper 2002, Statistics in Medicine 21:2409, equations 4 and 5, section 2.3 (profile penalised likelihood).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq, minimize
from scipy.special import expit
from scipy.stats import chi2

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

_DOUBLINGS = 12
_FALL = float(chi2.ppf(0.95, 1)) / 2
"""Of the penalised likelihood, at the ends of a 95 % interval."""


@dataclass(frozen=True, slots=True)
class FirthFit:
    """Coefficients and their 95 % intervals; an end that the profile never reaches is infinite.

    Attributes:
        coefficients, low, high: ``(p,)``.
        likelihood: Penalised, its logarithm at the maximum.
    """

    coefficients: Floats
    low: Floats
    high: Floats
    likelihood: float


def fit_firth(design: Floats, labels: Flags) -> FirthFit:
    """Fit log-odds = design x coefficients by penalised likelihood; rows are taken as independent.

    Args:
        design: ``(n, p)`` finite, of full rank.
        labels: ``(n,)`` bool, both classes there.

    Example:
        >>> found = fit_firth(np.ones((4, 1)), np.array([True, False, False, False]))
        >>> round(float(found.coefficients[0]), 6)  # log((1 + 1/2) / (3 + 1/2))
        -0.847298
    """
    scale = np.abs(design).max(axis=0)
    own = _Problem(design / scale, labels.astype(np.float64))
    best = own.maximise(np.zeros(design.shape[1]), free=np.ones(design.shape[1], dtype=bool))
    top = own.likelihood(best)
    ends = np.array([[own.end(best, top, j, side) for j in range(len(best))] for side in (-1.0, 1.0)])
    # the determinant is that of columns in their own units
    return FirthFit(best / scale, ends[0] / scale, ends[1] / scale, top + float(np.log(scale).sum()))


@dataclass(frozen=True, slots=True)
class _Problem:
    x: Floats
    y: Floats

    def likelihood(self, beta: Floats) -> float:
        return -self._cost(beta)[0]

    def maximise(self, start: Floats, *, free: Flags) -> Floats:
        """Give the best coefficients, those that are not free as they are."""

        def cost(own: Floats) -> tuple[float, Floats]:
            beta = start.copy()
            beta[free] = own
            value, slope = self._cost(beta)
            return value, slope[free]

        best = start.copy()
        if free.any():
            # a trial step may reach where all cases are sure: infinite, and the search turns back
            with np.errstate(invalid="ignore"):
                found = minimize(cost, start[free], jac=True, method="BFGS", options={"gtol": 1e-9, "maxiter": 1000})
            best[free] = found.x
        return best

    def _cost(self, beta: Floats) -> tuple[float, Floats]:
        """Give minus the penalised likelihood, and minus Firth's modified score, its slope."""
        z = self.x @ beta
        p = expit(z)
        basis, upper = np.linalg.qr(self.x * np.sqrt(p * (1 - p))[:, None])
        hat = (basis**2).sum(axis=1)
        # the determinant of the information is that of the triangle, squared
        with np.errstate(divide="ignore"):
            penalty = float(np.log(np.abs(np.diag(upper))).sum())
        plain = -float(np.logaddexp(0.0, np.where(self.y > 0, -z, z)).sum())
        return -plain - penalty, -(self.x.T @ (self.y - p + hat * (0.5 - p)))

    def end(self, best: Floats, top: float, j: int, side: float) -> float:
        """Give where the profile of coefficient j has fallen by half the chi-squared quantile."""
        free = np.arange(len(best)) != j

        def lacking(value: float) -> float:
            # with few rows the profile may have two hills: from the estimate, and from where its ray meets this value
            ray = best * (value / best[j]) if best[j] else best
            starts = [np.where(free, start, value) for start in (best, ray)]
            return _FALL - top + max(self.likelihood(self.maximise(s, free=free)) for s in starts)

        width = 0.5
        for _ in range(_DOUBLINGS):
            if lacking(float(best[j] + side * width)) < 0:
                inner = float(best[j] + side * width / 2) if width > 0.5 else float(best[j])
                return float(brentq(lacking, inner, float(best[j] + side * width), xtol=1e-10))
            width *= 2
        return side * np.inf
