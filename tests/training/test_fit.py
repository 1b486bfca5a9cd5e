"""Training keeps the best epoch, stops when it no longer improves, and repeats itself to the bit."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from robustkit.errors import InputError
from robustkit.models.normalise import normaliser
from robustkit.stats.auc import auc
from robustkit.training.augmentation import nominal_crops
from robustkit.training.fit import Epoch, Fitted, fit
from robustkit.training.learner import Lesson, predict
from robustkit.training.pause import Pause
from robustkit.training.recipe import Recipe
from robustkit.training.windows import Window
from sklearn.metrics import roc_auc_score
from torch import nn

from made_lessons import FILM, SIGHT, SPEC, lesson, lesson_of_three, small_network, windows


def _recipe(**given: object) -> Recipe:
    return Recipe(**{"epochs": 6, "learning_rate": 0.01, "batch_size": 8, **given})  # type: ignore[arg-type]


def _fit(what: Lesson | None = None, *, pause: Pause | None = None, **recipe: object) -> tuple[Fitted, list[Epoch]]:
    told: list[Epoch] = []
    what = what or lesson()
    fitted = fit(
        lambda: small_network(what.goal.n_outputs), what, recipe=_recipe(**recipe), pause=pause, told=told.append
    )
    return fitted, told


def _same(a: Fitted, b: Fitted) -> None:
    assert a.curve == b.curve
    assert a.best == b.best
    np.testing.assert_array_equal(a.val_logits, b.val_logits)
    assert a.state_dict.keys() == b.state_dict.keys()
    for key, value in a.state_dict.items():
        torch.testing.assert_close(value, b.state_dict[key], rtol=0, atol=0)


def test_it_learns_what_is_there_to_learn() -> None:
    fitted, told = _fit(lesson(40), epochs=12)
    assert fitted.best.val_auc > 0.95
    assert told == list(fitted.curve)
    assert fitted.curve[-1].loss < fitted.curve[0].loss
    assert fitted.curve[-1].val_loss < fitted.curve[0].val_loss


@pytest.mark.parametrize(
    "recipe",
    [
        {"optimiser": "adam", "schedule": "plateau"}, {"loss": "focal"}, {"precision": "bf16"},
        {"batch_size": 4, "accumulate": 3},
    ],
    ids=lambda r: "-".join(map(str, r.values())),
)  # fmt: skip
def test_each_way_of_training_learns(recipe: dict[str, object]) -> None:
    fitted, _ = _fit(lesson(40), epochs=12, **recipe)
    assert fitted.best.val_auc > 0.9
    assert fitted.curve != _fit(lesson(40), epochs=12)[0].curve


def test_several_classes_are_learnt_and_stop_on_the_summed_positive_probability() -> None:
    what = lesson_of_three(40)
    fitted, _ = _fit(what, epochs=12)
    assert fitted.best.val_auc > 0.95
    network = small_network(3)
    network.load_state_dict(fitted.state_dict)
    outputs = predict(network, normaliser(SPEC, torch.device("cpu")), nominal_crops(what.val, SIGHT))
    shares = torch.softmax(torch.from_numpy(outputs), dim=1).numpy()
    truth = np.array([w.target > 0 for w in what.val])
    assert roc_auc_score(truth, shares[:, 1] + shares[:, 2]) == pytest.approx(fitted.best.val_auc)
    np.testing.assert_allclose(1 / (1 + np.exp(-fitted.val_logits)), shares[:, 1] + shares[:, 2], rtol=0, atol=1e-6)


def test_the_weights_kept_are_those_of_the_best_epoch() -> None:
    what = lesson(12)
    fitted, _ = _fit(what, epochs=8, patience=8)
    assert fitted.best == max(fitted.curve, key=lambda e: (e.val_auc, -e.epoch))
    assert fitted.best.epoch < fitted.curve[-1].epoch
    network = small_network()
    network.load_state_dict(fitted.state_dict)
    logits = predict(network, normaliser(SPEC, torch.device("cpu")), nominal_crops(what.val, SIGHT))[:, 0]
    np.testing.assert_allclose(logits, fitted.val_logits, rtol=0, atol=1e-6)
    assert auc(np.array([w.target == 1 for w in what.val]), logits) == fitted.best.val_auc


def test_it_stops_after_patience_epochs_without_a_better_one() -> None:
    # equal crops give equal logits, so every epoch's AUC is 0.5 and the first stays the best
    same = [
        Window(f"{i}", "p", i % 2, np.full((40, 40), 90, np.uint8), (0, 0), np.array([9.0, 9, 30, 30]), FILM, "")
        for i in range(6)
    ]
    fitted, _ = _fit(Lesson(windows(8, gap=20, seed=1), same, SIGHT), epochs=20, patience=3)
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
    _same(first, again)
    assert first.curve != other.curve


def test_a_training_that_diverges_says_so() -> None:
    with pytest.raises(InputError, match=r"--learning-rate: the training diverged in epoch 1 .*Lower it"):
        _fit(learning_rate=1e30)


def test_a_last_batch_of_one_is_left_out() -> None:
    # 8 and 1: batch norm cannot stand the one; and 8 of parts 3, 3, 2
    for recipe in ({"batch_size": 8}, {"batch_size": 3, "accumulate": 3}):
        fitted, _ = _fit(replace(lesson(20), train=windows(9, gap=20, seed=1)), epochs=1, **recipe)
        assert math.isfinite(fitted.best.val_auc)


class _Still(nn.Module):
    """Logits that depend on the crop alone, without batch norm or dropout."""

    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(3 * 12 * 12, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.linear(x.flatten(1))


def test_accumulated_parts_make_the_step_of_the_whole() -> None:
    """Where no layer mixes the cases of a batch, three parts of 4 are one batch of 12, to rounding."""
    ends = []
    for recipe in ({"batch_size": 12}, {"batch_size": 4, "accumulate": 3}, {"batch_size": 4}):
        made: list[_Still] = []

        def build(made: list[_Still] = made) -> nn.Module:
            made.append(_Still())
            return made[0]

        fit(build, lesson(), recipe=_recipe(epochs=3, learning_rate=1e-3, **recipe))
        ends.append(made[0].linear.weight.detach().clone())
    torch.testing.assert_close(ends[0], ends[1], rtol=0, atol=1e-5)
    assert float((ends[0] - ends[2]).abs().max()) > 1e-4


def test_the_rarer_class_weighs_as_much_as_the_other_where_asked() -> None:
    # 20 to 4 without anything to learn: a network of one bias ends near logit 0, or near log(4/20) = -1.6
    class Bias(nn.Module):
        def __init__(self, start: float) -> None:
            super().__init__()
            self.bias = nn.Parameter(torch.tensor([start]))

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.bias.expand(len(x))

    train = [w for i, w in enumerate(windows(40, gap=0, seed=1)) if i % 2 == 0 or i % 10 == 1]
    assert sum(w.target for w in train) == 4
    what = Lesson(train, windows(4, gap=0, seed=2), SIGHT)
    for has_weights, start, end in ((True, -1.6, 0.0), (False, 0.0, math.log(4 / 20))):
        network = Bias(start)
        recipe = Recipe(
            epochs=120, patience=120, batch_size=24, learning_rate=0.05, weight_decay=0.0, has_class_weights=has_weights
        )
        fit(lambda network=network: network, what, recipe=recipe)  # type: ignore[misc]  # bound now
        assert network.bias.item() == pytest.approx(end, abs=0.05)


class _StopError(Exception):
    """Stands for a kill."""


@pytest.mark.parametrize("recipe", [{}, {"optimiser": "adam", "schedule": "plateau", "accumulate": 2, "batch_size": 4}])
@pytest.mark.parametrize("stop", [0, 3])
def test_a_stopped_training_goes_on_and_ends_the_same(tmp_path: Path, recipe: dict[str, object], stop: int) -> None:
    undisturbed, _ = _fit(**recipe)
    pause = Pause(tmp_path / "p", "one")

    def die(epoch: Epoch) -> None:
        if epoch.epoch == stop:
            raise _StopError

    with pytest.raises(_StopError):
        fit(small_network, lesson(), recipe=_recipe(**recipe), pause=pause, told=die)
    resumed, told = _fit(pause=pause, **recipe)
    assert [e.epoch for e in told] == list(range(stop + 1, 6))
    _same(undisturbed, resumed)
    # and once more after the end: nothing is left to do
    finished, told = _fit(pause=pause, **recipe)
    assert told == []
    _same(undisturbed, finished)


def test_another_training_does_not_go_on_from_it(tmp_path: Path) -> None:
    _fit(pause=Pause(tmp_path / "p", "one"), epochs=2)
    fresh, told = _fit(pause=Pause(tmp_path / "p", "two"))
    assert len(told) == 6
    _same(fresh, _fit()[0])
