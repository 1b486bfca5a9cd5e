"""The order in which strata are listed, in tables and figures alike."""

from __future__ import annotations

import re
from collections.abc import Iterable

from robustkit.strata._base import UNKNOWN

_NUMBER = r"-?\d+(?:\.\d+)?(?:e[+-]?\d+)?"
_RANGE = re.compile(rf"(?P<side><|>=)?(?P<first>{_NUMBER})(?:-{_NUMBER})?(?:\s.*)?")
SEPARATOR = " * "
"""Between the strata of crossed variables."""

Key = tuple[tuple[int, float, int, str], ...]


def is_range(name: str) -> bool:
    """Tell a stratum that is a number or a range of numbers (``20-50 mm``, ``>=80 mm``) from a name."""
    return _RANGE.fullmatch(name) is not None


def stratum_key(name: str) -> Key:
    """Give what strata are sorted by: names, then ranges by their first number (``<`` first), ``unknown`` last.

    Strata of crossed variables (``axial * <20 mm``) go by their parts, one after the other.
    """
    return tuple(map(_part_key, name.split(SEPARATOR)))


def in_order(names: Iterable[str]) -> list[str]:
    """Give strata in the order in which they are listed.

    >>> in_order({"20-50 mm", ">=50 mm", "<20 mm", "unknown"})
    ['<20 mm', '20-50 mm', '>=50 mm', 'unknown']
    """
    return sorted(names, key=stratum_key)


def _part_key(name: str) -> tuple[int, float, int, str]:
    found = _RANGE.fullmatch(name)
    if found:
        return 1, float(found["first"]), found["side"] != "<", name
    return 2 if name == UNKNOWN else 0, 0.0, 0, name
