"""AUC: the share of positive-negative pairs in the right order, ties half."""

from __future__ import annotations

from dataclasses import dataclass

from robustkit.metrics._base import Classes, Flags, Floats, Kind
from robustkit.stats.auc import auc


@dataclass(frozen=True, slots=True)
class Auc:
    """Area under the ROC curve.

    Example:
        >>> import numpy as np
        >>> PLUGIN.value(np.array([True, True, False]), np.array([0.9, 0.3, 0.3]), threshold=0.5)
        0.75
    """

    name: str = "auc"
    needs_threshold: bool = False
    kind: Kind = "discrimination"
    needs: Classes = "both"
    best: float = 1.0

    def value(self, labels: Flags, scores: Floats, *, threshold: float) -> float:
        """See ``Metric.value``; the threshold is not read."""
        return auc(labels, scores)


PLUGIN = Auc()
