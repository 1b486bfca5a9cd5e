"""robustkit.toml: defaults of a working folder, weaker than flags and stronger than what is built in."""

from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from robustkit.documents import parse_toml
from robustkit.errors import InputError

FILE = "robustkit.toml"


@dataclass(frozen=True, slots=True)
class FolderConfig:
    """What robustkit.toml may say.

    Attributes:
        manifest: Manifests that are taken where ``--manifest`` is not given (relative to the file).
        runs: The folder of the runs (relative to the file).
        hash_key: The file with the key of hashed ids (relative to the file).
    """

    manifest: tuple[Path, ...] = ()
    runs: Path = Path("runs")
    hash_key: Path = Path("robustkit.key")


def read_config(start: Path) -> FolderConfig:
    """Read the robustkit.toml of ``start`` or of its nearest parent that has one.

    Raises:
        InputError: Not TOML, an unknown key, or a value of another kind.
    """
    file = next((p / FILE for p in (start, *start.parents) if (p / FILE).is_file()), None)
    if file is None:
        return FolderConfig()
    try:
        content = parse_toml(file.read_text(encoding="utf-8"))
    except ValueError as error:
        raise InputError(f"not a TOML file ({error}).", where=str(file), fix="Correct it or remove it.") from error
    known = {f.name for f in fields(FolderConfig)}
    unknown = sorted(set(content) - known)
    if unknown:
        what = f"unknown key {', '.join(unknown)}; known: {', '.join(sorted(known))}."
        raise InputError(what, where=str(file), fix="Correct the name.")
    manifests = content.get("manifest", [])
    manifests = manifests if isinstance(manifests, list) else [manifests]
    root = file.parent
    return FolderConfig(
        manifest=tuple(root / _text(m, "manifest", file) for m in manifests),
        runs=root / _text(content.get("runs", "runs"), "runs", file),
        hash_key=root / _text(content.get("hash_key", "robustkit.key"), "hash_key", file),
    )


def _text(value: Any, key: str, file: Path) -> str:
    if not isinstance(value, str) or "\0" in value:
        raise InputError(f"{key}: expected a path in quotes, got {value!r}.", where=str(file), fix="Write it as text.")
    return value
