"""ECE: how far scores and the share of positives are apart, in ten bins of equal width."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from robustkit.metrics._base import Classes, Flags, Floats, Kind, is_defined


@dataclass(frozen=True, slots=True)
class Ece:
    """Expected calibration error: sum over bins of n_bin / n x |mean score - share of positives|.

    Bins are (k / 10, (k + 1) / 10], the first with its lower edge. It is never 0 for a calibrated score in a
    small sample, so it is shown beside its null band and without an interval.

    Source: Naeini et al. 2015, AAAI 29:2901, for the score of the positive class.

    Example:
        >>> import numpy as np
        >>> round(PLUGIN.value(np.array([True, False]), np.array([0.8, 0.6]), threshold=0.5), 12)
        0.4
    """

    name: str = "ece"
    needs_threshold: bool = False
    kind: Kind = "score"
    needs: Classes = "any"
    best: float = 0.0
    bins: int = 10

    def value(self, labels: Flags, scores: Floats, *, threshold: float) -> float:
        """See ``Metric.value``; the threshold is not read. Scores off [0, 1] have no bin: NaN."""
        if not is_defined(labels, scores, self.needs) or scores.min() < 0.0 or scores.max() > 1.0:
            return float("nan")
        upper = np.linspace(0.0, 1.0, self.bins + 1)[1:]
        gap = np.bincount(np.searchsorted(upper, scores, "left"), weights=scores - labels)
        return float(np.abs(gap).sum() / len(labels))


PLUGIN = Ece()
