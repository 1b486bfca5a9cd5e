"""Models of several classes from the checkpoint to the page: the score is the sum of the positive probabilities."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from robustkit.api.compare import compare
from robustkit.api.ensemble import ensemble
from robustkit.api.heatmaps import heatmaps
from robustkit.api.inspect_checkpoint import inspect_checkpoint
from robustkit.api.perturb import perturb
from robustkit.api.report import report
from robustkit.api.stratify import stratify
from robustkit.dashboard.lesion.desk import Desk, case_key
from robustkit.errors import CheckpointError, InputError
from robustkit.results.folder import RunFolder
from torch import nn

from networks import save
from small_world import build, write_films, write_network

THREE = ("normal", "benign", "malignant")
FLAGS: dict[str, Any] = {"arch": "test_resnet", "input_size": 32, "classes": ",".join(THREE), "device": "cpu"}


def write_three(path: Path, *, seed: int, n: int = 3) -> Path:
    """Write weights alone, of the tiny network with several outputs."""
    network = build(seed)
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        head = nn.Linear(network.fc.in_features, n)
        nn.init.normal_(head.weight, std=0.15)
    return save(path, {**network.state_dict(), "fc.weight": head.weight.detach(), "fc.bias": head.bias.detach()})


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("world")
    cases = pd.read_csv(write_films(folder, n=80))
    cases["label"] = [THREE[i % 3] for i in range(len(cases))]
    cases["patient_id"] = cases["case_id"]
    cases["split"] = np.where(np.arange(len(cases)) % 4 == 3, "val", "test")
    cases.to_csv(folder / "cases.csv", index=False)
    cases.assign(label=[("enchondroma", "osteosarcoma", "giant cell tumour")[i % 3] for i in range(len(cases))]).to_csv(
        folder / "subtypes.csv", index=False
    )
    for name, seed in (("a.pt", 1), ("b.pt", 2)):
        write_three(folder / name, seed=seed)
    return folder


def _run(world: Path, out: Path, *models: str, manifest: str = "cases.csv", **flags: Any) -> RunFolder:
    given = {"shifts": ["0.1"], "repeats": 3, "backend": "eager", **FLAGS, **flags}
    result = perturb(model=[str(world / m) for m in models], manifest=[world / manifest], out=out, **given)
    assert result.run is not None
    return RunFolder(result.run)


@pytest.fixture(scope="module")
def run(world: Path) -> RunFolder:
    ensemble([str(world / "a.pt"), str(world / "b.pt")], output=world / "mean.json", positive="malignant,benign",
             arch="test_resnet", input_size=32, classes=FLAGS["classes"])  # fmt: skip
    folder = _run(world, world / "run", "a.pt", "b.pt", "mean.json", positive="malignant,benign")
    stratify(run=folder.path, draws=100)
    return folder


def _softmax(logits: pd.Series) -> np.ndarray:
    z = np.stack(logits.tolist()).astype(np.float64)
    e = np.exp(z - z.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


def test_the_score_is_the_sum_of_the_positive_probabilities(run: RunFolder) -> None:
    rows = run.predictions()
    assert rows["logits"].map(len).unique().tolist() == [3]
    assert rows["score"].to_numpy() == pytest.approx(_softmax(rows["logits"])[:, 1:].sum(axis=1), abs=1e-12)
    assert rows["score"].std() > 0.01


def test_an_ensemble_averages_class_by_class(run: RunFolder) -> None:
    keys = ["case_id", "perturbation", "level", "repeat"]
    a, b, mean = (r.sort_values(keys) for _, r in sorted(run.predictions().groupby("model")))
    expected = (_softmax(a["logits"]) + _softmax(b["logits"])) / 2
    assert _softmax(mean["logits"]) == pytest.approx(expected, abs=1e-6)
    assert mean["score"].to_numpy() == pytest.approx((a["score"].to_numpy() + b["score"].to_numpy()) / 2, abs=1e-6)


def test_truth_is_told_by_the_names_of_the_classes(run: RunFolder) -> None:
    assert run.record()["positive_labels"] == ["benign", "malignant"]
    strata = run.table("strata")
    whole = strata[(strata["by"] == "all") & (strata["perturbation"] == "nominal") & (strata["metric"] == "auc")]
    cases = run.cases()
    judged = cases[cases["split"] == "test"]
    assert set(whole["n_cases"]) == {len(judged)}
    assert set(whole["n_positive"]) == {int(judged["label"].isin(["benign", "malignant"]).sum())}
    assert whole["value"].notna().all()
    errors = run.table("errors")
    missed = errors[(errors["by"] == "all") & (errors["kind"] == "missed") & (errors["perturbation"] == "nominal")]
    assert set(missed["n_cases"]) == set(whole["n_positive"])


def test_other_positive_classes_are_another_run_with_other_scores(world: Path, run: RunFolder, tmp_path: Path) -> None:
    other = _run(world, tmp_path / "other", "a.pt", positive="malignant")
    rows, all_rows = other.predictions(), run.predictions()
    assert rows["score"].to_numpy() == pytest.approx(_softmax(rows["logits"])[:, 2], abs=1e-12)
    assert other.record()["positive_labels"] == ["malignant"]
    assert other.record()["identity"] != run.record()["identity"]
    assert len(rows) == len(all_rows) / 3


def test_where_nobody_says_what_is_positive_the_vocabulary_does_and_it_is_said(world: Path, tmp_path: Path) -> None:
    result = perturb(
        model=[str(world / "a.pt")], manifest=[world / "cases.csv"], out=tmp_path / "run", repeats=1, **FLAGS
    )
    assert any("the positive classes are malignant" in w for w in result.warnings)


def test_classes_that_are_subtypes_are_matched_by_name(world: Path, tmp_path: Path) -> None:
    names = "enchondroma,osteosarcoma,giant cell tumour"
    run = _run(
        world,
        tmp_path / "run",
        "a.pt",
        manifest="subtypes.csv",
        classes=names,
        positive="osteosarcoma,giant cell tumour",
    )
    assert run.record()["positive_labels"] == ["giant cell tumour", "osteosarcoma"]
    # and a model that knows non-benign alone takes subtypes by the vocabulary
    write_network(tmp_path / "two.pt", seed=3)
    two = perturb(
        model=[str(tmp_path / "two.pt")], manifest=[world / "subtypes.csv"], out=tmp_path / "two", device="cpu"
    )
    assert two.run is not None
    assert RunFolder(two.run).record()["positive_labels"] == ["giant cell tumour", "osteosarcoma"]


def test_models_that_disagree_about_a_label_are_refused_before_anything_is_written(world: Path, tmp_path: Path) -> None:
    write_network(tmp_path / "two.pt", seed=3)
    (tmp_path / "a.pt").write_bytes((world / "a.pt").read_bytes())
    (tmp_path / "a.pt.toml").write_text(
        'arch = "test_resnet"\nclasses = ["normal", "benign", "malignant"]\npositive = ["benign", "malignant"]\n',
        encoding="utf-8",
    )
    with pytest.raises(InputError, match="the label 'benign' is positive for a and negative for two.*--positive"):
        perturb(
            model=[str(tmp_path / "a.pt"), str(tmp_path / "two.pt")], manifest=[world / "cases.csv"], device="cpu",
            out=tmp_path / "run",
        )  # fmt: skip
    assert not (tmp_path / "run").exists()


def test_heatmaps_report_and_comparisons(run: RunFolder, tmp_path: Path) -> None:
    made = heatmaps(run=run.path, repeats=1, check_cases=4, draws=100, device="cpu")
    assert [(m.model, m.n_failed) for m in made.models] == [("a", 0), ("b", 0)]
    page = report(runs=[run.path], output=tmp_path / "page.html").path.read_text(encoding="utf-8")
    assert "Model mean" in page
    compare(runs=[run.path], draws=100)
    pairs = run.table("comparisons")
    assert {*zip(pairs["model_a"], pairs["model_b"], strict=True)} >= {("a", "b"), ("a", "mean"), ("b", "mean")}


@pytest.mark.parametrize("model", ["a", "mean"])
def test_the_lesion_page_gives_the_score_of_the_run(run: RunFolder, model: str) -> None:
    desk = Desk([run.path])
    nominal = desk.run("run").nominal(model, "case-1")
    assert nominal is not None
    ticket = desk.ask("0" * 32, case_key("run", "case-1"), run="run", model=model, box=nominal.box)
    answer = desk.judge.wait_done("0" * 32, ticket, seconds=120)
    desk.close()
    assert answer.score == pytest.approx(nominal.score, abs=1e-4)
    assert (answer.heatmap is None) == (model == "mean")


@pytest.mark.parametrize(
    ("flags", "match"),
    [
        ({"classes": None}, "3 outputs and nothing names their classes"),
        ({"classes": "a,b"}, "expected 3 different class names for 3 outputs, got a, b"),
        ({"classes": "normal,benign,benign"}, "expected 3 different class names"),
        ({"positive": "tumour"}, "tumour is no class of the model; its classes are normal, benign, malignant"),
        ({"classes": "a,b,c"}, "nothing says which of the classes a, b, c are positive"),
        ({"classes": "normal,?,malignant"}, "the classes are not said yet"),
        ({"positive": "?"}, "the classes are not said yet"),
        ({"outputs": "sigmoid-logit"}, "sigmoid-logit does not fit a model of 3 outputs"),
    ],
)
def test_wrong_classes_are_a_sentence(world: Path, tmp_path: Path, flags: dict[str, Any], match: str) -> None:
    with pytest.raises(InputError, match=match):
        _run(world, tmp_path / "run", "a.pt", **flags)
    assert not (tmp_path / "run").exists()


def test_a_sidecar_with_open_questions_is_refused_until_they_are_answered(world: Path, tmp_path: Path) -> None:
    (tmp_path / "a.pt").write_bytes((world / "a.pt").read_bytes())
    sidecar = inspect_checkpoint(str(tmp_path / "a.pt"), arch="test_resnet", write_sidecar=True).sidecar
    assert sidecar is not None
    text = sidecar.read_text(encoding="utf-8")
    assert 'classes = "?"\npositive = "?"\n' in text
    answers = {
        "classes": '["normal", "benign", "malignant"]', "positive": '["malignant", "benign"]', "scaling": '"unit"',
        "input_size": "32", "kernel": '"bilinear"', "margin": "0.0", "fit": '"stretch"',
    }  # fmt: skip
    asked = [line.partition(" = ")[0] for line in text.splitlines() if ' = "?"' in line]
    assert set(asked) == set(answers)

    def answered(*names: str) -> str:
        lines = [line.partition(" = ") for line in text.splitlines()]
        return "\n".join(f"{k} = {answers[k]}" if k in names else f"{k}{mark}{v}" for k, mark, v in lines)

    for name in ("classes", "positive", "scaling"):
        sidecar.write_text(answered(*(set(answers) - {name})), encoding="utf-8")
        with pytest.raises(CheckpointError, match=f"a.pt.toml: the sidecar does not say yet what {name} is"):
            perturb(model=[str(tmp_path / "a.pt")], manifest=[world / "cases.csv"], out=tmp_path / "run", device="cpu")
    assert not (tmp_path / "run").exists()
    sidecar.write_text(answered(*answers), encoding="utf-8")
    done = perturb(model=[str(tmp_path / "a.pt")], manifest=[world / "cases.csv"], out=tmp_path / "run", device="cpu")
    assert not any("assumed" in w for w in done.warnings)


def test_one_probability_and_a_film_that_is_missing(world: Path, tmp_path: Path) -> None:
    cases = pd.read_csv(world / "cases.csv").head(6).assign(image_root=str(world), label="benign")
    cases.loc[2, "image"] = "films/none.png"
    cases.to_csv(tmp_path / "cases.csv", index=False)
    save(tmp_path / "one.pt", build(4).state_dict())
    result = perturb(
        model=[str(tmp_path / "one.pt")], manifest=[tmp_path / "cases.csv"], out=tmp_path / "run", repeats=1,
        outputs="probabilities", arch="test_resnet", input_size=32, classes="benign,malignant", device="cpu",
    )  # fmt: skip
    assert (result.n_ok, result.n_failed) == (5, 1)
    assert RunFolder(tmp_path / "run").predictions()["logits"].map(len).unique().tolist() == [1]
