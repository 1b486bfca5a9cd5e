"""The estimates that the patient bootstrap gives: of all models, conditions and strata from the same draws at once."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from robustkit.analysis.estimates import MEANS, RATES, RIGHT_AT, Stratified, metrics_of
from robustkit.analysis.layout import Layouts
from robustkit.analysis.rates import at_prevalence, rate
from robustkit.stats.agreement import MEASURES, measure, not_estimable
from robustkit.stats.bootstrap import MIN_PATIENTS, PatientDraws
from robustkit.stats.estimate import Estimates, no_estimates
from robustkit.stats.groups import Floats
from robustkit.stats.of_sums import COUNT, Bounds, Question, Statistic, Sums, bounds_of_sums

METHOD = "patient bootstrap, BCa"

_SHARED = ("positive", "negative")
"""Columns that are those of every answer to the same units."""

_NO_COLUMN = {
    "right_at_10": f"fewer than {RIGHT_AT} repeats",
    "rank_sd": "no development rows to rank against",
    "cut_distance": "no development rows to rank against",
    "score_sd": "fewer than two repeats",
}
"""Why a metric has no values per case."""


@dataclass(frozen=True, slots=True)
class _Asked:
    """One number: how it is made of sums, ``(k,)`` why a stratum has none, why it is not defined, how it is called."""

    of: Callable[[Sums], Floats] | None
    reasons: NDArray[np.object_]
    undefined: str = ""
    method: str = METHOD


def bootstrapped(
    answers: Sequence[Stratified], layouts: Sequence[Layouts], draws: PatientDraws
) -> list[dict[str, Estimates]]:
    """Give, for each of the answers, the metrics of MEANS and RATES and the measures of agreement, by name.

    Args:
        answers: Of any models and conditions, all cohorts together.
        layouts: Of each of them.
        draws: Of patients, shared by everything of the run.
    """
    found: list[dict[str, Estimates]] = [{} for _ in answers]
    for alike in _by_layout(answers, layouts):
        asked = [_asked(answers[places[0]], [answers[i].threshold for i in places]) for places in alike]
        questions = [_question([answers[i] for i in p], own) for p, own in zip(alike, asked, strict=True)]
        known = layouts[alike[0][0]]
        bounds = bounds_of_sums(known.together.groups, draws, questions, unions=known.unions)
        for places, own, statistics in zip(alike, asked, bounds, strict=True):
            for row, i in enumerate(places):
                found[i] = {m: _estimates(answers[i], a, statistics.get(m), row) for m, a in own.items()}
    return found


def _by_layout(answers: Sequence[Stratified], layouts: Sequence[Layouts]) -> list[list[list[int]]]:
    """Put answers to the same units together, and of these the ones that have the same columns."""
    found: dict[Hashable, dict[tuple[object, ...], list[int]]] = {}
    for i, (own, laid_out) in enumerate(zip(answers, layouts, strict=True)):
        kind = (own.repeats, *own.columns)
        found.setdefault(laid_out.key, {}).setdefault(kind, []).append(i)
    return [list(kinds.values()) for kinds in found.values()]


def _question(answers: Sequence[Stratified], asked: dict[str, _Asked]) -> Question:
    first = answers[0].columns
    columns = {c: first[c][None] if c in _SHARED else np.stack([a.columns[c] for a in answers]) for c in first}
    columns[COUNT] = columns["positive"] + columns["negative"]
    known = {name: (a.of, a) for name, a in asked.items()}
    statistics = {n: Statistic(of, a.reasons == "", a.undefined) for n, (of, a) in known.items() if of is not None}
    return Question(columns, statistics)


def _asked(s: Stratified, thresholds: Sequence[float]) -> dict[str, _Asked]:
    """Give all numbers that are asked of answers like this one, which are cut at these thresholds."""
    cuts, found = np.array(thresholds)[:, None], {}
    for name in metrics_of(s):
        if name in MEANS:
            found[name] = _Asked(_mean(name) if name in s.columns else None, _no_mean(s, name))
        if name in RATES:
            of = rate(name, prevalence=s.prevalence, threshold=cuts)
            why = "no case is on that side of the threshold"
            found[name] = _Asked(of, _no_rate(s), why, f"{METHOD}{at_prevalence(name, s.prevalence)}")
    if s.repeats > 1:
        sizes = list(zip(s.counted.n_cases.tolist(), s.counted.n_patients.tolist(), strict=True))
        for name in MEASURES:
            reasons = np.array([not_estimable(name, n, m) for n, m in sizes], dtype=object)
            why = "nothing varies, between cases or within"
            found[name] = _Asked(measure(name, s.repeats), reasons, why)
    return found


def _mean(name: str) -> Callable[[Sums], Floats]:
    return lambda sums: sums[name] / sums[COUNT]


def _no_mean(s: Stratified, name: str) -> NDArray[np.object_]:
    """Say of which strata no mean is given, and why."""
    n, m = s.counted.n_cases, s.counted.n_patients
    reasons = np.full(len(n), "" if name in s.columns else _NO_COLUMN.get(name, ""), dtype=object)
    if name in s.columns:
        for i in np.flatnonzero(m < MIN_PATIENTS):
            reasons[i] = f"fewer than {MIN_PATIENTS} patients ({m[i]})"
    reasons[n == 0] = "no cases"
    return reasons


def _no_rate(s: Stratified) -> NDArray[np.object_]:
    """Say of which strata no rate is given, and why."""
    fewest = np.minimum(s.counted.n_positive_patients, s.n_negative_patients)
    reasons = np.full(len(fewest), "", dtype=object)
    for i in np.flatnonzero(fewest < MIN_PATIENTS):
        reasons[i] = f"fewer than {MIN_PATIENTS} patients of either class ({fewest[i]})"
    reasons[s.counted.n_cases == 0] = "no cases"
    return reasons


def _estimates(s: Stratified, asked: _Asked, bounds: Bounds | None, row: int) -> Estimates:
    found = no_estimates(
        len(asked.reasons), n_cases=s.counted.n_cases, n_patients=s.counted.n_patients, n_positive=s.counted.n_positive,
        n_positive_patients=s.counted.n_positive_patients, reason=asked.reasons,
    )  # fmt: skip
    if bounds is None:
        return found
    for name in ("value", "low", "high", "se"):
        getattr(found, name)[:] = getattr(bounds, name)[row]
    own = asked.reasons == ""
    found.reason[own] = bounds.reason[row][own]
    found.method[own & np.isfinite(found.value)] = asked.method
    return found
