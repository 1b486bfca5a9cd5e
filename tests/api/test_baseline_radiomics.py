"""baseline radiomics: films to a file that `perturb` takes; boxes and masks; what cannot be fitted is a sentence."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import robustkit.baselines.nested as nested_file
from PIL import Image
from robustkit.api._baseline import BaselineResult
from robustkit.api.baseline_radiomics import baseline_radiomics
from robustkit.api.perturb import perturb
from robustkit.api.report import report
from robustkit.cohort.manifest import read_manifest
from robustkit.errors import InputError
from robustkit.images.film import read_film
from robustkit.models.open import open_model
from robustkit.models.options import ModelOptions
from robustkit.models.written import read_written
from robustkit.results.folder import RunFolder
from sklearn.metrics import roc_auc_score

from made_baselines import changed, write_lesions

QUICK = {"families": ["first_order"], "icc_repeats": 3, "folds": 3, "workers": 1}


@pytest.fixture(autouse=True, scope="module")
def few_penalties() -> Iterator[None]:
    """Try two strengths of the penalty instead of seven: nothing here depends on the best one."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(nested_file, "PENALTIES", (0.03, 0.3))
        yield


def fit(manifest: Path, name: str = "radiomics.json", **flags: Any) -> BaselineResult:
    return baseline_radiomics(manifest=[manifest], output=manifest.with_name(name), **{**QUICK, **flags})


