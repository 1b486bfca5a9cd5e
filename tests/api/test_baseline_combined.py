"""baseline combined: a network's score and facts on validation rows; the best network; judged like any model."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from robustkit.api._baseline import BaselineResult
from robustkit.api.baseline_clinical import baseline_clinical
from robustkit.api.baseline_combined import baseline_combined
from robustkit.api.perturb import perturb
from robustkit.errors import CheckpointError, InputError
from robustkit.models.written import read_written
from robustkit.provenance import file_digest
from robustkit.results.folder import RunFolder
from sklearn.metrics import roc_auc_score

from made_baselines import changed, write_lesions
from small_world import write_network


@pytest.fixture(scope="module")
def manifest(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = write_lesions(tmp_path_factory.mktemp("combined") / "world")
    write_network(path.with_name("a.pt"), seed=1)
    write_network(path.with_name("b.pt"), seed=2)
    return path


def fit(manifest: Path, name: str = "combined.json", **flags: Any) -> BaselineResult:
    given = {
        "model": [str(manifest.with_name("a.pt"))],
        "facts": ["age_years,sex"],
        "device": "cpu",
        "workers": 1,
        **flags,
    }
    return baseline_combined(manifest=[manifest], output=manifest.with_name(name), **given)


@pytest.fixture(scope="module")
def fitted(manifest: Path) -> BaselineResult:
    return fit(manifest)


@pytest.fixture(scope="module")
def judged(manifest: Path, fitted: BaselineResult) -> pd.DataFrame:
    """Give the rows of network and combined model, with labels and facts."""
    run = perturb(
        model=[str(manifest.with_name("a.pt")), str(fitted.path)], manifest=[manifest], shifts=["0.1"], repeats=2, device="cpu",
        backend="eager", out=manifest.with_name("run"),
    ).run  # fmt: skip
    assert run is not None
    return RunFolder(run).predictions().merge(pd.read_csv(manifest), on="case_id", suffixes=("", "_given"))


def test_coefficients_are_those_of_statsmodels_on_the_networks_own_logits(
    fitted: BaselineResult, judged: pd.DataFrame
) -> None:
    val = judged[(judged["split"] == "val") & (judged["model"] == "a") & (judged["perturbation"] == "nominal")]
    columns = np.c_[[float(z[0]) for z in val["logits"]], val["age_years"], val["sex"] != _reference(fitted)]
    theirs = sm.GLM((val["label"] == "non-benign").astype(float), sm.add_constant(columns.astype(float)),
                    family=sm.families.Binomial()).fit(tol=1e-12).params  # fmt: skip
    np.testing.assert_allclose([c.value for c in fitted.coefficients], theirs, atol=1e-4)
    assert [c.fact for c in fitted.coefficients] == ["intercept", "score of a", "age_years", "sex"]
    assert fitted.n_fitted == fitted.n_val == len(val)


def _reference(fitted: BaselineResult) -> str:
    return str(read_written(fitted.path).body["facts"][1]["reference"])


def test_every_redrawn_box_is_folded_from_the_networks_answer(fitted: BaselineResult, judged: pd.DataFrame) -> None:
    body = read_written(fitted.path).body
    keys = ["case_id", "perturbation", "level", "repeat"]
    both = judged.set_index(keys)
    net, own = (both[both["model"] == m] for m in ("a", "combined"))
    z = np.array([float(v[0]) for v in net.loc[own.index, "logits"]])
    by_hand = body["intercept"] + body["weight"] * z + own[["age_years"]].to_numpy()[:, 0] * body["coefficients"][0]
    by_hand += body["coefficients"][1] * (own["sex"] != _reference(fitted))
    np.testing.assert_allclose([float(v[0]) for v in own["logits"]], by_hand, rtol=1e-4, atol=1e-4)


def test_the_file_names_its_network_and_what_it_saw(manifest: Path, fitted: BaselineResult) -> None:
    written = read_written(fitted.path)
    entry = written.body["member"]
    assert (entry["path"], entry["sha256"]) == ("a.pt", file_digest(manifest.with_name("a.pt")))
    # what a sidecar may say later changes nothing
    assert (entry["input_size"], entry["classes"]) == (32, ["benign", "non-benign"])
    val = pd.read_csv(manifest).query("split == 'val'")
    assert written.seen["films"] == sorted(file_digest(manifest.parent / i) for i in val["image"])
    rows = {(e.metric, e.rows) for e in fitted.estimates}
    assert ("auc", "cross-validated on validation") in rows


def test_of_several_models_the_best_on_validation_is_taken_and_said(manifest: Path, judged: pd.DataFrame) -> None:
    clinical = baseline_clinical(manifest=[manifest], output=manifest.with_name("clinical.json"), facts=["age_years"])
    made = fit(manifest, "best.json", model=[str(manifest.with_name("a.pt")), f"facts={clinical.path}"], facts=["sex"])
    val = judged[(judged["split"] == "val") & (judged["model"] == "a") & (judged["perturbation"] == "nominal")]
    a = roc_auc_score(val["label"] == "non-benign", val["score"])
    assert made.notes[0].startswith("facts was chosen among 2 models by validation AUC (a ")
    aucs = read_written(made.path).training["choices"]["models"]
    assert aucs["a"] == pytest.approx(a, abs=1e-9)
    assert aucs["facts"] > aucs["a"]
    assert read_written(made.path).body["member"]["path"] == "clinical.json"


def test_few_validation_cases_for_the_columns_are_said(fitted: BaselineResult) -> None:
    assert any("coefficients from" in n and "fewer than 10" in n for n in fitted.warnings)


def test_a_run_never_judges_the_validation_rows_as_test(manifest: Path, fitted: BaselineResult, tmp_path: Path) -> None:
    again = changed(manifest, "val-test.csv", lambda t: t.assign(split=t["split"].replace("val", "test")))
    with pytest.raises(InputError, match="cases to be judged were seen in the training of combined"):
        perturb(model=[str(fitted.path)], manifest=[again], device="cpu", out=tmp_path / "run")


def test_training_rows_are_not_needed_and_external_ones_not_taken(manifest: Path) -> None:
    bare = changed(manifest, "bare.csv", lambda t: t[t["split"] != "train"])
    assert fit(bare, "bare.json").n_fitted == (pd.read_csv(manifest)["split"] == "val").sum()
    mixed = changed(manifest, "mixed.csv", lambda t: t.assign(split=t["split"].mask(t["cohort"] == "external", "val")))
    with pytest.raises(InputError, match="rows with split=val are of the cohort 'external'"):
        fit(mixed, "never.json")


def test_what_cannot_be_fitted_is_a_sentence(manifest: Path, tmp_path: Path) -> None:
    for flags, said in (
        ({"model": []}, "no model was given"),
        ({"model": ["phantom-oracle"]}, "phantom-oracle is no file"),
        ({"facts": ["group"]}, "the fact 'group' holds the diagnosis"),
        ({"knots": 9}, "expected 3 to 7 knots"),
    ):
        with pytest.raises(InputError, match=said):
            fit(manifest, "never.json", **flags)
    lonely = changed(manifest, "lonely.csv", lambda t: t[(t["split"] != "val") | (t["label"] == "benign")])
    with pytest.raises(InputError, match="split=val, got 0 positive of"):
        fit(lonely, "never.json")
    with pytest.raises(CheckpointError, match="there is no such checkpoint"):
        fit(manifest, "never.json", model=[str(tmp_path / "none.pt")])
    assert not manifest.with_name("never.json").exists()
