"""doctor as a user calls it: exit codes, JSON, and an installation from which much is missing."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from robustkit.api import doctor as api
from robustkit.api.doctor import doctor
from robustkit.cli.main import app
from robustkit.errors import InputError
from robustkit.findings import Finding
from typer.testing import CliRunner

CODE = """
import sys
sys.modules.update(dict.fromkeys({blocked!r}))  # None: an import says that there is no such module
sys.argv = ["robustkit", "doctor", *{arguments!r}]
from robustkit.cli.main import run
run()
"""
OPTIONAL = ("dash", "dash_ag_grid", "waitress", "openvino", "numba", "onnx", "onnxruntime", "distributed", "captum")


def _ask(folder: Path, blocked: tuple[str, ...], *arguments: str) -> subprocess.CompletedProcess[str]:
    code = CODE.format(blocked=blocked, arguments=arguments)
    return subprocess.run([sys.executable, "-c", code], cwd=folder, capture_output=True, text=True, check=False)


def test_missing_extras_are_no_fault(tmp_path: Path) -> None:
    done = _ask(tmp_path, OPTIONAL, "--quick", "--json")
    assert done.returncode == 0, done.stderr + done.stdout
    found = json.loads(done.stdout)
    assert found["is_well"] is True
    fixes = {f["subject"]: f["fix"] for f in found["findings"] if f["status"] == "missing"}
    for extra in ("cpu", "onnx", "cluster", "dashboard", "heatmaps", "radiomics"):
        assert fixes[extra] == f"pip install 'robustkit[{extra}]'"


def test_what_every_installation_has_is_needed(tmp_path: Path) -> None:
    done = _ask(tmp_path, (*OPTIONAL, "pydicom", "plotly"), "--quick")
    assert done.returncode == 1, done.stderr
    assert "Traceback" not in done.stderr
    assert "BROKEN  pydicom" in done.stdout
    assert "mend: pip install 'plotly>=6.1'" in done.stdout
    assert "BROKEN  DICOM, JPEG 2000: cannot be read without pydicom" in done.stdout
    assert "ok      PNG, 16 bit" in done.stdout
    assert list(tmp_path.iterdir()) == []


def test_a_search_needs_neither_plotly_nor_pydicom(tmp_path: Path) -> None:
    (tmp_path / "table.csv").write_text("patient_name,value\nx,1\n")
    done = _ask(tmp_path, (*OPTIONAL, "pydicom", "plotly"), "--privacy", ".")
    assert done.returncode == 1, done.stderr
    assert "FOUND   table.csv: the column 'patient_name' sounds like an identifier" in done.stdout


@pytest.mark.slow
def test_the_whole_of_it_is_well_here(tmp_path: Path) -> None:
    done = _ask(tmp_path, ())
    assert done.returncode == 0, done.stderr + done.stdout
    assert "tables: AUC and flip rate equal a count pair by pair" in done.stdout
    assert "looking at self-test" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_search_in_json(tmp_path: Path) -> None:
    (tmp_path / "robustkit.key").write_text("0f" * 32)
    done = CliRunner().invoke(app, ["doctor", "--privacy", str(tmp_path), "--json"])
    assert done.exit_code == 1
    found = json.loads(done.stdout)
    assert [(f["check"], f["subject"]) for f in found["findings"]] == [("keys", "robustkit.key")]
    assert "burnt into films" in found["remarks"][0]


def test_an_empty_folder_may_be_shared(tmp_path: Path) -> None:
    done = CliRunner().invoke(app, ["doctor", "--privacy", str(tmp_path)])
    assert done.exit_code == 0
    assert done.stdout.endswith(f"{tmp_path}: well\n")
    assert "Text burnt into films is not looked for" in done.stdout


def test_no_such_folder_is_wrong_input(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such folder"):
        doctor(privacy=tmp_path / "nowhere")


def test_the_sum_counts_what_is_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    findings = [
        Finding("a", "x", "broken", "off", "turn it on"),
        Finding("a", "y", "missing", "not there", "get it"),
        Finding("b", "z", "broken", "off", "turn it on"),
    ]
    monkeypatch.setattr(api, "_looked", lambda **_: iter(findings))
    done = CliRunner().invoke(app, ["doctor"])
    assert done.exit_code == 1
    assert done.stdout.splitlines()[-1] == "this machine: 2 things broken, in a, b"
    monkeypatch.setattr(api, "_looked", lambda **_: iter(findings[1:2]))
    done = CliRunner().invoke(app, ["doctor"])
    assert done.exit_code == 0
    assert done.stdout.splitlines()[-1] == "this machine: well (optional and missing: 1)"
