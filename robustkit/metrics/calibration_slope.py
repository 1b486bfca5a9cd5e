"""Calibration slope: by how much the logit of the score must be stretched; below 1 the scores are too extreme."""

from __future__ import annotations

from dataclasses import dataclass

from robustkit.metrics._base import Classes, Flags, Floats, Kind, is_defined
from robustkit.stats.recalibration import recalibrate
from robustkit.stats.threshold import logit


@dataclass(frozen=True, slots=True)
class CalibrationSlope:
    """Slope b of logit P(positive) = a + b x logit(score), by maximum likelihood; 1 where the spread is right.

    NaN where a cut divides the classes or all scores are one: no finite fit exists. So it has none for a perfect score.
    Scores of 0 and 1 are cut at 1e-12 before the logit is taken.

    Source: Cox 1958, Biometrika 45:562; Van Calster et al. 2019, BMC Medicine 17:230.

    Example:
        >>> import numpy as np
        >>> labels = np.array([True, True, False, True, False, False])
        >>> logits = np.array([2.0, 1.0, 0.5, 0.0, -1.0, -2.0])
        >>> round(PLUGIN.value(labels, 1 / (1 + np.exp(-logits)), threshold=0.5), 6)
        1.977411
    """

    name: str = "calibration_slope"
    needs_threshold: bool = False
    kind: Kind = "score"
    needs: Classes = "both"
    best: float = float("nan")

    def value(self, labels: Flags, scores: Floats, *, threshold: float) -> float:
        """See ``Metric.value``; the threshold is not read. Scores off [0, 1]: NaN."""
        if not is_defined(labels, scores, self.needs) or scores.min() < 0.0 or scores.max() > 1.0:
            return float("nan")
        return recalibrate(labels, logit(scores))[1]


PLUGIN = CalibrationSlope()
