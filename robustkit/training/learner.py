"""A network in training: one epoch at a time, its crops cut ahead of it in a thread."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from robustkit.models.normalise import Normaliser, normaliser
from robustkit.seeds import generator
from robustkit.training.augmentation import Sight, augmented_crops
from robustkit.training.goal import Goal
from robustkit.training.losses import Criterion, class_weights
from robustkit.training.recipe import Recipe
from robustkit.training.windows import Window

Rows = NDArray[np.intp]

_PREDICT_BATCH = 64
_LARGEST_NORM = 5.0
"""Of the gradient: a step is shortened to it."""


@dataclass(frozen=True, slots=True)
class Lesson:
    """What is learnt from, what stops it, and what the outputs stand for.

    Attributes:
        train, val: Windows; every class of the goal is in ``train``, positives and negatives in both. No patient stands in
            both: the caller sees to it.
        sight: What the network sees of a window.
        goal: What its outputs stand for.
    """

    train: Sequence[Window]
    val: Sequence[Window]
    sight: Sight
    goal: Goal = Goal()  # noqa: RUF009  # frozen


class Learner:
    """Network, optimiser and the cases it learns from."""

    def __init__(self, network: nn.Module, lesson: Lesson, recipe: Recipe) -> None:
        self.network = network
        self.normalise = normaliser(lesson.sight.spec, torch.device(recipe.device))
        self._lesson, self._recipe = lesson, recipe
        self._kind = recipe.device.partition(":")[0]
        self._targets = targets_of(lesson.train)
        goal, n = lesson.goal, len(lesson.goal.classes)
        weights = class_weights(self._targets, n_outputs=goal.n_outputs, n_classes=n)
        weights = weights if recipe.has_class_weights else np.ones_like(weights)
        self.criterion = Criterion(recipe.loss, torch.from_numpy(weights).to(recipe.device), recipe.gamma)
        made = torch.optim.AdamW if recipe.optimiser == "adamw" else torch.optim.Adam
        self._optimiser = made(network.parameters(), lr=recipe.learning_rate, weight_decay=recipe.weight_decay)
        self._scaler = torch.amp.GradScaler(self._kind, enabled=recipe.precision == "fp16")

    def state_dict(self) -> dict[str, Any]:
        """Give all that changes from epoch to epoch."""
        return {
            "network": self.network.state_dict(), "optimiser": self._optimiser.state_dict(),
            "scaler": self._scaler.state_dict(),
        }  # fmt: skip

    def load(self, held: Mapping[str, Any]) -> None:
        """Go on from ``state_dict``."""
        self.network.load_state_dict(held["network"])
        self._optimiser.load_state_dict(held["optimiser"])
        self._scaler.load_state_dict(held["scaler"])

    def run(self, epoch: int, rate: float) -> float:
        """Train one epoch and give its mean loss."""
        recipe = self._recipe
        # dropout of an epoch does not depend on the epochs before it, so that a training can go on
        torch.manual_seed(int(generator(recipe.seed, "epoch", epoch).integers(2**63)))
        for group in self._optimiser.param_groups:
            group["lr"] = rate
        order = generator(recipe.seed, "order", epoch).permutation(len(self._targets))
        steps = [list(_split(rows, recipe.batch_size)) for rows in _split(order, recipe.batch_size * recipe.accumulate)]
        self.network.train()
        total, n = 0.0, 0
        with ThreadPoolExecutor(1) as pool:
            crops = self._crops([part for step in steps for part in step], epoch, pool)
            for step in steps:
                size = sum(map(len, step))
                total, n = total + self._step(step, crops, size) * size, n + size
        return total / max(n, 1)

    def _crops(self, parts: Sequence[Rows], epoch: int, pool: ThreadPoolExecutor) -> Iterator[NDArray[np.float32]]:
        """Give the crops of every part, those of the next one cut meanwhile."""

        def cut(part: Rows) -> NDArray[np.float32]:
            own, how = [self._lesson.train[i] for i in part], self._recipe.augmentation
            return augmented_crops(own, self._lesson.sight, how=how, seed=self._recipe.seed, epoch=epoch)

        ahead = [pool.submit(cut, part) for part in parts[:1]]
        for part in (*parts[1:], None):
            if part is not None:
                ahead.append(pool.submit(cut, part))
            yield ahead.pop(0).result()

    def _step(self, step: Sequence[Rows], crops: Iterator[NDArray[np.float32]], size: int) -> float:
        """Take one step of the optimiser: its cases pass in parts, whose gradients add up to that of all."""
        self._optimiser.zero_grad(set_to_none=True)
        total = 0.0
        for part in step:
            loss = self._loss(next(crops), self._targets[part]) * (len(part) / size)
            self._scaler.scale(loss).backward()
            total += float(loss.item())
        self._scaler.unscale_(self._optimiser)
        nn.utils.clip_grad_norm_(self.network.parameters(), _LARGEST_NORM)
        self._scaler.step(self._optimiser)
        self._scaler.update()
        return total

    def _loss(self, crops: NDArray[np.float32], targets: Rows) -> torch.Tensor:
        x = torch.from_numpy(crops).to(self._recipe.device)
        y = torch.from_numpy(targets).to(self._recipe.device)
        with self._mixed():
            outputs = self.network(self.normalise(x))
        return self.criterion(outputs.float().reshape(len(x), -1), y)

    def _mixed(self) -> AbstractContextManager[Any]:
        if self._recipe.precision == "fp32":
            return nullcontext()
        kind = torch.bfloat16 if self._recipe.precision == "bf16" else torch.float16
        return torch.autocast(self._kind, dtype=kind)  # type: ignore[no-any-return]  # torch is not followed


def targets_of(windows: Sequence[Window]) -> Rows:
    """Give ``(n,)`` targets."""
    return np.array([w.target for w in windows], dtype=np.intp)


def predict(network: nn.Module, normalise: Normaliser, crops: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Give ``(n, K)`` float64 outputs of ``(n, h, w)`` crops; the network is left in eval mode."""
    network.eval()
    device = normalise.mean.device
    found = []
    with torch.inference_mode():
        for start in range(0, len(crops), _PREDICT_BATCH):
            part = torch.from_numpy(crops[start : start + _PREDICT_BATCH]).to(device)
            found.append(network(normalise(part)).float().reshape(len(part), -1).cpu().numpy())
    return np.concatenate(found).astype(np.float64)


def _split(rows: Rows, size: int) -> Iterator[Rows]:
    """Give parts of at most ``size``; a last one of a single row is left out, as batch norm needs two."""
    for start in range(0, len(rows), size):
        if len(part := rows[start : start + size]) > 1:
            yield part
