"""ensemble and box-average: means worked by hand, of any kind of outputs; every wrong field is named."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from robustkit.api.box_average import box_average
from robustkit.api.ensemble import ensemble
from robustkit.cohort.case import Case
from robustkit.errors import CheckpointError, InputError
from robustkit.geometry import Box
from robustkit.inputs import InputSpec, OutputKind, OutputSpec
from robustkit.kinds.box_average import STREAM, BoxAverageModel
from robustkit.kinds.ensemble import EnsembleModel
from robustkit.models.classifier import Classifier
from robustkit.models.open import open_model
from robustkit.models.options import ModelOptions
from robustkit.models.score import log_probabilities, scores
from robustkit.perturbations.shift import PLUGIN as SHIFT

from networks import save, timm_network
from small_world import write_network

TWO, THREE = ("benign", "non-benign"), ("normal", "benign", "malignant")
CASE = Case("case-1", Path("f.png"), Box(0, 0, 10, 10), "benign", "p", "test", None, {})


def _member(kind: OutputKind, classes: tuple[str, ...] = TWO) -> Classifier:
    return Classifier("m", None, "0", "x", InputSpec(), OutputSpec(kind), classes, classes[-1:], "torch", None)


def _fold(members: list[Classifier], answers: list[Any], classes: tuple[str, ...], outputs: OutputKind) -> np.ndarray:
    model = EnsembleModel(tuple(members), classes, "probabilities", outputs)
    shaped = [np.asarray(a, dtype=np.float32)[:, None] for a in answers]
    return model.fold(CASE, np.zeros((len(shaped[0]), 4)), shaped)


def _logit(p: float) -> float:
    return float(np.log(p / (1 - p)))


def test_probabilities_of_every_kind_of_output_are_averaged() -> None:
    # non-benign has .2 as a sigmoid, .5 as a softmax of (1, 1), .8 of two and .9 as one probability: mean .6
    members = [_member(k) for k in ("sigmoid-logit", "softmax-logits", "probabilities", "probabilities")]
    found = _fold(members, [[[_logit(0.2)]], [[1, 1]], [[0.2, 0.8]], [[0.9]]], TWO, "sigmoid-logit")
    assert found[0, 0] == pytest.approx(_logit(0.6), abs=1e-6)


def test_classes_are_averaged_by_name_whatever_their_order() -> None:
    # malignant .5, benign .3, normal .2 and malignant .1, benign .1, normal .8: means .3, .2, .5
    members = [_member("probabilities", THREE), _member("softmax-logits", ("malignant", "normal", "benign"))]
    answers = [[[0.2, 0.3, 0.5]], np.log([[0.1, 0.8, 0.1]]) + 7]
    found = _fold(members, answers, THREE, "softmax-logits")
    shares = scores(found, kind="softmax-logits", classes=THREE, positive=("malignant",))
    assert shares[0] == pytest.approx(0.3, abs=1e-6)
    assert scores(found, kind="softmax-logits", classes=THREE, positive=THREE[:1])[0] == pytest.approx(0.5, abs=1e-6)


def test_the_mean_keeps_what_float32_probabilities_would_lose() -> None:
    # sigmoid(-60) = 8.8e-27 and sigmoid(-61): their mean's logit is -60 + log((1 + 1/e) / 2) = -60.37989
    found = _fold([_member("sigmoid-logit")] * 2, [[[-60.0], [60.0]], [[-61.0], [61.0]]], TWO, "sigmoid-logit")
    assert found[:, 0] == pytest.approx([-60.37989, 60.37989], abs=1e-4)


def test_probabilities_of_0_and_1_leave_finite_logits() -> None:
    assert np.isfinite(log_probabilities(np.array([[0.0], [1.0]], dtype=np.float32), kind="probabilities")).all()
    found = _fold([_member("probabilities")] * 2, [[[0.0], [1.0]], [[0.0], [1.0]]], TWO, "sigmoid-logit")
    assert np.isfinite(found).all()
    assert scores(found, kind="sigmoid-logit", classes=TWO, positive=TWO[1:]) == pytest.approx([0, 1], abs=1e-30)


def _box_average(k: int = 9, level: float = 0.1, seed: int = 0) -> BoxAverageModel:
    member = _member("sigmoid-logit")
    return BoxAverageModel((member,), TWO, k, level, SHIFT, seed, "probabilities", "sigmoid-logit")


def test_displacements_are_those_of_the_case_for_every_box() -> None:
    from robustkit.perturbations._base import BoxRules

    from plain_boxes import draws

    boxes = np.array([[10.0, 20.0, 30.0, 60.0], [50.0, 50.0, 60.0, 70.0]])
    shown = _box_average(k=3, level=0.2, seed=5).shown(CASE, boxes, film=(400.0, 400.0), rules=BoxRules("none"))
    for repeat in range(3):
        u = np.array(draws(5, "case-1", repeat=repeat, stream=STREAM))
        for box, own in zip(boxes, shown, strict=True):
            moved = box + np.tile(0.2 * (box[2:] - box[:2]) * (2 * u[:2] - 1), 2)
            assert own[repeat] == pytest.approx(moved, abs=1e-9)


def test_the_stream_is_far_from_those_of_perturbations_and_training() -> None:
    from robustkit.registry import load, names

    taken = {load("perturbations", n).stream for n in names("perturbations")} | {2**31, 2**31 + 1}  # type: ignore[attr-defined]
    assert min(abs(STREAM - s) for s in taken) > 1000


def test_equal_answers_are_given_back_to_the_bit() -> None:
    outputs = np.float32([[[0.1], [0.1]], [[0.1], [0.3]]])
    found = _box_average(k=2).fold(CASE, np.zeros((2, 4)), [outputs])
    assert found[0, 0] == np.float32(0.1)
    assert found[1, 0] == pytest.approx(_logit((1 / (1 + np.exp(-0.1)) + 1 / (1 + np.exp(-0.3))) / 2), abs=1e-6)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    found = tmp_path_factory.mktemp("nets")
    for name, seed in (("a.pt", 1), ("b.pt", 2)):
        write_network(found / name, seed=seed)
    save(found / "three.pt", timm_network("test_resnet", n_outputs=3).state_dict())
    save(found / "other.pt", timm_network("test_resnet", n_outputs=3, seed=1).state_dict())
    return found


FLAGS: dict[str, Any] = {"arch": "test_resnet", "input_size": 64, "classes": ",".join(THREE), "positive": "malignant"}


def test_several_classes_stay_several(folder: Path) -> None:
    made = ensemble([str(folder / "three.pt"), str(folder / "other.pt")], output=folder / "m.json", **FLAGS)
    model = open_model(made.path, ModelOptions())
    assert (model.classes, model.positive, model.output.kind, model.n_outputs) == (
        THREE, ("malignant",), "softmax-logits", 3,
    )  # fmt: skip
    assert model.sha256 == made.sha256
    # what nobody said of the members is said in the file, and they are read in just that way
    assert any(a.startswith("three: grey levels are scaled") for a in model.assumed)
    assert all(not m.assumed for m in model.members)
    alone = open_model(folder / "three.pt", ModelOptions(**FLAGS))
    assert (model.members[0].input, model.members[0].arch) == (alone.input, alone.arch)


def test_a_sidecar_that_changes_later_changes_no_member(folder: Path, tmp_path: Path) -> None:
    for name in ("a.pt", "b.pt"):
        (tmp_path / name).write_bytes((folder / name).read_bytes())
    made = ensemble([str(tmp_path / "a.pt"), str(tmp_path / "b.pt")], output=tmp_path / "m.json")
    before = open_model(made.path, ModelOptions()).members[0].input
    (tmp_path / "a.pt.toml").write_text("margin = 0.5\n", encoding="utf-8")
    assert open_model(tmp_path / "a.pt", ModelOptions()).input.margin == 0.5
    assert open_model(made.path, ModelOptions()).members[0].input == before


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"k": 0}, "body.k: expected a whole number from 1 to 1024, got 0"),
        ({"k": 9.0}, "body.k: expected a whole number"),
        ({"k": True}, "body.k: expected a whole number"),
        ({"level": -0.1}, "body.level: expected a number from 0 to 1"),
        ({"level": "wide"}, "body.level: expected a number from 0 to 1"),
        ({"seed": -1}, "body.seed: expected a whole number"),
        ({"perturbation": "wobble"}, "body.perturbation: expected one of .*shift"),
        ({"mean": "median"}, "body.mean: expected probabilities or logits"),
        ({"member": None}, "expected a member such as"),
        ({"jitter": 1}, "body: expected no other fields than member, k, level.*got 'jitter'"),
    ],
)
def test_a_wrong_field_of_a_box_average_is_named(folder: Path, change: dict[str, Any], sentence: str) -> None:
    box_average(str(folder / "a.pt"), output=folder / "avg.json")
    said = json.loads((folder / "avg.json").read_text(encoding="utf-8"))
    said["body"] |= change
    (folder / "avg.json").write_text(json.dumps(said), encoding="utf-8")
    with pytest.raises(CheckpointError, match=f"avg.json: {sentence}"):
        open_model(folder / "avg.json", ModelOptions())


def test_members_that_cannot_be_averaged_are_refused_and_nothing_is_written(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "m.json"
    a, b = str(folder / "a.pt"), str(folder / "b.pt")
    with pytest.raises(InputError, match="two or more checkpoints, got 1"):
        ensemble([a], output=out)
    with pytest.raises(
        CheckpointError, match=r"body.members\[1\]: expected another model than those before it, got 'a'"
    ):
        ensemble([a, a], output=out)
    (folder / "three.pt.toml").write_text(
        'arch = "test_resnet"\nclasses = ["normal", "benign", "malignant"]\npositive = ["malignant"]\n',
        encoding="utf-8",
    )
    match = r"members\[1\]: expected a model of the classes benign, non-benign .*got 'normal, benign, malignant'"
    with pytest.raises(CheckpointError, match=match):
        ensemble([a, str(folder / "three.pt")], output=out)
    (folder / "b.pt.toml").write_text('positive = ["benign"]\n', encoding="utf-8")
    with pytest.raises(InputError, match="b calls benign positive, a non-benign.*--positive"):
        ensemble([a, b], output=out)
    with pytest.raises(InputError, match="phantom-oracle is no file"):
        box_average("phantom-oracle", output=out)
    assert not out.exists()


def test_a_written_ensemble_of_one_is_refused(folder: Path) -> None:
    said = {"robustkit_model": 1, "kind": "ensemble", "classes": TWO, "positive": TWO[1:], "body": {"members": []}}
    (folder / "none.json").write_text(json.dumps(said), encoding="utf-8")
    with pytest.raises(CheckpointError, match="body.members: expected a list of two or more members"):
        open_model(folder / "none.json", ModelOptions())
