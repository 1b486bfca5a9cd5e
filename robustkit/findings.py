"""The noun Finding: one thing that was looked at, what was seen, and what to do about it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Status = Literal["ok", "note", "missing", "broken", "found"]
"""``ok``: well. ``note``: to be known. ``missing``: an optional thing is not there. ``broken``: something needed does not work.
``found``: something that should not leave the house."""

BAD: tuple[Status, ...] = ("broken", "found")


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of a check.

    Attributes:
        check: Name of the plug-in that looked.
        subject: What it looked at: a package, a backend, a file.
        status: How that is.
        said: What was seen, a sentence or its main part. It holds no value that could name a patient.
        fix: The command or the step that mends it; "" where nothing needs to be mended.
    """

    check: str
    subject: str
    status: Status
    said: str
    fix: str = ""

    @property
    def is_bad(self) -> bool:
        """True where it closes the check (exit 1)."""
        return self.status in BAD
