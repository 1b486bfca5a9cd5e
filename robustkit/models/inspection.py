"""What a model file tells of itself, what was assumed, and what is still open; nothing is judged."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from robustkit.atomic import write_text
from robustkit.errors import CheckpointError, RobustkitError
from robustkit.inputs import InputSpec
from robustkit.models.classifier import Classifier
from robustkit.models.content import content_of
from robustkit.models.open import BUNDLED, classifier_of, classifier_of_written, open_model
from robustkit.models.options import ModelOptions, read_sidecar, sidecar_path
from robustkit.models.readers import Found, read_model_file
from robustkit.models.resolve import open_facts, resolve_input
from robustkit.models.written import read_written


@dataclass(frozen=True, slots=True)
class Inspection:
    """One model file, looked at.

    Attributes:
        path: As given.
        kind: Of the file, e.g. ``state dict`` or ``ONNX``.
        sha256: Of all its bytes.
        arch: Architecture.
        others: Architectures with the same keys and shapes.
        n_tensors: Loaded; 0 where not counted.
        wrapping: Keys and prefixes around the tensors, outermost first.
        n_outputs: Numbers per crop; 0 for a backbone without a classifier.
        input: How a crop becomes its input; empty where it sees no pixels.
        outputs: What its numbers are; "" where that is open.
        classes, positive: Names; empty where that is open.
        lineage: Where the weights come from, "" where unknown.
        assumed: What nobody said, one sentence each.
        question: Why it cannot be judged as it stands, and what to do; "" where it can.
        operating_points: Carried thresholds by name.
        n_films_seen, n_patients_seen: What its training saw, as far as the file says.
        training: Summary of the training, as far as the file says.
        sidecar: Where one was written.
        members: What a composite is made of, one line each.
        wants: What it looks at; "" for a network, which ``input`` tells of.
    """

    path: str
    kind: str
    sha256: str
    arch: str
    others: tuple[str, ...]
    n_tensors: int
    wrapping: tuple[str, ...]
    n_outputs: int
    input: Mapping[str, object]
    outputs: str = ""
    classes: tuple[str, ...] = ()
    positive: tuple[str, ...] = ()
    lineage: str = ""
    assumed: tuple[str, ...] = ()
    question: str = ""
    operating_points: Mapping[str, float] = field(default_factory=dict)
    n_films_seen: int = 0
    n_patients_seen: int = 0
    training: Mapping[str, Any] = field(default_factory=dict)
    sidecar: Path | None = None
    members: tuple[str, ...] = ()
    wants: str = ""

    def lines(self) -> list[str]:
        """Give the page that a person reads, line by line."""
        seen = f"{self.n_films_seen} films of {self.n_patients_seen} patients" if self.n_films_seen else ""
        rows = {
            "file": self.path,
            "kind": self.kind + (f", under {' '.join(self.wrapping)}" if self.wrapping else ""),
            "sha256": self.sha256,
            "architecture": self.arch + (f" (same tensors: {', '.join(self.others)})" if self.others else ""),
            "tensors": str(self.n_tensors or ""),
            "lineage": self.lineage,
            "input": _input_words(self.input) if self.input else self.wants,
            "outputs": f"{self.n_outputs} x {self.outputs or 'not said'}" if self.n_outputs else "none: no classifier",
            "classes": ", ".join(self.classes),
            "positive": ", ".join(self.positive),
            "thresholds": ", ".join(f"{k} {v:.4g}" for k, v in self.operating_points.items()),
            "training saw": seen,
            "training": ", ".join(f"{k} {v}" for k, v in self.training.items() if isinstance(v, int | float | str)),
        }
        page = [f"{name:<13}{text}" for name, text in rows.items() if text]
        page += [f"{'member':<13}{text}" for text in self.members]
        page += [f"{'assumed':<13}{text}" for text in self.assumed]
        page += [f"{'sidecar':<13}{self.sidecar}"] if self.sidecar else []
        return [*page, f"{'open':<13}{self.question}"] if self.question else page


def inspect_file(spec: str, options: ModelOptions, *, write_sidecar: bool) -> Inspection:
    """Look at a model file, or at the bundled ``phantom-oracle``.

    Args:
        spec: Path, or ``phantom-oracle``.
        options: Flags.
        write_sidecar: Write ``<ckpt>.toml`` beside it, with ``"?"`` where nobody has said.

    Raises:
        CheckpointError: The file cannot be opened; or a sidecar is there already.
    """
    if spec == BUNDLED:
        return _opened(open_model(BUNDLED, options), BUNDLED, kind="bundled")
    path = Path(spec)
    if content_of(path) == "written":
        return _written(path, options, write_sidecar=write_sidecar)
    if write_sidecar and sidecar_path(path).exists():
        raise CheckpointError("a sidecar is there already.", where=str(sidecar_path(path)), fix="Edit or remove it.")
    options = options.over(read_sidecar(path))
    found = read_model_file(path, options)
    looked = _inspection(path, found, options)
    if not write_sidecar:
        return looked
    write_text(sidecar_path(path), _sidecar(looked, found, options))
    return replace(looked, sidecar=sidecar_path(path))


def _inspection(path: Path, found: Found, options: ModelOptions) -> Inspection:
    seen, assumed = resolve_input(options, found.wanted)
    looked = Inspection(
        path=str(path),
        kind=found.kind,
        sha256=found.sha256,
        arch=found.arch,
        others=found.others,
        n_tensors=found.n_tensors,
        wrapping=found.wrapping,
        n_outputs=found.outputs.n,
        input=seen.to_dict(),
        outputs=found.outputs.kind or "",
        classes=found.outputs.classes,
        lineage=options.lineage or found.lineage,
        assumed=(*found.notes, *assumed),
        operating_points=dict(options.operating_points or found.operating_points),
        n_films_seen=len(found.seen.get("films", ())),
        n_patients_seen=len(found.seen.get("patients", ())),
        training=dict(found.training),
    )
    try:
        judged = classifier_of(path, found, options)
    except RobustkitError as error:
        return replace(looked, question=f"{error.what} {error.fix}".strip())
    return replace(
        looked, outputs=judged.output.kind, classes=judged.classes, positive=judged.positive, assumed=judged.assumed
    )


def _written(path: Path, options: ModelOptions, *, write_sidecar: bool) -> Inspection:
    if write_sidecar:
        what = "a written model says itself what its outputs mean; it takes no sidecar."
        raise CheckpointError(what, where=str(path), fix="Correct the file itself.")
    written = read_written(path)
    looked = _opened(classifier_of_written(written, options), str(path), kind="written model")
    seen = written.seen
    return replace(
        looked,
        n_films_seen=len(seen.get("films", ())),
        n_patients_seen=len(seen.get("patients", ())),
        training=dict(written.training),
    )


_WANTS = {
    "facts": "the facts of the case and the box, no pixels",
    "film": "the box on the whole film",
    "composite": "what its members look at",
}


def _opened(model: Classifier, path: str, *, kind: str) -> Inspection:
    """Tell of a model that is no network."""
    return Inspection(
        path=path,
        kind=kind,
        sha256=model.sha256,
        arch=model.arch,
        others=(),
        n_tensors=0,
        wrapping=(),
        n_outputs=model.n_outputs,
        input={},
        outputs=model.output.kind,
        classes=model.classes,
        positive=model.positive,
        lineage=model.lineage,
        assumed=model.assumed,
        operating_points=dict(model.operating_points),
        members=tuple(_member_words(model)),
        wants=_WANTS[model.engine],
    )


def _member_words(model: Classifier, depth: int = 0) -> Iterator[str]:
    for member in model.members:
        wants = _input_words(member.input.to_dict()) if member.is_network else _WANTS[member.engine]
        yield f"{'  ' * depth}{member.name}: {member.arch}, {wants}; {member.output.kind} of {', '.join(member.classes)}"
        yield from _member_words(member, depth + 1)


def _input_words(spec: Mapping[str, Any]) -> str:
    scale = spec["scaling"]
    if scale == "custom":
        scale = f"mean {spec['mean']} std {spec['std']}"
    size = f"{spec['height_px']} x {spec['width_px']} px"
    region = f"margin {spec['margin']:g}, {spec['fit']}"
    return f"{size}, {spec['kernel']}, {scale}, {spec['channels']}, {spec['layout']}, {region}"


def _sidecar(looked: Inspection, found: Found, options: ModelOptions) -> str:
    """Give the TOML: what is known as it is, ``"?"`` with the guess beside it where it is not."""
    spec, _ = resolve_input(options, found.wanted)
    still_open = set(open_facts(options, found.wanted))
    still_open |= {n for n in ("classes", "positive") if not getattr(options, n) and not getattr(found.outputs, n)}
    still_open |= {"outputs"} if not options.outputs and found.outputs.kind is None else set()
    values: dict[str, Any] = {
        **({} if found.kind in ("ONNX", "TorchScript", "torch.export", "pickled module") else {"arch": looked.arch}),
        **_spec_values(spec, is_open="scaling" in still_open),
        "outputs": looked.outputs,
        "classes": list(looked.classes),
        "positive": list(looked.positive),
    }
    lines = [f'# How {Path(looked.path).name} wants its input, and what its outputs mean. Answer every "?".']
    for key, value in values.items():
        text = json.dumps(value, ensure_ascii=False)
        guess = f"  # a guess: {text}" if value not in ("", []) else ""
        lines.append(f'{key} = "?"{guess}' if key in still_open else f"{key} = {text}")
    return "\n".join(lines) + "\n"


def _spec_values(spec: InputSpec, *, is_open: bool) -> dict[str, Any]:
    size = {"input_size": spec.height_px} if spec.height_px == spec.width_px else {}
    if spec.scaling != "custom" or is_open:
        scale: dict[str, Any] = {"scaling": spec.scaling}
    else:
        scale = {"mean": list(spec.mean), "std": list(spec.std)}
    region = {"margin": spec.margin, "fit": spec.fit, "layout": spec.layout}
    return {**size, "kernel": spec.kernel, **scale, "channels": spec.channels, **region}
