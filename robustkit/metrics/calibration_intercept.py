"""Calibration intercept: by how much the logit of all scores must be raised; below 0 the scores are too high."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from robustkit.metrics._base import Classes, Flags, Floats, Kind, is_defined
from robustkit.stats.recalibration import recalibrate, recalibrate_intercept
from robustkit.stats.threshold import logit


@dataclass(frozen=True, slots=True)
class CalibrationIntercept:
    """Intercept a of logit P(positive) = a + logit(score), by maximum likelihood; 0 where the mean is right.

    Also called calibration in the large. With ``slope="free"`` it is a of a + b x logit(score), beside the calibration
    slope b, and NaN where that is. Scores of 0 and 1 are cut at 1e-12 before the logit is taken. Where all are such, as
    of a perfect score, any intercept fits: NaN.

    Source: Cox 1958, Biometrika 45:562; Van Calster et al. 2019, BMC Medicine 17:230.

    Example:
        >>> import numpy as np
        >>> round(PLUGIN.value(np.array([True, False, False, False]), np.full(4, 0.5), threshold=0.5), 6)
        -1.098612
    """

    name: str = "calibration_intercept"
    needs_threshold: bool = False
    kind: Kind = "score"
    needs: Classes = "both"
    best: float = float("nan")
    slope: Literal["fixed", "free"] = "fixed"

    def value(self, labels: Flags, scores: Floats, *, threshold: float) -> float:
        """See ``Metric.value``; the threshold is not read. Scores off [0, 1]: NaN."""
        if not is_defined(labels, scores, self.needs) or scores.min() < 0.0 or scores.max() > 1.0:
            return float("nan")
        logits = logit(scores)
        return recalibrate(labels, logits)[0] if self.slope == "free" else recalibrate_intercept(labels, logits)


PLUGIN = CalibrationIntercept()
