"""Where the real films and checkpoints lie, if they do, and the marks for tests that need them."""

from __future__ import annotations

from pathlib import Path

import pytest

BESIDE = Path(__file__).resolve().parents[2] / "shared"
SHARED = BESIDE / "data"
IBSI_VALUES = BESIDE / "reference" / "ibsi1_digital_phantom_2d.csv"
FRACATLAS = SHARED / "fracatlas"
CHECKPOINTS = SHARED / "checkpoints"


def _needs(place: Path) -> pytest.MarkDecorator:
    said = place.relative_to(BESIDE.parent)
    return pytest.mark.skipif(not place.exists(), reason=f"../{said} is not beside this checkout")


def needs_fracatlas(test):  # type: ignore[no-untyped-def]
    """Mark a test that reads the FracAtlas films."""
    return pytest.mark.shared(_needs(FRACATLAS)(test))


def needs_checkpoints(test):  # type: ignore[no-untyped-def]
    """Mark a test that reads the real checkpoint files."""
    return pytest.mark.shared(_needs(CHECKPOINTS)(test))


def needs_ibsi_values(test):  # type: ignore[no-untyped-def]
    """Mark a test that reads the full table of IBSI's values."""
    return pytest.mark.shared(_needs(IBSI_VALUES)(test))
