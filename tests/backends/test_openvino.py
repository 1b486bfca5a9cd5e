"""OpenVINO is loaded without the package that reports its use over the network."""

from __future__ import annotations

import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from robustkit.backends import openvino
from robustkit.backends._base import Batch, fetch
from robustkit.models.open import open_model
from robustkit.models.options import ModelOptions

from small_world import write_network

CODE = """
import sys
from robustkit.backends._openvino import quiet_openvino
ov = quiet_openvino()
ov.convert_model
assert sys.modules["openvino_telemetry"] is None
assert not [m for m in sys.modules if m.startswith("openvino_telemetry.")]
"""


@pytest.mark.skipif(find_spec("openvino") is None, reason="OpenVINO is not installed")
def test_no_usage_is_reported() -> None:
    done = subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.skipif(find_spec("openvino") is None, reason="OpenVINO is not installed")
def test_an_odd_number_of_crops_in_an_even_batch(tmp_path: Path) -> None:
    model = open_model(write_network(tmp_path / "a.pt"), ModelOptions())
    forward = openvino.PLUGIN.prepare(model, Batch(4, 32, 32), device="cpu", precision="fp32")
    crops = np.random.default_rng(1).integers(0, 256, (4, 32, 32), dtype=np.uint8)
    whole = fetch([forward(crops)])
    for n in (1, 2, 3):
        np.testing.assert_array_equal(fetch([forward(crops[:n], n)]), whole[:n])
