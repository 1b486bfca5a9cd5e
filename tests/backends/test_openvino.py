"""OpenVINO is loaded without the package that reports its use over the network."""

from __future__ import annotations

import subprocess
import sys
from importlib.util import find_spec

import pytest

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
