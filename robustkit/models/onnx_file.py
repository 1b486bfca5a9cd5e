"""ONNX files: read with onnxruntime; external data only beside the file."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from robustkit.documents import is_file
from robustkit.errors import CheckpointError, MissingExtraError
from robustkit.inputs import OutputKind

_LONGEST_NAME = 1000
_PASSING = {"Reshape", "Squeeze", "Unsqueeze", "Identity", "Cast", "Flatten"}
"""Operators between an activation and the output that change no value."""


@dataclass(frozen=True, slots=True)
class OnnxGraph:
    """What an ONNX file says, and the path to run it from.

    Attributes:
        path: Of the file.
        data_files: External data, all beside the file.
        shape: Of its input, None where the file leaves an axis open.
        last: Operator that makes the output, e.g. ``Softmax`` or ``Gemm``.
        notes: What was left out, one sentence each.
    """

    path: Path
    data_files: tuple[Path, ...]
    shape: tuple[int | None, ...]
    last: str
    notes: tuple[str, ...]

    def kind(self, n_outputs: int) -> OutputKind | None:
        """Give what the outputs are, where the last operator tells."""
        if self.last == "Softmax" or (self.last == "Sigmoid" and n_outputs == 1):
            return "probabilities"
        return "softmax-logits" if self.last == "LogSoftmax" else None

    def sha256(self) -> str:
        """Give the SHA-256 of the file's bytes, followed by those of its data files."""
        total = hashlib.sha256()
        for path in (self.path, *self.data_files):
            with path.open("rb") as handle:
                while block := handle.read(2**20):
                    total.update(block)
        return total.hexdigest()


def read_onnx(path: Path) -> OnnxGraph:
    """Read the face of an ONNX model.

    Raises:
        CheckpointError: Damaged, weights outside the file's folder, or not one image in and one row out.
        MissingExtraError: onnx or onnxruntime is not installed.
    """
    graph = _load_graph(path)
    data_files = _data_files(graph, path)
    session = open_session(path)
    inputs, outputs = session.get_inputs(), session.get_outputs()
    if len(inputs) != 1 or len(inputs[0].shape) != 4:
        what = f"expected one input of four axes, got {[list(i.shape) for i in inputs]}."
        raise CheckpointError(what, where=str(path), fix="Export the classifier alone, images in, scores out.")
    if inputs[0].type != "tensor(float)":
        what = f"expected a float32 input, got {inputs[0].type}."
        raise CheckpointError(what, where=str(path), fix="Export it with a float32 input.")
    ignored = f"of its {len(outputs)} outputs the first, {outputs[0].name}, is taken"
    return OnnxGraph(
        path=path,
        data_files=data_files,
        shape=tuple(s if isinstance(s, int) else None for s in inputs[0].shape),
        last=_last_operator(graph, outputs[0].name),
        notes=(ignored,) if len(outputs) > 1 else (),
    )


def open_session(path: Path, *, threads: int = 0) -> Any:
    """Open an onnxruntime session on the CPU.

    Raises:
        CheckpointError: Damaged, or with operators that onnxruntime does not have.
        MissingExtraError: onnxruntime is not installed.
    """
    try:
        import onnxruntime
    except ImportError as error:
        raise _missing("onnxruntime", path) from error
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    options.intra_op_num_threads = threads
    try:
        return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except _faults() as error:
        reason = str(error).splitlines()[0][:160]
        what = f"the ONNX file is damaged or not supported ({reason})."
        raise CheckpointError(what, where=str(path), fix="Export it again.") from error


def count_outputs(graph: OnnxGraph, shape: tuple[int, int, int]) -> int:
    """Give the numbers per crop by one forward of a crop of ``shape``; this also shows that it takes one.

    Raises:
        CheckpointError: It does not take this input, or does not give one row per crop.
    """
    session = open_session(graph.path)
    n = graph.shape[0] or 1
    try:
        out = session.run(None, {session.get_inputs()[0].name: np.zeros((n, *shape), dtype=np.float32)})[0]
        width = int(np.asarray(out).reshape(n, -1).shape[1])
    except _faults() as error:
        reason = str(error).splitlines()[0][:160]
        what = f"the model does not take an input of {' x '.join(map(str, shape))} ({reason})."
        fix = "Give --input-size and --channels as in its training, or layout in a sidecar."
        raise CheckpointError(what, where=str(graph.path), fix=fix) from error
    return width


def _faults() -> tuple[type[Exception], ...]:
    """Give the errors of onnxruntime, which have no common ancestor of their own."""
    from onnxruntime.capi import onnxruntime_pybind11_state as state

    names = ("Fail", "InvalidArgument", "InvalidGraph", "InvalidProtobuf", "NoSuchFile", "NotImplemented")
    return (*(getattr(state, n) for n in names), state.RuntimeException, RuntimeError, ValueError)


def _missing(package: str, path: Path) -> MissingExtraError:
    return MissingExtraError(f"ONNX files need {package}.", where=str(path), fix="Run: pip install 'robustkit[onnx]'")


def _load_graph(path: Path) -> Any:
    try:
        import onnx
        from google.protobuf.message import DecodeError  # type: ignore[import-untyped]  # it has no stubs
    except ImportError as error:
        raise _missing("onnx", path) from error
    try:
        return onnx.load(str(path), load_external_data=False).graph
    except (DecodeError, ValueError, OSError) as error:
        what = "this is no ONNX file, or it is cut off."
        raise CheckpointError(what, where=str(path), fix="Copy it again from where it came.") from error


def _data_files(graph: Any, path: Path) -> tuple[Path, ...]:
    """Give the files of weights outside of the model file.

    Raises:
        CheckpointError: One lies outside the model's folder, or is missing.
    """
    root = path.parent.resolve()
    names = {e.value for tensor in _tensors(graph) for e in tensor.external_data if e.key == "location"}
    strange = [n for n in sorted(names) if "\0" in n or len(n) > _LONGEST_NAME]
    if strange:
        what = f"its weights lie in a file that cannot be ({strange[0][:40]!r})."
        raise CheckpointError(what, where=str(path), fix="Export it again.")
    found: Mapping[str, Path] = {name: (root / name).resolve() for name in names}
    for name, file in found.items():
        if not file.is_relative_to(root):
            what = f"its weights lie outside its folder ({name})."
            raise CheckpointError(what, where=str(path), fix="Put the data file beside the model.")
        if not is_file(file):
            raise CheckpointError(f"its weights are missing ({name}).", where=str(path), fix="Copy that file as well.")
    return tuple(found[name] for name in sorted(found))


def _tensors(graph: Any) -> Iterator[Any]:
    """Give every tensor of a graph and of the graphs inside its operators."""
    yield from graph.initializer
    for node in graph.node:
        for attribute in node.attribute:
            yield from (attribute.t, *attribute.tensors)
            for inner in (attribute.g, *attribute.graphs):
                if inner.node or inner.initializer:
                    yield from _tensors(inner)


def _last_operator(graph: Any, output: str) -> str:
    makers = {name: node for node in graph.node for name in node.output}
    node = makers.get(output)
    while node is not None and node.op_type in _PASSING:
        node = makers.get(node.input[0])
    return str(node.op_type) if node is not None else ""
