"""Fits the models of facts: logistic regression on what the training cases make of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from robustkit.baselines.terms import learn_design
from robustkit.cohort.facts import Facts
from robustkit.errors import InputError
from robustkit.models.terms import Design
from robustkit.stats.logistic import FOLLOWS, LogisticFit, fit_logistic

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
Codes = NDArray[np.intp]

PER_COEFFICIENT = 10
"""Cases of the rarer class for each coefficient under which it is said that they are few.

Source: Peduzzi et al. 1996, Journal of Clinical Epidemiology 49:1373.
"""

INTERCEPT = "intercept"


@dataclass(frozen=True, slots=True)
class Coefficient:
    """One row of the table of coefficients.

    Attributes:
        fact: ``intercept``, a fact, or the model whose score is weighted.
        column: Of the design.
        value: Log-odds for one unit, or for the level against the reference.
        low, high: 95 % interval; NaN where there is none.
        reason: Why there is none.
    """

    fact: str
    column: str
    value: float
    low: float
    high: float
    reason: str = ""


@dataclass(frozen=True, slots=True)
class FactsFit:
    """A fitted model of facts.

    Attributes:
        design: The columns of the facts.
        fit: Of intercept, further columns given, and the columns of the design.
        n_given: Further columns.
        said: A sentence each.
    """

    design: Design
    fit: LogisticFit
    n_given: int
    said: tuple[str, ...]

    @property
    def intercept(self) -> float:
        """Log-odds where every column is 0."""
        return float(self.fit.coefficients[0])

    @property
    def given(self) -> Floats:
        """``(n_given,)`` weights of the further columns."""
        return self.fit.coefficients[1 : 1 + self.n_given]

    @property
    def coefficients(self) -> Floats:
        """One for each column of the design."""
        return self.fit.coefficients[1 + self.n_given :]

    def table(self, given: Sequence[tuple[str, str]] = ()) -> tuple[Coefficient, ...]:
        """Give all coefficients; ``given`` names fact and column of the further ones."""
        names = [(INTERCEPT, INTERCEPT), *given, *((t.fact, c) for t in self.design.terms for c in t.columns)]
        fit = self.fit
        rows = zip(names, fit.coefficients, fit.low, fit.high, fit.follows, strict=True)
        return tuple(
            Coefficient(*name, float(v), float(low), float(high), _why(low, follows=bool(follows)))
            for name, v, low, high, follows in rows
        )


def _why(low: float, *, follows: bool) -> str:
    return FOLLOWS if follows else "" if np.isfinite(low) else "too few patients for an interval"


def fit_facts(
    cases: Sequence[Facts],
    names: Sequence[str],
    labels: Flags,
    *,
    patients: Codes,
    knots: int,
    given: Floats | None = None,
) -> FactsFit:
    """Fit log-odds from facts, and from further columns.

    Args:
        cases: Facts of n cases, each for its own box.
        names: Of the facts.
        labels: ``(n,)`` bool.
        patients: ``(n,)`` codes.
        knots: Of the splines; 0: straight lines.
        given: ``(n, k)`` further columns; default none.

    Raises:
        InputError: No column is left.
    """
    learnt = learn_design(cases, names, knots=knots)
    more = np.empty((len(cases), 0)) if given is None else given
    rows = np.concatenate([learnt.design.rows(f, 1) for f in cases])
    matrix = np.concatenate([np.ones((len(cases), 1)), more, rows], axis=1)
    if matrix.shape[1] == 1:
        what = f"no fact is left to learn from: {' '.join(learnt.said)}"
        raise InputError(what, where="--facts", fix="Name facts that differ between training cases.")
    fit = fit_logistic(matrix, labels, patients)
    found = FactsFit(learnt.design, fit, more.shape[1], learnt.said)
    return FactsFit(found.design, fit, more.shape[1], (*learnt.said, *_warnings(found, labels)))


def _warnings(found: FactsFit, labels: Flags) -> list[str]:
    said = []
    if found.fit.is_separated:
        said.append("some facts divide the classes without a mistake: fitted by Firth's penalised likelihood.")
    columns = [*(["given"] * found.n_given), *found.design.columns]
    lost = [c for c, follows in zip(columns, found.fit.follows[1:], strict=True) if follows]
    if lost:
        said.append(f"{', '.join(lost)} follows from the other columns: its coefficient is 0.")
    n, k = int(min(labels.sum(), (~labels).sum())), len(columns) - len(lost)
    if n < PER_COEFFICIENT * k:
        said.append(
            f"{k} coefficients from {n} cases of the rarer class, {n / k:.1f} each and fewer than {PER_COEFFICIENT}: give "
            "fewer facts, or straight lines (--knots 0)."
        )
    return said
