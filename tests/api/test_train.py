"""train: from a manifest to a checkpoint that says all of itself; what cannot be learnt from is refused."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
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
    assert (
        held.training["curve"][trained.best_epoch]["val_auc"] == trained.best_val_auc == held.training["best_val_auc"]
    )
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
        kept["val"] = [w.case_id for w in args[1].val]  # type: ignore[attr-defined]
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
        (
            {"patient_id": "one"},
            r"1 patients \(or films\) stand in more than one split \(case case-0 in train and case case-16 in val",
        ),
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
        ({"epochs": 0}, InputError, "--epochs: expected 1 or more, got 0"),
        ({"batch_size": 1}, InputError, "--batch-size: expected 2 or more"),
        ({"jitter": 1.0}, InputError, r"--jitter: expected a share in \[0, 1\)"),
        ({"margin": -0.1}, InputError, "margin must be 0 to"),
        ({"kernel": "nearest"}, InputError, "--kernel: unknown kernel 'nearest'; known: bilinear"),
        ({"fit": "pad"}, InputError, "--fit: unknown fit 'pad'; known: stretch"),
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


class _StopError(Exception):
    """Stands for a kill."""


def _stop_after(epoch: int) -> object:
    def say(line: str) -> None:
        if line.startswith(f"epoch {epoch}/"):
            raise _StopError

    return say


def test_a_stopped_training_goes_on_with_the_same_command(world: Path, trained: TrainResult, tmp_path: Path) -> None:
    said: list[str] = []
    with pytest.raises(_StopError):
        _train(world / "cases.csv", tmp_path / "a.pt", say=_stop_after(2))
    assert [p.name for p in tmp_path.iterdir()] == [".a.pt.unfinished"]
    again = _train(world / "cases.csv", tmp_path / "a.pt", say=said.append)
    assert [line.partition(":")[0] for line in said] == ["epoch 3/3"]
    assert again.sha256 == trained.sha256
    assert again.curve == trained.curve
    assert [p.name for p in tmp_path.iterdir()] == ["a.pt"]


def test_another_training_never_goes_on_from_it(world: Path, trained: TrainResult, tmp_path: Path) -> None:
    with pytest.raises(_StopError):
        _train(world / "cases.csv", tmp_path / "a.pt", seed=1, say=_stop_after(2))
    said: list[str] = []
    fresh = _train(world / "cases.csv", tmp_path / "a.pt", say=said.append)
    assert said[0] == "note: an unfinished training of other settings lay beside the checkpoint: it was begun anew"
    assert len(said) == 4
    assert fresh.sha256 == trained.sha256
    (tmp_path / ".a.pt.unfinished").write_bytes(b"damaged")
    with pytest.raises(
        InputError, match=r"\.a\.pt\.unfinished: the unfinished training that is kept here cannot be read"
    ):
        _train(world / "cases.csv", tmp_path / "a.pt")


KILLED = """
import sys
from pathlib import Path
from robustkit.api.train import train
train(manifest=[Path(sys.argv[1])], output=Path(sys.argv[2]), arch="test_resnet", input_size=32, epochs=40, patience=40,
      batch_size=8, device="cpu", workers=1)
