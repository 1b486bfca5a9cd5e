"""Written model files: read back as written, and every fault of one is a sentence that names the field."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from robustkit.errors import CheckpointError, InputError
from robustkit.inputs import InputSpec
from robustkit.models.classifier import Classifier
from robustkit.models.open import open_model
from robustkit.models.options import ModelOptions
from robustkit.models.written import Written, read_written, save_written
from robustkit.provenance import digest, file_digest

from small_world import write_network

CLASSES = ("benign", "non-benign")


def member(path: Path, **more: Any) -> dict[str, Any]:
    return {"path": path.name, "sha256": file_digest(path), **more}


@pytest.fixture(scope="module")
def nets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("nets")
    write_network(folder / "a.pt", seed=1)
    write_network(folder / "b.pt", seed=2, margin=0.25)
    return folder


@pytest.fixture
def said(nets: Path) -> dict[str, Any]:
    body = {"members": [member(nets / "a.pt"), member(nets / "b.pt")]}
    return {"robustkit_model": 1, "kind": "ensemble", "classes": [*CLASSES], "positive": ["non-benign"], "body": body}


def opened(folder: Path, said: Any, **options: Any) -> Classifier:
    path = folder / "model.json"
    path.write_text(said if isinstance(said, str) else json.dumps(said), encoding="utf-8")
    return open_model(path, ModelOptions(**options))


def test_what_is_saved_is_read_again(tmp_path: Path) -> None:
    body = {"member": {"path": "a.pt"}, "k": 3, "level": 0.1}
    seen = {"films": ["f" * 64], "patients": ["p"], "salt": "s"}
    written = Written(
        "box-average", ("a", "b", "c"), ("c", "a"), body, "softmax-logits", "made by hand", {"youden": 0.41}, seen,
        ("the input is 32 x 32 px",), {"n": 3}, tmp_path / "m.json",
    )  # fmt: skip
    save_written(tmp_path / "m.json", written)
    assert read_written(tmp_path / "m.json") == written


def test_content_tells_whatever_the_name_and_a_byte_order_mark(nets: Path, said: dict[str, Any]) -> None:
    path = nets / "model.pt"
    path.write_bytes(b"\xef\xbb\xbf\n " + json.dumps(said).encode())
    assert open_model(path, ModelOptions()).arch == "ensemble"


def test_a_written_model_is_a_classifier(nets: Path, said: dict[str, Any]) -> None:
    said |= {"lineage": "by hand", "operating_points": {"youden": 0.4}, "assumed": ["the margin is 0"]}
    model = opened(nets, said, name="mean")
    assert (model.name, model.arch, model.engine, model.n_outputs) == ("mean", "ensemble", "composite", 1)
    assert (model.classes, model.positive, model.lineage) == (CLASSES, ("non-benign",), "by hand")
    assert (model.operating_points, model.assumed) == ({"youden": 0.4}, ("the margin is 0",))
    assert [(m.name, m.input.margin) for m in model.members] == [("a", 0.0), ("b", 0.25)]
    parts = [file_digest(nets / name) for name in ("model.json", "a.pt", "b.pt")]
    assert model.sha256 == digest(parts)


def test_a_member_is_read_as_the_file_says(nets: Path, said: dict[str, Any]) -> None:
    said["body"]["members"][0] = member(nets / "a.pt", margin=0.5, input_size=48, scaling="unit")
    first = opened(nets, said, margin=0.9).members[0]
    expected = InputSpec(48, 48, scaling="unit", mean=(0.0,) * 3, std=(1.0,) * 3, margin=0.5)
    assert first.input == expected


def test_the_positive_classes_may_be_chosen(nets: Path, said: dict[str, Any]) -> None:
    assert opened(nets, said, positive="benign").positive == ("benign",)
    with pytest.raises(InputError, match="malignant is no class of the model"):
        opened(nets, said, positive="malignant")


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"robustkit_model": 2}, "format 1, got 2.*newer"),
        ({"robustkit_model": True}, "format 1, got True"),
        ({"kind": "forest"}, "kind: expected one of .*ensemble.*got 'forest'"),
        ({"kind": None}, "kind: expected a name"),
        ({"clases": []}, "unknown field clases"),
        ({"classes": None}, "classes: expected a list of names, got nothing"),
        ({"classes": ["benign"]}, "classes: expected two or more different names"),
        ({"classes": ["?", "non-benign"]}, 'does not say yet what classes is.*Replace every "."'),
        ({"positive": ["malignant"]}, "positive: expected one or more of benign, non-benign"),
        ({"positive": ["benign", "non-benign"]}, "but not all"),
        ({"positive": "?"}, "positive: expected a list of names"),
        ({"outputs": "probabilities"}, "outputs: expected sigmoid-logit or softmax-logits"),
        ({"operating_points": {"youden": 1.5}}, "operating_points.youden: expected a threshold from 0 to 1, got 1.5"),
        ({"seen": {"cases": []}}, "seen: expected films, patients and salt"),
        ({"seen": {"films": [1]}}, "seen.films: expected a list of names"),
        ({"assumed": "much"}, "assumed: expected a list of names"),
        ({"lineage": 3}, "lineage: expected text, got 3"),
        ({"body": []}, "body: expected an object"),
    ],
)
def test_a_wrong_field_is_named(nets: Path, said: dict[str, Any], change: dict[str, Any], sentence: str) -> None:
    with pytest.raises(CheckpointError, match=f"(?s)model.json: .*{sentence}"):
        opened(nets, said | change)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ('{"robustkit_model": 1,', "no JSON .*Expecting property name"),
        ('{"robustkit_model": 1, "kind": "a", "kind": "b"}', "'kind' stands twice"),
        ('{"robustkit_model": 1, "operating_points": {"a": NaN}}', "NaN is no number of JSON"),
        ('{"weights": [1, 2]}', 'no model: it has no "robustkit_model"'),
        ('{"a":' * 100_000, "no JSON"),
        ("{} {}", "no JSON .*Extra data"),
    ],
)
def test_what_is_no_written_model_is_said(tmp_path: Path, text: str, sentence: str) -> None:
    with pytest.raises(CheckpointError, match=sentence):
        opened(tmp_path, text)


def test_a_file_in_another_encoding_is_said(tmp_path: Path) -> None:
    (tmp_path / "m.json").write_bytes('{"lineage": "Röntgen"}'.encode("latin-1"))
    with pytest.raises(CheckpointError, match="not UTF-8"):
        open_model(tmp_path / "m.json", ModelOptions())


@pytest.mark.parametrize(
    ("entry", "sentence"),
    [
        ("a.pt", "expected a member such as"),
        ({"path": 3}, "expected a member such as"),
        ({"path": "c.pt"}, "the member c.pt is missing"),
        ({"path": "a.pt"}, "a.pt is another file now.*the file's sha256 is [0-9a-f]{64}"),
        ({"path": "a.pt", "sha256": "0" * 64}, "a.pt is another file now"),
        ({"margins": 1}, "the member a.pt has an unknown key margins"),
        ({"scaling": "?"}, "the member a.pt does not say yet what scaling is"),
        ({"margin": "wide"}, "the member a.pt's margin cannot be 'wide'"),
    ],
)
def test_a_wrong_member_is_named(nets: Path, said: dict[str, Any], entry: Any, sentence: str) -> None:
    own = entry if not isinstance(entry, dict) or "path" in entry else member(nets / "a.pt", **entry)
    said["body"]["members"][0] = own
    with pytest.raises(CheckpointError, match=f"(?s)model.json: .*{sentence}"):
        opened(nets, said)


def test_a_file_that_could_not_be_read_again_is_not_written(tmp_path: Path) -> None:
    written = Written("ensemble", ("benign",), ("benign",), {})
    with pytest.raises(CheckpointError, match="classes: expected two or more"):
        save_written(tmp_path / "m.json", written)
    assert not list(tmp_path.iterdir())
