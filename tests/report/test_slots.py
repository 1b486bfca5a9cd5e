"""Sections that a table of the run fills: absent without it, from any program's folder."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
from robustkit.api.report import report
from robustkit.report.page import build_page

from factories import Answers, cohort, scores_of, write_run
from made_tables import HOSTILE, all_tables
from made_view import Page, view

READERS = pd.DataFrame(
    {
        "analysis": ["per reader", "per reader"], "reader_id": ["r1", HOSTILE], "by": ["all", "all"], "stratum": ["all", "all"],
        "cohort": ["internal", "external"], "metric": ["auc", "auc"], "arm_a": ["aided"] * 2, "arm_b": ["unaided"] * 2,
        "value_a": [0.91, float("nan")], "value_b": [0.85, 0.8], "diff": [0.06, float("nan")], "low": [0.01, float("nan")],
        "high": [0.11, float("nan")], "statistic": [2.4, float("nan")], "df": [float("nan")] * 2, "p": [0.016, float("nan")],
        "method": ["DeLong"] * 2, "reason": ["", "fewer than 10 positives"],
    }
)  # fmt: skip


@pytest.mark.parametrize("anchor", ["heatmaps", "readers", "baselines"])
def test_absent_without_a_table(anchor: str) -> None:
    tables = {k: t for k, t in all_tables().items() if not k.startswith(("heatmap_", "readers", "baselines"))}
    assert anchor not in Page(build_page(view(tables))).ids()


def test_a_folder_written_by_hand_fills_its_slot(tmp_path: Path) -> None:
    cases = cohort(18, 12)
    folder = write_run(tmp_path / "run", cases, {"a": Answers(scores_of(cases))}, repeats=4)
    report(runs=[folder.path], output=tmp_path / "before.html")
    READERS.to_csv(folder.path / "tables" / "readers.csv", index=False)
    report(runs=[folder.path], output=tmp_path / "after.html")
    before, after = (Page((tmp_path / f).read_text(encoding="utf-8")) for f in ("before.html", "after.html"))
    assert "readers" not in before.ids()
    assert "data-table-readers" in after.ids()
    said = after.texts["readers"]
    for part in ("r1", "internal", "AUC", "+0.060 (+0.010 to +0.110)", "0.016", "fewer than 10 positives", HOSTILE):
        assert part in said
    assert "nan" not in said


def test_a_long_table_says_where_the_rest_is() -> None:
    long = pd.concat([READERS] * 101, ignore_index=True)
    page = Page(build_page(view({**all_tables(), "readers": long})))
    assert "2 further rows are in the table readers.csv below." in page.texts["readers"]


def test_columns_of_other_programs_are_shown_as_they_are() -> None:
    page = Page(build_page(view({**all_tables(), "baselines": pd.DataFrame({"what": ["texture"], "n": [7]})})))
    assert "texture" in page.texts["baselines"]
