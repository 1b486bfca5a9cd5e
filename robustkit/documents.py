"""JSON and TOML that others wrote: whatever is wrong with the text is a ValueError, hostile nesting too."""

from __future__ import annotations

import json
import tomllib
from typing import Any


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
        ValueError: No TOML, or nested too deeply.
    """
    try:
        return tomllib.loads(text)
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error
