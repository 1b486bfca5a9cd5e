"""Losses: values by hand and of torch, and parts that add up."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from robustkit.training.losses import Criterion, class_weights
from torch.nn import functional

ONES = torch.ones(2)


def _of(outputs: list[list[float]], targets: list[int], **more: object) -> float:
    criterion = Criterion(**{"kind": "cross-entropy", "weights": ONES, **more})  # type: ignore[arg-type]
    return float(criterion(torch.tensor(outputs, dtype=torch.float64), torch.tensor(targets)))


def test_cross_entropy_by_hand() -> None:
    # p = 0.75 at logit log 3: -log 0.75 for a positive, -log 0.25 for a negative, the positive weighing 3
    logit = math.log(3)
    assert _of([[logit], [logit]], [1, 0]) == pytest.approx(-(math.log(0.75) + math.log(0.25)) / 2)
    weighted = -(3 * math.log(0.75) + math.log(0.25)) / 2
    assert _of([[logit], [logit]], [1, 0], weights=torch.tensor([1.0, 3.0])) == pytest.approx(weighted)


def test_focal_by_hand() -> None:
    # Lin et al. 2017, equation 4: (1 - p)^2 of the case's class: 0.25^2 for the positive, 0.75^2 for the negative
    logit = math.log(3)
    by_hand = -(0.25**2 * math.log(0.75) + 0.75**2 * math.log(0.25)) / 2
    assert _of([[logit], [logit]], [1, 0], kind="focal", gamma=2.0) == pytest.approx(by_hand)
    # softmax of (0, log 3) has the same probabilities
    assert _of([[0, logit], [0, logit]], [1, 0], kind="focal", gamma=2.0) == pytest.approx(by_hand)
    assert _of([[logit]], [1], kind="focal", gamma=0.0) == pytest.approx(-math.log(0.75))


def test_it_is_torchs_with_weights() -> None:
    generator = torch.Generator().manual_seed(1)
    outputs = torch.randn(20, 1, generator=generator, dtype=torch.float64)
    targets = torch.randint(0, 2, (20,), generator=generator)
    weights = torch.tensor([1.0, 2.5], dtype=torch.float64)
    theirs = functional.binary_cross_entropy_with_logits(outputs[:, 0], targets.double(), pos_weight=weights[1])
    torch.testing.assert_close(Criterion("cross-entropy", weights)(outputs, targets), theirs)
    several = torch.randn(20, 3, generator=generator, dtype=torch.float64)
    kinds = torch.randint(0, 3, (20,), generator=generator)
    three = torch.tensor([0.5, 1.0, 4.0], dtype=torch.float64)
    # torch divides by the sum of the weights, we by the number of cases
    summed = functional.cross_entropy(several, kinds, weight=three, reduction="sum") / 20
    torch.testing.assert_close(Criterion("cross-entropy", three)(several, kinds), summed)


def test_parts_add_up_to_the_whole() -> None:
    generator = torch.Generator().manual_seed(2)
    outputs, targets = torch.randn(9, 3, generator=generator), torch.tensor([0, 1, 2, 0, 0, 0, 1, 0, 2])
    criterion = Criterion("focal", torch.tensor([0.5, 2.0, 1.0]), gamma=1.5)
    parts = sum(criterion(outputs[a:b], targets[a:b]) * (b - a) / 9 for a, b in ((0, 4), (4, 6), (6, 9)))
    torch.testing.assert_close(parts, criterion(outputs, targets))


@pytest.mark.parametrize("gamma", [0.5, 2.0])
def test_a_case_that_is_surely_right_has_a_finite_slope(gamma: float) -> None:
    outputs = torch.tensor([[200.0]], requires_grad=True)
    Criterion("focal", ONES, gamma)(outputs, torch.tensor([1])).backward()
    assert outputs.grad is not None
    assert torch.isfinite(outputs.grad).all()


def test_class_weights_by_hand() -> None:
    # 6 negatives to 2 positives: a positive weighs 3
    two = np.array([0, 0, 0, 0, 0, 0, 1, 1])
    np.testing.assert_allclose(class_weights(two, n_outputs=1, n_classes=2), [1, 3])
    # 10 cases, 3 classes of 5, 4 and 1: 10 / (3 * 5), 10 / (3 * 4), 10 / 3
    three = np.array([0] * 5 + [1] * 4 + [2])
    np.testing.assert_allclose(class_weights(three, n_outputs=3, n_classes=3), [10 / 15, 10 / 12, 10 / 3], rtol=1e-6)
