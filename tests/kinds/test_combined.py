"""combined: a member's logit and facts by hand; members of any outputs; bodies that are wrong."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from robustkit.cohort.case import Case
from robustkit.errors import CheckpointError
from robustkit.geometry import Box
from robustkit.inputs import OutputSpec
from robustkit.kinds.combined import score_logits
from robustkit.models.open import open_model
from robustkit.models.options import ModelOptions
from robustkit.provenance import file_digest
from scipy.special import logit, softmax

from made_baselines import clinical_body, write_model

CASE = Case("c", Path("c.png"), Box(0, 0, 4, 4), "benign", "p", "test", None, {"age_years": "20", "sex": "F"})
BOXES = np.array([[0.0, 0, 4, 4], [1, 0, 5, 4]])


def body(folder: Path, **more: Any) -> dict[str, Any]:
    member = write_model(folder / "member.json", "clinical", clinical_body())
    entry = {"path": "member.json", "sha256": file_digest(member)}
    facts = [{"kind": "name", "fact": "sex", "reference": "M", "levels": ["F"]}]
    return {"member": entry, "weight": 0.5, "facts": facts, "intercept": 0.25, "coefficients": [3.0], **more}


def opened(folder: Path, said: dict[str, Any]) -> Any:
    return open_model(write_model(folder / "m.json", "combined", said), ModelOptions())


def test_log_odds_by_hand(tmp_path: Path) -> None:
    model = opened(tmp_path, body(tmp_path))
    assert (model.engine, model.arch, [m.name for m in model.members]) == ("composite", "combined", ["member"])
    shown = model.runner.shown(CASE, BOXES, film=(9.0, 9.0), rules=None)
    assert shown.shape == (2, 1, 4)
    answers = np.array([[[2.0]], [[-4.0]]], dtype=np.float32)
    # 0.5 x logit + 0.25 + 3 for F
    assert model.runner.fold(CASE, BOXES, [answers]).tolist() == [[4.25], [1.25]]


def test_a_member_of_several_classes_counts_by_its_positive_ones(tmp_path: Path) -> None:
    member = opened(tmp_path, body(tmp_path)).members[0]
    outputs = np.array([[1.0, 2.0, -1.0]], dtype=np.float32)
    three = replace(
        member, classes=("normal", "benign", "malignant"), positive=("malignant", "benign"), output=OutputSpec("softmax-logits")
    )  # fmt: skip
    p = softmax(outputs[0].astype(float))
    np.testing.assert_allclose(score_logits(outputs, three), logit(p[1] + p[2]))
    swapped = replace(member, positive=("benign",))
    np.testing.assert_allclose(score_logits(np.array([[3.0]], dtype=np.float32), swapped), -3.0)
    probability = replace(member, output=OutputSpec("probabilities"))
    np.testing.assert_allclose(score_logits(np.array([[0.25]], dtype=np.float32), probability), logit(0.25), rtol=1e-6)


def test_facts_of_fold_are_remarked_on_and_those_of_its_member(tmp_path: Path) -> None:
    model = opened(tmp_path, body(tmp_path))
    odd = replace(CASE, facts={"age_years": "99", "sex": "X"})
    assert model.remarks([CASE, odd]) == (
        "sex of 1 of 2 cases was not in the training ('X'): taken as M.",
        "age_years of 1 of 2 cases lies beyond that of the training (10 to 50).",
        "sex of 1 of 2 cases was not in the training ('X'): taken as M.",
    )


def test_bodies_that_are_wrong(tmp_path: Path) -> None:
    for said, error in (
        ({"weight": None}, "body.weight: expected a number"),
        ({"member": {"path": "none.pt", "sha256": ""}}, "the member none.pt is missing"),
        ({"member": "member.json"}, "expected a member such as"),
        ({"coefficients": []}, "body.coefficients: expected 1 numbers"),
        ({"k": 2}, "body: expected no other fields"),
    ):
        with pytest.raises(CheckpointError, match=error):
            opened(tmp_path, body(tmp_path, **said))


def test_another_member_is_refused(tmp_path: Path) -> None:
    said = body(tmp_path)
    write_model(tmp_path / "member.json", "clinical", clinical_body(intercept=9.0))
    with pytest.raises(CheckpointError, match="the member member.json is another file now"):
        opened(tmp_path, said)
