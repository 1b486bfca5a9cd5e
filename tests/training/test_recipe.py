"""Recipes: bad ones are refused by name, and the learning rate follows the schedule."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from robustkit.errors import InputError
from robustkit.training.augmentation import Augmentation
from robustkit.training.recipe import PLATEAU_FACTOR, PLATEAU_WAITS, Recipe


def test_the_learning_rate_warms_up_and_comes_down() -> None:
    recipe = Recipe(epochs=10, learning_rate=0.3)
    # warm-up: a third, two thirds; then 0.3 * (1 + cos(pi e / 10)) / 2: at e = 5 half, at e = 10 nothing
    assert recipe.rate(0, []) == pytest.approx(0.1)
    assert recipe.rate(1, []) == pytest.approx(0.2)
    assert recipe.rate(5, []) == pytest.approx(0.15)
    assert recipe.rate(10, []) == pytest.approx(0.0)


def test_plateaus_are_those_of_torch() -> None:
    aucs = np.random.default_rng(3).choice([0.6, 0.7, 0.8], 40).cumsum().astype(int) % 7 / 10
    recipe = Recipe(epochs=41, learning_rate=0.4, schedule="plateau")
    optimiser = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=0.4)
    # torch's patience is the number of bad epochs that are borne
    theirs = torch.optim.lr_scheduler.ReduceLROnPlateau(
        optimiser, mode="max", factor=PLATEAU_FACTOR, patience=PLATEAU_WAITS - 1, threshold=0, min_lr=0, eps=0
    )
    seen = []
    for epoch in range(40):
        if epoch >= 2:
            assert recipe.rate(epoch, aucs[:epoch].tolist()) == pytest.approx(optimiser.param_groups[0]["lr"])
            seen.append(optimiser.param_groups[0]["lr"])
        theirs.step(aucs[epoch])
    assert len(set(seen)) > 3


@pytest.mark.parametrize(
    ("given", "match"),
    [
        ({"epochs": 0}, r"--epochs: expected 1 or more, got 0"),
        ({"patience": 0}, "--patience: expected 1 or more"),
        ({"batch_size": 1}, r"--batch-size: expected 2 or more \(batch norm needs two\), got 1"),
        ({"accumulate": 0}, "--accumulate: expected 1 or more"),
        ({"learning_rate": 0.0}, "--learning-rate: expected a number above 0"),
        ({"learning_rate": math.nan}, "--learning-rate: expected a number above 0, got nan"),
        ({"learning_rate": math.inf}, "--learning-rate"),
        ({"weight_decay": -1.0}, "--weight-decay: expected a number of 0 or more"),
        ({"gamma": math.nan}, "--gamma: expected a number of 0 or more"),
        ({"augmentation": Augmentation(jitter=1.0)}, r"--jitter: expected a share in \[0, 1\)"),
        ({"seed": -1}, r"--seed: expected 0\.\.2\^64-1, got -1"),
        ({"optimiser": "sgd"}, "--optimiser: expected one of adamw, adam, got 'sgd'"),
        ({"schedule": "step"}, "--schedule: expected one of cosine, plateau"),
        ({"loss": "hinge"}, "--loss: expected one of cross-entropy, focal"),
        ({"precision": "tf32"}, "--precision: expected one of fp32, bf16, fp16"),
        ({"precision": "fp16"}, "fp16 is for CUDA; the device is the CPU. Use bf16"),
    ],
)
def test_bad_recipes_are_refused_by_name(given: dict[str, object], match: str) -> None:
    with pytest.raises(InputError, match=match):
        Recipe(**given)  # type: ignore[arg-type]


def test_fp16_is_for_cuda() -> None:
    assert Recipe(precision="fp16", device="cuda:0").precision == "fp16"
