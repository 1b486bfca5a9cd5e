"""A logistic model as scales of points: one for each fact, and one from the sum of points to the score.

Source: Iasonos et al. 2008, Journal of Clinical Oncology 26:1364 (how a nomogram is built from a regression).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logit

from robustkit.cohort.facts import Facts
from robustkit.models.terms import Category, Design, Number

Floats = NDArray[np.float64]

SCORE = "score"
"""The name of the scale from points to the score."""

MISSING = "missing"
SCORES = (0.01, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99)
_STEPS = (1.0, 2.0, 2.5, 5.0)
_MOST_TICKS = 8


@dataclass(frozen=True, slots=True)
class Tick:
    """One mark of a scale.

    Attributes:
        fact: Whose scale; ``score``: that of the sum.
        label: Value or level.
        x: The value; NaN for a level.
        log_odds: What the fact adds; of ``score``: the whole.
        points: 0 where a fact adds least, 100 where the widest fact adds most; of ``score``: of all facts together.
        n_cases: Fitted cases at this level, or nearer to this value than to other marks; of ``score``: by their own score.
    """

    fact: str
    label: str
    x: float
    log_odds: float
    points: float
    n_cases: int


@dataclass(frozen=True, slots=True)
class Scale:
    """What one fact adds at its marks, before points are given."""

    fact: str
    labels: tuple[str, ...]
    x: Floats
    log_odds: Floats
    n_cases: tuple[int, ...]


def nomogram(scales: Sequence[Scale], intercept: float, *, fitted: Floats) -> tuple[Tick, ...]:
    """Give the marks of all scales.

    Args:
        scales: Of the facts.
        intercept: Log-odds where every fact adds 0.
        fitted: ``(n,)`` log-odds of the cases that were fitted.

    Returns:
        Empty where no fact adds anything.
    """
    spread = max((float(np.ptp(s.log_odds)) for s in scales), default=0.0)
    if spread == 0:
        return ()
    per_point = spread / 100
    ticks = [
        Tick(s.fact, label, float(x), float(z), float((z - s.log_odds.min()) / per_point), n)
        for s in scales
        for label, x, z, n in zip(s.labels, s.x, s.log_odds, s.n_cases, strict=True)
    ]
    least = intercept + sum(float(s.log_odds.min()) for s in scales)
    most = intercept + sum(float(s.log_odds.max()) for s in scales)
    reached = [p for p in SCORES if least <= logit(p) <= most]
    marks = np.array(reached or [float(expit((least + most) / 2))])
    counts = nearest(expit(fitted), marks)
    ticks += [
        Tick(SCORE, f"{p:.2g}", float(p), float(logit(p)), float((logit(p) - least) / per_point), n)
        for p, n in zip(marks, counts, strict=True)
    ]
    return tuple(ticks)


def fact_scales(design: Design, coefficients: Floats, cases: Sequence[Facts]) -> tuple[Scale, ...]:
    """Give the scale of every fact of a design.

    Args:
        design: The columns.
        coefficients: One for each.
        cases: Facts of the cases that were fitted.
    """
    found, start = [], 0
    for term in design.terms:
        own = coefficients[start : start + len(term.columns)]
        start += len(term.columns)
        found.append(_of_number(term, own, cases) if isinstance(term, Number) else _of_names(term, own, cases))
    return tuple(found)


def score_scale(name: str, weight: float, logits: Floats) -> Scale:
    """Give the scale of a model's score in a combined model.

    Args:
        name: Of the model.
        weight: Of the logit of its score.
        logits: ``(n,)`` of the cases that were fitted.
    """
    reached = [p for p in SCORES if logits.min() <= logit(p) <= logits.max()]
    marks = np.array(sorted({float(f"{expit(logits.min()):.2g}"), *reached, float(f"{expit(logits.max()):.2g}")}))
    marks = marks[(marks > 0) & (marks < 1)]
    marks = marks if len(marks) else np.array([0.5])
    labels = tuple(f"{m:.2g}" for m in marks)
    return Scale(f"score of {name}", labels, marks, weight * logit(marks), nearest(expit(logits), marks))


def nearest(values: Floats, marks: Floats) -> tuple[int, ...]:
    """Give how many values are nearest to each mark (the lower of two)."""
    place = np.abs(values[:, None] - marks).argmin(axis=1) if len(values) else np.empty(0, dtype=np.intp)
    return tuple(int(n) for n in np.bincount(place, minlength=len(marks)))


def round_marks(low: float, high: float) -> Floats:
    """Give up to 8 round values between two numbers, which are among them where they are far from the round ones.

    Example:
        >>> round_marks(2.0, 88.0).tolist()
        [2.0, 20.0, 40.0, 60.0, 88.0]
    """
    if not high > low:
        return np.array([low])
    step = next(s * 10.0**k for k in range(-12, 13) for s in _STEPS if (high - low) / (s * 10.0**k) <= _MOST_TICKS - 2)
    inner = np.arange(np.ceil(low / step), np.floor(high / step) + 1) * step
    inner = inner[(inner - low > 0.5 * step) & (high - inner > 0.5 * step)]
    return np.array([low, *inner, high])


def _of_number(term: Number, own: Floats, cases: Sequence[Facts]) -> Scale:
    values = np.array([float(term.values(f, 1)[0]) for f in cases])
    there = np.isfinite(values)
    marks = round_marks(term.low, term.high)
    log_odds = term.rows({term.fact: marks}, len(marks)) @ own
    labels, counts = [f"{m:.4g}" for m in marks], list(nearest(values[there], marks))
    if term.has_missing_column:
        marks = np.append(marks, np.nan)
        log_odds = np.append(log_odds, term.rows({}, 1) @ own)
        labels.append(MISSING)
        counts.append(int((~there).sum()))
    return Scale(term.fact, tuple(labels), marks, log_odds, tuple(counts))


def _of_names(term: Category, own: Floats, cases: Sequence[Facts]) -> Scale:
    counts = Counter(term.level(f) for f in cases)
    levels = [term.reference, *term.levels]
    labels = [*levels, *(["other"] if term.other else [])]
    n = [counts[v] for v in levels] + ([sum(counts[v] for v in term.other)] if term.other else [])
    n[0] += sum(counts[v] for v in term.as_reference)
    return Scale(term.fact, tuple(labels), np.full(len(labels), np.nan), np.concatenate([[0.0], own]), tuple(n))
