"""What the models of a run ask in the end: every leaf once, every box once, and each answer back in its place."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from robustkit.cohort.case import Case
from robustkit.engine.looking import _picked
from robustkit.engine.questions import Questions, leaves
from robustkit.errors import FilmError
from robustkit.geometry import Box
from robustkit.inputs import InputSpec, OutputSpec
from robustkit.models.classifier import Classifier
from robustkit.perturbations._base import BoxRules

CASE = Case("c", Path("f.png"), Box(0, 0, 10, 10), "benign", "p", "test", None, {})
BOXES = np.array([[0.0, 0.0, 10.0, 10.0], [1.0, 0.0, 11.0, 10.0], [0.0, 0.0, 10.0, 10.0]])


def _model(name: str, sha: str, **more: Any) -> Classifier:
    return Classifier(name, None, sha, "x", InputSpec(), OutputSpec(), ("a", "b"), ("b",), "torch", None, **more)


class _Sum:
    """Asks its members about k boxes, each a little to the right of the last, and adds up all answers."""

    needs_facts = False

    def __init__(self, *members: Classifier, k: int = 1, refused: bool = False) -> None:
        self.members, self._k, self._refused = members, k, refused

    def shown(self, case: Case, boxes: Any, *, film: Any, rules: Any) -> Any:
        assert film == (100.0, 80.0)
        return boxes[:, None] + np.arange(self._k)[None, :, None] * np.array([1.0, 0.0, 1.0, 0.0])

    def fold(self, case: Case, boxes: Any, answers: Any) -> Any:
        if self._refused:
            raise FilmError("it is too small")
        return np.sum([a.sum(axis=1) for a in answers], axis=0)


def _composite(name: str, *members: Classifier, **how: Any) -> Classifier:
    return replace(_model(name, name), engine="composite", runner=_Sum(*members, **how))


def _of(*models: Classifier) -> Questions:
    return Questions.of(models, CASE, BOXES, film=(100.0, 80.0), rules=BoxRules())


def _said(asked: Questions) -> dict[str, Any]:
    """Every leaf answers with the left edge of a box, times 1, 10, 100 by the order of its name."""
    return {n: asked.boxes(n)[:, :1].astype(np.float32) * 10**i for i, n in enumerate(sorted(asked.wanted))}


def test_leaves_are_what_differs_and_go_by_the_name_of_a_model_of_the_run() -> None:
    a, b = _model("a", "1"), _model("b", "2")
    mean = _composite("mean", _model("seed", "1"), _model("b", "2"), _model("b", "3"))
    found = leaves([mean, _composite("outer", mean), b, a, replace(a, name="again")])
    assert [m.name for m in found.values()] == ["b", "a", "mean/b"]
    # read otherwise it is another model
    wide = replace(_model("seed", "1"), input=InputSpec(margin=0.5))
    assert [m.name for m in leaves([a, _composite("mean", wide)]).values()] == ["a", "mean/seed"]


def test_members_of_one_name_are_told_apart() -> None:
    one, two = _composite("m", _model("a", "1"), _model("a", "2")), _model("m/a (2)", "3")
    assert [m.name for m in leaves([one, two]).values()] == ["m/a (2)", "m/a", "m/a (3)"]


def test_every_box_is_asked_once_and_every_answer_finds_its_place() -> None:
    a, b = _model("a", "1"), _model("b", "2")
    asked = _of(a, _composite("sum", a, b, k=2))
    # boxes begin at 0, 1, 0; their neighbours at 1, 2, 1
    assert asked.table[:, 0].tolist() == [0, 1, 2]
    assert {n: asked.boxes(n)[:, 0].tolist() for n in asked.wanted} == {"a": [0, 1, 2], "sum/b": [0, 1, 2]}
    plain, total = asked.answers(_said(asked))
    assert np.asarray(plain)[:, 0].tolist() == [0, 1, 0]
    assert np.asarray(total)[:, 0].tolist() == [11 * (0 + 1), 11 * (1 + 2), 11 * (0 + 1)]


def test_a_leaf_is_asked_no_more_than_it_needs() -> None:
    asked = _of(_model("a", "1"), _composite("sum", _model("b", "2"), k=3))
    assert asked.boxes("a")[:, 0].tolist() == [0, 1]
    assert asked.boxes("sum/b")[:, 0].tolist() == [0, 1, 2, 3]
    assert asked.table[asked.shared(["a"])][:, 0].tolist() == [0, 1]
    assert asked.shared(["a", "sum/b"]).tolist() == [0, 1, 2, 3]


def test_composites_of_composites_ask_about_the_boxes_of_boxes() -> None:
    inner = _composite("inner", _model("a", "1"), k=2)
    (total,) = _of(_composite("outer", inner, k=2)).answers(_said(_of(_composite("outer", inner, k=2))))
    # from x: x, x + 1 by the outer one; x, x + 1, x + 1, x + 2 by the inner: 4 x + 4
    assert np.asarray(total)[:, 0].tolist() == [4, 8, 4]


def test_a_reason_reaches_the_model_that_asked() -> None:
    a, b = _model("a", "1"), _model("b", "2")
    asked = _of(a, _composite("sum", a, b), _composite("refuses", a, refused=True))
    said = _said(asked) | {"sum/b": "the film is too dark"}
    plain, total, refused = asked.answers(said)
    assert not isinstance(plain, str)
    assert (total, refused) == ("b: the film is too dark", "it is too small")


@given(st.lists(st.lists(st.integers(0, 20), min_size=1, max_size=6), min_size=1, max_size=4), st.integers(1, 4))
def test_whatever_is_asked_the_answers_are_those_of_each_box(members: list[list[int]], k: int) -> None:
    boxes = np.array([[x, 0.0, x + 5.0, 9.0] for x in members[0]], dtype=np.float64)
    models = [_composite(f"m{i}", *(_model(f"n{j}", str(j)) for j in own), k=k) for i, own in enumerate(members)]
    asked = Questions.of(models, CASE, boxes, film=(100.0, 80.0), rules=BoxRules())
    weight = {leaf.name: float(leaf.sha256) + 1 for leaf in leaves(models).values()}
    said: dict[str, Any] = {n: (asked.boxes(n)[:, :1] * weight[n]).astype(np.float32) for n in asked.wanted}
    for own, answer in zip(members, asked.answers(said), strict=True):
        expected = [sum((j + 1) * (x + i) for j in own for i in range(k)) for x in boxes[:, 0]]
        assert np.asarray(answer)[:, 0] == pytest.approx(expected)


@pytest.mark.parametrize("kind", [np.array, torch.tensor])
def test_crops_are_picked_from_those_that_were_made(kind: Any) -> None:
    crops = kind([10, 20, 30, 40])
    shared = np.array([2, 5, 7, 9])
    assert _picked(crops, shared, np.array([5, 9])).tolist() == [20, 40]
    assert _picked(crops, shared, shared) is crops
