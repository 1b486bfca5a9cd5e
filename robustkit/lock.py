"""One process at a time writes to a place; who holds it can be read, and one that died holds nothing.

The lock is the system's own (``flock``; filelock), which ends with its process however that ends. Who holds it stands in a
file beside it, for people alone.
"""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

from robustkit.atomic import disk_errors, write_text
from robustkit.errors import InUseError

NAME = ".lock"
"""Of the lock of a folder; those of its shares begin so."""


def lock_folder(folder: Path, *, doing: str, share: str = "") -> AbstractContextManager[None]:
    """Hold a folder while the block runs; it is made where it is missing.

    Args:
        folder: It.
        doing: What the holder does, e.g. ``robustkit perturb``.
        share: Of a folder that several processes share: each holds its own.

    Raises:
        InUseError: Another process holds it; its number, machine and beginning are told.
        DiskError: The place cannot be written to.
    """
    return _lock(folder / (f"{NAME}-{share}" if share else NAME), folder, doing)


def lock_file(file: Path, *, doing: str) -> AbstractContextManager[None]:
    """Hold the name of a file that is to be written, while the block runs; errors as of ``lock_folder``."""
    return _lock(file.with_name(f"{NAME}-{file.name}"), file, doing)


@contextmanager
def _lock(file: Path, place: Path, doing: str) -> Iterator[None]:
    import filelock

    with disk_errors(file):
        file.parent.mkdir(parents=True, exist_ok=True)
        held = filelock.FileLock(file)
        try:
            held.acquire(timeout=0)
        except filelock.Timeout:
            raise _in_use(place, _holder_file(file)) from None
    try:
        write_text(_holder_file(file), json.dumps(_holder(doing)) + "\n")
        yield
    finally:
        # both go while the lock is held: who waits for it sees that its file is gone, and begins anew
        for path in (_holder_file(file), file):
            with suppress(OSError):
                path.unlink()
        held.release()


def is_trace(path: Path) -> bool:
    """Tell whether a file is a lock, or what a killed process left of a file that was not whole."""
    return path.name.startswith((NAME, ".tmp-"))


def _holder_file(file: Path) -> Path:
    return file.with_name(f"{file.name}.json")


def _holder(doing: str) -> dict[str, object]:
    since = datetime.now(UTC).isoformat(timespec="seconds")
    return {"pid": os.getpid(), "host": socket.gethostname(), "since": since, "doing": doing}


def _in_use(place: Path, holder: Path) -> InUseError:
    try:
        told = json.loads(holder.read_text(encoding="utf-8"))
        who = f"{told['doing']}, process {told['pid']} on {told['host']}, since {told['since']}"
    except (OSError, ValueError, KeyError, TypeError):
        who = "it has not said yet who it is"
    fix = "Wait for it or stop it, and give the same command again; or choose another place."
    return InUseError(f"another process writes here ({who}).", where=str(place), fix=fix)
