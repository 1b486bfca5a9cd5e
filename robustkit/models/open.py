"""Opens any model file: told by content, loaded strictly, never run as a program unless the user says so."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from robustkit.inputs import InputSpec
from robustkit.models.classifier import Classifier, Engine
from robustkit.models.content import content_of
from robustkit.models.options import ModelOptions, read_sidecar
from robustkit.models.resolve import Meaning, resolve_input, resolve_output
from robustkit.provenance import file_digest

BUNDLED = "phantom-oracle"


@dataclass(frozen=True, slots=True)
class _Found:
    """What a file holds, before flags and sidecar are asked."""

    runner: Any
    engine: Engine
    arch: str
    n_outputs: int
    outputs_known: bool = True
    lineage: str = ""
    config: Mapping[str, Any] = field(default_factory=dict)
    input: InputSpec | None = None
    meaning: Meaning | None = None
    assumed: tuple[str, ...] = ()
    operating_points: Mapping[str, float] = field(default_factory=dict)
    seen: Mapping[str, Any] = field(default_factory=dict)


def open_model(spec: str | Path, options: ModelOptions) -> Classifier:
    """Open a model file, or the bundled ``phantom-oracle``.

    Args:
        spec: Path, or ``phantom-oracle``.
        options: Flags; they are stronger than the sidecar ``<ckpt>.toml``, which is stronger than the file.

    Raises:
        CheckpointError: What is wrong with the file, and how to mend it.
    """
    if str(spec) == BUNDLED:
        from robustkit.models.oracle import oracle

        bundled = oracle()
        return replace(bundled, name=options.name) if options.name else bundled
    path = Path(spec)
    content = content_of(path)
    options = options.over(read_sidecar(path))
    found = _READERS[content](path, options)
    own_input = found.input
    seen_input, assumed_input = resolve_input(options, own_input, found.config)
    meaning = resolve_output(
        options, n_outputs=found.n_outputs, known=found.outputs_known, where=str(path), own=found.meaning
    )
    return Classifier(
        name=options.name or path.name.removesuffix(path.suffix),
        path=path.resolve(),
        sha256=file_digest(path),
        arch=found.arch,
        input=seen_input,
        output=meaning.output,
        classes=meaning.classes,
        positive=meaning.positive,
        engine=found.engine,
        runner=found.runner,
        lineage=options.lineage or found.lineage,
        assumed=(*found.assumed, *assumed_input, *meaning.assumed),
        operating_points=options.operating_points or found.operating_points,
        seen=found.seen,
    )


def _safetensors(path: Path, options: ModelOptions) -> _Found:
    from robustkit.models.native import read_native

    native = read_native(path)
    if native is None:
        from safetensors.torch import load_file

        return _state_dict(load_file(path), path, options)
    from robustkit.models.network import build_network

    network = build_network(native.state_dict, arch=native.arch, where=str(path))
    return _Found(
        runner=network.module,
        engine="torch",
        arch=native.arch,
        n_outputs=network.n_outputs,
        lineage=native.lineage,
        input=native.input,
        meaning=Meaning(native.output, native.classes, native.positive, ()),
        operating_points=native.operating_points,
        seen=native.seen,
    )


def _torch(path: Path, options: ModelOptions) -> _Found:
    from torch import nn

    from robustkit.models.tensors import read_tensors

    content = read_tensors(path, trust_code=options.trust_code)
    module = content.get("model") if isinstance(content, dict) else content
    if isinstance(module, nn.Module):
        return _module(module.float().eval(), path, options, arch=type(module).__name__)
    return _state_dict(content, path, options)


def _state_dict(content: Any, path: Path, options: ModelOptions) -> _Found:
    from robustkit.models.network import build_network
    from robustkit.models.tensors import unwrap

    network = build_network(unwrap(content, where=str(path)), arch=options.arch, where=str(path))
    return _Found(
        runner=network.module,
        engine="torch",
        arch=network.arch,
        n_outputs=network.n_outputs,
        lineage=network.lineage,
        config=network.config,
        assumed=network.assumed,
    )


def _archive(path: Path, options: ModelOptions) -> _Found:
    from robustkit.models.archive import open_archive

    content = content_of(path)
    module = open_archive(path, content, trust_code=options.trust_code)
    return _module(module, path, options, arch=content)


def _module(module: Any, path: Path, options: ModelOptions, *, arch: str) -> _Found:
    from robustkit.models.archive import count_outputs

    spec, _ = resolve_input(options, None, {})
    side = (spec.n_channels, spec.height_px, spec.width_px)
    shape = side if spec.layout == "nchw" else (*side[1:], side[0])
    n = count_outputs(module, shape, where=str(path))
    return _Found(runner=module, engine="torch", arch=options.arch or arch, n_outputs=n, outputs_known=False)


def _onnx(path: Path, options: ModelOptions) -> _Found:
    from robustkit.models.onnx_file import read_onnx

    graph = read_onnx(path)
    spec = InputSpec()
    if graph.height_px and graph.width_px:
        spec = replace(spec, height_px=graph.height_px, width_px=graph.width_px)
    if graph.n_channels == 1:
        spec = replace(spec, channels="grey", mean=(0.0,), std=(1.0,), scaling="custom")
    spec = replace(spec, layout=graph.layout)
    asked = ("input_size", "kernel", "scaling", "mean", "margin", "fit")
    silent = [n for n in asked[1:] if getattr(options, n) is None and not (n in ("scaling", "mean") and (options.scaling or options.mean))]
    assumed = (f"the ONNX file does not say {', '.join(silent)}: robustkit's defaults are taken",) if silent else ()
    if options.scaling and graph.n_channels == 1 and options.channels is None:
        options = replace(options, channels="grey")
    return _Found(
        runner=graph,
        engine="onnx",
        arch=options.arch or "onnx",
        n_outputs=graph.n_outputs,
        outputs_known=False,
        input=spec,
        assumed=assumed,
    )


_READERS = {"safetensors": _safetensors, "torch": _torch, "torchscript": _archive, "export": _archive, "onnx": _onnx}

