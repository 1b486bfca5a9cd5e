"""The noun Recipe: how a network is trained; its learning rate follows from it and from the curve so far."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal, get_args

from robustkit.errors import InputError
from robustkit.training.augmentation import Augmentation
from robustkit.training.losses import Loss

Optimiser = Literal["adamw", "adam"]
Schedule = Literal["cosine", "plateau"]
Precision = Literal["fp32", "bf16", "fp16"]

WARM_UP = 2
"""Epochs in which the learning rate rises."""

PLATEAU_FACTOR, PLATEAU_WAITS = 0.3, 3
"""On a plateau the rate is multiplied by this, after so many epochs without a better validation AUC."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """How long, how fast and towards what.

    Attributes:
        epochs: At most.
        patience: Epochs without a better validation AUC before it stops.
        batch_size: Cases per forward.
        accumulate: Forwards per step of the optimiser.
        learning_rate, weight_decay: Of the optimiser.
        optimiser, schedule, loss: By name.
        gamma: Of the focal loss.
        has_class_weights: All classes weigh the same.
        precision: ``fp32``, or mixed with ``bf16`` or ``fp16``.
        augmentation: How much a case may differ from epoch to epoch.
        seed: Of weights, order and augmentation; 0..2^64-1.
        device: ``cpu`` or ``cuda[:n]``.
    """

    epochs: int = 25
    patience: int = 10
    batch_size: int = 32
    accumulate: int = 1
    learning_rate: float = 2e-3
    weight_decay: float = 0.02
    optimiser: Optimiser = "adamw"
    schedule: Schedule = "cosine"
    loss: Loss = "cross-entropy"
    gamma: float = 2.0
    has_class_weights: bool = True
    precision: Precision = "fp32"
    augmentation: Augmentation = field(default_factory=Augmentation)
    seed: int = 0
    device: str = "cpu"

    def __post_init__(self) -> None:
        self._check_numbers()
        for flag, value, kind in (
            ("--optimiser", self.optimiser, Optimiser), ("--schedule", self.schedule, Schedule),
            ("--loss", self.loss, Loss), ("--precision", self.precision, Precision),
        ):  # fmt: skip
            if value not in get_args(kind):
                what = f"expected one of {', '.join(get_args(kind))}, got {value!r}."
                raise InputError(what, where=flag, fix="Choose one of these.")
        if self.precision == "fp16" and self.device == "cpu":
            what = "fp16 is for CUDA; the device is the CPU."
            raise InputError(what, where="--precision", fix="Use bf16 or fp32.")

    def _check_numbers(self) -> None:
        faults = [
            (name, wanted, value)
            for name, wanted, value, fits in (
                ("epochs", "1 or more", self.epochs, self.epochs >= 1),
                ("patience", "1 or more", self.patience, self.patience >= 1),
                ("batch-size", "2 or more (batch norm needs two)", self.batch_size, self.batch_size >= 2),
                ("accumulate", "1 or more", self.accumulate, self.accumulate >= 1),
                ("learning-rate", "a number above 0", self.learning_rate, 0 < self.learning_rate < math.inf),
                ("weight-decay", "a number of 0 or more", self.weight_decay, 0 <= self.weight_decay < math.inf),
                ("gamma", "a number of 0 or more", self.gamma, 0 <= self.gamma < math.inf),
                ("jitter", "a share in [0, 1)", self.augmentation.jitter, 0 <= self.augmentation.jitter < 1),
                ("seed", "0..2^64-1", self.seed, 0 <= self.seed < 2**64),
            )
            if not fits
        ]
        if faults:
            name, wanted, value = faults[0]
            raise InputError(f"expected {wanted}, got {value}.", where=f"--{name}", fix="Leave it at its default.")

    def rate(self, epoch: int, aucs: Sequence[float]) -> float:
        """Give the learning rate of an epoch: two epochs of warm-up, then a cosine down to 0, or steps on plateaus.

        Args:
            epoch: From 0.
            aucs: Validation AUCs of the epochs before it.
        """
        if epoch < WARM_UP:
            return self.learning_rate * (epoch + 1) / (WARM_UP + 1)
        if self.schedule == "cosine":
            return self.learning_rate * 0.5 * (1 + math.cos(math.pi * epoch / self.epochs))
        return float(self.learning_rate * PLATEAU_FACTOR ** _plateaus(aucs))


def _plateaus(aucs: Sequence[float]) -> int:
    """Count how often the curve stood still for long enough."""
    best, waited, found = -math.inf, 0, 0
    for value in aucs:
        best, waited = (value, 0) if value > best else (best, waited + 1)
        if waited == PLATEAU_WAITS:
            found, waited = found + 1, 0
    return found
