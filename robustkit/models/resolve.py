"""What a model wants and what its numbers mean: flags over sidecar over checkpoint over published defaults."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, cast, get_args

from robustkit.cohort.vocabulary import read_vocabulary
from robustkit.errors import CheckpointError, InputError
from robustkit.inputs import SCALINGS, Channels, Fit, InputSpec, Kernel, Layout, OutputKind, OutputSpec
from robustkit.models.options import ModelOptions

DEFAULT_CLASSES = ("benign", "non-benign")
FACTS = ("input_size", "kernel", "scaling", "margin", "fit")
"""What must be known of an input; where nobody says it, it is assumed and listed."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a file alone tells of its input.

    Attributes:
        spec: All values; those that the file does not say come from ``source``.
        said: Names out of FACTS that the file itself says.
        source: Where the other values come from.
    """

    spec: InputSpec = field(default_factory=InputSpec)
    said: frozenset[str] = frozenset()
    source: str = "robustkit's default"


@dataclass(frozen=True, slots=True)
class Meaning:
    """Outputs resolved: kind, classes, positive classes, and what was assumed on the way."""

    output: OutputSpec
    classes: tuple[str, ...]
    positive: tuple[str, ...]
    assumed: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Outputs:
    """What a file alone tells of its outputs.

    Attributes:
        n: Numbers per crop.
        kind: None where the file does not say whether they are logits.
        evidence: What in the file says so, e.g. ``the graph ends in Softmax``.
        classes, positive: Empty where the file does not name them.
    """

    n: int
    kind: OutputKind | None = None
    evidence: str = ""
    classes: tuple[str, ...] = ()
    positive: tuple[str, ...] = ()


def wanted_of_config(config: Mapping[str, Any], *, n_channels: int = 3) -> Wanted:
    """Give what an architecture's published training used (timm's default_cfg; ``scaling`` names one of ours)."""
    _, height, width = config["input_size"]
    kernel = config.get("interpolation", "bilinear")
    kernel = kernel if kernel in get_args(Kernel) else "bilinear"
    if "scaling" in config:
        mean, std, order = SCALINGS[config["scaling"]]
    else:
        mean, std = ((float(a), float(b), float(c)) for a, b, c in (config["mean"], config["std"]))
        order = "rgb"
    spec = InputSpec(height, width, cast(Kernel, kernel), "custom", mean, std, order)
    spec = _grey(spec) if n_channels == 1 else spec
    return Wanted(replace(spec, scaling=_scaling_name(spec)), source=str(config["source"]))


def wanted_of_shape(shape: Sequence[int | None]) -> Wanted:
    """Give what a file says that tells the shape of its input and nothing more.

    Args:
        shape: ``(B, C, H, W)`` or ``(B, H, W, C)``; None where it is left open. Empty: nothing is told.
    """
    if len(shape) != 4:
        return Wanted()
    is_nhwc = shape[3] in (1, 3) and shape[1] not in (1, 3)
    channels, height, width = (shape[3], shape[1], shape[2]) if is_nhwc else shape[1:]
    spec = InputSpec(layout="nhwc" if is_nhwc else "nchw")
    if channels == 1:
        spec = replace(spec, channels="grey", mean=(0.0,), std=(1.0,), scaling="unit")
    if height is None or width is None:
        return Wanted(spec)
    return Wanted(replace(spec, height_px=height, width_px=width), frozenset({"input_size"}))


def resolve_input(options: ModelOptions, wanted: Wanted) -> tuple[InputSpec, tuple[str, ...]]:
    """Give the InputSpec, and what was assumed, one sentence each.

    Raises:
        InputError: A flag or a sidecar's value that is not allowed.
    """
    spec = _scaled(wanted.spec, options)
    changes: dict[str, Any] = {}
    if options.input_size is not None:
        changes |= {"height_px": options.input_size, "width_px": options.input_size}
    for name, kind in (("kernel", Kernel), ("fit", Fit), ("layout", Layout)):
        value = getattr(options, name)
        if value is not None and value not in get_args(kind):
            what = f"unknown {name} {value!r}; known: {', '.join(get_args(kind))}."
            raise InputError(what, where=f"--{name}", fix="Choose one of these.")
        if value is not None:
            changes[name] = value
    if options.margin is not None:
        changes["margin"] = options.margin
    return replace(spec, **changes), _assumed(options, wanted)


def _assumed(options: ModelOptions, wanted: Wanted) -> tuple[str, ...]:
    spec = wanted.spec
    values = {
        "input_size": f"the input is {spec.height_px} x {spec.width_px} px",
        "kernel": f"crops are resized with the {spec.kernel} kernel",
        "scaling": f"grey levels are scaled as {_scaling_words(spec)}",
        "margin": f"the box is grown by a margin of {spec.margin:g}",
        "fit": f"the box is fitted by {spec.fit}",
    }
    still_open = open_facts(options, wanted)
    house = "robustkit's default"
    return tuple(
        f"{text} ({house if n in ('margin', 'fit') else wanted.source})"
        for n, text in values.items()
        if n in still_open
    )


def open_facts(options: ModelOptions, wanted: Wanted) -> tuple[str, ...]:
    """Give the names out of FACTS that neither flags nor sidecar nor file say."""
    answered = {n for n in FACTS if getattr(options, n) is not None} | set(wanted.said)
    if options.mean is not None and options.std is not None:
        answered.add("scaling")
    return tuple(n for n in FACTS if n not in answered)


def _scaled(spec: InputSpec, options: ModelOptions) -> InputSpec:
    """Apply scaling, mean, std and channels: the parts override the name."""
    was_grey = spec.channels == "grey"
    if options.scaling is not None:
        if options.scaling not in SCALINGS:
            what = f"unknown scaling {options.scaling!r}; known: {', '.join(SCALINGS)}."
            raise InputError(what, where="--scaling", fix="Choose one of these, or give mean and std in a sidecar.")
        mean, std, order = SCALINGS[options.scaling]
        spec = replace(spec, scaling=options.scaling, mean=mean, std=std, channels=order)
        # how many channels the network has is the file's to say, not the scaling's
        spec = _grey(spec) if was_grey and options.channels is None else spec
    if options.channels is not None:
        if options.channels not in get_args(Channels):
            what = f"unknown channels {options.channels!r}; known: {', '.join(get_args(Channels))}."
            raise InputError(what, where="--channels", fix="Choose one of these.")
        if options.channels == "grey":
            spec = _grey(spec)
        else:
            n = 3 // len(spec.mean)
            spec = replace(spec, channels=cast(Channels, options.channels), mean=spec.mean * n, std=spec.std * n)
    if options.mean is None and options.std is None:
        return spec
    parts = {n: _numbers(v, n) for n, v in (("mean", options.mean), ("std", options.std)) if v is not None}
    changes: dict[str, Any] = {"scaling": "custom", **parts}
    return replace(spec, **changes)


def _grey(spec: InputSpec) -> InputSpec:
    """Give the same for one channel: mean and std averaged, as all channels hold the same grey."""
    mean, std = (sum(v) / len(v) for v in (spec.mean, spec.std))
    return replace(spec, channels="grey", mean=(mean,), std=(std,))


def resolve_output(options: ModelOptions, found: Outputs, *, where: str) -> Meaning:
    """Give kind, classes and positive classes.

    Args:
        options: Flags and sidecar.
        found: What the file alone tells.
        where: The file, for errors.

    Raises:
        CheckpointError: Several outputs without class names, or outputs that may be probabilities.
        InputError: A flag that does not fit the number of outputs.
    """
    kind, notes = _kind(options, found, where)
    classes = _names(options.classes) or found.classes
    if not classes:
        if found.n > 1:
            what = f"the model has {found.n} outputs and nothing names their classes."
            names = "benign,non-benign" if found.n == 2 else "benign,intermediate,malignant"
            raise CheckpointError(what, where=where, fix=f"Name them in order: --classes {names}.")
        classes = DEFAULT_CLASSES
        notes.append("the one output is that of non-benign")
    if "?" in (*classes, *_names(options.positive)):
        what = "the classes are not said yet: one of them is '?'."
        raise CheckpointError(what, where=where, fix='Replace every "?" by the name that the training used.')
    _check_count(classes, found.n, where=where)
    positive, guessed = _positive(options, found, classes, where)
    spec = OutputSpec(kind, is_one=kind == "probabilities" and found.n == 1)
    return Meaning(spec, classes, positive, (*notes, *guessed))


def _kind(options: ModelOptions, found: Outputs, where: str) -> tuple[OutputKind, list[str]]:
    kind = options.outputs or found.kind
    if kind is None:
        what = "the file does not say whether its outputs are logits or probabilities."
        raise CheckpointError(what, where=where, fix="Say --outputs sigmoid-logit, softmax-logits or probabilities.")
    if kind not in get_args(OutputKind):
        what = f"unknown outputs {kind!r}; known: {', '.join(get_args(OutputKind))}."
        raise InputError(what, where="--outputs", fix="Choose one of these.")
    one = {"sigmoid-logit": True, "softmax-logits": False}.get(kind)
    if one is not None and one != (found.n == 1):
        fitting = "sigmoid-logit" if found.n == 1 else "softmax-logits"
        what = f"{kind} does not fit a model of {found.n} outputs."
        raise InputError(what, where="--outputs", fix=f"Say {fitting} or probabilities.")
    notes = [f"{found.evidence}, yet its outputs are taken as {kind}"] if found.evidence and found.kind != kind else []
    return cast(OutputKind, kind), notes


def _positive(
    options: ModelOptions, found: Outputs, classes: tuple[str, ...], where: str
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Give the positive classes: as told, else the file's, else those that the vocabulary calls non-benign."""
    told = _names(options.positive)
    if told:
        unknown = [p for p in told if p not in classes]
        if unknown:
            what = f"{', '.join(unknown)} is no class of the model; its classes are {', '.join(classes)}."
            raise InputError(what, where="--positive", fix="Choose among these.")
        return told, ()
    if found.positive and set(found.positive) <= set(classes):
        return found.positive, ()
    vocabulary = read_vocabulary()
    positive = tuple(c for c in classes if vocabulary.is_positive(c))
    if positive == classes or (not positive and found.n > 1):
        what = f"nothing says which of the classes {', '.join(classes)} are positive."
        raise CheckpointError(what, where=where, fix="Say --positive with one or more of them.")
    if not positive:
        return classes[-1:], (f"the positive class is {classes[-1]}, the one that the output is of",)
    if classes == DEFAULT_CLASSES:
        return positive, ()
    return positive, (f"the positive classes are {', '.join(positive)} (the vocabulary's non-benign ones)",)


