"""Writing so that a reader sees the old content or the new, never half of it.

A temporary name beside the target, flush to disk, then rename. A kill leaves at most a file whose
name begins with ``.tmp-`` and ends with ``.tmp``, so that no reader's pattern (``*.parquet``) finds it.
"""

from __future__ import annotations

import errno
import os
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from robustkit.errors import DiskError

_FULL = {errno.ENOSPC, errno.EDQUOT}
_DENIED = {errno.EACCES, errno.EPERM, errno.EROFS}


@contextmanager
def disk_errors(path: Path) -> Iterator[None]:
    """Turn a full disk or a missing permission while writing ``path`` into a DiskError."""
    try:
        yield
    except OSError as error:
        if error.errno in _FULL:
            fix = "Free some space, or choose another place with --out; then run the same command again."
            raise DiskError("the disk is full.", where=str(path), fix=fix) from error
        if error.errno in _DENIED or isinstance(error, (NotADirectoryError, FileExistsError)):
            fix = "Choose a folder that you may write to with --out."
            raise DiskError(f"cannot write here ({error.strerror}).", where=str(path), fix=fix) from error
        raise


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside ``path``; it becomes ``path`` when the block ends well."""
    temporary = path.with_name(f".tmp-{uuid.uuid4().hex[:12]}-{path.name}.tmp")
    try:
        with disk_errors(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            yield temporary
            with temporary.open("rb+") as handle:
                os.fsync(handle.fileno())
            temporary.replace(path)
    finally:
        with suppress(OSError):  # nothing was made where nothing can be made
            temporary.unlink(missing_ok=True)


@contextmanager
def replacing_folder(path: Path) -> Iterator[Path]:
    """Yield a temporary folder beside ``path``; it becomes ``path`` when the block ends well.

    Where two processes build the same folder at once, the first to finish stays.
    """
    temporary = path.with_name(f".tmp-{uuid.uuid4().hex[:12]}-{path.name}")
    try:
        with disk_errors(path):
            temporary.mkdir(parents=True)
            yield temporary
            if not path.exists():
                temporary.rename(path)
    except OSError as error:
        if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
            raise
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def clear_leftovers(*places: Path) -> None:
    """Remove what killed processes left behind; nobody else may be writing there.

    Args:
        places: Folders, cleared with all below them, or files: what would have become them is removed. None need exist.
    """
    found = [p for place in places for p in (place.rglob(".tmp-*") if place.is_dir() else _halves(place))]
    for path in found:
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)


def _halves(file: Path) -> list[Path]:
    return [p for p in file.parent.glob(".tmp-*") if p.name.endswith(f"-{file.name}.tmp")]


def write_bytes(path: Path, content: bytes) -> None:
    """Write ``content`` to ``path``, whole or not at all."""
    with replacing(path) as temporary:
        temporary.write_bytes(content)


def write_text(path: Path, content: str) -> None:
    """Write ``content`` as UTF-8 to ``path``, whole or not at all."""
    write_bytes(path, content.encode())
