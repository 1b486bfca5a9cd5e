"""study: every step once, nothing twice, nothing chosen on test rows, and nothing lost by a stop."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
from robustkit.api import _study_models
from robustkit.api.study import StudyResult, study
from robustkit.cli.main import app
from robustkit.errors import InputError
from typer.testing import CliRunner

from made_study_world import SPLITS, STUDY, write_study


def _run(file: Path, **more: object) -> StudyResult:
    return study(file=file, device="cpu", workers=1, **more)  # type: ignore[arg-type]


def _done(result: StudyResult) -> list[str]:
    return [s.name for s in result.steps if not s.was_done]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("study")
    write_study(folder)
    return folder


@pytest.fixture(scope="module")
def whole(world: Path) -> StudyResult:
    return _run(world / "study.toml")


def test_one_folder_holds_tables_figures_and_report(whole: StudyResult) -> None:
    assert whole.report is not None
    assert "The arms" in whole.report.read_text(encoding="utf-8")
    assert whole.tables is not None
    names = {p.stem for p in whole.tables.glob("*.csv")}
    assert {
        "study_arms", "study_cohorts", "study_seeds", "study_training", "study_limitations", "study_crosswalk", "strata",
        "comparisons", "drift", "errors", "curves",
    } <= names  # fmt: skip
    assert whole.figures is not None
    assert {"study_arms.html", "plotly.min.js"} <= {p.name for p in whole.figures.iterdir()}
    assert _done(whole)[-1] == "report"


def test_tables_say_what_was_trained_chosen_and_published(whole: StudyResult) -> None:
    assert whole.tables is not None
    training = pd.read_csv(whole.tables / "study_training.csv")
    assert list(zip(training["arm"], training["seed"], strict=True)) == [("Net A", 1), ("Net A", 2), ("Net B", 1)]
    # one training of every arm is judged: that with the best validation AUC
    own = training[training["arm"] == "Net A"]
    assert training["is_chosen"].sum() == 2
    assert own.loc[own["is_chosen"], "val_auc"].iloc[0] == own["val_auc"].max()
    arms = pd.read_csv(whole.tables / "study_arms.csv")
    assert set(arms.loc[arms["is_reference"], "model"]) == {whole.reference}
    beside = arms[(arms["model"] == "Net A") & (arms["cohort"] == "external") & (arms["metric"] == "auc")].iloc[0]
    assert (beside["published"], beside["source"]) == (0.738, "a paper")
    cohorts = pd.read_csv(whole.tables / "study_cohorts.csv")
    cases = cohorts[cohorts["fact"] == "cases"].set_index(["cohort", "split"])["n"]
    assert dict(cases) == {
        ("internal", "all"): 60, ("internal", "train"): 24, ("internal", "val"): 12, ("internal", "test"): 24,
        ("external", "all"): 24,
    }  # fmt: skip
    said = set(pd.read_csv(whole.tables / "study_limitations.csv")["sentence"])
    assert "Films are noise with bright spots." in said
    assert "Stand-in weights (seeded noise, no pretraining): Net A. Nothing follows about pretraining." in said


def test_the_same_command_again_does_nothing(world: Path, whole: StudyResult) -> None:
    again = _run(world / "study.toml")
    assert _done(again) == []
    assert again.run == whole.run


def test_a_changed_note_is_a_new_report_and_nothing_else(world: Path, whole: StudyResult) -> None:
    assert whole.run is not None
    (world / "noted.toml").write_text(STUDY.replace("bright spots.", "bright squares."), encoding="utf-8")
    again = _run(world / "noted.toml", out=whole.out)
    assert _done(again) == ["report"]
    assert "bright squares" in (whole.out / "tables" / "study_limitations.csv").read_text(encoding="utf-8")


def test_same_seed_same_numbers(world: Path, whole: StudyResult) -> None:
    other = _run(world / "study.toml", out=world / "other")
    assert whole.tables is not None
    assert other.tables is not None
    for name in ("study_arms", "strata", "comparisons", "curves", "stability", "study_seeds"):
        first, second = (pd.read_csv(r.tables / f"{name}.csv") for r in (whole, other) if r.tables)
        pd.testing.assert_frame_equal(first, second, rtol=1e-9)


def test_it_goes_on_after_a_stop(world: Path, whole: StudyResult, monkeypatch: pytest.MonkeyPatch) -> None:
    real, calls = _study_models._trained, []

    def stopped(*given: object, **more: object) -> object:
        calls.append(more)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return real(*given, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(_study_models, "_trained", stopped)
    with pytest.raises(KeyboardInterrupt):
        _run(world / "study.toml", out=world / "stopped")
    monkeypatch.undo()
    again = _run(world / "study.toml", out=world / "stopped")
    done = {s.name: s.was_done for s in again.steps}
    assert done["train Net A, seed 1"]
    assert done["train Net A, seed 2"]
    assert not done["train Net B"]
    assert again.tables is not None
    assert whole.tables is not None
    first, second = (pd.read_csv(t / "study_arms.csv") for t in (whole.tables, again.tables))
    pd.testing.assert_frame_equal(first, second, rtol=1e-9)


def test_nothing_is_chosen_on_test_rows(world: Path, whole: StudyResult, tmp_path: Path) -> None:
    """Labels of judged rows turned round: models, thresholds and the reference arm stay what they were."""
    turned = ["benign" if (i % 2 == 1) == (s in ("test", "")) else "non-benign" for i, s in enumerate(SPLITS)]
    kept = ["non-benign" if i % 2 else "benign" for i in range(len(SPLITS))]
    labels = [t if s in ("test", "") else k for t, k, s in zip(turned, kept, SPLITS, strict=True)]
    other = _run(write_study(tmp_path, change={"label": labels}))
    assert other.reference == whole.reference
    for column in ("sha256", "threshold", "is_chosen"):
        found = [pd.read_csv(Path(str(r.tables)) / "study_training.csv")[column].tolist() for r in (whole, other)]
        if column != "sha256":  # a checkpoint names its manifest
            assert found[0] == found[1]
    first, second = (pd.read_csv(Path(str(r.tables)) / "thresholds.csv")["value"] for r in (whole, other))
    assert first.tolist() == second.tolist()


def test_a_patient_in_two_splits_is_refused(tmp_path: Path) -> None:
    patients = [f"p{i}" for i in range(len(SPLITS))]
    patients[40] = patients[0]
    with pytest.raises(InputError, match=r"networks, Net A, --manifest: 1 patients .* stand in more than one split"):
        _run(write_study(tmp_path, change={"patient_id": patients}))


def test_external_rows_in_training_are_refused(tmp_path: Path) -> None:
    cohorts = ["external" if i == 3 else "internal" if s else "external" for i, s in enumerate(SPLITS)]
    with pytest.raises(InputError, match=r"networks, Net A, .*cohort=external"):
        _run(write_study(tmp_path, change={"cohort": cohorts}))


def test_unknown_options_are_named_before_anything_is_done(tmp_path: Path) -> None:
    text = STUDY.replace("epochs = 2", "epoch = 2").replace("repeats = 3", "repeat = 3").replace("no_films", "no_film")
    with pytest.raises(InputError, match=r"4 faults:\n.*Net A: unknown option 'epoch'; did you mean epochs\?"):
        _run(write_study(tmp_path, text))
    assert not (tmp_path / "study").exists()


def test_missing_files_are_named_with_their_origin(tmp_path: Path) -> None:
    text = STUDY + '[[checkpoints]]\nname = "Theirs"\npath = "theirs.pt"\nfrom = "the other lab"\n'
    with pytest.raises(
        InputError, match=r"1 files are missing:\n  model file of Theirs: .*theirs.pt; from the other lab"
    ):
        _run(write_study(tmp_path, text))


def test_check_names_what_is_missing_and_exits_1(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(app, ["study", "btxrd-only", "--check"])
    assert result.exit_code == 1
    for part in ("missing", "BTXRD", "figshare", "RadImageNet", "weights are fetched by timm"):
        assert part in result.stdout
    assert CliRunner().invoke(app, ["study", "phantom", "--check"]).exit_code == 0


def test_init_writes_a_file_to_begin_with_once(tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    assert study(file=file, init="template").written == file
    assert "[[cohorts]]" in file.read_text(encoding="utf-8")
    with pytest.raises(InputError, match="there is a file already"):
        study(file=file, init="template")
    with pytest.raises(InputError, match="no study called 'x' to begin with"):
        study(file=tmp_path / "new.toml", init="x")
