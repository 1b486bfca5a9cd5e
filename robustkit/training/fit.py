"""Fits one network: AdamW, cosine, class weights, early stopping on the validation AUC."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from robustkit.crops._base import CropMaker
from robustkit.inputs import InputSpec
from robustkit.models.normalise import Normaliser, normaliser
from robustkit.seeds import generator
from robustkit.stats.auc import auc
from robustkit.training.augmentation import Augmentation, augmented_crops, nominal_crops
from robustkit.training.windows import Window


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

    epochs: int = 40
    patience: int = 12
    batch_size: int = 32
    learning_rate: float = 1e-3
    weight_decay: float = 0.02
    seed: int = 0
    device: str = "cpu"


@dataclass(frozen=True, slots=True)
class Epoch:
    """One point of the learning curve."""

    epoch: int
    loss: float
    val_auc: float


@dataclass(frozen=True, slots=True)
class Fitted:
    """The best network, its validation logits and the learning curve."""

    state_dict: dict[str, Any]
    best: Epoch
    curve: tuple[Epoch, ...]
    val_logits: NDArray[np.float64]


Told = Callable[[Epoch, int], None]


def fit(
    build: Callable[[], nn.Module],
    train: Sequence[Window],
    val: Sequence[Window],
    *,
    spec: InputSpec,
    crops: CropMaker,
    how: Augmentation,
    recipe: Recipe,
    told: Told | None = None,
) -> Fitted:
    """Train from ``build()``'s weights and keep the epoch of the best validation AUC.

    Args:
        build: Makes the network; called under the recipe's seed.
        train, val: Windows; patients never stand in both (the caller sees to it).
        spec, crops, how: What the network sees.
        recipe: How long and how fast.
        told: Told after every epoch (epoch, all epochs).
    """
    device = torch.device(recipe.device)
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        torch.manual_seed(recipe.seed % 2**63)
        return _fit(build().to(device), train, val, spec=spec, crops=crops, how=how, recipe=recipe, told=told)


def _fit(
    network: nn.Module,
    train: Sequence[Window],
    val: Sequence[Window],
    *,
    spec: InputSpec,
    crops: CropMaker,
    how: Augmentation,
    recipe: Recipe,
    told: Told | None,
) -> Fitted:
    normalise = normaliser(spec, torch.device(recipe.device))
    labels = np.array([w.is_positive for w in train])
    val_labels = np.array([w.is_positive for w in val])
    weight = torch.tensor((~labels).sum() / labels.sum(), dtype=torch.float32, device=recipe.device)
    loss_of = nn.BCEWithLogitsLoss(pos_weight=weight)
    optimiser = torch.optim.AdamW(network.parameters(), lr=recipe.learning_rate, weight_decay=recipe.weight_decay)
    seen = nominal_crops(val, spec, crops)
    best, state, val_logits = Epoch(-1, math.nan, -1.0), network.state_dict(), np.empty(0)
    curve: list[Epoch] = []
    for epoch in range(recipe.epochs):
        for group in optimiser.param_groups:
            group["lr"] = _rate(epoch, recipe)
        batch = augmented_crops(train, spec, crops, how=how, seed=recipe.seed, epoch=epoch)
        order = generator(recipe.seed, "order", epoch).permutation(len(train))
        loss = _one_epoch(network, optimiser, loss_of, normalise, batch=batch, labels=labels, order=order, recipe=recipe)
        logits = predict(network, normalise, seen, batch_size=64)
        curve.append(Epoch(epoch, loss, auc(val_labels, logits)))
        if curve[-1].val_auc > best.val_auc:
            best, state, val_logits = curve[-1], copy.deepcopy(network.state_dict()), logits
        if told:
            told(curve[-1], recipe.epochs)
        if epoch - best.epoch >= recipe.patience:
            break
    return Fitted(state, best, tuple(curve), val_logits)


def _rate(epoch: int, recipe: Recipe) -> float:
    """Cosine with two epochs of warm-up."""
    if epoch < 2:
        return recipe.learning_rate * (epoch + 1) / 3
    return recipe.learning_rate * 0.5 * (1 + math.cos(math.pi * epoch / recipe.epochs))


def _one_epoch(
    network: nn.Module,
    optimiser: torch.optim.Optimizer,
    loss_of: nn.Module,
    normalise: Normaliser,
    *,
    batch: NDArray[np.float32],
    labels: NDArray[np.bool_],
    order: NDArray[np.int64],
    recipe: Recipe,
) -> float:
    network.train()
    total, n = 0.0, 0
    size = recipe.batch_size
    for start in range(0, len(order), size):
        rows = order[start : start + size]
        if len(rows) < 2:  # batch norm needs two
            continue
        x = torch.from_numpy(batch[rows]).to(recipe.device)
        y = torch.from_numpy(labels[rows].astype(np.float32)).to(recipe.device)
        optimiser.zero_grad(set_to_none=True)
        loss = loss_of(network(normalise(x)).reshape(-1), y)
        loss.backward()
        nn.utils.clip_grad_norm_(network.parameters(), 5.0)
        optimiser.step()
        total, n = total + loss.item() * len(rows), n + len(rows)
    return total / max(n, 1)


def predict(
    network: nn.Module, normalise: Normaliser, crops: NDArray[np.uint8], *, batch_size: int
) -> NDArray[np.float64]:
    """Give ``(n,)`` logits of ``(n, h, w)`` crops."""
    network.eval()
    device = normalise.mean.device
    with torch.inference_mode():
        parts = [
            network(normalise(torch.from_numpy(crops[i : i + batch_size]).to(device))).reshape(-1).cpu().numpy()
            for i in range(0, len(crops), batch_size)
        ]
    return np.concatenate(parts).astype(np.float64)
