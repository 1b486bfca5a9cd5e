"""The user's cache folder: what can be made again at any time."""

from __future__ import annotations

import os
from pathlib import Path


def cache_root() -> Path:
    """Give ``$XDG_CACHE_HOME/robustkit``, else ``~/.cache/robustkit``; it need not exist."""
    base = os.environ.get("XDG_CACHE_HOME", "")
    root = Path(base) if Path(base).is_absolute() else Path.home() / ".cache"
    return root / "robustkit"
