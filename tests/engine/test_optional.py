"""perturb runs where only torch, timm, pandas, pyarrow, Pillow, typer and safetensors are installed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from robustkit.results.folder import RunFolder

from small_world import write_films, write_network

BLOCKED = (
    "pydicom",
    "plotly",
    "dash",
    "openvino",
    "onnx",
    "onnxruntime",
    "sklearn",
    "statsmodels",
    "scipy",
    "openpyxl",
    "defusedxml",
)

CODE = """
import sys
sys.modules.update(dict.fromkeys({blocked!r}))  # None: an import says that there is no such module
sys.argv = ["robustkit", "perturb", "--model", "net.pt", "--manifest", "cases.csv", "--shifts", "0.1", "--repeats", "2", "--out", "run"]
from robustkit.cli.main import run
run()
"""


def test_perturb_needs_nothing_but_the_core(tmp_path: Path) -> None:
    write_films(tmp_path, n=4)
    write_network(tmp_path / "net.pt")
    done = subprocess.run(
        [sys.executable, "-c", CODE.format(blocked=set(BLOCKED))],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert RunFolder(tmp_path / "run").record()["status"] == "complete"
