"""From the facts of training cases to the columns of a model: knots, reference levels, what is rare, what is missing.

Source of the places of knots: Harrell 2015, Regression Modeling Strategies, 2nd ed., table 2.3.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from robustkit.cohort.facts import NUMBERS, Facts, known, number
from robustkit.errors import InputError
from robustkit.models.terms import MISSING, Category, Design, Number

Floats = NDArray[np.float64]

KNOTS = {
    3: (0.10, 0.5, 0.90), 4: (0.05, 0.35, 0.65, 0.95), 5: (0.05, 0.275, 0.5, 0.725, 0.95),
    6: (0.05, 0.23, 0.41, 0.59, 0.77, 0.95), 7: (0.025, 0.1833, 0.3417, 0.5, 0.6583, 0.8167, 0.975),
}  # fmt: skip
"""Quantiles of the training rows, by number of knots."""

RARE = 10
"""Training rows under which a level, or that a number is missing, has no column of its own."""

MANY = 10
"""Distinct numbers from which on a fact is no name any more, as in `stratify`."""


@dataclass(frozen=True, slots=True)
class Learnt:
    """What the training rows made of the facts.

    Attributes:
        design: The columns.
        said: What was pooled or left out, a sentence each.
    """

    design: Design
    said: tuple[str, ...]


def learn_design(cases: Sequence[Facts], names: Sequence[str], *, knots: int) -> Learnt:
    """Choose the columns of some facts.

    Args:
        cases: Facts of the training cases, each for its own box.
        names: Of the facts.
        knots: Of a number's spline, 3 to 7, fewer where its quantiles coincide; 0: straight lines.

    Raises:
        InputError: No training case has the fact, or it is text where a number must be.
    """
    terms, said = [], []
    for name in names:
        found = _number(name, cases, knots) if _is_number(name, cases) else _category(name, cases)
        if isinstance(found, Number | Category):
            terms.append(found)
            said += _pooled(found)
        else:
            said.append(found)
    return Learnt(Design(tuple(terms)), tuple(said))


def _is_number(name: str, cases: Sequence[Facts]) -> bool:
    if name in NUMBERS or any(isinstance(f.get(name), np.ndarray) for f in cases):
        return True
    given = {v for f in cases if isinstance(v := f.get(name, ""), str) and known(v)}
    return len(given) > MANY and all(np.isfinite(number(v)) for v in given)


def _number(name: str, cases: Sequence[Facts], knots: int) -> Number | str:
    """Give the term, or the sentence that says why there is none."""
    values = np.array([float(Number(name, np.nan, np.nan, np.nan).values(f, 1)[0]) for f in cases])
    there = values[np.isfinite(values)]
    if not len(there):
        raise _nobody(name)
    n_missing = len(values) - len(there)
    if there.min() == there.max() and n_missing < RARE:
        return f"{name} is {there[0]:g} in all training cases: left out."
    chosen = _knots(there, knots)
    ends = float(there.min()), float(there.max())
    return Number(name, float(np.median(there)), *ends, chosen, has_missing_column=n_missing >= RARE)


def _knots(values: Floats, n: int) -> tuple[float, ...]:
    """Give as many different quantiles as can be had, up to n, and to the number of values; none under three."""
    for k in range(min(n, len(np.unique(values))), 2, -1):
        found = np.quantile(values, KNOTS[k])
        if (np.diff(found) > 0).all():
            return tuple(float(f) for f in found)
    return ()


def _category(name: str, cases: Sequence[Facts]) -> Category | str:
    """Give the term, or the sentence that says why there is none."""
    reader = Category(name, "", ())
    counts = Counter(reader.level(f) for f in cases)
    given = [v for v, _ in sorted(counts.items(), key=lambda i: (-i[1], i[0])) if v != MISSING]
    if not given:
        raise _nobody(name)
    rest = [*given[1:], *([MISSING] if counts[MISSING] else [])]
    own = tuple(v for v in rest if counts[v] >= RARE)
    rare = tuple(v for v in rest if counts[v] < RARE and v != MISSING)
    together = sum(counts[v] for v in rare) >= RARE
    lost = (MISSING,) if 0 < counts[MISSING] < RARE else ()
    if not own and not together:
        shown = given[0] if len(counts) == 1 else f"{given[0]} in {counts[given[0]]} of {len(cases)} training cases"
        why = f"{name} is {shown}" + (" in all training cases" if len(counts) == 1 else "")
        return f"{why}: left out."
    return Category(name, given[0], own, rare if together else (), lost if together else (*rare, *lost))


def _pooled(term: Number | Category) -> list[str]:
    if isinstance(term, Number):
        return []
    said = []
    if term.other:
        said.append(f"{term.fact}: rare levels ({', '.join(term.other)}) share one column.")
    if rare := [v for v in term.as_reference if v != MISSING]:
        said.append(f"{term.fact}: rare levels ({', '.join(rare)}) are taken as {term.reference}.")
    return said


def _nobody(name: str) -> InputError:
    return InputError(
        f"no training case has the fact {name}.", where="--facts", fix="Leave it out, or fill the column."
    )
