"""Brier score, the binary convention."""

from __future__ import annotations

import numpy as np
import pytest
from robustkit.metrics.brier import PLUGIN


def test_published_value() -> None:
    # (0.2^2 + 0.6^2) / 2 = 0.2; the convention of two classes would give 0.4
    assert PLUGIN.value(np.array([True, False]), np.array([0.8, 0.6]), threshold=0.5) == pytest.approx(0.2)
