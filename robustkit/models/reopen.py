"""Opens a model of a run again, from its entry in run.json."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

from robustkit.errors import CheckpointError
from robustkit.inputs import InputSpec
from robustkit.models.classifier import Classifier
from robustkit.models.open import BUNDLED, open_model
from robustkit.models.options import ModelOptions


def reopened(entry: Mapping[str, Any], *, trust_code: bool = False) -> Classifier:
    """Open a model of a run again from its entry in run.json, with the input and output that the run used.

    Raises:
        CheckpointError: No path, no file, or another file than the run's.
    """
    name = str(entry["name"])
    where = str(entry.get("path") or "")
    if entry.get("arch") == "oracle" and not where:
        model = replace(open_model(BUNDLED, ModelOptions()), name=name)
    elif not where or not entry.get("input") or not entry.get("classes"):
        what = f"the run does not say where the model {name} lies, what it wants to see, or what its classes are."
        raise CheckpointError(
            what, where="run.json", fix="Only runs of `robustkit perturb` can ask their models again."
        )
    else:
        model = _of_file(Path(where), entry, trust_code=trust_code)
    if entry.get("sha256") and model.sha256 != entry["sha256"]:
        what = f"the model {name} is another file now than in the run."
        raise CheckpointError(what, where=where, fix="Put the file of the run back, or run `robustkit perturb` again.")
    return model


def _of_file(path: Path, entry: Mapping[str, Any], *, trust_code: bool) -> Classifier:
    if not path.is_file():
        fix = "Put it back, or run `robustkit perturb` again with the file where it lies now."
        raise CheckpointError("the checkpoint of the run is missing.", where=str(path), fix=fix)
    spec = input_spec(entry)
    classes, positive = tuple(entry["classes"]), tuple(entry["positive"])
    options = ModelOptions(
        name=str(entry["name"]),
        arch=str(entry.get("arch") or "") or None,
        input_size=spec.height_px if spec.height_px == spec.width_px else None,
        channels=spec.channels,
        layout=spec.layout,
        classes=",".join(classes),
        positive=",".join(positive),
        outputs=str(entry.get("output") or "") or None,
        trust_code=trust_code,
    )
    model = open_model(path, options)
    if entry.get("members") is not None:
        _check_members(model, entry["members"])
    return replace(model, input=spec, classes=classes, positive=positive)


def _check_members(model: Classifier, entries: Sequence[Mapping[str, Any]]) -> None:
    """Refuse members that are read otherwise now than in the run; their files are in the composite's sha256."""
    for member, entry in zip(model.members, entries, strict=False):
        if member.input.to_dict() != entry["input"] or list(member.classes) != entry["classes"]:
            what = f"the member {member.name} of {model.name} is read otherwise now than in the run."
            fix = f"Look at its sidecar ({member.path}.toml), or run `robustkit perturb` again."
            raise CheckpointError(what, where=str(model.path), fix=fix)
        _check_members(member, entry.get("members") or ())


def input_spec(entry: Mapping[str, Any]) -> InputSpec:
    """Give what the model wanted to see, as the run recorded it.

    Raises:
        CheckpointError: It lacks something, or says what no model of this version asks for.
        InputError: Numbers that no input has.
    """
    told, known = dict(entry.get("input") or {}), {f.name for f in fields(InputSpec)}
    lacking, unknown = sorted({"height_px", "width_px", "mean", "std"} - set(told)), sorted(set(told) - known)
    if lacking or unknown:
        said = f"lacks {', '.join(lacking)}" if lacking else f"has {', '.join(unknown)}, which is not known"
        what = f"what the model {entry['name']} wants to see {said}."
        fix = "Read the run with the robustkit version that wrote it, or run `robustkit perturb` again."
        raise CheckpointError(what, where="run.json", fix=fix)
    return InputSpec(**{**told, "mean": tuple(told["mean"]), "std": tuple(told["std"])})
