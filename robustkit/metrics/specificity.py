"""Specificity: the share of negatives that are called negative."""

from __future__ import annotations

from dataclasses import dataclass

from robustkit.metrics._base import Classes, Flags, Floats, Kind, is_defined, share


@dataclass(frozen=True, slots=True)
class Specificity:
    """Right decisions among the negatives.

    Example:
        >>> import numpy as np
        >>> PLUGIN.value(np.array([True, False, False]), np.array([0.9, 0.5, 0.3]), threshold=0.5)
        0.5
    """

    name: str = "specificity"
    needs_threshold: bool = True
    kind: Kind = "proportion"
    needs: Classes = "negative"
    best: float = 1.0

    def value(self, labels: Flags, scores: Floats, *, threshold: float) -> float:
        """See ``Metric.value``."""
        if not is_defined(labels, scores, self.needs):
            return float("nan")
        return share(scores[~labels] < threshold)


PLUGIN = Specificity()