@pytest.fixture(scope="module")
def manifest(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_lesions(tmp_path_factory.mktemp("radiomics") / "world")


@pytest.fixture(scope="module")
def fitted(manifest: Path) -> BaselineResult:
    return fit(manifest, normalise="none")


def test_the_planted_roughness_is_found(manifest: Path, fitted: BaselineResult) -> None:
    nested = next(e for e in fitted.estimates if e.rows == "nested CV")
    assert nested.metric == "auc"
    assert 0.6 < nested.low < nested.value < nested.high
    table = pd.read_csv(manifest)
    assert nested.n_cases == fitted.n_fitted == (table["split"] == "train").sum()
    names = {f["name"] for f in read_written(fitted.path).body["features"]}
    assert names & {
        "stat_var",
        "stat_iqr",
        "stat_mad",
        "stat_rmad",
        "stat_cov",
        "stat_qcod",
        "stat_range",
        "stat_medad",
    }
    assert fitted.notes[0] == "features of the box: no row names a mask."
    assert fitted.notes[1].startswith("of 18 features")


def test_its_validation_answers_are_those_of_perturb(manifest: Path, fitted: BaselineResult, tmp_path: Path) -> None:
    run = perturb(model=[str(fitted.path)], manifest=[manifest], shifts=["0.2"], repeats=3, out=tmp_path / "run").run
    assert run is not None
    rows = RunFolder(run).predictions()
    nominal = rows[rows["perturbation"] == "nominal"].set_index("case_id")["score"]
    table = pd.read_csv(manifest).set_index("case_id")
    val = table[table["split"] == "val"]
    auc = next(e for e in fitted.estimates if (e.metric, e.rows) == ("auc", "validation"))
    assert roc_auc_score(val["label"] == "non-benign", nominal[val.index]) == pytest.approx(auc.value)
    moved = rows[rows["perturbation"] == "shift"].groupby("case_id")["score"].std()
    # a quantile of grey levels may stay the same
    assert (moved > 0).mean() > 0.5
    written = (report(runs=[run], output=tmp_path / "report.html")).path.read_text(encoding="utf-8")
    assert "Models without a network" in written
    baselines = RunFolder(run).table("baselines")
    assert set(baselines.loc[baselines["split"] == "nested CV", "metric"]) == {"auc"}


def test_the_file_is_the_sum_that_it_says(manifest: Path, fitted: BaselineResult) -> None:
    from robustkit.features._base import FeatureSettings, extract, feature_names

    body = read_written(fitted.path).body
    settings = FeatureSettings.from_dict(body["settings"])
    case = next(read_manifest(manifest).cases())
    pixels, box = read_film(case.image).pixels, case.box.array()[None]
    values = dict(zip(feature_names(settings), extract(pixels, box, settings=settings, spacing_mm=0.5)[0], strict=True))
    by_hand = body["intercept"] + sum(
        f["coefficient"] * (values[f["name"]] - f["mean"]) / f["scale"] for f in body["features"]
    )
    model = open_model(fitted.path, ModelOptions())
    assert model.runner.logits(case, pixels, box)[0, 0] == pytest.approx(by_hand, rel=1e-5)


def test_choices_and_what_was_seen_are_kept(fitted: BaselineResult) -> None:
    written = read_written(fitted.path)
    choices = written.training["choices"]
    assert (choices["area"], choices["min_icc"], choices["folds"]) == ("box", 0.75, 3)
    assert choices["settings"]["normalise"] == "none"
    assert len(written.seen["films"]) == fitted.n_fitted + fitted.n_val
    assert fitted.coefficients == ()


def test_masks_are_measured_where_every_row_has_one(tmp_path: Path) -> None:
    manifest = write_lesions(tmp_path / "world", masks=True, n=120)
    made = fit(manifest)
    body = read_written(made.path).body
    assert body["area"] == "mask"
    assert made.notes[0] == "features of what lies in the mask and in the box."
    assert read_written(fit(manifest, "box.json", area="box").path).body["area"] == "box"
    some = changed(manifest, "some.csv", lambda t: t.assign(mask=t["mask"].mask(t["cohort"] == "external", "")))
    found = fit(some, "some.json")
    assert read_written(found.path).body["area"] == "box"
    assert found.notes[0].startswith("features of the box: 96 of 120 rows name a mask")
    # fitted on masks, judged where there are none: these cases fail, with the reason
    result = perturb(model=[str(made.path)], manifest=[some], shifts=["0.1"], repeats=2, out=tmp_path / "run")
    assert result.n_failed == 24
    assert all(f.endswith("the model was fitted on masks, and this case has none") for f in result.failures)


def test_a_mask_of_another_size_leaves_its_case_out_and_is_named(tmp_path: Path) -> None:
    manifest = write_lesions(tmp_path / "world", masks=True, n=90)
    Image.fromarray(np.full((9, 11), 255, np.uint8)).save(tmp_path / "world" / "films" / "000-mask.png")
    made = fit(manifest)
    assert "left out: c000: the mask is 11 x 9 px, its film 90 x 70" in made.warnings
    for i in range(90):
        Image.fromarray(np.full((9, 11), 255, np.uint8)).save(tmp_path / "world" / "films" / f"{i:03d}-mask.png")
    with pytest.raises(
        InputError, match=r"got 0 positive of 0 \(\d+ cases cannot be used; c000: the mask is 11 x 9 px"
    ):
        fit(manifest, "never.json")


def test_constant_features_are_dropped_and_named(manifest: Path) -> None:
    found = fit(manifest, "normalised.json", normalise="box")
    assert "constant in all training cases: stat_mean, stat_var" in " ".join(found.notes)


@pytest.mark.parametrize(
    ("change", "flags", "said"),
    [
        (None, {"folds": 40}, r"expected at least 40 patients with (positives|negatives) for 40 folds, got \d+"),
        (None, {"min_icc": 1.0}, "expected an ICC from 0 to below 1, got 1.0"),
        (None, {"folds": 1}, "expected at least 2 folds, got 1"),
        (None, {"icc_repeats": 1}, "expected at least 2 boxes, got 1"),
        (None, {"max_correlation": 0.0}, "expected a correlation above 0"),
        (None, {"families": ["colour"]}, "unknown feature 'colour'"),
        (None, {"min_icc": 0.9999999, "icc_shift": 0.9, "normalise": "none"}, r"of 18 features none is left \("),
        (None, {"area": "mask"}, r"got 0 positive of 0 \(\d+ cases cannot be used; .*this case has none"),
        (lambda t: t[(t["split"] != "train") | (t["label"] == "benign")], {}, "with split=train, got 0 positive of"),
        (
            lambda t: t.assign(split=t["split"].mask(t["cohort"] == "external", "train")), {},
            "rows with split=train are of the cohort 'external'",
        ),
    ],
)  # fmt: skip
def test_what_cannot_be_fitted_is_a_sentence(manifest: Path, change: Any, flags: dict[str, Any], said: str) -> None:
    other = changed(manifest, "changed.csv", change) if change else manifest
    with pytest.raises(InputError, match=said):
        fit(other, "never.json", **flags)
    assert not manifest.with_name("never.json").exists()


def test_films_that_hold_no_signal_have_no_auc(tmp_path: Path) -> None:
    manifest = write_lesions(tmp_path / "world", signal=0.0, n=150)
    nested = fit(manifest, min_icc=0.0).estimates[0]
    assert nested.low < 0.5 < nested.high


def test_no_torch_is_imported(manifest: Path, fitted: BaselineResult) -> None:
    code = (
        "import sys; from robustkit.models.open import open_model; from robustkit.models.options import ModelOptions\n"
        f"open_model({str(fitted.path)!r}, ModelOptions())\n"
        "import robustkit.baselines.nested, robustkit.baselines.lesions\nprint('torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_the_same_command_writes_the_same_file(manifest: Path, fitted: BaselineResult) -> None:
    assert fit(manifest, "again.json", normalise="none", workers=2).path.read_bytes() == fitted.path.read_bytes()
