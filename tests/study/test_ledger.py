"""What is done stays done only while it was made from the same and lies there as it was left."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from robustkit.errors import InputError
from robustkit.study.ledger import Ledger

ABOUT = {"title": "A study"}


def _written(tmp_path: Path) -> Path:
    made = tmp_path / "models" / "a.json"
    made.parent.mkdir()
    made.write_text("weights")
    Ledger(tmp_path, ABOUT).write("fit a", {"seed": 1}, [made], said={"val_auc": 0.8}, seconds=2.0)
    return made


def test_a_step_is_found_by_a_later_call(tmp_path: Path) -> None:
    _written(tmp_path)
    found = Ledger(tmp_path, ABOUT).done("fit a", {"seed": 1})
    assert found is not None
    assert (found.said, found.seconds) == ({"val_auc": 0.8}, 2.0)
    assert list(found.files) == ["models/a.json"]
    assert json.loads((tmp_path / "study.json").read_text())["title"] == "A study"


def test_other_inputs_a_changed_or_a_lost_file_undo_it(tmp_path: Path) -> None:
    made = _written(tmp_path)
    assert Ledger(tmp_path, ABOUT).done("fit a", {"seed": 2}) is None
    assert Ledger(tmp_path, ABOUT).done("fit b", {"seed": 1}) is None
    made.write_text("other")
    assert Ledger(tmp_path, ABOUT).done("fit a", {"seed": 1}) is None
    made.unlink()
    assert Ledger(tmp_path, ABOUT).done("fit a", {"seed": 1}) is None


def test_steps_stand_in_the_order_in_which_they_were_finished(tmp_path: Path) -> None:
    _written(tmp_path)
    ledger = Ledger(tmp_path, ABOUT)
    ledger.write("fit b", {}, [], said={}, seconds=1.0)
    ledger.write("fit a", {"seed": 2}, [], said={}, seconds=1.0)
    assert list(Ledger(tmp_path, ABOUT).steps) == ["fit b", "fit a"]


@pytest.mark.parametrize(
    ("content", "said"),
    [("{", "cannot be read"), ("[]", "cannot be read"), ('{"format": 9, "steps": {}}', "expected format 1, got 9")],
)
def test_a_damaged_or_newer_ledger_is_refused(content: str, said: str, tmp_path: Path) -> None:
    (tmp_path / "study.json").write_text(content)
    with pytest.raises(InputError, match=said):
        Ledger(tmp_path, ABOUT)
