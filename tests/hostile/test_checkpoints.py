"""Hostile model files: nothing of them is run, and none of them takes the machine's memory or time."""

from __future__ import annotations

import io
import json
import os
import pickle
import shutil
import struct
import time
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from robustkit.models.open import open_model
from robustkit.models.options import ModelOptions
from robustkit.provenance import file_digest

from bounds import Outcome, Tally
from small_world import ARCH, build, write_network


def judged(tally: Tally, what: str, path: Path, content: bytes | None = None, **options: Any) -> tuple[Outcome, str]:
    if content is not None:
        path.write_bytes(content)
    return tally.judge(what, lambda: open_model(path, ModelOptions(**options)))


@pytest.fixture(scope="module")
def native(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return write_network(tmp_path_factory.mktemp("net") / "net.pt").read_bytes()


@pytest.fixture(scope="module")
def weights() -> dict[str, torch.Tensor]:
    return dict(build(0).state_dict())


def parts(native: bytes) -> tuple[dict[str, Any], bytes]:
    size = int.from_bytes(native[:8], "little")
    return json.loads(native[8 : 8 + size]), native[8 + size :]


def joined(head: Any, body: bytes, *, size: int | None = None) -> bytes:
    text = head if isinstance(head, bytes) else json.dumps(head).encode()
    return struct.pack("<Q", len(text) if size is None else size) + text + body


HEADS: dict[str, Callable[[dict[str, Any], bytes], bytes]] = {
    "a head of 2^63 bytes": lambda h, b: joined(h, b, size=2**63),
    "a head of 99 MB": lambda h, b: joined(h, b, size=99_000_000),
    "no head": lambda h, b: joined(h, b, size=0),
    "a short head": lambda h, b: joined(h, b, size=20),
    "a negative place": lambda h, b: joined(_first(h, data_offsets=[-1, 4]), b),
    "a place beyond": lambda h, b: joined(_first(h, data_offsets=[0, 2**62]), b),
    "places that overlap": lambda h, b: joined(_first(h, data_offsets=[0, 4]), b),
    "a shape of 2^80": lambda h, b: joined(_first(h, shape=[2**40, 2**40]), b),
    "another shape": lambda h, b: joined(_first(h, shape=[1]), b),
    "a negative shape": lambda h, b: joined(_first(h, shape=[-1]), b),
    "a type that is none": lambda h, b: joined(_first(h, dtype="Q7"), b),
    "no tensors": lambda h, b: joined(h, b""),
    "more than it says": lambda h, b: joined(h, b + b"x" * 100),
    "nested deeply": lambda h, b: joined(b'{"a":' * 100_000, b),
    "a list": lambda h, b: joined(b"[]" + b" " * 100, b),
}


def _first(head: dict[str, Any], **changes: Any) -> dict[str, Any]:
    key = next(k for k in head if k != "__metadata__")
    return {**head, key: {**head[key], **changes}}


@pytest.mark.parametrize("name", HEADS)
def test_safetensors_with_a_lying_head(tmp_path: Path, tally: Tally, native: bytes, name: str) -> None:
    content = HEADS[name](*parts(native))
    assert judged(tally, "checkpoints: safetensors that lie", tmp_path / "m.pt", content)[0] == "error"


WRONG: tuple[Any, ...] = (None, 5, [], {}, [1], [None], float("inf"), True, "x", -1, 10**9, float("nan"))


@pytest.mark.parametrize(
    "field", ["format", "arch", "output", "classes", "positive", "lineage", "operating_points", "seen", "input"]
)
def test_what_a_checkpoint_says_of_itself_is_checked(tmp_path: Path, tally: Tally, native: bytes, field: str) -> None:
    head, body = parts(native)
    said = json.loads(head["__metadata__"]["robustkit"])
    for value in WRONG:
        text = json.dumps({**said, field: value})
        content = joined({**head, "__metadata__": {"robustkit": text}}, body)
        judged(tally, "checkpoints: metadata", tmp_path / "m.pt", content)


@pytest.mark.parametrize(
    "field", ["height_px", "width_px", "kernel", "scaling", "mean", "std", "channels", "margin", "fit", "layout"]
)
def test_the_input_that_a_checkpoint_asks_for_is_checked(
    tmp_path: Path, tally: Tally, native: bytes, field: str
) -> None:
    head, body = parts(native)
    said = json.loads(head["__metadata__"]["robustkit"])
    for value in WRONG:
        text = json.dumps({**said, "input": {**said["input"], field: value}})
        content = joined({**head, "__metadata__": {"robustkit": text}}, body)
        outcome, said_now = judged(tally, "checkpoints: metadata", tmp_path / "m.pt", content)
        # beside mean and std, which are there, the name of a scaling changes nothing
        harmless = value == {"margin": 5, "height_px": 5, "width_px": 5, "scaling": "x"}.get(field, "none")
        assert outcome == "error" or harmless, (field, value, said_now)


@pytest.mark.parametrize("text", ["[" * 100_000, "x", "[]", "null", "9" * 5000])
def test_metadata_that_is_none(tmp_path: Path, tally: Tally, native: bytes, text: str) -> None:
    head, body = parts(native)
    content = joined({**head, "__metadata__": {"robustkit": text}}, body)
    assert judged(tally, "checkpoints: metadata", tmp_path / "m.pt", content)[0] == "error"


def _loop(weights: dict[str, torch.Tensor]) -> dict[str, Any]:
    found: dict[str, Any] = dict(weights)
    found["model"] = found
    return found


def _nested(weights: dict[str, torch.Tensor]) -> dict[str, Any]:
    found: dict[str, Any] = weights
    for _ in range(200):
        found = {"model": found}
    return found


TENSORS: dict[str, Callable[[torch.Tensor], torch.Tensor]] = {
    "NaN": lambda t: t * float("nan"),
    "infinity": lambda t: t + float("inf"),
    "another shape": lambda t: torch.zeros(1, 1),
    "no axes": lambda t: torch.tensor(1.0),
    "no values": lambda t: torch.zeros(0),
    "sparse": lambda t: t.to_sparse(),
    "quantised": lambda t: torch.quantize_per_tensor(t, 0.1, 0, torch.qint8),
    "complex": lambda t: t.to(torch.complex64),
    "of no device": lambda t: torch.empty(t.shape, device="meta"),
    "a million million, all one number": lambda t: torch.zeros(1).expand(10**6, 10**6),
}


@pytest.mark.parametrize("name", TENSORS)
@pytest.mark.filterwarnings("ignore")
def test_tensors_that_are_no_weights(tmp_path: Path, tally: Tally, weights: dict[str, torch.Tensor], name: str) -> None:
    first = next(iter(weights))
    torch.save({**weights, first: TENSORS[name](weights[first])}, tmp_path / "m.pt")
    options = {"arch": ARCH, "input_size": 32}
    assert judged(tally, "checkpoints: tensors", tmp_path / "m.pt", **options)[0] == "error"


@pytest.mark.parametrize(
    "wrap", [_loop, _nested, lambda w: {}, lambda w: {"state_dict": {}}, lambda w: [w], lambda w: {1: torch.zeros(1)}]
)
def test_wrappings_without_end(
    tmp_path: Path, tally: Tally, weights: dict[str, torch.Tensor], wrap: Callable[..., Any]
) -> None:
    torch.save(wrap(weights), tmp_path / "m.pt")
    # a dictionary that holds itself holds its weights, too
    outcome = judged(tally, "checkpoints: wrappings", tmp_path / "m.pt", arch=ARCH, input_size=32)[0]
    assert outcome == ("accepted" if wrap is _loop else "error")


TOUCHED = "touched"


class Payload:
    """Unpickling this makes a file in the working folder."""

    def __init__(self, how: str) -> None:
        self.how = how

    def __reduce__(self) -> Any:
        return {
            "shell": (os.system, (f"touch {TOUCHED}",)),
            "eval": (eval, (f"open({TOUCHED!r}, 'w')",)),
            "exec": (exec, (f"open({TOUCHED!r}, 'w')",)),
            "copy": (shutil.copy, ("here", TOUCHED)),
            "open": (open, (TOUCHED, "w")),
        }[self.how]


@pytest.mark.parametrize("how", ["shell", "eval", "exec", "copy", "open"])
def test_a_payload_is_never_run(
    tmp_path: Path, tally: Tally, weights: dict[str, torch.Tensor], how: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("here").write_text("x")
    contents = [pickle.dumps(Payload(how), protocol=p) for p in range(6)]
    contents += [pickle.dumps({"state_dict": {"a": Payload(how)}}, protocol=2)]
    for is_zip in (True, False):
        held = io.BytesIO()
        torch.save({**weights, "x": Payload(how)}, held, _use_new_zipfile_serialization=is_zip)
        contents.append(held.getvalue())
    for content in contents:
        note = "none of the payloads was run"
        outcome, _ = tally.judge(
            "checkpoints: pickles with a payload", lambda c=content: _open(tmp_path / "m.pt", c), note=note
        )
        assert outcome == "error"
    assert not Path(TOUCHED).exists()


def _open(path: Path, content: bytes) -> object:
    path.write_bytes(content)
    return open_model(path, ModelOptions())


PICKLES = {
    "marks": b"\x80\x02" + b"(" * 100_000,
    "an integer of 2 GB": b"\x80\x02\x8b\xff\xff\xff\x7f",
    "a frame of 2^64": b"\x80\x04\x95" + b"\xff" * 8,
    "text of 4 GB": b"\x80\x04X\xff\xff\xff\xff",
    "a memo of nothing": b"\x80\x02h\x00.",
    "cut": b"\x80\x02}q\x00(",
}


@pytest.mark.parametrize("name", PICKLES)
def test_pickles_of_nothing(tmp_path: Path, tally: Tally, name: str) -> None:
    assert judged(tally, "checkpoints: damaged pickles", tmp_path / "m.pt", PICKLES[name])[0] == "error"


def zipped(files: dict[str, bytes], *, packed: bool = False) -> bytes:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED if packed else zipfile.ZIP_STORED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return held.getvalue()


EMPTY = pickle.dumps({}, protocol=2)


@pytest.mark.parametrize(
    "files",
    [
        {"a/data.pkl": EMPTY, "a/data/0": bytes(300_000_000)},
        {"../../../evil/data.pkl": EMPTY, "../../../evil/version": b"3"},
        {"/etc/evil/data.pkl": EMPTY},
        {"a/data.pkl": b""},
        {"a/data.pkl": b"zz", "a/version": b"3"},
        {f"a/data/{i}": b"" for i in range(70_000)} | {"a/data.pkl": EMPTY},
    ],
    ids=["bomb", "a way up", "a root", "no pickle", "junk", "seventy thousand members"],
)
def test_zip_archives(tmp_path: Path, tally: Tally, files: dict[str, bytes]) -> None:
    assert judged(tally, "checkpoints: zip archives", tmp_path / "m.pt", zipped(files, packed=True))[0] == "error"
    assert [p.name for p in tmp_path.iterdir()] == ["m.pt"]


@pytest.mark.parametrize(("member", "content"), [
    ("data/0", b""), ("data/0", b"1234"), ("byteorder", b"big"), ("byteorder", b"zz"), ("version", b"zz"), ("version", b"999\n"),
    ("data.pkl", b""), ("data.pkl", b"\x80\x02}."),
])  # fmt: skip
@pytest.mark.filterwarnings("ignore")
def test_members_of_a_torch_file(
    tmp_path: Path, tally: Tally, weights: dict[str, torch.Tensor], member: str, content: bytes
) -> None:
    torch.save(weights, tmp_path / "whole.pt")
    with zipfile.ZipFile(tmp_path / "whole.pt") as archive:
        files = {n: content if n.endswith(member) else archive.read(n) for n in archive.namelist()}
    judged(tally, "checkpoints: damaged torch files", tmp_path / "m.pt", zipped(files), arch=ARCH, input_size=32)


def ensemble(folder: Path, name: str, *members: Path, **more: Any) -> Path:
    entries = [{"path": m.name, "sha256": file_digest(m)} for m in members]
    said = {"robustkit_model": 1, "kind": "ensemble", "classes": ["benign", "non-benign"], "positive": ["non-benign"],
            "body": {"members": entries}, **more}  # fmt: skip
    path = folder / name
    path.write_text(json.dumps(said), encoding="utf-8")
    return path


def test_ensembles_of_ensembles_are_no_bomb(tmp_path: Path, tally: Tally) -> None:
    """Thirty levels, each of two files that name both of the level below, would open 2^30 networks."""
    pair = [write_network(tmp_path / f"{n}.pt", seed=n) for n in (1, 2)]
    for level in range(30):
        pair = [ensemble(tmp_path, f"e{level}-{n}.json", *pair, lineage=str(n)) for n in (1, 2)]
    outcome, said = judged(tally, "checkpoints: written models", pair[0])
    assert (outcome, "more than 64 members" in said) == ("error", True)


def test_a_model_cannot_be_its_own_member(tmp_path: Path, tally: Tally) -> None:
    one = ensemble(tmp_path, "one.json", write_network(tmp_path / "net.pt"))
    said = json.loads(one.read_text())
    for path in ("one.json", "./one.json", "../" * 20 + "etc/passwd", "a\0b", "x" * 5000, ".", ""):
        said["body"]["members"] = [{"path": path, "sha256": "0" * 64}] * 2
        one.write_text(json.dumps(said))
        assert judged(tally, "checkpoints: written models", one)[0] == "error"


WRITTEN = '{"robustkit_model":1,"kind":"ensemble","classes":["a","b"],"positive":["b"],"body":{}'
WRITTEN_FILES = (
    WRITTEN + "}", WRITTEN + ',"x":1}', WRITTEN + ',"operating_points":{"a":1e999}}',
    WRITTEN + ',"operating_points":{"a":' + "9" * 400 + "}}",
    WRITTEN + ',"seen":{"salt":5}}', WRITTEN + ',"assumed":["?"]}', WRITTEN.replace("1,", "true,", 1) + "}",
    WRITTEN.replace('"ensemble"', '"../x"') + "}",
    WRITTEN.replace('"ensemble"', '"--init--"') + "}", WRITTEN.replace('"ensemble"', '"-facts"') + "}",
    WRITTEN.replace('["a","b"]', '["a","?"]') + "}", WRITTEN + ',"training":' + '{"a":' * 100_000, '{"robustkit_model":' + "9" * 5000 + "}",
    "{" + '"a":1,' * 50_000 + '"b":2}', WRITTEN.replace("{}", '{"members":[]}') + "}", WRITTEN.replace("{}", '{"members":{}}') + "}",
    WRITTEN.replace("{}", '{"members":[null,1]}') + "}", WRITTEN.replace('["b"]', '["a","b"]') + "}", WRITTEN.replace('["b"]', "[]") + "}",
)  # fmt: skip


@pytest.mark.parametrize("text", WRITTEN_FILES, ids=range(len(WRITTEN_FILES)))
def test_written_models(tmp_path: Path, tally: Tally, text: str) -> None:
    assert judged(tally, "checkpoints: written models", tmp_path / "m.json", text.encode())[0] == "error"


SIDECARS = (
    "input_size = nan", "input_size = inf", "input_size = -1", "input_size = 1e300", "input_size = " + "9" * 400, "margin = inf",
    "margin = -1",
    "margin = " + "9" * 400, "operating_points = { a = nan }",
    "operating_points = { a = 'x' }", "classes = [[1]]", "mean = [nan, nan, nan]",
    "std = [0, 0, 0]", "scaling = '?'", "a = " + "[" * 100_000, "a" + ".a" * 60_000 + " = 1", "trust_code = true", "\0", "x" * 200_000,
)  # fmt: skip


@pytest.mark.parametrize("text", SIDECARS, ids=range(len(SIDECARS)))
def test_sidecars(tmp_path: Path, tally: Tally, weights: dict[str, torch.Tensor], text: str) -> None:
    torch.save(weights, tmp_path / "m.pt")
    (tmp_path / "m.pt.toml").write_text(text)
    assert judged(tally, "checkpoints: sidecars", tmp_path / "m.pt")[0] == "error"


@pytest.fixture
def graph(tmp_path: Path) -> Any:
    """Give a tiny ONNX classifier, not yet written."""
    onnx = pytest.importorskip("onnx")
    helper, kind = onnx.helper, onnx.TensorProto.FLOAT
    nodes = [helper.make_node("GlobalAveragePool", ["x"], ["p"]), helper.make_node("Flatten", ["p"], ["f"]),
             helper.make_node("Gemm", ["f", "w"], ["y"])]  # fmt: skip
    weight = helper.make_tensor("w", kind, [3, 1], [0.1, 0.2, 0.3])
    shapes = [helper.make_tensor_value_info(n, kind, s) for n, s in (("x", ["n", 3, 32, 32]), ("y", ["n", 1]))]
    made = helper.make_graph(nodes, "g", shapes[:1], shapes[1:], [weight])
    return helper.make_model(made, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


@pytest.mark.parametrize("place", ["../w.bin", "/etc/hostname", "/dev/zero", "link.bin", ".", "", "a\0b", "x" * 5000])
def test_onnx_data_that_lies_elsewhere(tmp_path: Path, tally: Tally, graph: Any, place: str) -> None:
    folder = tmp_path / "model"
    folder.mkdir()
    (tmp_path / "w.bin").write_bytes(b"\0" * 12)
    (folder / "link.bin").symlink_to(tmp_path / "w.bin")
    weight = graph.graph.initializer[0]
    weight.ClearField("float_data")
    weight.data_location = 1
    entry = weight.external_data.add()
    entry.key, entry.value = "location", place
    (folder / "m.onnx").write_bytes(graph.SerializeToString())
    assert judged(tally, "checkpoints: ONNX", folder / "m.onnx", outputs="sigmoid-logit")[0] == "error"


def _loop_of_graphs(model: Any) -> None:
    model.graph.node[2].input[0] = "y"


def _huge(model: Any) -> None:
    model.graph.initializer[0].dims[0] = 2**40


def _unknown(model: Any) -> None:
    model.graph.node[0].op_type = "NoSuchOperator"


def _negative(model: Any) -> None:
    model.graph.input[0].type.tensor_type.shape.dim[2].dim_value = -5


def _enormous(model: Any) -> None:
    for axis in (2, 3):
        model.graph.input[0].type.tensor_type.shape.dim[axis].dim_value = 2**40


@pytest.mark.parametrize("change", [_loop_of_graphs, _huge, _unknown, _negative, _enormous])
def test_onnx_graphs_that_lie(tmp_path: Path, tally: Tally, graph: Any, change: Callable[[Any], None]) -> None:
    change(graph)
    path = tmp_path / "m.onnx"
    assert judged(tally, "checkpoints: ONNX", path, graph.SerializeToString(), outputs="sigmoid-logit")[0] == "error"


@pytest.fixture(autouse=True)
def _quiet(recwarn: pytest.WarningsRecorder) -> Iterator[None]:
    """Torch warns of damaged files before it raises."""
    yield
    recwarn.clear()


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(
    changes=st.lists(st.tuples(st.floats(0, 0.3), st.integers(0, 255)), min_size=1, max_size=6), keep=st.floats(0.01, 1)
)
def test_any_damage(tmp_path: Path, tally: Tally, native: bytes, changes: list[tuple[float, int]], keep: float) -> None:
    content = bytearray(native)
    for where, value in changes:
        content[int(where * (len(content) - 1))] = value
    judged(tally, "checkpoints: any damage (generated)", tmp_path / "m.pt", bytes(content[: int(keep * len(content))]))


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    start=st.sampled_from([b"", b"PK\x03\x04", b"\x80\x02", b"\x80\x04", b"\x08\x07", b"{", b"\x40\0\0\0\0\0\0\0{"]),
    rest=st.binary(max_size=200),
)
def test_any_bytes(tmp_path: Path, tally: Tally, start: bytes, rest: bytes) -> None:
    assert judged(tally, "checkpoints: any bytes (generated)", tmp_path / "m.pt", start + rest)[0] == "error"


@pytest.mark.slow
def test_fuzz(
    tmp_path: Path, tally: Tally, native: bytes, weights: dict[str, torch.Tensor], pytestconfig: pytest.Config
) -> None:
    """Seeded damage for as long as ``--fuzz-seconds`` says, of safetensors and of both kinds of torch files."""
    seeds = [native]
    for is_zip in (True, False):
        held = io.BytesIO()
        torch.save(weights, held, _use_new_zipfile_serialization=is_zip)
        seeds.append(held.getvalue())
    draw = np.random.default_rng(21)
    until = time.monotonic() + pytestconfig.getoption("--fuzz-seconds")
    while time.monotonic() < until:
        content = bytearray(seeds[draw.integers(3)])
        for _ in range(draw.integers(1, 8)):
            content[int(len(content) * draw.random() ** 4)] = draw.integers(256)
        judged(tally, "checkpoints: fuzzed", tmp_path / "m.pt", bytes(content), arch=ARCH, input_size=32)