def _check_count(classes: Sequence[str], n_outputs: int, *, where: str) -> None:
    expected = 2 if n_outputs == 1 else n_outputs
    counted = "one output" if n_outputs == 1 else f"{n_outputs} outputs"
    if len(classes) != expected or len(set(classes)) != len(classes):
        what = f"expected {expected} different class names for {counted}, got {', '.join(classes)}."
        fix = "Give --classes one name per output (for one output: negative,positive)."
        raise CheckpointError(what, where=where, fix=fix)


def _scaling_name(spec: InputSpec) -> str:
    grey = spec.channels == "grey"
    for name, (mean, std, order) in SCALINGS.items():
        full = InputSpec(mean=mean, std=std, channels=order)
        same = _grey(full) if grey else full
        if (same.mean, same.std, same.channels) == (spec.mean, spec.std, spec.channels):
            return name
    return "custom"


def _scaling_words(spec: InputSpec) -> str:
    if spec.scaling != "custom":
        return spec.scaling
    return f"mean {', '.join(f'{v:g}' for v in spec.mean)} and std {', '.join(f'{v:g}' for v in spec.std)}"


def _numbers(text: str, name: str) -> tuple[float, ...]:
    try:
        return tuple(float(v) for v in text.split(","))
    except ValueError as error:
        what = f"expected numbers with commas, got {text!r}."
        raise InputError(what, where=name, fix="Write 0.485,0.456,0.406.") from error


def _names(text: str | None) -> tuple[str, ...]:
    return tuple(n.strip() for n in text.split(",") if n.strip()) if text else ()
