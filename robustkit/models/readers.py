"""Reads every kind of model file into one noun: what the file alone tells, before flags and sidecar are asked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from robustkit.errors import CheckpointError
from robustkit.inputs import InputSpec
from robustkit.models.classifier import Engine
from robustkit.models.content import content_of
from robustkit.models.options import ModelOptions
from robustkit.models.resolve import FACTS, Outputs, Wanted, resolve_input, wanted_of_config, wanted_of_shape
from robustkit.provenance import file_digest

if TYPE_CHECKING:
    from robustkit.models.tensors import StateDict

Kind = Literal["robustkit", "safetensors", "state dict", "pickled module", "TorchScript", "torch.export", "ONNX"]


@dataclass(frozen=True, slots=True)
class Found:
    """What a file holds.

    Attributes:
        kind: Of the file.
        runner, engine, arch, lineage, operating_points, seen: See ``Classifier``.
        sha256: Of all its bytes.
        outputs: Of the network; ``n`` is 0 for a backbone without a classifier.
        wanted: Its input.
        others: Architectures with the same keys and shapes.
        n_tensors: Loaded; 0 where not counted.
        wrapping: Keys and prefixes around the tensors, outermost first.
        notes: What was left out or guessed, one sentence each.
        training: robustkit's own files: a summary.
    """

    kind: Kind
    runner: Any
    engine: Engine
    arch: str
    sha256: str
    outputs: Outputs
    wanted: Wanted
    lineage: str = ""
    others: tuple[str, ...] = ()
    n_tensors: int = 0
    wrapping: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    operating_points: Mapping[str, float] = field(default_factory=dict)
    seen: Mapping[str, Any] = field(default_factory=dict)
    training: Mapping[str, Any] = field(default_factory=dict)


def read_model_file(path: Path, options: ModelOptions) -> Found:
    """Read a model file; its kind is told by its content.

    Args:
        path: Of the file.
        options: Flags over sidecar; only what is needed to open the file is looked at.

    Raises:
        CheckpointError: What is wrong with the file, and how to mend it.
    """
    content = content_of(path)
    if content == "safetensors":
        return _safetensors(path, options)
    if content == "onnx":
        return _onnx(path, options)
    if content == "torch":
        return _torch(path, options)
    if content == "written":
        fix = "Name the checkpoints that it is made of."
        raise CheckpointError("this is a written model, and a network is needed here.", where=str(path), fix=fix)
    from robustkit.models.archive import open_archive

    archive = open_archive(path, content, trust_code=options.trust_code)
    kind: Kind = "TorchScript" if content == "torchscript" else "torch.export"
    return _module(archive.module, path, options, kind=kind, shape=archive.shape)


def _safetensors(path: Path, options: ModelOptions) -> Found:
    from robustkit.models.native import read_native, read_safetensors
    from robustkit.models.tensors import unwrap

    native = read_native(path)
    if native is None:
        return _state_dict(unwrap(read_safetensors(path)[0], where=str(path)), path, options, kind="safetensors")
    from robustkit.models.network import build_network

    network = build_network(native.state_dict, arch=options.arch or native.arch, where=str(path))
    return Found(
        kind="robustkit",
        runner=network.module,
        engine="torch",
        arch=network.arch,
        sha256=file_digest(path),
        outputs=Outputs(network.n_outputs, native.output.kind, "", native.classes, native.positive),
        wanted=Wanted(native.input, frozenset(FACTS)),
        lineage=native.lineage,
        n_tensors=network.n_tensors,
        operating_points=native.operating_points,
        seen=native.seen,
        training=native.training,
    )


def _torch(path: Path, options: ModelOptions) -> Found:
    from torch import nn

    from robustkit.models.tensors import read_tensors, unwrap

    content = read_tensors(path, trust_code=options.trust_code)
    module = content.get("model") if isinstance(content, dict) else content
    if isinstance(module, nn.Module):
        return _module(module.float().eval(), path, options, kind="pickled module")
    return _state_dict(unwrap(content, where=str(path)), path, options, kind="state dict")


def _state_dict(said: StateDict, path: Path, options: ModelOptions, *, kind: Kind) -> Found:
    from robustkit.models.network import build_network

    network = build_network(said.tensors, arch=options.arch, where=str(path))
    return Found(
        kind=kind,
        runner=network.module,
        engine="torch",
        arch=network.arch,
        sha256=file_digest(path),
        outputs=Outputs(network.n_outputs, "sigmoid-logit" if network.n_outputs == 1 else "softmax-logits"),
        wanted=wanted_of_config(network.config, n_channels=network.n_channels),
        lineage=network.lineage,
        others=network.others,
        n_tensors=network.n_tensors,
        wrapping=said.wrapping,
        notes=(*said.notes, *network.notes),
    )


def _module(module: Any, path: Path, options: ModelOptions, *, kind: Kind, shape: tuple[int | None, ...] = ()) -> Found:
    from robustkit.models.archive import count_outputs

    wanted = wanted_of_shape(shape)
    spec, _ = resolve_input(options, wanted)
    return Found(
        kind=kind,
        runner=module,
        engine="torch",
        arch=options.arch or str(getattr(module, "original_name", type(module).__name__)),
        sha256=file_digest(path),
        outputs=Outputs(count_outputs(module, shape_of(spec), where=str(path))),
        wanted=wanted,
        n_tensors=len(module.state_dict()),
    )


def _onnx(path: Path, options: ModelOptions) -> Found:
    from robustkit.models.onnx_file import count_outputs, read_onnx

    graph = read_onnx(path)
    wanted = wanted_of_shape(graph.shape)
    asked, _ = resolve_input(options, wanted)
    n = count_outputs(graph, shape_of(asked))
    kind = graph.kind(n)
    return Found(
        kind="ONNX",
        runner=graph,
        engine="onnx",
        arch=options.arch or "onnx",
        sha256=graph.sha256(),
        outputs=Outputs(n, kind, f"the graph ends in {graph.last}" if kind else ""),
        wanted=wanted,
        notes=graph.notes,
    )


def shape_of(spec: InputSpec) -> tuple[int, int, int]:
    """Give the shape of one crop as the model takes it."""
    size = (spec.height_px, spec.width_px)
    return (spec.n_channels, *size) if spec.layout == "nchw" else (*size, spec.n_channels)
