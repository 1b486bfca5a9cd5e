"""Which threshold each model is judged at, and where it comes from (estimands, section 2)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from robustkit.analysis.cohort import Judged
from robustkit.analysis.matrix import ModelAnswers
from robustkit.errors import InputError
from robustkit.results.schema import THRESHOLDS_COLUMNS
from robustkit.stats.threshold import Method, choose_point, youden
from robustkit.stats.threshold_draws import youden_interval

MIN_DEVELOPMENT = 10
"""Development cases of either class under which none is chosen."""


@dataclass(frozen=True, slots=True)
class Threshold:
    """One model's operating point.

    Attributes:
        model, operating_point: Names.
        value: Decision: score >= value.
        source: ``flag``, ``checkpoint``, ``development`` or ``default 0.5``.
        n, n_positive: Cases it was chosen on.
        low, high: 95 % interval of the choice.
        warning: A sentence where it is a makeshift.
    """

    model: str
    operating_point: str
    value: float
    source: str
    n: int = 0
    n_positive: int = 0
    low: float = float("nan")
    high: float = float("nan")
    warning: str = ""


@dataclass(frozen=True, slots=True)
class Development:
    """Nominal scores, truth and patients of the development rows of one model."""

    scores: NDArray[np.float64]
    positive: NDArray[np.bool_]
    patients: NDArray[np.intp]


def carried_points(entry: Mapping[str, Any], recorded: Sequence[Mapping[str, Any]]) -> dict[str, float]:
    """Give the operating points that came with a checkpoint: its own, else those that run.json says came with it."""
    own = dict(entry.get("operating_points") or {})
    if own:
        return own
    mine = [t for t in recorded if t.get("model") == entry["name"] and t.get("source") in ("checkpoint", "sidecar")]
    return {str(t.get("operating_point") or "carried"): float(t["value"]) for t in mine}


def choose_threshold(
    entry: Mapping[str, Any],
    development: Development,
    *,
    recorded: Sequence[Mapping[str, Any]] = (),
    asked: float | str | None,
    method: Method,
    draws: int,
    seed: int,
) -> Threshold:
    """Take the first source that there is: the flag, the checkpoint, development rows, 0.5 with a warning.

    Args:
        entry: The model's entry of run.json.
        development: Finite scores only.
        recorded: ``thresholds`` of run.json.
        asked: ``--threshold``, or ``--operating-point``: ``youden``, ``sensitivity=0.9``, ``specificity=0.9``, or the name of one that came
            with the checkpoint; None: the carried one, else Youden's.

    Raises:
        InputError: The point is not known, or cannot be chosen on these development rows.
        method: Of Youden's choice.
        draws, seed: Of its interval.
    """
    name = str(entry["name"])
    if isinstance(asked, (int, float)):
        return Threshold(name, "given", float(asked), "flag")
    carried = carried_points(entry, recorded)
    if asked is not None and asked not in carried:
        return _chosen_point(name, asked, development, method=method, draws=draws, seed=seed)
    if carried:
        point = asked if asked is not None else "youden" if "youden" in carried else next(iter(carried))
        return Threshold(name, point, float(carried[point]), "checkpoint")
    labels, scores = development.positive, development.scores
    if min(labels.sum(), (~labels).sum()) >= MIN_DEVELOPMENT:
        chosen = youden(labels, scores, method=method)
        if np.isfinite(chosen.value):
            low, high = youden_interval(labels, scores, development.patients, draws=draws, seed=seed, method=method)
            return Threshold(name, "youden", chosen.value, "development", chosen.n, chosen.n_positive, low, high)
    n, k = len(labels), int(labels.sum())
    text = f"{name}: no threshold was given and development rows are too few ({k} positive of {n}): 0.5 is used."
    return Threshold(name, "0.5", 0.5, "default 0.5", n, k, warning=text)


def _chosen_point(
    model: str, point: str, development: Development, *, method: Method, draws: int, seed: int
) -> Threshold:
    """Choose a named operating point on development rows."""
    labels, scores = development.positive, development.scores
    try:
        chosen = choose_point(point, labels, scores, method=method)
    except ValueError:
        fix = "Use youden, sensitivity=0.9 or specificity=0.9."
        raise InputError(f"no operating point is called {point!r}.", where="--operating-point", fix=fix) from None
    few = min(int(labels.sum()), int((~labels).sum()))
    if few < MIN_DEVELOPMENT or not np.isfinite(chosen.value):
        what = f"{model}: {point} cannot be chosen ({chosen.reason or f'{few} development cases of one class'})."
        raise InputError(what, where="--operating-point", fix="Give --threshold, or rows with split=val.")
    low, high = float("nan"), float("nan")
    if point == "youden":
        low, high = youden_interval(labels, scores, development.patients, draws=draws, seed=seed, method=method)
    return Threshold(model, chosen.name, chosen.value, "development", chosen.n, chosen.n_positive, low, high)


def development_of(cohort: Judged, own: ModelAnswers) -> Development:
    """Give the development rows that a model answered."""
    known = cohort.development & np.isfinite(own.nominal)
    return Development(own.nominal[known], cohort.positive[known], cohort.patients[known])


def judged_at(
    cohort: Judged,
    own: ModelAnswers,
    record: Mapping[str, Any],
    *,
    asked: float | str | None,
    method: Method,
    draws: int,
    seed: int,
) -> Threshold:
    """Give the threshold that a model of a run is judged at: see ``choose_threshold``."""
    return choose_threshold(
        next(m for m in record["models"] if m["name"] == own.model),
        development_of(cohort, own),
        recorded=record.get("thresholds") or (),
        asked=asked,
        method=method,
        draws=draws,
        seed=seed,
    )


def thresholds_table(chosen: list[Threshold]) -> pd.DataFrame:
    """Give thresholds.csv."""
    rows = [(t.model, t.operating_point, t.value, t.source, t.n, t.n_positive, t.low, t.high) for t in chosen]
    return pd.DataFrame(rows, columns=list(THRESHOLDS_COLUMNS))
