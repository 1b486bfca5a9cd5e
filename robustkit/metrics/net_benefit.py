"""Net benefit: the share of true positives, less the false positives at what they cost."""

from __future__ import annotations

from dataclasses import dataclass

from robustkit.metrics._base import Classes, Flags, Floats, Kind, is_defined, share


@dataclass(frozen=True, slots=True)
class NetBenefit:
    """TP / n - w x FP / n with w = p / (1 - p), p the threshold probability: who acts at p holds 1 / w false alarms as
    bad as one miss.

    Vickers and Elkin decide at p too. A score need not be a probability, so the two may be told apart: the decision is
    ``score >= threshold``, and ``probability`` weighs it. At a stated prevalence v it is
    sensitivity x v - w x (1 - specificity) x (1 - v).

    Source: Vickers and Elkin 2006, Medical Decision Making 26:565.

    Attributes:
        probability: The threshold probability p, in [0, 1); None: it is the threshold. Out of it: NaN.
        prevalence: v, in (0, 1); None: that of these cases. Out of it: NaN.

    Example:
        >>> import numpy as np
        >>> labels, scores = np.array([True, True, False, False]), np.array([0.9, 0.1, 0.4, 0.1])
        >>> PLUGIN.value(labels, scores, threshold=0.2)  # 1/4 - 1/4 x .2/.8
        0.1875
    """

    name: str = "net_benefit"
    needs_threshold: bool = True
    kind: Kind = "proportion"
    best: float = float("nan")
    probability: float | None = None
    prevalence: float | None = None

    @property
    def needs(self) -> Classes:
        """At a stated prevalence both classes must be there."""
        return "any" if self.prevalence is None else "both"

    def value(self, labels: Flags, scores: Floats, *, threshold: float) -> float:
        """See ``Metric.value``."""
        p = threshold if self.probability is None else self.probability
        if not is_defined(labels, scores, self.needs) or not 0.0 <= p < 1.0:
            return float("nan")
        weight, called = p / (1.0 - p), scores >= threshold
        if self.prevalence is None:
            return share(called & labels) - weight * share(called & ~labels)
        if not 0.0 < self.prevalence < 1.0:
            return float("nan")
        hit, alarm = share(called[labels]), share(called[~labels])
        return hit * self.prevalence - weight * alarm * (1.0 - self.prevalence)


PLUGIN = NetBenefit()
