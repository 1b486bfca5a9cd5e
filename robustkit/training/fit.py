"""Fits one network: AdamW, cosine, class weights, early stopping on the validation AUC."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from robustkit.errors import InputError
from robustkit.models.normalise import Normaliser, normaliser
from robustkit.seeds import generator
from robustkit.stats.auc import auc
from robustkit.training.augmentation import Augmentation, Sight, augmented_crops, nominal_crops
from robustkit.training.windows import Window

_WARM_UP = 2
_PREDICT_BATCH = 64


@dataclass(frozen=True, slots=True)
class Recipe:
    """How long and how fast.

    Attributes:
        epochs: At most.
        patience: Epochs without a better validation AUC before it stops.
        batch_size, learning_rate, weight_decay: Of AdamW.
        seed: Of weights, order and augmentation.
        device: ``cpu`` or ``cuda[:n]``.
    """

    epochs: int = 25
    patience: int = 10
    batch_size: int = 32
    learning_rate: float = 2e-3
    weight_decay: float = 0.02
    seed: int = 0
    device: str = "cpu"


@dataclass(frozen=True, slots=True)
class Epoch:
    """One point of the learning curve: mean training loss, and the AUC on the validation cases after it."""

    epoch: int
    loss: float
    val_auc: float


@dataclass(frozen=True, slots=True)
class Fitted:
    """The best network, its validation logits and the learning curve.

    Attributes:
        state_dict: Of the best epoch, on the CPU.
        best: That epoch.
        curve: All epochs that were run.
        val_logits: ``(n,)`` of the best epoch, in the order of the validation windows.
    """

    state_dict: dict[str, Any]
    best: Epoch
    curve: tuple[Epoch, ...]
    val_logits: NDArray[np.float64]


Told = Callable[[Epoch], None]


def fit(
    build: Callable[[], nn.Module],
    train: Sequence[Window],
    val: Sequence[Window],
    *,
    sight: Sight,
    how: Augmentation,
    recipe: Recipe,
    told: Told | None = None,
) -> Fitted:
    """Train from ``build()``'s weights and keep the epoch of the best validation AUC.

    Args:
        build: Makes the network; called under the recipe's seed.
        train, val: Windows of both classes; patients never stand in both (the caller sees to it).
        sight, how: What the network sees.
        recipe: How long and how fast.
        told: Told after every epoch.

    Raises:
        InputError: The loss is no longer a number.
    """
    device = torch.device(recipe.device)
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        torch.manual_seed(recipe.seed % 2**63)
        fitting = _Fitting(build().to(device), train, sight, how=how, recipe=recipe)
        return _best_of(fitting, nominal_crops(val, sight), _labels(val), recipe=recipe, told=told)


def _best_of(
    fitting: _Fitting, crops: NDArray[np.uint8], labels: NDArray[np.bool_], *, recipe: Recipe, told: Told | None
) -> Fitted:
    curve: list[Epoch] = []
    best, state, best_logits = Epoch(-1, math.nan, -1.0), {}, np.empty(0)
    for epoch in range(recipe.epochs):
        loss = fitting.run(epoch)
        logits = predict(fitting.network, fitting.normalise, crops)
        if not (math.isfinite(loss) and np.isfinite(logits).all()):
            what = f"the training diverged in epoch {epoch + 1} (loss {loss})."
            raise InputError(what, where="--learning-rate", fix="Lower it, for example to a tenth.")
        curve.append(Epoch(epoch, loss, auc(labels, logits)))
        if curve[-1].val_auc > best.val_auc:
            best, best_logits = curve[-1], logits
            state = {k: v.detach().cpu().clone() for k, v in fitting.network.state_dict().items()}
        if told:
            told(curve[-1])
        if epoch - best.epoch >= recipe.patience:
            break
    return Fitted(state, best, tuple(curve), best_logits)


class _Fitting:
    """A network on its way: one call per epoch, everything else held still."""

    def __init__(
        self, network: nn.Module, train: Sequence[Window], sight: Sight, *, how: Augmentation, recipe: Recipe
    ) -> None:
        self.network = network
        self.normalise = normaliser(sight.spec, torch.device(recipe.device))
        self._train, self._sight, self._how, self._recipe = train, sight, how, recipe
        self._labels = _labels(train)
        weight = (~self._labels).sum() / self._labels.sum()
        self._loss = nn.BCEWithLogitsLoss(pos_weight=torch.tensor(weight, dtype=torch.float32, device=recipe.device))
        self._optimiser = torch.optim.AdamW(
            network.parameters(), lr=recipe.learning_rate, weight_decay=recipe.weight_decay
        )

    def run(self, epoch: int) -> float:
        """Train one epoch and give its mean loss."""
        recipe = self._recipe
        for group in self._optimiser.param_groups:
            group["lr"] = rate(epoch, recipe)
        crops = augmented_crops(self._train, self._sight, how=self._how, seed=recipe.seed, epoch=epoch)
        order = generator(recipe.seed, "order", epoch).permutation(len(self._train))
        self.network.train()
        total, n = 0.0, 0
        for start in range(0, len(order), recipe.batch_size):
            rows = order[start : start + recipe.batch_size]
            if len(rows) < 2:  # batch norm needs two
                continue
            total, n = total + self._step(crops[rows], self._labels[rows]) * len(rows), n + len(rows)
        return total / max(n, 1)

    def _step(self, crops: NDArray[np.float32], labels: NDArray[np.bool_]) -> float:
        device = self._recipe.device
        x = torch.from_numpy(crops).to(device)
        y = torch.from_numpy(labels.astype(np.float32)).to(device)
        self._optimiser.zero_grad(set_to_none=True)
        loss = self._loss(self.network(self.normalise(x)).reshape(-1), y)
        loss.backward()
        nn.utils.clip_grad_norm_(self.network.parameters(), 5.0)
        self._optimiser.step()
        return float(loss.item())


def rate(epoch: int, recipe: Recipe) -> float:
    """Give the learning rate of an epoch: two epochs of warm-up, then a cosine down to 0."""
    if epoch < _WARM_UP:
        return recipe.learning_rate * (epoch + 1) / (_WARM_UP + 1)
    return recipe.learning_rate * 0.5 * (1 + math.cos(math.pi * epoch / recipe.epochs))


def predict(network: nn.Module, normalise: Normaliser, crops: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Give ``(n,)`` logits of ``(n, h, w)`` uint8 crops."""
    network.eval()
    device = normalise.mean.device
    with torch.inference_mode():
        parts = [
            network(normalise(torch.from_numpy(crops[i : i + _PREDICT_BATCH]).to(device))).reshape(-1).cpu().numpy()
            for i in range(0, len(crops), _PREDICT_BATCH)
        ]
    return np.concatenate(parts).astype(np.float64)


def _labels(windows: Sequence[Window]) -> NDArray[np.bool_]:
    return np.array([w.is_positive for w in windows], dtype=np.bool_)
