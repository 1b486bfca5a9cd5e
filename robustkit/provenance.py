"""How a result came about: hashes, package versions, the commit, the machine's kind."""

from __future__ import annotations

import hashlib
import json
import platform
import subprocess
from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

PACKAGES = (
    "robustkit",
    "torch",
    "timm",
    "torchvision",
    "numpy",
    "pandas",
    "scipy",
    "Pillow",
    "pyarrow",
    "pydicom",
    "onnxruntime",
    "openvino",
)


def canonical_json(value: Any) -> str:
    """Give the one JSON text of a value: sorted keys, no spaces, UTF-8 as it is, no NaN."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def digest(value: Any) -> str:
    """Give the SHA-256 of a value's canonical JSON, as hex."""
    return hashlib.sha256(canonical_json(value).encode()).hexdigest()


def file_digest(path: Path) -> str:
    """Give the SHA-256 of a file's bytes, as hex, without holding them all in memory."""
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def keyed_hashes(names: Iterable[str], *, salt: str) -> frozenset[str]:
    """Give BLAKE2b hashes of names keyed by a salt: equal names meet, the names cannot be read."""
    key = salt.encode()[:64]
    return frozenset(hashlib.blake2b(n.encode(), digest_size=16, key=key).hexdigest() for n in names)


def package_versions() -> dict[str, str]:
    """Give the versions of Python and of the installed packages that change a number."""
    found = {"python": platform.python_version()}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def git_commit() -> str:
    """Give the commit of robustkit's own checkout, with ``+changes`` where it is dirty; "" outside one."""
    folder = Path(__file__).parent
    if not (folder.parent / ".git").exists():
        return ""
    try:
        ask = ["git", "-C", str(folder), "describe", "--always", "--abbrev=40", "--dirty=+changes", "--exclude", "*"]
        done = subprocess.run(ask, capture_output=True, text=True, timeout=5, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip()
