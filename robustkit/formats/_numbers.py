"""Numbers of annotation files, which may be anything that a file can hold."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

Corners = tuple[float, float, float, float]
"""x0, y0, x1, y1 in px."""


def finite(value: Any) -> float:
    """Give a finite number.

    Raises:
        ValueError: It is none (NaN, infinity, a truth value or no number at all).
    """
    if isinstance(value, bool):
        raise ValueError(f"expected a number, got {value!r}")
    try:
        number = float(value)
    except (TypeError, OverflowError) as error:
        raise ValueError(f"expected a number, got {str(value)[:40]!r}") from error
    if not math.isfinite(number):
        raise ValueError(f"expected a finite number, got {str(value)[:40]}")
    return number


def four(values: Iterable[Any]) -> Corners:
    """Give four finite numbers.

    Raises:
        ValueError: They are not four, or not finite.
    """
    a, b, c, d = (finite(v) for v in values)
    return a, b, c, d


def film_side(content: Mapping[str, Any], width: str, height: str) -> tuple[int, int] | None:
    """Give width and height as annotated; None where they are not said.

    Raises:
        ValueError: They are said, but are no whole positive numbers.
    """
    if content.get(width) is None or content.get(height) is None:
        return None
    w, h = finite(content[width]), finite(content[height])
    if w != int(w) or h != int(h) or w < 0 or h < 0:
        raise ValueError(f"expected whole numbers as the film's size, got {w:g} x {h:g}")
    # some tools write 0 x 0 for "not known"
    return (int(w), int(h)) if w and h else None