"""


@pytest.mark.slow
def test_a_killed_training_ends_as_one_that_was_not(world: Path, tmp_path: Path) -> None:
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    ends = []
    for name, is_killed in (("whole", False), ("killed", True)):
        output = tmp_path / f"{name}.pt"
        command = [sys.executable, "-c", KILLED, str(world / "cases.csv"), str(output)]
        if is_killed:
            for _ in range(2):
                child = subprocess.Popen(command, env=environment)
                kept = tmp_path / f".{name}.pt.unfinished"
                before = kept.stat().st_mtime_ns if kept.exists() else 0
                deadline = time.monotonic() + 120
                while time.monotonic() < deadline and (not kept.exists() or kept.stat().st_mtime_ns == before):
                    time.sleep(0.005)
                os.kill(child.pid, signal.SIGKILL)
                child.wait()
                assert kept.exists()
                assert not output.exists()
        subprocess.run(command, env=environment, check=True)
        ends.append(file_digest(output))
    assert ends[0] == ends[1]
    assert sorted(p.name for p in tmp_path.iterdir()) == ["killed.pt", "whole.pt"]


def test_the_curve_in_checkpoint_result_and_files(world: Path, trained: TrainResult, tmp_path: Path) -> None:
    held = read_native(trained.path)
    assert held is not None
    assert [e["val_auc"] for e in held.training["curve"]] == [e.val_auc for e in trained.curve]
    assert all(np.isfinite([e.loss, e.val_loss, e.learning_rate]).all() for e in trained.curve)
    for kind in ("csv", "json", "html"):
        made = _train(world / "cases.csv", tmp_path / "ckpt.pt", curves=tmp_path / "new" / f"c.{kind}")
        assert made.sha256 == trained.sha256
    table = pd.read_csv(tmp_path / "new" / "c.csv")
    assert table["val_auc"].tolist() == pytest.approx([e.val_auc for e in trained.curve])
    assert table["is_best"].tolist() == [e.epoch == trained.best_epoch for e in trained.curve]
    assert pd.DataFrame(json.loads((tmp_path / "new" / "c.json").read_text())).shape == table.shape
    assert "How did the training go?" in (tmp_path / "new" / "c.html").read_text()
    with pytest.raises(InputError, match=r"--curves: expected a name that ends in .csv, .json, .html, got 'c.png'"):
        _train(world / "cases.csv", tmp_path / "b.pt", curves=Path("c.png"))


def test_what_weights_bring_along(world: Path, trained: TrainResult, tmp_path: Path) -> None:
    given = {"input_size": None, "arch": None, "epochs": 1, "positive": "non-benign", "margin": 0.1}
    made = _train(world / "cases.csv", tmp_path / "a.pt", weights=trained.path, **given)
    held = read_native(made.path)
    assert held is not None
    assert (held.arch, held.input.height_px, held.input.margin) == (ARCH, 32, 0.1)
    assert held.training["learning_rate"] == 1e-4
    assert held.training["weights_sha256"] == trained.sha256
    assert "8 of 8 validation cases lie on films that the weights have seen" in made.warnings[0]


def test_what_the_weights_have_seen_stays_seen(world: Path, trained: TrainResult, tmp_path: Path) -> None:
    other = write_cohort(tmp_path / "other", n=24, seed=9, prefix="other")
    held = read_native(_train(other, tmp_path / "a.pt", weights=trained.path, epochs=1).path)
    first = read_native(trained.path)
    assert held is not None
    assert first is not None
    assert set(first.seen["films"]) < set(held.seen["films"])
    names = [*(f"patient-{i}" for i in range(24)), *(f"other-patient-{i}" for i in range(18))]
    assert set(held.seen["patients"]) == keyed_hashes(names, salt=held.seen["salt"])
    rows = pd.read_csv(world / "cases.csv").assign(image_root=str(world), split="test")
    rows.to_csv(world / "again.csv", index=False)
    with pytest.raises(InputError, match="24 cases to be judged were seen in the training of a"):
        evaluate(model=[str(tmp_path / "a.pt")], manifest=[world / "again.csv"], device="cpu", out=tmp_path / "run")


def test_external_rows_and_equal_films_are_leaks(world: Path, tmp_path: Path) -> None:
    rows = pd.read_csv(world / "cases.csv").assign(image_root=str(world))
    rows.loc[3, "cohort"] = "external"
    rows.to_csv(world / "external.csv", index=False)
    with pytest.raises(InputError, match=r"1 rows of cohort=external have split=train or val \(case case-3\)"):
        _train(world / "external.csv", tmp_path / "a.pt")
    made = _train(world / "external.csv", tmp_path / "a.pt", allow_external=True, epochs=1)
    assert made.warnings[0] == "1 rows of cohort=external are learnt from (--allow-external)"
    held = read_native(made.path)
    assert held is not None
    assert held.training["external_rows"] == 1
    (world / "films" / "copy.png").write_bytes((world / "films" / "0.png").read_bytes())
    rows = pd.read_csv(world / "cases.csv").assign(image_root=str(world))
    rows.loc[31, "image"] = "films/copy.png"
    rows.to_csv(world / "copied.csv", index=False)
    with pytest.raises(InputError, match=r"byte for byte the same \(case case-0 in train and case case-31 in test\)"):
        _train(world / "copied.csv", tmp_path / "b.pt")
    assert not (tmp_path / "b.pt").exists()


@pytest.fixture(scope="module")
def kinds(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three labels and four subtypes."""
    folder = tmp_path_factory.mktemp("kinds")
    path = write_cohort(folder, n=48)
    rows = pd.read_csv(path)
    labels = ["benign", "malignant", "normal", "intermediate"]
    subtypes = ["enchondroma", "osteosarcoma", "normal", "giant cell tumour"]
    rows.assign(
        label=[labels[i % 4] for i in range(len(rows))], subtype=[subtypes[i % 4] for i in range(len(rows))]
    ).to_csv(path, index=False)
    return path


