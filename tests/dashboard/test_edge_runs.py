"""Runs at the edge, as a page and in the dashboard: each says what it can, and no script stumbles."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from robustkit.api.report import report
from robustkit.api.stratify import stratify
from robustkit.results.folder import RunFolder

from factories import Answers, cohort, redrawn, scores_of, write_run
from made_dashboard import answering
from watched import watch

FACTS = ["subtype", "site", "sex", "age_years", "view", "centre"]
SHIFT = ("shift", 0.1)


def _edge(name: str, path: Path) -> RunFolder:
    cases = cohort(18, 0 if name == "one cohort" else 12)
    cases = cases.iloc[:1] if name == "one case" else cases.drop(columns=FACTS) if name == "no facts" else cases
    if name == "benign alone":
        cases = cases.assign(label="benign")
    nominal = scores_of(cases)
    if name == "all failed":
        nominal = np.full(len(cases), np.nan)
    if name == "equal scores":
        nominal = np.full(len(cases), 0.5)
    moved = (
        np.repeat(nominal[:, None], 4, axis=1)
        if name in ("all failed", "equal scores")
        else redrawn(cases, nominal, repeats=4)
    )
    levels = {} if name == "no perturbation" else {SHIFT: moved}
    folder = write_run(path / "run", cases, {"a": Answers(nominal, levels)}, repeats=4)
    stratify(run=folder.path, draws=100)
    return folder


EDGES = ("one case", "no facts", "one cohort", "benign alone", "all failed", "equal scores", "no perturbation")


def _watched(browser: Any) -> tuple[Any, list[str]]:
    page = browser.new_page()
    return page, watch(page, "http://127.0.0.1")


@pytest.mark.parametrize("edge", EDGES)
def test_page(browser: Any, tmp_path: Path, edge: str) -> None:
    folder = _edge(edge, tmp_path)
    result = report(runs=[folder.path])
    page, said = _watched(browser)
    page.goto(result.path.as_uri())
    page.wait_for_selector("html[data-ready]")
    page.evaluate("robustkit.drawAll()")
    assert "judged on" in page.inner_text(".lede")
    place = page.locator("#case-table")
    if place.count():
        place.scroll_into_view_if_needed()
        page.wait_for_selector("#case-table[data-ready]")
        n = page.locator("#case-rows tbody tr:not(.space)").count()
        assert n == min(n, folder.table("stability")["case_id"].nunique())
        for button in page.locator("[data-preset]").all():
            button.click()
        page.click("[data-preset='']")
        page.locator("#case-rows tbody button").first.click()
        assert page.locator("#case-panel article").count() == 1
    slider = page.locator("#operating-point")
    if slider.count():
        slider.scroll_into_view_if_needed()
        page.wait_for_selector("#operating-point-slider")
        page.focus("#operating-point-slider")
        for key in ("Home", "End", "ArrowLeft"):
            page.keyboard.press(key)
            assert "NaN" not in page.inner_text("#operating-point")
    assert said == []
    page.close()


@pytest.mark.parametrize("edge", ["one case", "no facts", "all failed", "equal scores", "no perturbation"])
def test_dashboard(browser: Any, tmp_path: Path, edge: str) -> None:
    with answering([_edge(edge, tmp_path)]) as address:
        page, said = _watched(browser)
        page.goto(address)
        page.wait_for_selector("#page h1")
        links = page.locator("nav a").evaluate_all("(all) => all.map((a) => a.getAttribute('href'))")
        assert {"/", "/cases", "/lesion", "/report"} <= set(links)
        for link in links:
            page.goto(address + link.lstrip("/"))
            page.wait_for_selector("#page h1, #page iframe")
            page.wait_for_timeout(300)
        assert said == []
        page.close()


def test_an_edge_is_what_it_is_called(tmp_path: Path) -> None:
    rows = _edge("equal scores", tmp_path).predictions()
    assert rows["score"].nunique() == 1
    assert pd.isna(_edge("all failed", tmp_path / "b").predictions()["score"]).all()
