"""Average precision: the PPV at every positive, from the highest score down, averaged."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from robustkit.metrics._base import Classes, Flags, Floats, Kind, is_defined


@dataclass(frozen=True, slots=True)
class AveragePrecision:
    """Area under the precision-recall curve as a step function; tied scores are one step.

    It depends on the share of positives, which is also its value for a useless score.

    Example:
        >>> import numpy as np
        >>> PLUGIN.value(np.array([True, False, True]), np.array([0.9, 0.8, 0.7]), threshold=0.5)
        0.8333333333333333
    """

    name: str = "average_precision"
    needs_threshold: bool = False
    kind: Kind = "discrimination"
    needs: Classes = "both"
    best: float = 1.0

    def value(self, labels: Flags, scores: Floats, *, threshold: float) -> float:
        """See ``Metric.value``; the threshold is not read."""
        if not is_defined(labels, scores, self.needs):
            return float("nan")
        levels, step = np.unique(-scores, return_inverse=True)
        called = np.cumsum(np.bincount(step, minlength=len(levels)))
        positives = np.bincount(step, weights=labels, minlength=len(levels))
        precision = np.cumsum(positives) / called
        return float(precision @ positives / labels.sum())


PLUGIN = AveragePrecision()
