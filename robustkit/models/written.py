"""The noun Written: a model file that is no network, but JSON that anybody can read, write by hand and mend.

    {"robustkit_model": 1, "kind": "ensemble", "classes": ["benign", "non-benign"], "positive": ["non-benign"],
     "body": {"members": [{"path": "a.pt", "sha256": "..."}, {"path": "b.pt", "sha256": "..."}]}}

The kind is a plug-in of the family ``kinds``; what stands in ``body`` is its own.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Protocol, cast, get_args

from robustkit.atomic import write_text
from robustkit.documents import parse_json
from robustkit.errors import CheckpointError
from robustkit.inputs import OutputKind
from robustkit.models.classifier import Classifier, Runner
from robustkit.registry import load, names

FORMAT = 1
LARGEST_BYTES = 2**28
_KNOWN = (
    "robustkit_model", "kind", "classes", "positive", "outputs", "lineage", "operating_points", "seen", "assumed",
    "training", "body",
)  # fmt: skip

OpenMember = Callable[[Any], Classifier]
"""Opens an entry of a body, ``{"path": ..., "sha256": ...}`` and keys of ``ModelOptions``; see ``open.member_opener``."""


@dataclass(frozen=True, slots=True)
class Written:
    """What a written model file says.

    Attributes:
        kind: Plug-in of the family ``kinds``, e.g. ``ensemble``, ``box-average``.
        classes, positive: See ``Classifier``.
        body: JSON-able; the kind's own.
        outputs: ``sigmoid-logit`` (the default of two classes: one logit, of the last) or ``softmax-logits``.
        lineage, operating_points, seen, assumed: See ``Classifier``.
        training: Summary of how it came about, for ``inspect``.
        path: Where it lies; paths in the body are relative to its folder.
    """

    kind: str
    classes: tuple[str, ...]
    positive: tuple[str, ...]
    body: Mapping[str, Any]
    outputs: OutputKind = "sigmoid-logit"
    lineage: str = ""
    operating_points: Mapping[str, float] = field(default_factory=dict)
    seen: Mapping[str, Any] = field(default_factory=dict)
    assumed: tuple[str, ...] = ()
    training: Mapping[str, Any] = field(default_factory=dict)
    path: Path = Path("model.json")

    def wrong(self, name: str, expected: str, got: object) -> CheckpointError:
        """Give the error about one field, e.g. ``body.k``."""
        return _wrong(self.path, name, expected, got)

    def to_dict(self) -> dict[str, Any]:
        """Give the content of the file."""
        return {
            "robustkit_model": FORMAT,
            "kind": self.kind,
            "classes": list(self.classes),
            "positive": list(self.positive),
            "outputs": self.outputs,
            "lineage": self.lineage,
            "operating_points": dict(self.operating_points),
            "seen": dict(self.seen),
            "assumed": list(self.assumed),
            "training": dict(self.training),
            "body": dict(self.body),
        }


class Kind(Protocol):
    """A kind of written model.

    Attributes:
        name: As in the file, with hyphens where its own file has underscores.
        engine: What its runner is.
    """

    name: str
    engine: Literal["facts", "film", "composite"]

    def runner(self, written: Written, *, open_member: OpenMember) -> Runner:
        """Give a FactsModel, FilmModel or CompositeModel, as ``engine`` says.

        Args:
            written: The whole file.
            open_member: Opens an entry of the body that names another model file.

        Raises:
            CheckpointError: A field of the body is missing or wrong (``written.wrong`` names it).
        """
        ...


def kind_of(written: Written) -> Kind:
    """Give the plug-in of a written model.

    Raises:
        CheckpointError: No such kind.
    """
    known = [n.replace("_", "-") for n in names("kinds")]
    if written.kind not in known:
        raise written.wrong("kind", f"one of {', '.join(known)}", written.kind)
    return cast(Kind, load("kinds", written.kind.replace("-", "_")))


def save_written(path: Path, written: Written) -> None:
    """Write the file, whole or not at all.

    Raises:
        CheckpointError: It says what could not be read again.
        DiskError: It cannot be written.
    """
    text = json.dumps(written.to_dict(), indent=1, ensure_ascii=False, allow_nan=False) + "\n"
    parse_written(text, path)
    write_text(path, text)


def read_written(path: Path) -> Written:
    """Read a written model file; its members are not opened.

    Raises:
        CheckpointError: No JSON, not ours, of a newer robustkit, or a field is missing, unknown or wrong.
    """
    if path.stat().st_size > LARGEST_BYTES:
        what = f"this JSON file has {path.stat().st_size // 2**20} MiB; written models have at most 256."
        raise CheckpointError(what, where=str(path), fix="Give a model file.")
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        fix = "Copy it again, or save it as UTF-8."
        raise CheckpointError(f"this JSON file is not UTF-8 ({error}).", where=str(path), fix=fix) from error
    return parse_written(text, path)


def parse_written(text: str, path: Path) -> Written:
    """Give what the text of a written model file says.

    Raises:
        CheckpointError: As ``read_written``.
    """
    said = _json(text, path)
    if "robustkit_model" not in said:
        what = 'this is a JSON file, but no model: it has no "robustkit_model".'
        raise CheckpointError(what, where=str(path), fix="Give a checkpoint, or a file as docs/models.md shows.")
    if said["robustkit_model"] != FORMAT or isinstance(said["robustkit_model"], bool):
        what = f"expected a written model of format {FORMAT}, got {said['robustkit_model']!r}."
        raise CheckpointError(what, where=str(path), fix="Use the robustkit that wrote it, or a newer one.")
    unknown = sorted(set(said) - set(_KNOWN))
    if unknown:
        what = f"unknown field {', '.join(unknown)}; known: {', '.join(_KNOWN)}."
        raise CheckpointError(what, where=str(path), fix="Correct the name; what belongs to the kind stands in body.")
    kind = said.get("kind")
    if not isinstance(kind, str):
        raise _wrong(path, "kind", "a name such as ensemble", kind)
    classes = texts(said.get("classes"), "classes", path)
    if len(classes) < 2 or len(set(classes)) != len(classes):
        raise _wrong(path, "classes", "two or more different names", list(classes))
    positive = texts(said.get("positive"), "positive", path)
    if not positive or len(set(positive)) != len(positive) or not set(positive) < set(classes):
        raise _wrong(path, "positive", f"one or more of {', '.join(classes)}, but not all", list(positive))
    return Written(
        kind=kind,
        classes=classes,
        positive=positive,
        body=_mapping(said, "body", path),
        outputs=_outputs(said.get("outputs"), classes, path),
        lineage=_text(said.get("lineage", ""), "lineage", path),
        operating_points=_points(_mapping(said, "operating_points", path), path),
        seen=_seen(_mapping(said, "seen", path), path),
        assumed=texts(said.get("assumed", []), "assumed", path),
        training=_mapping(said, "training", path),
        path=path,
    )


def texts(value: object, name: str, path: Path) -> tuple[str, ...]:
    """Give a field that is a list of names.

    Raises:
        CheckpointError: It is something else, or holds a ``"?"`` that nobody has answered yet.
    """
    if not isinstance(value, list) or not all(isinstance(v, str) and v.strip() for v in value):
        raise _wrong(path, name, "a list of names", value)
    if "?" in value:
        what = f"the file does not say yet what {name} is."
        raise CheckpointError(what, where=str(path), fix='Replace every "?" by what is true of the model.')
    return tuple(value)


def _json(text: str, path: Path) -> dict[str, Any]:
    try:
        said = parse_json(text, parse_constant=_refuse_constant, object_pairs_hook=_once)
    except ValueError as error:
        what = f"this looks like a written model, but is no JSON ({error})."
        raise CheckpointError(what, where=str(path), fix="Correct it at that place.") from error
    if not isinstance(said, dict):
        raise CheckpointError("expected a JSON object.", where=str(path), fix="Give a model file.")
    return said


def _refuse_constant(name: str) -> float:
    raise ValueError(f"{name} is no number of JSON")


def _once(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        keys = [k for k, _ in pairs]
        raise ValueError(f"{next(k for k in keys if keys.count(k) > 1)!r} stands twice in one object")
    return found


def _outputs(value: object, classes: Sequence[str], path: Path) -> OutputKind:
    if value is None:
        return "sigmoid-logit" if len(classes) == 2 else "softmax-logits"
    allowed = [k for k in get_args(OutputKind) if k != "probabilities" and (k != "sigmoid-logit" or len(classes) == 2)]
    if value not in allowed:
        raise _wrong(path, "outputs", f"{' or '.join(allowed)} for {len(classes)} classes", value)
    return cast(OutputKind, value)


def _mapping(said: Mapping[str, Any], name: str, path: Path) -> dict[str, Any]:
    value = said.get(name, None if name == "body" else {})
    if not isinstance(value, dict):
        raise _wrong(path, name, "an object", value)
    return value


def _text(value: object, name: str, path: Path) -> str:
    if not isinstance(value, str):
        raise _wrong(path, name, "text", value)
    return value


def _points(said: Mapping[str, Any], path: Path) -> dict[str, float]:
    for name, value in said.items():
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
            raise _wrong(path, f"operating_points.{name}", "a threshold from 0 to 1", value)
    return {k: float(v) for k, v in said.items()}


def _seen(said: Mapping[str, Any], path: Path) -> Mapping[str, Any]:
    unknown = sorted(set(said) - {"films", "patients", "salt"})
    if unknown:
        raise _wrong(path, "seen", "films, patients and salt", ", ".join(unknown))
    for name in ("films", "patients"):
        texts(said.get(name, []), f"seen.{name}", path)
    _text(said.get("salt", ""), "seen.salt", path)
    return said


def _wrong(path: Path, name: str, expected: str, got: object) -> CheckpointError:
    shown = "nothing" if got is None else repr(got)
    shown = shown if len(shown) <= 80 else f"{shown[:77]}..."
    return CheckpointError(f"{name}: expected {expected}, got {shown}.", where=str(path), fix=f"Correct {name}.")
