"""A film held in memory, read as one that lies on the disk."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import BinaryIO


@dataclass(frozen=True, slots=True)
class HeldFilm:
    """The bytes of a film file, and what it is called; nothing of it is written.

    Attributes:
        content: Of the file.
        name: For messages.
    """

    content: bytes
    name: str = "film"

    @property
    def sha256(self) -> str:
        """Of the bytes, as hex."""
        return hashlib.sha256(self.content).hexdigest()

    def open(self, mode: str = "rb") -> BinaryIO:
        """Give a handle on the bytes; ``mode`` is there because paths have it, and is always ``rb``."""
        return BytesIO(self.content)

    def exists(self) -> bool:
        """Tell that it is there."""
        return True

    def is_file(self) -> bool:
        """Tell that it is no folder."""
        return True

    def __str__(self) -> str:
        return self.name


Source = Path | HeldFilm
"""Where a film is read from."""
