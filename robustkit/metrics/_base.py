"""The face of a metric: one number from labels and scores. Intervals are made in ``stats``."""

from __future__ import annotations

from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

Kind = Literal["discrimination", "proportion", "score", "stability"]
Classes = Literal["both", "positive", "negative", "any"]


class Metric(Protocol):
    """One metric.

    Attributes:
        name: As in the tables.
        needs_threshold: True where it judges decisions; False: ``threshold`` is not read.
        kind: ``discrimination``: of the order of scores; ``proportion``: of cases; ``score``: of the scores as
            numbers; ``stability``: over repeats.
        needs: Classes that must be there; without them the value is NaN.
        best: Its value where every positive scores 1 and every negative 0; NaN where that is none, or depends on the
            share of positives.
    """

    @property
    def name(self) -> str: ...
    @property
    def needs_threshold(self) -> bool: ...
    @property
    def kind(self) -> Kind: ...
    @property
    def needs(self) -> Classes: ...
    @property
    def best(self) -> float: ...

    def value(self, labels: Flags, scores: Floats, *, threshold: float) -> float:
        """Give the metric.

        Args:
            labels: ``(n,)`` bool.
            scores: ``(n,)`` float64 in [0, 1].
            threshold: Decision: score >= threshold.

        Returns:
            NaN where it is not defined: no cases, a class that is needed is missing, a NaN score, a denominator of 0.
        """
        ...


def is_defined(labels: Flags, scores: Floats, needs: Classes) -> bool:
    """Tell whether a metric that needs these classes has a value here.

    Args:
        labels: ``(n,)`` bool.
        scores: ``(n,)`` float64.
        needs: See ``Metric``.
    """
    if len(labels) == 0 or bool(np.isnan(scores).any()):
        return False
    if needs in ("both", "positive") and not labels.any():
        return False
    return needs in ("any", "positive") or not bool(labels.all())


def share(events: Flags) -> float:
    """Give the share of True among ``(n,)`` events; NaN of none."""
    return float(events.mean()) if len(events) else float("nan")
