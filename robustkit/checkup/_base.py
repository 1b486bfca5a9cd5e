"""The face of a check of this machine, and the noun Place: where it looks."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, cast

from robustkit.errors import RobustkitError
from robustkit.findings import Finding
from robustkit.registry import load, names


@dataclass(frozen=True, slots=True)
class Place:
    """Where a check looks.

    Attributes:
        work: The working folder.
        runs: Where runs go from here.
        scratch: An empty folder that is removed afterwards.
        is_quick: Leave out what takes more than moments.
    """

    work: Path
    runs: Path
    scratch: Path
    is_quick: bool = False


class Check(Protocol):
    """Looks at one part of the machine or the installation."""

    name: str
    order: int

    def look(self, place: Place) -> Iterator[Finding]:
        """Give what was seen, one finding for each thing looked at."""
        ...


FAULTS = (
    ArithmeticError, AssertionError, AttributeError, EOFError, ImportError, LookupError, MemoryError, OSError, RuntimeError,
    RobustkitError, SystemError, TypeError, ValueError,
)  # fmt: skip
"""What a damaged installation may raise from anywhere."""


def every_check() -> tuple[list[Check], list[Finding]]:
    """Load the checks in their order; one whose own imports fail is a finding, and the others are still made."""
    checks, faults = [], []
    for name in names("checkup"):
        try:
            checks.append(cast(Check, load("checkup", name)))
        except FAULTS as error:
            said = f"the check cannot begin: {described(error)}"
            faults.append(Finding(name, name, "broken", said, "Mend the packages that are named above."))
    return sorted(checks, key=lambda c: c.order), faults


def looked(name: str, look: Callable[[], Iterator[Finding]]) -> Iterator[Finding]:
    """Give the findings of a check; one that breaks off is a finding itself, and so the others are still made.

    Args:
        name: Of the check.
        look: What gives its findings.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            yield from look()
        except FAULTS as error:
            said = f"the check broke off: {described(error)}"
            yield Finding(name, name, "broken", said, "Install robustkit anew: pip install --force-reinstall robustkit")


def described(error: BaseException) -> str:
    """Give the kind of an error and the first line of what it says."""
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0]}" if lines else type(error).__name__
