"""Small lessons that a network of a few hundred weights can learn: noise films whose boxes differ in brightness by class."""

from __future__ import annotations

import numpy as np
from robustkit.crops.pillow import PLUGIN as PILLOW
from robustkit.inputs import InputSpec
from robustkit.training.augmentation import Sight
from robustkit.training.goal import Goal
from robustkit.training.learner import Lesson
from robustkit.training.windows import Window
from torch import nn

SPEC = InputSpec(height_px=12, width_px=12)
SIGHT = Sight(SPEC, PILLOW)
FILM = (40, 40)


def windows(n: int, *, gap: float, seed: int, n_classes: int = 2) -> list[Window]:
    """Give noise films; the box of class k is ``k * gap`` levels brighter."""
    rng = np.random.default_rng(seed)
    made = []
    for i in range(n):
        pixels = rng.integers(40, 160, FILM[::-1]).astype(np.float64)
        pixels[10:30, 10:30] += gap * (i % n_classes)
        box = np.array([10.0, 10.0, 30.0, 30.0])
        made.append(Window(f"{seed}-{i}", f"p{i}", i % n_classes, pixels.astype(np.uint8), (0, 0), box, FILM, ""))
    return made


def lesson(gap: float = 30, *, val_gap: float | None = None, n: int = 24) -> Lesson:
    """Give a lesson of two classes and one logit."""
    val = windows(12, gap=gap if val_gap is None else val_gap, seed=2)
    return Lesson(windows(n, gap=gap, seed=1), val, SIGHT)


def lesson_of_three(gap: float = 30) -> Lesson:
    """Give a lesson of three classes, two of them positive."""
    goal = Goal("softmax-logits", ("normal", "benign", "malignant"), ("benign", "malignant"))
    train, val = (windows(n, gap=gap, seed=seed, n_classes=3) for n, seed in ((30, 1), (15, 2)))
    return Lesson(train, val, SIGHT, goal)


def small_network(n_outputs: int = 1) -> nn.Module:
    """Build a network with convolution, batch norm and dropout."""
    return nn.Sequential(
        nn.Conv2d(3, 4, 3, stride=2), nn.BatchNorm2d(4), nn.ReLU(), nn.Dropout(0.1), nn.AdaptiveAvgPool2d(1),
        nn.Flatten(), nn.Linear(4, n_outputs),
    )  # fmt: skip
