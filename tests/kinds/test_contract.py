"""What every kind of written model holds, without being named here (but for a body that makes one)."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pytest
from robustkit.cohort.case import Case
from robustkit.errors import CheckpointError
from robustkit.geometry import Box
from robustkit.models.classifier import Classifier, Engine
from robustkit.models.open import open_model
from robustkit.models.options import ModelOptions
from robustkit.models.written import Kind
from robustkit.perturbations._base import BoxRules
from robustkit.provenance import file_digest
from robustkit.registry import load, names

from made_baselines import clinical_body, radiomics_body
from small_world import write_network

CLASSES = ("benign", "non-benign")
FILM_PX = (150.0, 130.0)
BOXES = np.array(
    [[10.0, 20.0, 70.0, 80.0], [11.0, 22.0, 71.0, 82.0], [60.5, 30.25, 149.0, 129.0], [0.0, 0.0, 9.0, 9.0]]
)
CASE = Case(
    "case-1", Path("film.png"), Box(10, 20, 70, 80), "benign", "p1", "test", 0.4,
    {"site": "femur", "sex": "F", "age_years": "31", "cohort": "internal", "view": "frontal"},
)  # fmt: skip
RULES = (BoxRules("whole", "inside"), BoxRules("none", "pad"))


def _entry(path: Path) -> dict[str, str]:
    return {"path": path.name, "sha256": file_digest(path)}


BODIES: dict[str, Callable[[Path], dict[str, Any]]] = {
    "ensemble": lambda f: {"members": [_entry(f / "a.pt"), _entry(f / "b.pt")]},
    "box_average": lambda f: {"member": _entry(f / "a.pt"), "k": 5, "level": 0.2},
    "clinical": lambda f: clinical_body(),
    "radiomics": lambda f: radiomics_body(),
    "combined": lambda f: {**clinical_body(), "member": _entry(f / "a.pt"), "weight": 0.5},
}
"""A body of every kind, made of the files of a folder; a kind of another package is not asked here."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    found = tmp_path_factory.mktemp("nets")
    for name, seed in (("a.pt", 1), ("b.pt", 2)):
        write_network(found / name, seed=seed)
    return found


def _said(kind: str, body: dict[str, Any]) -> dict[str, Any]:
    said = {"robustkit_model": 1, "kind": kind.replace("_", "-"), "classes": CLASSES, "positive": CLASSES[1:]}
    return {**said, "body": body}


def _opened(folder: Path, said: dict[str, Any]) -> Classifier:
    path = folder / f"{said['kind']}.json"
    path.write_text(json.dumps(said), encoding="utf-8")
    return open_model(path, ModelOptions())


@pytest.fixture(params=[n for n in names("kinds") if not n.startswith("_")])
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def model(kind: str, folder: Path) -> Classifier:
    return _opened(folder, _said(kind, BODIES[kind](folder)))


def test_it_goes_by_the_name_of_its_file_and_says_what_it_is(kind: str, model: Classifier) -> None:
    plugin: Kind = load("kinds", kind)  # type: ignore[assignment]
    assert plugin.name == kind.replace("_", "-") == model.arch
    assert plugin.engine == model.engine
    assert plugin.engine in set(get_args(Engine)) - {"torch", "onnx"}


def _answer(model: Classifier, boxes: np.ndarray, *, rules: BoxRules = RULES[0]) -> np.ndarray:
    """Ask a model as the engine does; a member's answer is a written function of the box, so that no network is run."""
    if model.engine == "facts":
        return np.asarray(model.runner.logits(CASE, boxes))
    if model.engine == "film":
        film = np.random.default_rng(0).integers(0, 256, (130, 150), dtype=np.uint8)
        film.setflags(write=False)
        return np.asarray(model.runner.logits(CASE, film, boxes))
    if model.engine != "composite":
        return np.stack([boxes.sum(axis=1) / 300 - i for i in range(model.n_outputs)], axis=1).astype(np.float32)
    shown = model.runner.shown(CASE, boxes, film=FILM_PX, rules=rules)
    assert shown.shape == (len(boxes), shown.shape[1], 4)
    flat = shown.reshape(-1, 4)
    answers = [_answer(m, flat, rules=rules).reshape(*shown.shape[:2], m.n_outputs) for m in model.members]
    return np.asarray(model.runner.fold(CASE, boxes, answers))


@pytest.mark.parametrize("rules", RULES)
def test_answers_are_finite_logits_of_its_outputs(model: Classifier, rules: BoxRules) -> None:
    found = _answer(model, BOXES, rules=rules)
    assert (found.shape, found.dtype) == ((len(BOXES), model.n_outputs), np.float32)
    assert np.isfinite(found).all()


@pytest.mark.parametrize("rules", RULES)
def test_an_answer_depends_on_its_own_box_alone(model: Classifier, rules: BoxRules) -> None:
    every = _answer(model, BOXES, rules=rules)
    assert np.array_equal(_answer(model, BOXES[::-1].copy(), rules=rules)[::-1], every)
    for i in range(len(BOXES)):
        assert np.array_equal(_answer(model, BOXES[i : i + 1], rules=rules)[0], every[i])


def test_nothing_that_was_given_is_changed(model: Classifier) -> None:
    boxes = BOXES.copy()
    boxes.setflags(write=False)
    _answer(model, boxes)
    assert np.array_equal(boxes, BOXES)


def test_no_answer_of_a_member_leaves_no_answer(model: Classifier) -> None:
    if model.engine != "composite":
        pytest.skip("it has no members")
    shown = model.runner.shown(CASE, BOXES, film=FILM_PX, rules=RULES[0])
    answers = [np.zeros((*shown.shape[:2], m.n_outputs), dtype=np.float32) for m in model.members]
    answers[0][1] = np.nan
    found = model.runner.fold(CASE, BOXES, answers)
    assert np.isnan(found[1]).all()
    assert np.isfinite(found[[0, 2, 3]]).all()


def test_shown_boxes_keep_the_rules_of_the_run(model: Classifier) -> None:
    if model.engine != "composite":
        pytest.skip("it shows no boxes")
    shown = model.runner.shown(CASE, np.floor(BOXES), film=FILM_PX, rules=RULES[0])
    assert np.array_equal(shown, np.floor(shown))
    assert (shown[..., :2] >= 0).all()
    assert (shown[..., 2:] <= np.array(FILM_PX)).all()


def test_a_body_that_is_empty_or_says_too_much_is_refused(kind: str, folder: Path) -> None:
    with pytest.raises(CheckpointError, match=r"json: .*body"):
        _opened(folder, _said(kind, {}))
    with pytest.raises(CheckpointError, match=r"json: .*body.*colour"):
        _opened(folder, _said(kind, {**BODIES[kind](folder), "colour": "red"}))
