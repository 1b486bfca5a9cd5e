"""Partial AUC: the ROC curve up to a false positive rate of 0.1, on a scale where 0.5 is useless and 1 perfect."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from robustkit.metrics._base import Classes, Flags, Floats, Kind, is_defined


@dataclass(frozen=True, slots=True)
class PartialAuc:
    """Standardised area under the ROC curve for false positive rates from 0 to ``max_fpr``, in (0, 1].

    (1 + (A - m^2 / 2) / (m - m^2 / 2)) / 2 with m = ``max_fpr`` and A the area; between the points of the curve the
    line is straight, so ties count half. With m = 1 it is the AUC.

    Source: McClish 1989, Medical Decision Making 9:190.

    Attributes:
        max_fpr: In (0, 1]. Out of it: NaN.

    Example:
        >>> import numpy as np
        >>> labels, scores = np.array([True, True, False, False]), np.array([0.9, 0.3, 0.4, 0.1])
        >>> round(PartialAuc(max_fpr=0.5).value(labels, scores, threshold=0.5), 12)
        0.666666666667
    """

    name: str = "partial_auc"
    needs_threshold: bool = False
    kind: Kind = "discrimination"
    needs: Classes = "both"
    best: float = 1.0
    max_fpr: float = 0.1

    def value(self, labels: Flags, scores: Floats, *, threshold: float) -> float:
        """See ``Metric.value``; the threshold is not read."""
        if not is_defined(labels, scores, self.needs) or not 0.0 < self.max_fpr <= 1.0:
            return float("nan")
        levels, step = np.unique(-scores, return_inverse=True)
        called = np.bincount(step, minlength=len(levels))
        positives = np.bincount(step, weights=labels, minlength=len(levels))
        tpr = np.concatenate([[0.0], np.cumsum(positives) / labels.sum()])
        fpr = np.concatenate([[0.0], np.cumsum(called - positives) / (~labels).sum()])
        inside = fpr < self.max_fpr
        end = int(inside.sum())
        x = np.append(fpr[inside], self.max_fpr)
        y = np.append(tpr[inside], _at(self.max_fpr, fpr[end - 1 : end + 1], tpr[end - 1 : end + 1]))
        area, least = float(np.trapezoid(y, x)), self.max_fpr**2 / 2
        return 0.5 * (1.0 + (area - least) / (self.max_fpr - least))


def _at(x: float, fpr: Floats, tpr: Floats) -> float:
    """Give the height of the line between two points, at x."""
    return float(tpr[0] + (tpr[1] - tpr[0]) * (x - fpr[0]) / (fpr[1] - fpr[0]))


PLUGIN = PartialAuc()
