"""The noun HashKey: ids of patients and lesions as keyed hashes, the same under the same key."""

from __future__ import annotations

import hashlib
import os
import secrets
import stat
import unicodedata
import uuid
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from robustkit.atomic import disk_errors
from robustkit.errors import InputError

HASHED = ("patient_id", "lesion_id")
"""Columns that are hashed. A case_id stays: runs, readings and tables are joined by it, and boxes are drawn from it."""

METHOD = "blake2b-128, keyed"
_KEY_BYTES = 32
_TELLING_CHARACTERS = 3
"""Ids shorter than this stand inside other text by chance."""


@dataclass(frozen=True, slots=True)
class HashKey:
    """A secret of 32 random bytes.

    Keyed, because the ids of a hospital are few enough to try them all: who has the key can tell whether a given id is in a
    run, and who has not can tell nothing. Equal ids give equal hashes in every run of the key.

    Attributes:
        secret: Never printed, logged or written anywhere but into the key's own file.
        is_open: Others on this machine may read the file.
    """

    secret: bytes = field(repr=False)
    is_open: bool = False

    @property
    def name(self) -> str:
        """16 hex digits that tell keys apart and say nothing of the secret."""
        return hashlib.blake2b(b"name", key=self.secret, digest_size=8, person=b"robustkit-key").hexdigest()

    def hashes(self, column: str, ids: Iterable[str]) -> list[str]:
        """Give 32 hex digits for every id; equal text in two columns does not meet.

        Source: BLAKE2 (RFC 7693), keyed, the column's name as personalisation.
        """
        person = column.encode()[: hashlib.blake2b.PERSON_SIZE]
        text = (unicodedata.normalize("NFC", i).encode() for i in ids)
        return [hashlib.blake2b(t, key=self.secret, digest_size=16, person=person).hexdigest() for t in text]

    def hashed(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Give a copy of a cases table whose ids are hashes."""
        return frame.assign(**{c: self.hashes(c, frame[c].astype(str)) for c in HASHED if c in frame})

    def to_dict(self) -> dict[str, Any]:
        """Give the entry ``ids`` of run.json."""
        return {"hashed": list(HASHED), "method": METHOD, "key": self.name}


def hash_key(path: Path) -> HashKey:
    """Read the key of a file; where there is no file, make one that only its owner may read.

    Raises:
        InputError: The file is something else.
        DiskError: It cannot be written.
    """
    if not path.exists():
        _make(path)
    try:
        text = path.read_text(encoding="ascii").strip()
        secret = bytes.fromhex(text)
    except (OSError, ValueError) as error:
        raise _no_key(path) from error
    if len(secret) != _KEY_BYTES:
        raise _no_key(path)
    return HashKey(secret, is_open=os.name == "posix" and bool(stat.S_IMODE(path.stat().st_mode) & 0o077))


def plain_ids_in(frame: pd.DataFrame) -> dict[str, int]:
    """Count, by column, the rows in which the plain ``patient_id`` stands inside another text that is not hashed.

    Args:
        frame: A cases table before hashing. Where the image path stands in for the patient there is nothing to count.
    """
    own = frame[frame["patient_id"] != frame["image"]]
    own = own[own["patient_id"].str.len() >= _TELLING_CHARACTERS]
    others = [c for c in frame if c not in (*HASHED, "image_path", "mask_path") and _is_text(frame[c])]
    counts = {
        str(c): sum(p in str(v) for p, v in zip(own["patient_id"], own[c], strict=True))
        for c in others
    }  # fmt: skip
    return {c: n for c, n in counts.items() if n}


def _is_text(column: pd.Series) -> bool:
    return column.dtype == object or str(column.dtype).startswith("str")


def _make(path: Path) -> None:
    """Write a new key under a temporary name and give it its own, so that of several processes one makes it."""
    temporary = path.with_name(f".tmp-{uuid.uuid4().hex[:12]}-{path.name}.tmp")
    with disk_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(handle, "w", encoding="ascii") as stream:
                stream.write(secrets.token_hex(_KEY_BYTES) + "\n")
                stream.flush()
                os.fsync(stream.fileno())
            try:
                os.link(temporary, path)
            except FileExistsError:
                return
            except OSError:
                # a file system without hard links
                temporary.rename(path)
        finally:
            temporary.unlink(missing_ok=True)


def _no_key(path: Path) -> InputError:
    what = f"expected a key of {2 * _KEY_BYTES} hex digits, as --hash-ids makes one, got something else."
    return InputError(what, where=str(path), fix="Give another --hash-key; a file that does not exist is made.")
