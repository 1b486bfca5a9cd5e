"""Tells what a model file is from its first bytes, never from its name."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Literal

from robustkit.errors import CheckpointError

Content = Literal["safetensors", "torch", "torchscript", "export", "onnx"]

_COPY = "Copy the file itself again from where it came."
_NOT_MODELS = (
    (b"version https://git-lfs", "this is a Git LFS pointer, a text file of some 130 bytes, not the checkpoint.", "Run `git lfs pull`."),
    (b"<", "this is an HTML page saved under a checkpoint's name, not a checkpoint.", "Download the file itself."),
    (b"\x89HDF", "this is a Keras HDF5 file; robustkit runs PyTorch, ONNX and safetensors.", "Convert it to ONNX (tf2onnx)."),
)  # fmt: skip


def content_of(path: Path) -> Content:
    """Give the kind of a model file.

    Raises:
        CheckpointError: Missing, a folder, empty, or not a model file; it is named as what it is.
    """
    where = str(path)
    if not path.exists():
        raise CheckpointError("there is no such checkpoint.", where=where, fix="Correct the path after --model.")
    if not path.is_file():
        raise CheckpointError("this is a folder, not a checkpoint.", where=where, fix="Give the file in it.")
    try:
        with path.open("rb") as handle:
            head = handle.read(512)
    except PermissionError as error:
        raise CheckpointError("no permission to read it.", where=where, fix="Ask its owner.") from error
    if not head:
        raise CheckpointError("the file is empty.", where=where, fix=_COPY)
    for start, what, fix in _NOT_MODELS:
        if head.lstrip().startswith(start):
            raise CheckpointError(what, where=where, fix=fix)
    if head[8:9] == b"{" and int.from_bytes(head[:8], "little") <= path.stat().st_size:
        return "safetensors"
    if head[:2] == b"PK":
        return _zip_content(path)
    if head[:2] in (b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05"):
        return "torch"
    if head[:1] == b"\x08":
        return "onnx"
    raise CheckpointError("this is no model file that is known here.", where=where, fix=_COPY)


def _zip_content(path: Path) -> Content:
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
    except (zipfile.BadZipFile, OSError, ValueError) as error:
        raise CheckpointError("the checkpoint is cut off or damaged.", where=str(path), fix=_COPY) from error
    unpacked = sum(m.file_size for m in members)
    if unpacked > 200 * path.stat().st_size + 2**20:
        what = f"the archive would unpack to {unpacked // 2**20} MiB, more than 200 times its size."
        raise CheckpointError(what, where=str(path), fix="Do not use this file.")
    names = [m.filename.partition("/")[2] for m in members]
    if any(n.startswith("code/") for n in names) and "constants.pkl" in names:
        return "torchscript"
    if any(n.startswith("models/") and n.endswith(".json") for n in names) or "archive_format" in names:
        return "export"
    if "data.pkl" in names:
        return "torch"
    raise CheckpointError("this archive is no checkpoint that is known here.", where=str(path), fix=_COPY)
