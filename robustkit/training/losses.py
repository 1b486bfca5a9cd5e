"""Losses of one logit or of several: cross-entropy, and the focal loss that looks away from what is easy."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

Loss = Literal["cross-entropy", "focal"]

_SMALLEST = 1e-6
"""Of 1 - probability: a power below 1 has no slope at 0."""


@dataclass(frozen=True, slots=True)
class Criterion:
    """What training makes small.

    Attributes:
        kind: ``cross-entropy``, or ``focal``: every case's cross-entropy times (1 - probability of its class)^gamma
            (Lin et al. 2017, equation 4).
        weights: ``(n_classes,)`` float32: what a case of each class weighs; for one logit 1 for the first.
        gamma: Of the focal loss; 0 makes it the cross-entropy.
    """

    kind: Loss
    weights: Tensor
    gamma: float = 2.0

    def __call__(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Give the mean over the cases, not over their weights, so that parts of a batch add up to the whole.

        Args:
            outputs: ``(n, 1)`` logits of the second of two classes, or ``(n, n_classes)``.
            targets: ``(n,)`` int64.
        """
        if outputs.shape[1] > 1:
            each = functional.cross_entropy(outputs, targets, reduction="none")
        else:
            labels = targets.to(outputs.dtype)
            if self.kind == "cross-entropy":
                return functional.binary_cross_entropy_with_logits(outputs[:, 0], labels, pos_weight=self.weights[1])
            each = functional.binary_cross_entropy_with_logits(outputs[:, 0], labels, reduction="none")
        if self.kind == "focal":
            # exp(-cross-entropy) is the probability of the case's class
            each = (1 - torch.exp(-each)).clamp_min(_SMALLEST) ** self.gamma * each
        return (self.weights[targets] * each).mean()


def class_weights(targets: NDArray[np.intp], *, n_outputs: int, n_classes: int) -> NDArray[np.float32]:
    """Give what a case of each class weighs, so that all classes weigh the same in all.

    For one logit a negative case weighs 1 and a positive one negatives / positives; for several, cases / (classes x cases
    of the class).

    Args:
        targets: ``(n,)``, every class there.
        n_outputs: Of the network.
        n_classes: Of the goal.
    """
    counts = np.bincount(targets, minlength=n_classes)
    base = counts[0] if n_outputs == 1 else len(targets) / n_classes
    return np.asarray(base / counts, dtype=np.float32)
