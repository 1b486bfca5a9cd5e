"""report on run folders of all kinds: each gives a page that says what it can."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from robustkit.api.report import report
from robustkit.api.stratify import stratify
from robustkit.errors import InputError, RunError
from robustkit.results.folder import RunFolder

from factories import Answers, cohort, redrawn, scores_of, write_run
from made_view import Page

SHIFT = ("shift", 0.1)


def _folder(path: Path, *, n: int | None = None, lost: bool = False, without: tuple[str, ...] = ()) -> RunFolder:
    cases = cohort(18, 12).iloc[:n].drop(columns=list(without))
    nominal = np.full(len(cases), np.nan) if lost else scores_of(cases)
    moved = np.full((len(cases), 4), np.nan) if lost else redrawn(cases, nominal, repeats=4)
    folder = write_run(path / "run", cases, {"a": Answers(nominal, {SHIFT: moved})}, repeats=4)
    stratify(run=folder.path, draws=100)
    return folder


def test_usual_run(tmp_path: Path) -> None:
    folder = _folder(tmp_path)
    result = report(runs=[folder.path], output=tmp_path / "page.html", least_stable=2)
    page = Page(result.path.read_text(encoding="utf-8"))
    assert result.size_bytes == result.path.stat().st_size < 12_000_000
    strata = folder.table("strata")
    keep = (strata["by"] == "all") & (strata["metric"] == "flip_rate") & (strata["cohort"] == "internal")
    value = strata[keep]["value"].item()
    assert f"{value * 100:.1f}%" in page.texts["first"]
    assert sum(tag == "article" and a.get("class") == "case" for tag, a in page.elements) == 2
    assert "No picture" in page.texts["cases"]


def test_missing_tables_are_made_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cases = cohort(4, 0)
    folder = write_run(tmp_path / "runs" / "r", cases, {"a": Answers(scores_of(cases))})
    monkeypatch.chdir(tmp_path)
    result = report()
    assert result.path == Path("runs/r/report.html") or result.path == folder.path / "report.html"
    assert (folder.path / "tables" / "strata.csv").is_file()
    assert "No box was redrawn in this run." in Page(result.path.read_text(encoding="utf-8")).texts["first"]


@pytest.mark.parametrize(("n", "without"), [(1, ()), (None, ("subtype", "site", "sex", "age_years", "view", "centre"))])
def test_one_case_and_no_facts(tmp_path: Path, n: int | None, without: tuple[str, ...]) -> None:
    result = report(runs=[_folder(tmp_path, n=n, without=without).path])
    assert "Can this classifier be trusted?" in Page(result.path.read_text(encoding="utf-8")).texts["first"]


def test_all_failed(tmp_path: Path) -> None:
    folder = _folder(tmp_path, lost=True)
    record = folder.record()
    folder.write_record({**record, "counts": {"ok": 0, "failed": 9}})
    result = report(runs=[folder.path])
    page = Page(result.path.read_text(encoding="utf-8"))
    assert "9 cases failed and are in no estimate: see who was counted." in result.warnings
    assert "the film is missing" in page.texts["counted"]
    assert "not estimable" in page.texts["first"]


def test_films_can_be_left_out(tmp_path: Path) -> None:
    result = report(runs=[_folder(tmp_path).path], no_images=True)
    page = Page(result.path.read_text(encoding="utf-8"))
    assert "Films are left out." in page.texts["cases"]
    assert not any(tag == "img" for tag, _ in page.elements)


def test_wrong_input(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="a page shows one run, got 2"):
        report(runs=[tmp_path, tmp_path])
    with pytest.raises(InputError, match="expected 0 or more cases, got -1"):
        report(runs=[tmp_path], least_stable=-1)
    with pytest.raises(RunError, match="not a run folder"):
        report(runs=[tmp_path])
