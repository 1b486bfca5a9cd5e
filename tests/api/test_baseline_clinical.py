"""baseline clinical: from a manifest to a file that `perturb` takes; what must not be learnt from is refused."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from robustkit.api._baseline import BaselineResult
from robustkit.api.baseline_clinical import baseline_clinical
from robustkit.api.perturb import perturb
from robustkit.api.stratify import stratify
from robustkit.errors import DiskError, InputError, ManifestError, UnknownNameError
from robustkit.models.open import open_model
from robustkit.models.options import ModelOptions
from robustkit.models.written import read_written
from robustkit.provenance import file_digest, keyed_hashes
from robustkit.results.folder import RunFolder
from robustkit.stats.threshold import youden
from scipy.special import expit
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

from made_baselines import changed, write_lesions


@pytest.fixture(scope="module")
def manifest(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_lesions(tmp_path_factory.mktemp("clinical") / "world")


@pytest.fixture(scope="module")
def fitted(manifest: Path) -> BaselineResult:
    return fit(manifest, facts=["age_years,sex", "size_mm"], figure=manifest.with_name("nomogram.html"))


def fit(manifest: Path, name: str = "clinical.json", **flags: Any) -> BaselineResult:
    return baseline_clinical(manifest=[manifest], output=manifest.with_name(name), workers=1, **flags)


def table_of(manifest: Path) -> pd.DataFrame:
    table = pd.read_csv(manifest)
    sides = np.maximum(table["x1"] - table["x0"], table["y1"] - table["y0"])
    return table.assign(y=table["label"] == "non-benign", size_mm=0.5 * sides, f=(table["sex"] == "F").astype(float))


def test_the_file_answers_as_scikit_learn_does(manifest: Path) -> None:
    made = fit(manifest, "lines.json", facts=["age_years,sex,size_mm"], knots=0)
    table = table_of(manifest)
    train = table["split"] == "train"
    columns = ["age_years", "f", "size_mm"]
    scale = table.loc[train, columns].std()
    net = LogisticRegression(C=np.inf, solver="newton-cholesky", tol=1e-13, max_iter=1000)
    net.fit((table.loc[train, columns] / scale).to_numpy(), table.loc[train, "y"])
    theirs = net.predict_proba((table[columns] / scale).to_numpy())[:, 1]
    model = open_model(made.path, ModelOptions())
    from robustkit.cohort.manifest import read_manifest

    ours = [model.runner.part.log_odds(c, c.box.array()[None])[0] for c in read_manifest(manifest).cases()]
    np.testing.assert_allclose(expit(ours), theirs, atol=1e-9)


def test_what_it_says(manifest: Path, fitted: BaselineResult) -> None:
    table = table_of(manifest)
    assert (fitted.kind, fitted.n_fitted, fitted.n_val) == (
        "clinical", (table["split"] == "train").sum(), (table["split"] == "val").sum(),
    )  # fmt: skip
    assert [c.fact for c in fitted.coefficients][:2] == ["intercept", "age_years"]
    age = next(c for c in fitted.coefficients if c.column == "age_years")
    assert age.low < age.value < age.high
    assert {(e.metric, e.rows) for e in fitted.estimates} == {
        (m, "validation") for m in ("auc", "calibration_slope", "calibration_intercept")
    }
    assert fitted.sha256 == file_digest(fitted.path)
    assert fitted.figure is not None
    assert "Research use" in fitted.figure.read_text(encoding="utf-8")


def test_the_file_keeps_what_it_saw_and_how_it_was_made(manifest: Path, fitted: BaselineResult) -> None:
    table = table_of(manifest)
    used = table[table["split"].isin(["train", "val"])]
    written = read_written(fitted.path)
    assert written.seen["films"] == sorted({file_digest(manifest.parent / i) for i in used["image"]})
    assert set(written.seen["patients"]) == keyed_hashes(set(used["patient_id"]), salt=written.seen["salt"])
    assert written.training["choices"]["facts"] == ["age_years", "sex", "size_mm"]
    assert written.training["manifests"] == [file_digest(manifest)]
    assert "p001" not in fitted.path.read_text(encoding="utf-8")
    assert written.operating_points == {"youden": fitted.threshold}


def test_the_threshold_and_the_auc_are_of_validation_rows(
    manifest: Path, fitted: BaselineResult, tmp_path: Path
) -> None:
    run = perturb(model=[str(fitted.path)], manifest=[manifest], shifts=["0.1"], repeats=2, out=tmp_path / "run").run
    assert run is not None
    rows = RunFolder(run).predictions(filters=[("perturbation", "==", "nominal")]).set_index("case_id")["score"]
    val = table_of(manifest).query("split == 'val'").set_index("case_id")["y"]
    auc = next(e for e in fitted.estimates if e.metric == "auc")
    assert roc_auc_score(val, rows[val.index]) == pytest.approx(auc.value)
    assert youden(val.to_numpy(), rows[val.index].to_numpy()).value == pytest.approx(fitted.threshold, abs=1e-6)


def test_a_run_has_its_tables_and_boxes_of_another_size_another_answer(
    manifest: Path, fitted: BaselineResult, tmp_path: Path
) -> None:
    run = perturb(
        model=[str(fitted.path)], manifest=[manifest], perturb=["scale=0.3", "shift=0.1"], repeats=3, out=tmp_path / "run"
    ).run  # fmt: skip
    assert run is not None
    stratify(run=run, draws=100)
    folder = RunFolder(run)
    rows = folder.predictions().query("status == 'ok' and perturbation != 'nominal'")
    spread = rows.groupby(["perturbation", "case_id"])["score"].std().groupby("perturbation").max()
    # a shifted box has the same size, but for rounding: boxes of under 100 px are not rounded
    assert spread["shift"] < 1e-12
    assert spread["scale"] > 1e-3
    baselines = folder.table("baselines")
    assert set(baselines["cohort"]) == {"development", "all", "internal", "external"}
    assert set(folder.table("baseline_coefficients")["fact"]) == {"intercept", "age_years", "sex", "size_mm"}
    assert "score" in set(folder.table("nomogram")["fact"])
    entry = folder.record()["models"][0]
    assert (entry["arch"], entry["backend"], entry["training"]["n_fitted"]) == ("clinical", "facts", fitted.n_fitted)


def test_it_refuses_to_judge_what_it_saw(manifest: Path, fitted: BaselineResult, tmp_path: Path) -> None:
    again = changed(manifest, "all-test.csv", lambda t: t.assign(split="test", case_id="x" + t["case_id"]))
    with pytest.raises(InputError, match="cases to be judged were seen in the training of clinical"):
        perturb(model=[str(fitted.path)], manifest=[again], out=tmp_path / "run")


def test_defaults_are_the_usual_facts_that_are_there(manifest: Path) -> None:
    assert read_written(fit(manifest, "a.json").path).training["choices"]["facts"] == [
        "age_years",
        "sex",
        "region",
        "size_mm",
    ]
    bare = changed(manifest, "bare.csv", lambda t: t.drop(columns=["sex", "spacing_mm", "site"]))
    found = read_written(fit(bare, "b.json").path).training["choices"]["facts"]
    # without a spacing the size is a share of the film
    assert found == ["age_years", "size_frac"]


def test_no_torch_is_imported(manifest: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from robustkit.api.baseline_clinical import baseline_clinical as f\n"
        f"f(manifest=[Path({str(manifest)!r})], output=Path({str(manifest.with_name('t.json'))!r}))\n"
        "print('torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_the_same_command_writes_the_same_file(manifest: Path, fitted: BaselineResult) -> None:
    again = fit(manifest, "again.json", facts=["age_years,sex,size_mm"])
    assert again.path.read_bytes() == fitted.path.read_bytes()


@pytest.mark.parametrize(
    ("change", "flags", "said"),
    [
        (lambda t: t.assign(split=t["split"].replace("train", "test")), {}, "no row has split=train; found"),
        (lambda t: t.assign(split=t["split"].replace("val", "")), {}, "at least two cases of either class with split=val, got 0"),
        (
            lambda t: t[(t["split"] != "train") | (t["subtype"] == "osteosarcoma")], {},
            "with split=train, got (\\d+) positive of \\1; all of them are osteosarcoma",
        ),
        (
            lambda t: t.assign(split=t["split"].mask(t["cohort"] == "external", "train")), {},
            "rows with split=train are of the cohort 'external'",
        ),
        (lambda t: t.assign(patient_id="one"), {}, r"1 patients \(or films\) stand in more than one split"),
        (lambda t: t.assign(image="films/001.png"), {}, r"1 patients \(or films\) stand in more than one split"),
        (lambda t: t.assign(age_years=t["age_years"].mask(t["cohort"] == "external", "")), {},
         "cases of the cohort 'external' lack the fact age_years.*--allow-missing"),
        (lambda t: None, {"facts": ["age"]}, "no case has the fact 'age'.*Did you mean age_years"),
        (lambda t: None, {"facts": ["sex,subtype"]}, "the fact 'subtype' holds the diagnosis"),
        (lambda t: None, {"facts": ["sex", "sex"]}, "the fact sex is named twice"),
        (lambda t: t.assign(sex=t["sex"].mask(t["split"] == "train", "F")), {"facts": ["sex"]},
         "no fact is left to learn from: sex is F in all training cases"),
        (lambda t: None, {"seed": -1}, "expected a seed in 0..2"),
        (lambda t: None, {"knots": 2}, "expected 3 to 7 knots, or 0 for straight lines, got 2"),
        (lambda t: None, {"positive": "malignant"}, "no row has the label 'malignant'; found: benign, non-benign"),
        (lambda t: None, {"figure": Path("n.png")}, "expected a name that ends in .html"),
    ],
)  # fmt: skip
def test_what_cannot_be_learnt_from_is_a_sentence(
    manifest: Path, change: Any, flags: dict[str, Any], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    other = changed(manifest, "changed.csv", change)
    with pytest.raises((InputError, UnknownNameError, ManifestError), match=said):
        fit(other, "never.json", **flags)
    assert not manifest.with_name("never.json").exists()


def test_a_cohort_without_a_fact_is_allowed_where_asked_and_said(manifest: Path, tmp_path: Path) -> None:
    other = changed(
        manifest, "no-age.csv", lambda t: t.assign(age_years=t["age_years"].mask(t["cohort"] == "external", ""))
    )
    made = fit(other, "allowed.json", allow_missing=True, facts=["age_years,sex"])
    assert any("age_years is missing in" in w for w in made.warnings)
    result = perturb(model=[str(made.path)], manifest=[other], out=tmp_path / "run")
    assert any(w.startswith("allowed: age_years is missing in") for w in result.warnings)
    strict = fit(manifest, "strict.json", facts=["age_years,sex"])
    with pytest.raises(InputError, match="lack the fact age_years"):
        perturb(model=[str(strict.path)], manifest=[other], out=tmp_path / "never")
    assert not (tmp_path / "never").exists()


def test_one_subtype_per_class_is_said(manifest: Path, fitted: BaselineResult) -> None:
    assert any(w.startswith("all non-benign cases that it learns from are osteosarcoma") for w in fitted.warnings)


def test_a_folder_is_no_file(manifest: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="expected a file name, got a folder"):
        baseline_clinical(manifest=[manifest], output=tmp_path)
    (tmp_path / "file").write_text("")
    with pytest.raises(DiskError, match="cannot write here"):
        baseline_clinical(manifest=[manifest], output=tmp_path / "file" / "m.json")


def test_json_has_no_nan(fitted: BaselineResult) -> None:
    json.loads(fitted.path.read_text(encoding="utf-8"), parse_constant=pytest.fail)
