"""JSON and TOML that others wrote: whatever is wrong with the text is a ValueError, hostile nesting too."""

from __future__ import annotations

import json
import tomllib
from typing import Any

LARGEST_TOML = 2**17
"""Characters: the standard library's reader takes the square of the length for some texts."""


def parse_json(text: str, **options: Any) -> Any:
    """Give what JSON says.

    Args:
        text: Of the file.
        options: Of ``json.loads``.

    Raises:
        ValueError: No JSON, nested too deeply, or a whole number of thousands of digits.
    """
    try:
        return json.loads(text, **options)
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error


def parse_toml(text: str) -> dict[str, Any]:
    """Give what TOML says.

    Raises:
        ValueError: No TOML, nested too deeply, or of more than LARGEST_TOML characters.
    """
    if len(text) > LARGEST_TOML:
        raise ValueError(f"it has {len(text)} characters, more than {LARGEST_TOML}")
    try:
        return tomllib.loads(text)
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error
