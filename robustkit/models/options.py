"""What a user says of a checkpoint: flags, stronger than sidecar and checkpoint."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from robustkit.documents import parse_toml
from robustkit.errors import CheckpointError


@dataclass(frozen=True, slots=True)
class ModelOptions:
    """Flags of one model; None where not given.

    Attributes:
        name: What the model is called; default the file's stem.
        arch: timm's name of the architecture, ``torchvision/<name>``, ``keras/resnet50`` or ``small/<name>``.
        input_size: Side of the input in px.
        kernel, scaling, channels, margin, fit, layout: See ``InputSpec``.
        mean, std: Numbers with commas, ``0.5,0.5,0.5``.
        classes: Names in the order of the outputs, joined by commas.
        positive: Positive classes, joined by commas.
        outputs: ``sigmoid-logit``, ``softmax-logits`` or ``probabilities``.
        operating_points: Carried thresholds by name (sidecar only).
        lineage: Where the weights come from (sidecar only).
        trust_code: Load a file that is a program.
    """

    name: str | None = None
    arch: str | None = None
    input_size: int | None = None
    kernel: str | None = None
    scaling: str | None = None
    mean: str | None = None
    std: str | None = None
    channels: str | None = None
    margin: float | None = None
    fit: str | None = None
    layout: str | None = None
    classes: str | None = None
    positive: str | None = None
    outputs: str | None = None
    operating_points: dict[str, float] | None = None
    lineage: str | None = None
    trust_code: bool = False

    def over(self, weaker: ModelOptions) -> ModelOptions:
        """Give these options, filled up from weaker ones.

        A scaling names mean, std and channel order together, so a stronger one silences weaker parts of it.
        """
        silenced = {"mean", "std", "channels"} if self.scaling is not None else set()
        filled = {}
        for f in fields(self):
            mine = getattr(self, f.name)
            filled[f.name] = getattr(weaker, f.name) if mine is None and f.name not in silenced else mine
        return ModelOptions(**filled)


_TEXTS = {"name", "arch", "kernel", "scaling", "channels", "fit", "layout", "outputs", "lineage"}
_LISTS = {"mean", "std", "classes", "positive"}


def sidecar_path(path: Path) -> Path:
    """Give ``<ckpt>.toml``."""
    return path.with_name(path.name + ".toml")


def read_sidecar(path: Path) -> ModelOptions:
    """Read the sidecar of a checkpoint; no sidecar says nothing.

    Raises:
        CheckpointError: Not TOML, an unknown key, a value of another kind, or a ``"?"`` that nobody has answered yet.
    """
    file = sidecar_path(path)
    if not file.is_file():
        return ModelOptions()
    try:
        said: dict[str, Any] = parse_toml(file.read_text(encoding="utf-8"))
    except ValueError as error:
        what = f"the sidecar is no TOML ({error})."
        raise CheckpointError(what, where=str(file), fix="Correct or remove it.") from error
    return said_options(said, who="the sidecar", where=str(file))


def said_options(said: Mapping[str, Any], *, who: str, where: str) -> ModelOptions:
    """Read what a file says of a checkpoint.

    Args:
        said: Names of ``ModelOptions`` but ``trust_code``; lists may be lists.
        who: Says it, for errors.
        where: The file.

    Raises:
        CheckpointError: An unknown key, a value of another kind, or a ``"?"`` that nobody has answered yet.
    """
    known = {f.name for f in fields(ModelOptions)} - {"trust_code"}
    unknown = sorted(set(said) - known)
    if unknown:
        what = f"{who} has an unknown key {', '.join(unknown)}; known: {', '.join(sorted(known))}."
        raise CheckpointError(what, where=where, fix="Correct the name.")
    open_questions = sorted(k for k, v in said.items() if v == "?" or (isinstance(v, list) and "?" in v))
    if open_questions:
        what = f"{who} does not say yet what {', '.join(open_questions)} is."
        raise CheckpointError(what, where=where, fix='Replace every "?" by what the training used.')
    return ModelOptions(**{k: _checked(k, v, who=who, where=where) for k, v in said.items()})


def _checked(key: str, value: Any, *, who: str, where: str) -> Any:
    # bounded, which no NaN, infinity or whole number of a thousand digits is
    is_number = isinstance(value, int | float) and not isinstance(value, bool) and -1e9 < value < 1e9
    if key in _LISTS and isinstance(value, list):
        return ",".join(str(v) for v in value)
    if key in _TEXTS | _LISTS and isinstance(value, str):
        return value
    if key == "input_size" and is_number and value == int(value):
        return int(value)
    if key == "margin" and is_number:
        return float(value)
    if key == "operating_points" and isinstance(value, dict):
        points = {k: float(v) for k, v in value.items() if isinstance(v, int | float) and 0 <= v <= 1}
        if len(points) == len(value):
            return points
    raise CheckpointError(f"{who}'s {key} cannot be {value!r}.", where=where, fix=f"Correct {key}.")
