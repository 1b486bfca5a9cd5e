"""The dashboard in a real browser: pages, filters, menus, theme, phone width; no error, no other host."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pandas as pd
import pytest
from robustkit.figures._words import with_interval
from robustkit.results.folder import RunFolder

from made_dashboard import answering, made_run
from made_tables import HOSTILE
from watched import watch

PAGES = ("", "stability", "strata", "errors", "threshold", "cases", "lesion", "report")


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> list[RunFolder]:
    path = tmp_path_factory.mktemp("runs")
    return [made_run(path / "one", models=("a", "b")), made_run(path / "two", seed=5, rename={"osteosarcoma": HOSTILE})]


@pytest.fixture(scope="module")
def address(runs: list[RunFolder]) -> Iterator[str]:
    with answering(runs) as found:
        yield found


@pytest.fixture
def opened(browser: Any, address: str) -> Iterator[Any]:
    """Give a page on the dashboard; at the end nothing may have been said on the console or asked of another host."""
    context = browser.new_context(viewport={"width": 1280, "height": 900}, color_scheme="light")
    page = context.new_page()
    said = watch(page, address)
    page.goto(address)
    page.wait_for_selector("#page h1")
    yield page
    assert said == []
    context.close()


def _choose(page: Any, menu: str, value: str) -> None:
    page.click(f"#{menu}")
    page.locator(".dash-options-list-option").get_by_text(value, exact=True).click()
    page.keyboard.press("Escape")


def test_the_summary_has_the_numbers_of_the_tables(opened: Any, runs: list[RunFolder]) -> None:
    shown = opened.locator("#page table").first.inner_text()
    strata = runs[0].table("strata")
    keep = (strata["by"] == "all") & (strata["metric"] == "auc") & (strata["perturbation"] == "nominal")
    for r in strata[keep].to_dict("records"):
        value, _, interval = with_interval(r["value"], r["low"], r["high"], is_share=False).partition(" (")
        assert value in shown
        assert interval.rstrip(")") in shown


def test_the_first_screen_says_that_films_of_patients_are_shown(opened: Any) -> None:
    assert "show films of patients" in opened.inner_text("#page [role=note]")


def test_filters_choose_run_model_and_cohort(opened: Any) -> None:
    rows = opened.locator("#page table").first.locator("tbody tr")
    assert rows.count() == 9
    _choose(opened, "filter-cohorts", "external")
    opened.wait_for_function("document.querySelectorAll('#page table tbody tr').length === 3")
    assert set(rows.locator("td:nth-child(2)").all_inner_texts()) == {"external"}
    _choose(opened, "filter-models", "b (one)")
    opened.wait_for_function("document.querySelectorAll('#page table tbody tr').length === 1")
    assert rows.first.locator("td").first.inner_text() == "b (one)"


def test_a_menu_changes_the_drawing_to_the_rows_of_the_table(opened: Any, runs: list[RunFolder]) -> None:
    opened.click("nav a[href='/stability']")
    opened.wait_for_selector("#figure-stability_curves .gtitle")
    block = opened.locator("#figure-stability_curves")
    assert "AUC when every box is redrawn" in block.locator(".gtitle").text_content()
    opened.locator("#figure-stability_curves .menu button, #figure-stability_curves .menu .dash-dropdown").first.click()
    opened.get_by_role("option", name="Decisions that change", exact=True).click()
    opened.wait_for_function(
        "document.querySelector('#figure-stability_curves .gtitle').textContent.startsWith('Decisions')"
    )
    opened.locator("#figure-stability_curves summary").click()
    numbers = block.locator("table").inner_text()
    curves: pd.DataFrame = runs[1].table("curves")
    keep = (
        (curves["by"] == "all") & (curves["metric"] == "flip_rate") & (curves["cohort"] == "all") & (curves["x"] == 0.2)
    )
    r = curves[keep].iloc[0]
    assert with_interval(r["value"], r["low"], r["high"], is_share=True) in numbers


def test_the_slider_has_the_counts_of_the_chosen_runs(opened: Any, runs: list[RunFolder]) -> None:
    opened.click("nav a[href='/threshold']")
    opened.wait_for_selector("#operating-point-slider")
    opened.select_option("#operating-point-model", "a (two)")
    swept = runs[1].table("sweep").query("by == 'all' and cohort == 'all'").sort_values("threshold").reset_index()
    at = len(swept) // 3
    opened.evaluate(
        f"(s => {{ s.value = {at}; s.dispatchEvent(new Event('input')); }})(document.getElementById('operating-point-slider'))"
    )
    r = swept.loc[at]
    assert f"{r['n_positive_called']} of {r['n_positive']} found" in opened.inner_text("[data-value=sensitivity]")
    assert opened.inner_text("[data-value=flips]").startswith(f"{r['flip_rate']:.1%}")
    _choose(opened, "filter-models", "b (one)")
    opened.wait_for_function("document.querySelectorAll('#operating-point-model option').length === 1")
    assert opened.input_value("#operating-point-model") == "b (one)"


def test_hostile_names_are_shown_as_text(opened: Any) -> None:
    opened.click("nav a[href='/strata']")
    opened.wait_for_selector("#figure-strata_forest .gtitle")
    assert HOSTILE in opened.locator("#figure-strata_forest").text_content()


def test_light_and_dark_change_page_and_figure(opened: Any) -> None:
    opened.click("nav a[href='/stability']")
    opened.wait_for_selector("#figure-stability_curves .gtitle")
    colour = "getComputedStyle(document.querySelector('#figure-stability_curves .gtitle')).fill"
    before = opened.evaluate(colour), opened.evaluate("getComputedStyle(document.body).backgroundColor")
    opened.click("#theme-button")
    opened.wait_for_function(f"{colour} !== '{before[0]}'")
    assert opened.evaluate("getComputedStyle(document.body).backgroundColor") != before[1]


def test_ready_filters_of_cases(opened: Any) -> None:
    opened.click("nav a[href='/cases']")
    opened.wait_for_selector(".ag-row")
    opened.click("text=missed, furthest below the threshold first")
    opened.wait_for_selector("a.chosen >> text=missed")
    decisions = opened.locator(".ag-cell[col-id='decision']").all_inner_texts()
    assert set(decisions) == {"missed"}


def test_the_report_stands_inside(opened: Any) -> None:
    opened.click("nav a[href='/report']")
    frame = opened.frame_locator("iframe.report")
    assert "judged on" in frame.locator(".lede").inner_text()
    with opened.expect_download() as waiting:
        frame.locator('button[data-table="errors"]').click()
    assert waiting.value.suggested_filename == "errors.csv"
    opened.click("p.runs a >> text=two")
    opened.wait_for_selector("iframe[title='Report of two']")


def test_no_sideways_scrolling_on_a_phone(opened: Any, address: str) -> None:
    opened.set_viewport_size({"width": 390, "height": 844})
    for path in PAGES:
        opened.goto(address + path)
        opened.wait_for_selector("#page h1, #page iframe")
        opened.wait_for_timeout(300)
        assert opened.evaluate("document.documentElement.scrollWidth") == 390, path


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_no_serious_issue(browser: Any, address: str, theme: str) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe is not installed").Axe()
    # axe brings its own script, which the policy of the page would refuse
    context = browser.new_context(color_scheme=theme, bypass_csp=True)
    page = context.new_page()
    for path in PAGES:
        page.goto(address + path)
        page.wait_for_selector("#page h1")
        page.wait_for_timeout(800)
        found = axe.run(page).response["violations"]
        assert [(v["id"], v["nodes"][0]["html"]) for v in found if v["impact"] in ("serious", "critical")] == []
    context.close()
