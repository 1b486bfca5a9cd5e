"""Where the real films and checkpoints lie, if they do, and the marks for tests that need them."""

from __future__ import annotations

from pathlib import Path

import pytest

SHARED = Path(__file__).resolve().parents[2] / "shared" / "data"
FRACATLAS = SHARED / "fracatlas"
CHECKPOINTS = SHARED / "checkpoints"


def _needs(folder: Path) -> pytest.MarkDecorator:
    return pytest.mark.skipif(not folder.is_dir(), reason=f"../shared/data/{folder.name} is not beside this checkout")


def needs_fracatlas(test):  # type: ignore[no-untyped-def]
    """Mark a test that reads the FracAtlas films."""
    return pytest.mark.shared(_needs(FRACATLAS)(test))


def needs_checkpoints(test):  # type: ignore[no-untyped-def]
    """Mark a test that reads the real checkpoint files."""
    return pytest.mark.shared(_needs(CHECKPOINTS)(test))
