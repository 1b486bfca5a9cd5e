"""NPV: the share of negatives among the cases called negative, at the prevalence of these cases."""

from __future__ import annotations

from dataclasses import dataclass

from robustkit.metrics._base import Classes, Flags, Floats, Kind, is_defined, share


@dataclass(frozen=True, slots=True)
class Npv:
    """Negative predictive value; NaN where no case is called negative.

    Example:
        >>> import numpy as np
        >>> PLUGIN.value(np.array([True, True, False]), np.array([0.9, 0.4, 0.3]), threshold=0.5)
        0.5
    """

    name: str = "npv"
    needs_threshold: bool = True
    kind: Kind = "proportion"
    needs: Classes = "both"
    best: float = 1.0

    def value(self, labels: Flags, scores: Floats, *, threshold: float) -> float:
        """See ``Metric.value``."""
        if not is_defined(labels, scores, self.needs):
            return float("nan")
        return share(~labels[scores < threshold])


PLUGIN = Npv()
