"""Tells what a model file is from its bytes, never from its name."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Literal

from robustkit.errors import CheckpointError

Content = Literal["safetensors", "torch", "torchscript", "export", "onnx", "written"]

_COPY = "Copy the file itself again from where it came."
_NOT_MODELS = (
    (
        b"version https://git-lfs",
        "this is a Git LFS pointer, a text file of some 130 bytes, not the checkpoint.",
        "Run `git lfs pull`.",
    ),
    (
        b"<",
        "this is a web page (HTML or XML) saved under a checkpoint's name, not a checkpoint.",
        "Download the file itself.",
    ),
    (
        b"\x89HDF",
        "this is a Keras HDF5 file; robustkit runs PyTorch, ONNX and safetensors.",
        "Convert it to ONNX (tf2onnx).",
    ),
    (b"\x1f\x8b", "this file is packed with gzip.", "Unpack it first."),
)
_PICKLES = tuple(bytes((0x80, protocol)) for protocol in range(2, 6))
_LARGEST_HEADER = 100_000_000
"""Of a safetensors file, in bytes: the limit of the format itself."""
_LARGEST_RATIO = 200
"""Torch stores tensors unpacked; an archive that grows more than this was made to fill a memory."""


def content_of(path: Path) -> Content:
    """Give the kind of a model file.

    Raises:
        CheckpointError: Missing, a folder, empty, or not a model file; it is named as what it is.
    """
    where = str(path)
    head = _head(path)
    for start, what, fix in _NOT_MODELS:
        if head.removeprefix(b"\xef\xbb\xbf").lstrip().startswith(start):
            raise CheckpointError(what, where=where, fix=fix)
    if head[8:9] == b"{" and int.from_bytes(head[:8], "little") <= _LARGEST_HEADER:
        return "safetensors"
    if head[:2] == b"PK":
        return _zip_content(path)
    if head[:2] in _PICKLES:
        return "torch"
    if head[:1] == b"\x08":
        return "onnx"
    if head[257:262] == b"ustar":
        what = "this is a tar archive, not a checkpoint."
        raise CheckpointError(what, where=where, fix="Unpack it, and give the file in it.")
    if head.removeprefix(b"\xef\xbb\xbf").lstrip()[:1] == b"{":
        return "written"
    if _is_text(head):
        begin = head.decode("utf-8", errors="replace").strip().splitlines()
        what = f"this is a text file that begins with {begin[0][:40]!r}, not a checkpoint."
        raise CheckpointError(what, where=where, fix="Download the file itself.")
    raise CheckpointError("this is no model file that is known here.", where=where, fix=_COPY)


def _head(path: Path) -> bytes:
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
    return head


def _is_text(head: bytes) -> bool:
    return bool(head.strip()) and all(b >= 32 or b in b"\t\r\n" for b in head)


def _zip_content(path: Path) -> Content:
    where = str(path)
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
        raise CheckpointError("the checkpoint is cut off or damaged.", where=where, fix=_COPY) from error
    unpacked = sum(m.file_size for m in members)
    if unpacked > _LARGEST_RATIO * path.stat().st_size + 2**20:
        what = f"the archive would unpack to {unpacked // 2**20} MiB, more than {_LARGEST_RATIO} times its size."
        raise CheckpointError(what, where=where, fix="Do not use this file.")
    names = [m.filename.partition("/")[2] for m in members]
    if any(n.startswith("code/") for n in names) and "constants.pkl" in names:
        return "torchscript"
    if any(n.startswith("models/") and n.endswith(".json") for n in names) or "archive_format" in names:
        return "export"
    if "data.pkl" in names:
        return "torch"
    if "model.weights.h5" in {m.filename for m in members}:
        what = "this is a Keras file; robustkit runs PyTorch, ONNX and safetensors."
        raise CheckpointError(what, where=where, fix="Convert it to ONNX (tf2onnx).")
    raise CheckpointError("this archive is no checkpoint that is known here.", where=where, fix=_COPY)
