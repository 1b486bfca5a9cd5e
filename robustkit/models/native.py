"""robustkit's own checkpoint: safetensors, with everything that a judge must know in its metadata."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from robustkit.atomic import write_bytes
from robustkit.documents import parse_json
from robustkit.errors import CheckpointError, InputError
from robustkit.inputs import InputSpec, OutputSpec

KEY = "robustkit"
FORMAT = 1


@dataclass(frozen=True, slots=True)
class NativeCheckpoint:
    """What a file of robustkit's own says of itself, and its tensors."""

    state_dict: dict[str, Any]
    arch: str
    input: InputSpec
    output: OutputSpec
    classes: tuple[str, ...]
    positive: tuple[str, ...]
    lineage: str
    operating_points: dict[str, float]
    seen: dict[str, Any]
    training: dict[str, Any]


def save_native(  # noqa: PLR0913  # one parameter per field of the format
    path: Path,
    state_dict: Mapping[str, Any],
    *,
    arch: str,
    input: InputSpec,
    output: OutputSpec,
    classes: Sequence[str],
    positive: Sequence[str],
    lineage: str,
    operating_points: Mapping[str, float],
    seen: Mapping[str, Any],
    training: Mapping[str, Any],
) -> None:
    """Write a checkpoint, whole or not at all.

    Args:
        path: Any name; the content tells what it is.
        state_dict: Of a timm network, tensors on any device.
        arch: timm's name.
        input, output, classes, positive, lineage, operating_points: See ``Classifier``.
        seen: ``films`` (sha256), ``patients`` (hashes keyed by ``salt``), ``salt``.
        training: A summary; anything JSON-able.
    """
    from safetensors.torch import save

    said = {
        "format": FORMAT, "arch": arch, "input": input.to_dict(), "output": output.kind, "classes": list(classes),
        "positive": list(positive), "lineage": lineage, "operating_points": dict(operating_points), "seen": dict(seen),
        "training": dict(training),
    }  # fmt: skip
    tensors = {k: v.detach().cpu().contiguous().clone() for k, v in state_dict.items()}
    write_bytes(path, save(tensors, metadata={KEY: json.dumps(said, ensure_ascii=False)}))


def read_native(path: Path) -> NativeCheckpoint | None:
    """Read a safetensors file; None where it is not robustkit's own.

    Raises:
        CheckpointError: Damaged, or of a newer format.
    """
    tensors, metadata = read_safetensors(path)
    return _parse(path, metadata[KEY], tensors) if KEY in metadata else None


def read_safetensors(path: Path) -> tuple[dict[str, Any], dict[str, str]]:
    """Give tensors by name, on the CPU, and the metadata of any safetensors file.

    Raises:
        CheckpointError: Damaged.
    """
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="pt", device="cpu") as handle:
            tensors = {k: handle.get_tensor(k) for k in handle.keys()}  # noqa: SIM118  # not a dict
            return tensors, dict(handle.metadata() or {})
    except (SafetensorError, OSError, ValueError) as error:
        reason = str(error).splitlines()[0]
        what = f"the safetensors file is cut off or damaged ({reason})."
        raise CheckpointError(what, where=str(path), fix="Copy it again from where it came.") from error


def _parse(path: Path, text: str, tensors: dict[str, Any]) -> NativeCheckpoint:
    try:
        said = parse_json(text)
        if said["format"] != FORMAT or isinstance(said["format"], bool):
            what = f"expected a checkpoint of format {FORMAT}, got {said['format']!r}."
            raise CheckpointError(what, where=str(path), fix="Open it with the robustkit version that wrote it.")
        fields = dict(said["input"])
        spec = InputSpec(**{**fields, "mean": tuple(fields["mean"]), "std": tuple(fields["std"])})
        return NativeCheckpoint(
            state_dict=tensors, arch=_text(said["arch"]), input=spec, output=OutputSpec(said["output"]),
            classes=_texts(said["classes"]), positive=_texts(said["positive"]), lineage=_text(said["lineage"]),
            operating_points=_thresholds(said["operating_points"]), seen=dict(said["seen"]), training=dict(said["training"]),
        )  # fmt: skip
    except CheckpointError:
        raise
    except (KeyError, TypeError, ValueError, InputError) as error:
        what = f"the metadata of the checkpoint is damaged ({error})."
        raise CheckpointError(what, where=str(path), fix="Copy it again from where it came.") from error


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"expected text, got {type(value).__name__}")
    return value


def _texts(value: object) -> tuple[str, ...]:
    if not isinstance(value, list):
        raise TypeError(f"expected a list of names, got {type(value).__name__}")
    return tuple(_text(v) for v in value)


def _thresholds(value: object) -> dict[str, float]:
    found = dict(value) if isinstance(value, dict) else None
    if found is None or not all(isinstance(v, int | float) and 0 <= v <= 1 for v in found.values()):
        raise ValueError("expected thresholds from 0 to 1")
    return {k: float(v) for k, v in found.items()}
