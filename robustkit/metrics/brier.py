"""Brier score: the mean squared distance of score and truth (the binary convention, 0 to 1)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from robustkit.metrics._base import Classes, Flags, Floats, Kind, is_defined


@dataclass(frozen=True, slots=True)
class Brier:
    """Mean of (score - label)^2.

    Source: Brier 1950, Monthly Weather Review 78:1, halved: the positive class alone is counted.

    Example:
        >>> import numpy as np
        >>> round(PLUGIN.value(np.array([True, False]), np.array([0.8, 0.6]), threshold=0.5), 12)
        0.2
    """

    name: str = "brier"
    needs_threshold: bool = False
    kind: Kind = "score"
    needs: Classes = "any"
    best: float = 0.0

    def value(self, labels: Flags, scores: Floats, *, threshold: float) -> float:
        """See ``Metric.value``; the threshold is not read. An infinite score: NaN."""
        if not is_defined(labels, scores, self.needs) or np.isinf(scores).any():
            return float("nan")
        return float(((scores - labels) ** 2).mean())


PLUGIN = Brier()
