"""Training keeps the best epoch, stops when it no longer improves, and repeats itself to the bit."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from robustkit.crops.pillow import PLUGIN as PILLOW
from robustkit.errors import InputError
from robustkit.inputs import InputSpec
from robustkit.models.normalise import normaliser
from robustkit.stats.auc import auc
from robustkit.training.augmentation import Augmentation, Sight, nominal_crops
from robustkit.training.fit import Epoch, Fitted, Recipe, fit, predict, rate
from robustkit.training.windows import Window
from torch import nn

SPEC = InputSpec(height_px=12, width_px=12)
SIGHT = Sight(SPEC, PILLOW)
FILM = (40, 40)


def _windows(n: int, *, gap: float, seed: int) -> list[Window]:
    """Noise films; those of positive cases are ``gap`` levels brighter in the box."""
    rng = np.random.default_rng(seed)
    windows = []
    for i in range(n):
        pixels = rng.integers(40, 160, FILM[::-1]).astype(np.float64)
        pixels[10:30, 10:30] += gap * (i % 2)
        box = np.array([10.0, 10.0, 30.0, 30.0])
        windows.append(Window(f"{seed}-{i}", f"p{i}", i % 2 == 1, pixels.astype(np.uint8), (0, 0), box, FILM, ""))
    return windows


def _build() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(3, 4, 3, stride=2), nn.BatchNorm2d(4), nn.ReLU(), nn.Dropout(0.1), nn.AdaptiveAvgPool2d(1),
        nn.Flatten(), nn.Linear(4, 1),
    )  # fmt: skip


def _fit(gap: float = 30, *, val_gap: float | None = None, **recipe: object) -> tuple[Fitted, list[Epoch]]:
    told: list[Epoch] = []
    train = _windows(24, gap=gap, seed=1)
    val = _windows(12, gap=gap if val_gap is None else val_gap, seed=2)
    given = Recipe(**{"epochs": 6, "learning_rate": 0.01, "batch_size": 8, **recipe})  # type: ignore[arg-type]
    return fit(_build, train, val, sight=SIGHT, how=Augmentation(), recipe=given, told=told.append), told


def test_it_learns_what_is_there_to_learn() -> None:
    fitted, told = _fit(gap=40, epochs=12)
    assert fitted.best.val_auc > 0.95
    assert told == list(fitted.curve)
    assert fitted.curve[-1].loss < fitted.curve[0].loss


def test_the_weights_kept_are_those_of_the_best_epoch() -> None:
    fitted, _ = _fit(gap=12, epochs=8, patience=8)
    assert fitted.best == max(fitted.curve, key=lambda e: (e.val_auc, -e.epoch))
    assert fitted.best.epoch < fitted.curve[-1].epoch
    network = _build()
    network.load_state_dict(fitted.state_dict)
    val = _windows(12, gap=12, seed=2)
    logits = predict(network, normaliser(SPEC, torch.device("cpu")), nominal_crops(val, SIGHT))
    np.testing.assert_allclose(logits, fitted.val_logits, rtol=0, atol=1e-6)
    assert auc(np.array([w.is_positive for w in val]), logits) == fitted.best.val_auc


def test_it_stops_after_patience_epochs_without_a_better_one() -> None:
    # equal crops give equal logits, so every epoch's AUC is 0.5 and the first stays the best
    same = [
        Window(f"{i}", "p", i % 2 == 1, np.full((40, 40), 90, np.uint8), (0, 0), np.array([9.0, 9, 30, 30]), FILM, "")
        for i in range(6)
    ]
    recipe = Recipe(epochs=20, patience=3, batch_size=8)
    fitted = fit(_build, _windows(8, gap=20, seed=1), same, sight=SIGHT, how=Augmentation(), recipe=recipe)
    assert [e.epoch for e in fitted.curve] == [0, 1, 2, 3]
    assert fitted.best.epoch == 0
    assert {e.val_auc for e in fitted.curve} == {0.5}


def test_the_same_seed_gives_the_same_weights_and_leaves_torchs_seed_alone() -> None:
    torch.manual_seed(11)
    untouched = torch.rand(3)
    torch.manual_seed(11)
    first, _ = _fit(seed=4)
    torch.testing.assert_close(torch.rand(3), untouched, rtol=0, atol=0)
    again, other = _fit(seed=4)[0], _fit(seed=5)[0]
    assert first.curve == again.curve
    for key, value in first.state_dict.items():
        torch.testing.assert_close(value, again.state_dict[key], rtol=0, atol=0)
    assert first.curve != other.curve


def test_a_training_that_diverges_says_so() -> None:
    with pytest.raises(InputError, match=r"--learning-rate: the training diverged in epoch 1 .*Lower it"):
        _fit(learning_rate=1e30)


def test_a_last_batch_of_one_is_left_out() -> None:
    train = _windows(9, gap=20, seed=1)  # 8 and 1: batch norm cannot stand the one
    fitted = fit(
        _build,
        train,
        _windows(6, gap=20, seed=2),
        sight=SIGHT,
        how=Augmentation(),
        recipe=Recipe(epochs=1, batch_size=8),
    )
    assert math.isfinite(fitted.best.val_auc)


def test_the_learning_rate_warms_up_and_comes_down() -> None:
    recipe = Recipe(epochs=10, learning_rate=0.3)
    # warm-up: a third, two thirds; then 0.3 * (1 + cos(pi e / 10)) / 2: at e = 5 half, at e = 10 nothing
    assert rate(0, recipe) == pytest.approx(0.1)
    assert rate(1, recipe) == pytest.approx(0.2)
    assert rate(5, recipe) == pytest.approx(0.15)
    assert rate(10, recipe) == pytest.approx(0.0)


def test_the_rarer_class_weighs_as_much_as_the_other() -> None:
    # 20 to 4 without anything to learn: a network of one bias ends near logit 0, not near log(4/20) = -1.6
    class Bias(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.bias = nn.Parameter(torch.tensor([-1.6]))

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.bias.expand(len(x))

    train = [w for i, w in enumerate(_windows(40, gap=0, seed=1)) if i % 2 == 0 or i % 10 == 1]
    assert sum(w.is_positive for w in train) == 4
    recipe = Recipe(epochs=120, patience=120, batch_size=24, learning_rate=0.05, weight_decay=0.0)
    network = Bias()
    val = _windows(4, gap=0, seed=2)
    fit(lambda: network, train, val, sight=SIGHT, how=Augmentation(), recipe=recipe)
    assert network.bias.item() == pytest.approx(0.0, abs=0.05)
