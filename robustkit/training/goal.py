"""The noun Goal: what the outputs of a network in training stand for."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import logsumexp

from robustkit.inputs import OutputKind

Flags = NDArray[np.bool_]
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Goal:
    """One logit for two classes, or one for each of several.

    Attributes:
        kind: ``sigmoid-logit`` (two classes, the logit is that of the second) or ``softmax-logits``.
        classes: Names; a case's target is the place of its class.
        positive: Names of the positive classes: at least one, and not all.
    """

    kind: OutputKind = "sigmoid-logit"
    classes: tuple[str, ...] = ("benign", "non-benign")
    positive: tuple[str, ...] = ("non-benign",)

    @property
    def n_outputs(self) -> int:
        """Give how many numbers the network gives for a crop."""
        return 1 if self.kind == "sigmoid-logit" else len(self.classes)

    def are_positive(self, targets: NDArray[np.intp]) -> Flags:
        """Give ``(n,)`` True where a target's class is positive."""
        return np.asarray(np.isin(targets, self._places()))

    def log_odds(self, outputs: Floats) -> Floats:
        """Give ``(n,)`` log odds of the summed probability of the positive classes.

        Args:
            outputs: ``(n, n_outputs)`` float64 logits.
        """
        if self.kind == "sigmoid-logit":
            return outputs[:, 0]
        chosen = np.isin(np.arange(len(self.classes)), self._places())
        return np.asarray(logsumexp(outputs[:, chosen], axis=1) - logsumexp(outputs[:, ~chosen], axis=1))

    def _places(self) -> list[int]:
        return [i for i, name in enumerate(self.classes) if name in self.positive]
