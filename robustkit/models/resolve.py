"""What a model wants and what its numbers mean: flags over sidecar over checkpoint over timm's defaults."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, cast

from robustkit.errors import CheckpointError, InputError
from robustkit.inputs import SCALINGS, Channels, Fit, InputSpec, Kernel, Layout, OutputKind, OutputSpec
from robustkit.models.options import ModelOptions

_TIMM_KERNELS = {"bilinear": "bilinear", "bicubic": "bicubic", "lanczos": "lanczos"}
DEFAULT_CLASSES = ("benign", "non-benign")


@dataclass(frozen=True, slots=True)
class Meaning:
    """Outputs resolved: kind, classes, positive classes, and what was assumed on the way."""

    output: OutputSpec
    classes: tuple[str, ...]
    positive: tuple[str, ...]
    assumed: tuple[str, ...]


def resolve_input(options: ModelOptions, own: InputSpec | None, config: Mapping[str, Any]) -> tuple[InputSpec, tuple[str, ...]]:
    """Give the InputSpec and what was assumed.

    Args:
        options: Flags and sidecar.
        own: What the checkpoint itself says.
        config: timm's default_cfg of the architecture; empty where there is none.
    """
    assumed: list[str] = []
    spec = own or _from_config(config)
    if own is None:
        source = "timm's default_cfg" if config else "robustkit's defaults"
        silent = [n for n in ("input_size", "kernel", "scaling", "margin", "fit") if getattr(options, n) is None]
        values = {
            "input_size": f"{spec.height_px} x {spec.width_px} px", "kernel": spec.kernel,
            "scaling": _scaling_name(spec), "margin": "0", "fit": "stretch",
        }  # fmt: skip
        if silent:
            assumed.append(f"input from {source}: " + ", ".join(f"{n} {values[n]}" for n in silent))
    changes: dict[str, Any] = {}
    if options.scaling is not None:
        if options.scaling not in SCALINGS:
            what = f"unknown scaling {options.scaling!r}; known: {', '.join(SCALINGS)}."
            raise InputError(what, where="--scaling", fix="Choose one of these, or give --mean and --std in a sidecar.")
        mean, std, channels = SCALINGS[options.scaling]
        changes |= {"scaling": options.scaling, "mean": mean, "std": std, "channels": channels}
    if options.channels is not None:
        changes["channels"] = cast(Channels, options.channels)
        if options.channels == "grey":
            now = replace(spec, **changes) if options.scaling and spec.channels != "grey" else spec
            changes |= {"mean": (sum(now.mean) / len(now.mean),), "std": (sum(now.std) / len(now.std),)}
    for name in ("mean", "std"):
        if getattr(options, name) is not None:
            changes |= {name: _numbers(getattr(options, name), name), "scaling": "custom"}
    if options.input_size is not None:
        changes |= {"height_px": options.input_size, "width_px": options.input_size}
    if options.kernel is not None:
        changes["kernel"] = cast(Kernel, options.kernel)
    if options.margin is not None:
        changes["margin"] = options.margin
    if options.fit is not None:
        changes["fit"] = cast(Fit, options.fit)
    if options.layout is not None:
        changes["layout"] = cast(Layout, options.layout)
    return replace(spec, **changes), tuple(assumed)


def resolve_output(options: ModelOptions, *, n_outputs: int, known: bool, where: str, own: Meaning | None = None) -> Meaning:
    """Give kind, classes and positive classes.

    Args:
        options: Flags and sidecar.
        n_outputs: Numbers per crop.
        known: True where the outputs are surely logits (a state dict); False for ONNX and the like.
        where: The file, for errors.
        own: What the checkpoint itself says.

    Raises:
        CheckpointError: Several outputs without class names, or outputs that may be probabilities.
    """
    assumed: list[str] = []
    kind = options.outputs or (own.output.kind if own else None)
    if kind is not None and kind not in ("sigmoid-logit", "softmax-logits", "probabilities"):
        what = f"unknown outputs {kind!r}; known: sigmoid-logit, softmax-logits, probabilities."
        raise InputError(what, where="--outputs", fix="Choose one of these.")
    if kind is None and not known:
        what = "the file does not say whether its outputs are logits or probabilities."
        raise CheckpointError(what, where=where, fix="Say --outputs sigmoid-logit, softmax-logits or probabilities.")
    kind = kind or ("sigmoid-logit" if n_outputs == 1 else "softmax-logits")
    classes = _names(options.classes) or (own.classes if own else ())
    if not classes:
        if n_outputs > 1:
            what = f"the model has {n_outputs} outputs and nothing names their classes."
            raise CheckpointError(what, where=where, fix="Name them in order: --classes benign,intermediate,malignant.")
        classes = DEFAULT_CLASSES
        assumed.append("the one output is the logit of non-benign")
    _check_count(classes, n_outputs, where=where)
    positive = _names(options.positive) or (own.positive if own else ())
    if not positive and n_outputs == 1:
        positive = (classes[-1],)
    unknown = [p for p in positive if p not in classes]
    if unknown:
        what = f"{', '.join(unknown)} is no class of the model; its classes are {', '.join(classes)}."
        raise InputError(what, where="--positive", fix="Choose among these.")
    return Meaning(OutputSpec(cast(OutputKind, kind)), classes, positive, tuple(assumed))


def _check_count(classes: Sequence[str], n_outputs: int, *, where: str) -> None:
    expected = 2 if n_outputs == 1 else n_outputs
    if len(classes) != expected or len(set(classes)) != len(classes):
        what = f"expected {expected} different class names for {n_outputs} outputs, got {', '.join(classes)}."
        raise CheckpointError(what, where=where, fix="Give --classes one name per output (for one logit: negative,positive).")


def _from_config(config: Mapping[str, Any]) -> InputSpec:
    if not config:
        return InputSpec()
    channels, height, width = config.get("input_size", (3, 224, 224))
    mean = tuple(float(v) for v in config.get("mean", (0.485, 0.456, 0.406)))
    std = tuple(float(v) for v in config.get("std", (0.229, 0.224, 0.225)))
    kernel = _TIMM_KERNELS.get(config.get("interpolation", "bilinear"), "bilinear")
    order: Channels = "grey" if channels == 1 else "rgb"
    spec = InputSpec(height, width, cast(Kernel, kernel), "custom", mean, std, order)
    return replace(spec, scaling=_scaling_name(spec))


def _scaling_name(spec: InputSpec) -> str:
    same = [n for n, (mean, std, order) in SCALINGS.items() if (mean, std, order) == (spec.mean, spec.std, spec.channels)]
    return same[0] if same else "custom"


def _numbers(text: str, name: str) -> tuple[float, ...]:
    try:
        return tuple(float(v) for v in text.split(","))
    except ValueError as error:
        raise InputError(f"expected numbers with commas, got {text!r}.", where=name, fix="Write 0.485,0.456,0.406.") from error


def _names(text: str | None) -> tuple[str, ...]:
    return tuple(n.strip() for n in text.split(",") if n.strip()) if text else ()
