"""Fits one network: epoch by epoch, stopped early on the validation AUC, kept after each so that it can go on."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import astuple, dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from robustkit.errors import InputError, StoppedError
from robustkit.stats.auc import auc
from robustkit.training.augmentation import nominal_crops
from robustkit.training.learner import Learner, Lesson, predict, targets_of
from robustkit.training.pause import Pause
from robustkit.training.recipe import Recipe


@dataclass(frozen=True, slots=True)
class Epoch:
    """One point of the learning curve.

    Attributes:
        epoch: From 0.
        loss: Mean over the training cases, augmented, while it learnt.
        val_auc: On the validation cases, after it.
        val_loss: On the same, with the class weights of the training.
        learning_rate: Of the epoch.
    """

    epoch: int
    loss: float
    val_auc: float
    val_loss: float = math.nan
    learning_rate: float = math.nan


@dataclass(frozen=True, slots=True)
class Fitted:
    """A trained network.

    Attributes:
        state_dict: Of the epoch with the best validation AUC, on the CPU.
        best: That epoch.
        curve: All epochs.
        val_logits: ``(n_val,)`` float64 of that epoch: the log odds of the positive classes.
    """

    state_dict: dict[str, Any]
    best: Epoch
    curve: tuple[Epoch, ...]
    val_logits: NDArray[np.float64]


Told = Callable[[Epoch], None]


def fit(
    build: Callable[[], nn.Module],
    lesson: Lesson,
    *,
    recipe: Recipe,
    pause: Pause | None = None,
    told: Told | None = None,
    is_stopped: Callable[[], bool] = lambda: False,
) -> Fitted:
    """Train from ``build()``'s weights and keep the epoch of the best validation AUC.

    Args:
        build: Makes the network; called under the recipe's seed.
        lesson: Cases, what is seen of them, what the outputs stand for.
        recipe: How long, how fast and towards what.
        pause: Kept after every epoch, and gone on from where it is there; the outcome is the same. The caller removes it.
        told: Told after every epoch of this call.
        is_stopped: Asked before every epoch.

    Raises:
        StoppedError: It was stopped; the epochs so far are kept.
        InputError: The loss is no longer a number, or what was kept is damaged.
    """
    device = torch.device(recipe.device)
    with _own_randomness(device):
        torch.manual_seed(recipe.seed % 2**63)
        course = _Course(Learner(build().to(device), lesson, recipe), lesson, recipe)
        if pause and (held := pause.kept()):
            course.load(held)
        while not course.is_over:
            if is_stopped():
                what = f"the training was stopped after {len(course.curve)} of at most {recipe.epochs} epochs."
                raise StoppedError(
                    what, where=str(pause.path) if pause else "", fix="The same command goes on from here."
                )
            course.run()
            if pause:
                pause.keep(course.state_dict())
            if told:
                told(course.curve[-1])
        return Fitted(course.state, course.best, tuple(course.curve), course.logits)


@contextmanager
def _own_randomness(device: torch.device) -> Iterator[None]:
    """Leave torch's seeds as they were; cuDNN takes the algorithms that repeat themselves."""
    devices = list(range(torch.cuda.device_count())) if device.type == "cuda" else []
    still = torch.backends.cudnn.flags(enabled=True, benchmark=False, deterministic=True, allow_tf32=False)
    with torch.random.fork_rng(devices=devices), still:
        yield


class _Course:
    """The epochs so far, and the best of them."""

    def __init__(self, learner: Learner, lesson: Lesson, recipe: Recipe) -> None:
        self._learner, self._recipe, self._goal = learner, recipe, lesson.goal
        self._crops, self._targets = nominal_crops(lesson.val, lesson.sight), targets_of(lesson.val)
        self.curve: list[Epoch] = []
        self.best = Epoch(-1, math.nan, -1.0)
        self.state: dict[str, Any] = {}
        self.logits: NDArray[np.float64] = np.empty(0)

    @property
    def is_over(self) -> bool:
        done = len(self.curve)
        return done >= self._recipe.epochs or (done > 0 and done - 1 - self.best.epoch >= self._recipe.patience)

    def run(self) -> None:
        epoch = len(self.curve)
        rate = self._recipe.rate(epoch, [e.val_auc for e in self.curve])
        loss = self._learner.run(epoch, rate)
        outputs = predict(self._learner.network, self._learner.normalise, self._crops)
        if not (math.isfinite(loss) and np.isfinite(outputs).all()):
            what = f"the training diverged in epoch {epoch + 1} (loss {loss})."
            raise InputError(what, where="--learning-rate", fix="Lower it, for example to a tenth.")
        logits = self._goal.log_odds(outputs)
        val_auc = auc(self._goal.are_positive(self._targets), logits)
        self.curve.append(Epoch(epoch, loss, val_auc, self._val_loss(outputs), rate))
        if val_auc > self.best.val_auc:
            self.best, self.logits = self.curve[-1], logits
            self.state = {k: v.detach().cpu().clone() for k, v in self._learner.network.state_dict().items()}

    def _val_loss(self, outputs: NDArray[np.float64]) -> float:
        device = self._recipe.device
        criterion = self._learner.criterion
        return float(criterion(torch.from_numpy(outputs).to(device), torch.from_numpy(self._targets).to(device)))

    def state_dict(self) -> dict[str, Any]:
        return {
            "curve": [list(astuple(e)) for e in self.curve], "best": self.best.epoch, "state": self.state,
            "logits": torch.from_numpy(self.logits), **self._learner.state_dict(),
        }  # fmt: skip

    def load(self, held: Mapping[str, Any]) -> None:
        self.curve = [Epoch(*row) for row in held["curve"]]
        self.best = next((e for e in self.curve if e.epoch == held["best"]), self.best)
        self.state, self.logits = held["state"], held["logits"].numpy()
        self._learner.load(held)
