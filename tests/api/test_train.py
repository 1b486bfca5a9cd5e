"""train: from a manifest to a checkpoint that says all of itself; what cannot be learnt from is refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from robustkit.api.evaluate import evaluate
from robustkit.api.train import TrainResult, train
from robustkit.errors import CheckpointError, DiskError, InputError
from robustkit.models.native import read_native
from robustkit.provenance import file_digest, keyed_hashes
from robustkit.results.folder import RunFolder
from scipy.special import expit
from sklearn.metrics import roc_auc_score

from bright_spots import write_cohort

ARCH = "test_resnet"


def _train(manifest: Path, output: Path, **flags: object) -> TrainResult:
    given = {"arch": ARCH, "input_size": 32, "epochs": 3, "batch_size": 8, "device": "cpu", "workers": 1, **flags}
    return train(manifest=[manifest], output=output, **given)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("train")
    write_cohort(folder)
    return folder


@pytest.fixture(scope="module")
def trained(world: Path) -> TrainResult:
    return _train(world / "cases.csv", world / "ckpt.pt")


def test_the_checkpoint_says_all_of_itself(world: Path, trained: TrainResult) -> None:
    held = read_native(trained.path)
    assert held is not None
    assert (held.arch, held.classes, held.positive) == (ARCH, ("benign", "non-benign"), ("non-benign",))
    assert (held.input.height_px, held.input.margin, held.input.kernel) == (32, 0.25, "bilinear")
    assert held.lineage == "robustkit train, from scratch"
    assert held.training["manifests"] == [file_digest(world / "cases.csv")]
    assert held.training["seed"] == 0
    assert (trained.n_train, trained.n_val, trained.epochs) == (16, 8, 3)
    assert len(held.training["curve"]) == 3
    assert held.training["curve"][trained.best_epoch][2] == trained.best_val_auc == held.training["best_val_auc"]
    assert held.operating_points == {"youden": trained.threshold}
    assert trained.sha256 == file_digest(trained.path)


def test_it_keeps_hashes_of_the_films_and_patients_it_saw_and_no_names(world: Path, trained: TrainResult) -> None:
    held = read_native(trained.path)
    assert held is not None
    films, salt = held.seen["films"], held.seen["salt"]
    assert films == sorted(file_digest(world / "films" / f"{i}.png") for i in range(24))
    assert set(held.seen["patients"]) == keyed_hashes((f"patient-{i}" for i in range(24)), salt=salt)
    assert b"patient-3" not in trained.path.read_bytes()


def test_without_patient_ids_no_patients_are_claimed(world: Path, tmp_path: Path) -> None:
    rows = pd.read_csv(world / "cases.csv").drop(columns="patient_id").assign(image_root=str(world))
    rows.to_csv(world / "unknown.csv", index=False)
    held = read_native(_train(world / "unknown.csv", tmp_path / "a.pt", epochs=1).path)
    assert held is not None
    assert held.seen["patients"] == []
    assert len(held.seen["films"]) == 24


def test_its_validation_answers_are_those_of_evaluate(world: Path, trained: TrainResult, tmp_path: Path) -> None:
    result = evaluate(
        model=[str(trained.path)], manifest=[world / "cases.csv"], snap="whole", device="cpu", backend="eager",
        out=tmp_path / "run",
    )  # fmt: skip
    assert result.run is not None
    rows = RunFolder(result.run).predictions().set_index("case_id")
    val = pd.read_csv(world / "cases.csv").query("split == 'val'").set_index("case_id")
    scores = rows.loc[val.index, "score"]
    assert roc_auc_score(val["label"] == "non-benign", scores) == trained.best_val_auc


def test_training_and_judging_give_the_same_logits(
    world: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    import robustkit.training.fit as fit_file

    kept = {}
    real = fit_file.fit

    def spy(*args: object, **named: object) -> object:
        kept["fitted"] = real(*args, **named)  # type: ignore[arg-type]
        kept["val"] = [w.case_id for w in args[2]]  # type: ignore[attr-defined]
        return kept["fitted"]

    monkeypatch.setattr(fit_file, "fit", spy)
    made = _train(world / "cases.csv", tmp_path / "b.pt", margin=0.5, fit="square", epochs=2)
    run = evaluate(
        model=[str(made.path)], manifest=[world / "cases.csv"], snap="whole", device="cpu", backend="eager",
        out=tmp_path / "run",
    ).run  # fmt: skip
    assert run is not None
    rows = RunFolder(run).predictions().set_index("case_id").loc[kept["val"]]
    ours = kept["fitted"].val_logits  # type: ignore[attr-defined]
    np.testing.assert_allclose([v[0] for v in rows["logits"]], ours, rtol=0, atol=1e-5)
    np.testing.assert_allclose(rows["score"], expit(ours), rtol=0, atol=1e-5)


def test_judging_what_it_saw_as_test_rows_is_refused(world: Path, trained: TrainResult, tmp_path: Path) -> None:
    rows = pd.read_csv(world / "cases.csv").assign(image_root=str(world), split="test")
    rows.to_csv(world / "all-test.csv", index=False)
    with pytest.raises(InputError, match=r"24 cases to be judged were seen in the training of ckpt"):
        evaluate(model=[str(trained.path)], manifest=[world / "all-test.csv"], device="cpu", out=tmp_path / "run")


def test_same_seed_same_file_and_weights_begin_where_they_are_told(
    world: Path, trained: TrainResult, tmp_path: Path
) -> None:
    again = _train(world / "cases.csv", tmp_path / "again.pt")
    assert again.sha256 == trained.sha256
    onward = _train(world / "cases.csv", tmp_path / "onward.pt", weights=trained.path, epochs=1, learning_rate=1e-12)
    first, second = read_native(trained.path), read_native(onward.path)
    assert first is not None
    assert second is not None
    assert second.lineage == "robustkit train, from ckpt.pt"
    moved = {k: float((v - second.state_dict[k]).abs().max()) for k, v in first.state_dict.items() if v.ndim == 4}
    assert max(moved.values()) < 1e-6


def test_it_tells_each_epoch(world: Path, tmp_path: Path) -> None:
    said: list[str] = []
    counted: list[tuple[str, int, int]] = []
    _train(world / "cases.csv", tmp_path / "a.pt", epochs=2, say=said.append, progress=lambda *a: counted.append(a))
    assert counted == [("epochs", 1, 2), ("epochs", 2, 2)]
    assert said[0].startswith("epoch 1/2: loss 0.")
    assert "validation AUC" in said[1]
    assert said[1].endswith("at most 0 s left")


def test_films_that_fail_are_left_out_and_named(world: Path, tmp_path: Path) -> None:
    rows = pd.read_csv(world / "cases.csv").assign(image_root=str(world))
    rows.loc[2, "image"] = "films/gone.png"
    rows.to_csv(world / "failing.csv", index=False)
    made = _train(world / "failing.csv", tmp_path / "a.pt", epochs=1)
    assert made.n_train == 15
    assert made.warnings[0] == "left out of training: case-2: the film is missing"
    rows.loc[rows["split"] == "val", "image"] = "films/gone.png"
    rows.to_csv(world / "failing.csv", index=False)
    with pytest.raises(InputError, match=r"split=val, got 0 positive of 0 \(8 films could not be read; case-16"):
        _train(world / "failing.csv", tmp_path / "b.pt", epochs=1)
    assert not (tmp_path / "b.pt").exists()


@pytest.mark.parametrize(
    ("change", "match"),
    [
        ({"split": "test"}, "two cases of either class with split=train, got 0 positive of 0"),
        ({"label": "benign"}, "split=train, got 0 positive of 16"),
        ({"patient_id": "one"}, r"1 patients \(or films\) stand in train and in another split"),
    ],
)
def test_rows_that_cannot_be_learnt_from(world: Path, tmp_path: Path, change: dict[str, str], match: str) -> None:
    name = f"bad-{next(iter(change))}.csv"
    pd.read_csv(world / "cases.csv").assign(image_root=str(world), **change).to_csv(world / name, index=False)
    with pytest.raises(InputError, match=match):
        _train(world / name, tmp_path / "a.pt")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("flags", "error", "match"),
    [
        ({"scaling": "imagnet"}, InputError, "unknown scaling 'imagnet'"),
        ({"epochs": 0}, InputError, "expected epochs and patience >= 1"),
        ({"batch_size": 1}, InputError, "batch size >= 2"),
        ({"jitter": 1.0}, InputError, r"jitter in \[0, 1\)"),
        ({"margin": -0.1}, InputError, "margin >= 0"),
        ({"kernel": "nearest"}, InputError, "expected one of bilinear"),
        ({"fit": "pad"}, InputError, "expected one of stretch, square"),
        ({"device": "cuda:9"}, InputError, "does not exist here"),
        ({"arch": "resnet19"}, CheckpointError, "timm knows no architecture 'resnet19'"),
        ({"positive": "evil"}, InputError, "no row has the label 'evil'; found: benign, non-benign"),
        ({"weights": Path("nowhere.pt")}, InputError, "nowhere.pt"),
    ],
)
def test_bad_flags(world: Path, tmp_path: Path, flags: dict[str, object], error: type[InputError], match: str) -> None:
    with pytest.raises(error, match=match):
        _train(world / "cases.csv", tmp_path / "a.pt", **flags)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_is_no_checkpoint_and_a_file_is_no_folder(world: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="expected a file name, got a folder"):
        _train(world / "cases.csv", tmp_path)
    (tmp_path / "file").write_text("x")
    with pytest.raises(DiskError, match="cannot write here"):
        _train(world / "cases.csv", tmp_path / "file" / "a.pt")


def test_several_labels_of_one_side_must_be_in_the_vocabulary(world: Path, tmp_path: Path) -> None:
    rows = pd.read_csv(world / "cases.csv").assign(image_root=str(world))
    rows["label"] = ["fractured" if x == "non-benign" else "sound" for x in rows["label"]]
    rows.to_csv(world / "two.csv", index=False)
    made = read_native(_train(world / "two.csv", tmp_path / "a.pt", epochs=1, positive="fractured").path)
    assert made is not None
    assert (made.classes, made.positive) == (("sound", "fractured"), ("fractured",))
    rows.loc[0, "label"] = "fresh"
    rows.to_csv(world / "three.csv", index=False)
    with pytest.raises(InputError, match="fresh, sound would be one class, but the vocabulary does not say so"):
        _train(world / "three.csv", tmp_path / "b.pt", positive="fractured")
