"""Writes down a model as a member of a written one: where it lies, what its bytes are, and how it is read."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from robustkit.errors import InputError
from robustkit.inputs import InputSpec
from robustkit.models.classifier import Classifier
from robustkit.provenance import file_digest


def member_entry(member: Classifier, *, beside: Path) -> dict[str, Any]:
    """Give the entry that opens the member again just as it is, whatever flags or sidecars say later.

    Args:
        member: An opened model file.
        beside: The written model; the path is relative to its folder.

    Raises:
        InputError: The member is bundled and has no file.
    """
    if member.path is None:
        what = f"{member.name} is no file, and a model can only be made of files."
        raise InputError(what, fix="Give checkpoints or written models.")
    entry = {"path": relative(member.path, beside), "sha256": file_digest(member.path)}
    if not member.is_network:
        return entry
    meaning = {"outputs": member.output.kind, "classes": list(member.classes), "positive": list(member.positive)}
    return {**entry, "arch": member.arch, **input_options(member.input), **meaning}


def input_options(spec: InputSpec, *, names_scale: bool = False) -> dict[str, Any]:
    """Give an InputSpec in the words of a sidecar; a size that is no square is left for the file to say.

    Args:
        spec: Of a model.
        names_scale: Give the name of the scaling even where it is ``custom``, which says nothing of mean and std.
    """
    size = {"input_size": spec.height_px} if spec.height_px == spec.width_px else {}
    scale: dict[str, Any] = {"scaling": spec.scaling}
    if spec.scaling == "custom" and not names_scale:
        scale = {"mean": list(spec.mean), "std": list(spec.std)}
    region = {"margin": spec.margin, "fit": spec.fit, "layout": spec.layout}
    return {**size, "kernel": spec.kernel, **scale, "channels": spec.channels, **region}


def relative(path: Path, beside: Path) -> str:
    """Give a path relative to the folder of a file, with forward slashes; absolute on another drive."""
    try:
        return Path(os.path.relpath(path.resolve(), beside.resolve().parent)).as_posix()
    except ValueError:
        return path.resolve().as_posix()
