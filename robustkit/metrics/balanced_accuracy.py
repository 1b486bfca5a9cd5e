"""Balanced accuracy: the mean of sensitivity and specificity."""

from __future__ import annotations

from dataclasses import dataclass

from robustkit.metrics._base import Classes, Flags, Floats, Kind, is_defined, share


@dataclass(frozen=True, slots=True)
class BalancedAccuracy:
    """Right decisions in either class, averaged over the classes.

    Example:
        >>> import numpy as np
        >>> PLUGIN.value(np.array([True, True, False]), np.array([0.9, 0.4, 0.3]), threshold=0.5)
        0.75
    """

    name: str = "balanced_accuracy"
    needs_threshold: bool = True
    kind: Kind = "proportion"
    needs: Classes = "both"
    best: float = 1.0

    def value(self, labels: Flags, scores: Floats, *, threshold: float) -> float:
        """See ``Metric.value``."""
        if not is_defined(labels, scores, self.needs):
            return float("nan")
        called = scores >= threshold
        return (share(called[labels]) + share(~called[~labels])) / 2.0


PLUGIN = BalancedAccuracy()