def test_several_classes_by_label(kinds: Path, tmp_path: Path) -> None:
    made = _train(kinds, tmp_path / "a.pt", multiclass=True)
    assert made.classes == ("benign", "normal", "intermediate", "malignant")
    assert made.positive == ("intermediate", "malignant")
    held = read_native(made.path)
    assert held is not None
    assert held.output.kind == "softmax-logits"
    assert held.training["cases"]["train"] == dict.fromkeys(made.classes, 6)
    run = evaluate(
        model=[str(made.path)], manifest=[kinds], snap="whole", device="cpu", backend="eager", out=tmp_path / "run"
    ).run
    assert run is not None
    rows = RunFolder(run).predictions().set_index("case_id")
    val = pd.read_csv(kinds).query("split == 'val'").set_index("case_id")
    truth = val["label"].isin(["malignant", "intermediate"])
    assert roc_auc_score(truth, rows.loc[val.index, "score"]) == pytest.approx(made.best_val_auc)
    assert len(rows["logits"].iloc[0]) == 4


def test_several_classes_by_another_column_and_positive_ones_by_name(kinds: Path, tmp_path: Path) -> None:
    given = {"multiclass": True, "classes_from": "subtype", "epochs": 1}
    made = _train(kinds, tmp_path / "a.pt", **given)
    assert made.classes == ("enchondroma", "normal", "giant cell tumour", "osteosarcoma")
    assert not any("other side" in w for w in made.warnings)
    named = _train(kinds, tmp_path / "b.pt", positive="osteosarcoma", **given)
    assert named.positive == ("osteosarcoma",)
    # every fourth of the 36 rows that are learnt from
    said = "9 cases are of a class on the other side than their label (case case-3: giant cell tumour, intermediate)"
    assert any(w.startswith(said) for w in named.warnings)


@pytest.mark.parametrize(
    ("change", "flags", "match"),
    [
        (
            {},
            {"positive": "evil"},
            "--positive: no row with split=train or val is of the class 'evil'; found: benign, ",
        ),
        ({}, {"classes_from": "site"}, r"--classes-from: 36 rows with split=train or val have no site .case case-0."),
        ({"subtype": "enchondroma"}, {"classes_from": "subtype"}, "the classes enchondroma are all on one side"),
        ({"view": ["a", "b"]}, {"classes_from": "view"}, "nothing says whether the class 'a' is positive"),
        ({"view": ["a", "b"]}, {"classes_from": "view", "positive": "a,b"}, "the classes a, b are all on one side"),
        ({"rare": 0}, {}, "at least two cases of each class with split=train, got 1 of 'osteosarcoma'"),
    ],
)
def test_classes_that_cannot_be_learnt(
    kinds: Path, tmp_path: Path, change: dict[str, object], flags: dict[str, object], match: str
) -> None:
    rows = pd.read_csv(kinds).assign(image_root=str(kinds.parent))
    for column, value in change.items():
        if column == "rare":
            rows.loc[value, "label"] = "osteosarcoma"
        else:
            values = value if isinstance(value, list) else [value]
            rows[column] = [values[i % len(values)] for i in range(len(rows))]
    rows.to_csv(tmp_path / "m.csv", index=False)
    with pytest.raises(InputError, match=match):
        _train(tmp_path / "m.csv", tmp_path / "a.pt", multiclass=True, **flags)


def test_classes_of_a_column_need_several(kinds: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"--classes-from: .* only two classes. Say --multiclass too"):
        _train(kinds, tmp_path / "a.pt", classes_from="subtype")


def test_a_network_that_does_not_take_the_input_is_refused_before_films_are_read(world: Path, tmp_path: Path) -> None:
    with pytest.raises(
        CheckpointError, match=r"--arch vit_tiny_patch16_224: the model does not take an input of 3 x 32 x"
    ):
        _train(world / "cases.csv", tmp_path / "a.pt", arch="vit_tiny_patch16_224")
    assert list(tmp_path.iterdir()) == []
