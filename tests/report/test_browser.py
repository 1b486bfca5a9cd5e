"""The page in a real browser: no error, no request, menus, theme, phone width, downloads."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from robustkit.api.report import report
from robustkit.api.stratify import stratify
from robustkit.images.thumbnail import encoded
from robustkit.report.page import build_page
from robustkit.results.thumbnails import FOLDER, write_thumbnails

from factories import Answers, cohort, redrawn, scores_of, write_run
from made_tables import HOSTILE, all_tables
from made_view import record, view
from watched import watch


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("page") / "report.html"
    groups = {"subtype": (HOSTILE, "osteosarcoma", "tiny"), "size": ("<20 mm", ">=20 mm")}
    run = record(("a", HOSTILE))
    file.write_text(build_page(view(all_tables(("a", HOSTILE), groups=groups), run)), encoding="utf-8")
    return file


@pytest.fixture
def opened(browser: Any, path: Path) -> Iterator[Any]:
    """Give an opened page; at the end nothing may have been said on the console or asked of a network."""
    context = browser.new_context(viewport={"width": 1280, "height": 800}, color_scheme="light")
    page = context.new_page()
    said = watch(page)
    page.goto(path.as_uri())
    page.wait_for_selector("html[data-ready]")
    page.evaluate("robustkit.drawAll()")
    yield page
    assert said == []
    context.close()


def test_figures_are_drawn(opened: Any) -> None:
    assert opened.locator(".canvas .main-svg").count() >= 4
    assert "AUC when every box is redrawn" in opened.locator("#canvas-stability_curves").inner_text()


def test_a_menu_changes_the_numbers_to_those_of_the_table(opened: Any) -> None:
    numbers = opened.locator('[data-numbers="stability_curves"]')
    before = numbers.text_content()
    opened.locator('select[data-figure="stability_curves"][data-menu="1"]').select_option("external")
    after = numbers.text_content()
    assert before != after
    curves = all_tables(
        ("a", HOSTILE), groups={"subtype": (HOSTILE, "osteosarcoma", "tiny"), "size": ("<20 mm", ">=20 mm")}
    )["curves"]
    keep = (curves["by"] == "all") & (curves["cohort"] == "external") & (curves["metric"] == "auc")
    for value, low, high in curves[keep][["value", "low", "high"]].to_numpy():
        assert f"{value:.3f} ({low:.3f} to {high:.3f})" in after


def test_theme_changes_page_and_figures(opened: Any) -> None:
    colour = "getComputedStyle(document.querySelector('#canvas-stability_curves .gtitle')).fill"
    before = opened.evaluate(colour), opened.evaluate("getComputedStyle(document.body).backgroundColor")
    opened.click("#theme")
    after = opened.evaluate(colour), opened.evaluate("getComputedStyle(document.body).backgroundColor")
    assert before[0] != after[0]
    assert before[1] != after[1]
    assert opened.inner_text("#theme") == "Light"


def test_no_sideways_scrolling_on_a_phone(opened: Any) -> None:
    opened.set_viewport_size({"width": 390, "height": 844})
    opened.wait_for_timeout(400)
    assert opened.evaluate("document.documentElement.scrollWidth") == 390
    widths = opened.evaluate(
        "[...document.querySelectorAll('.canvas .main-svg')].map((s) => s.getBoundingClientRect().width)"
    )
    assert max(widths) <= 390


def test_a_table_comes_down_whole_and_harmless(opened: Any) -> None:
    with opened.expect_download() as waiting:
        opened.click('button[data-table="errors"]')
    rows = list(csv.reader(io.StringIO(Path(waiting.value.path()).read_text(encoding="utf-8-sig"))))
    groups = {"subtype": (HOSTILE, "osteosarcoma", "tiny"), "size": ("<20 mm", ">=20 mm")}
    assert len(rows) == 1 + len(all_tables(("a", HOSTILE), groups=groups)["errors"])
    assert waiting.value.suggested_filename == "errors.csv"


def test_a_figure_comes_down_with_its_words(opened: Any) -> None:
    with opened.expect_download() as waiting:
        opened.click('button[data-export="svg"][data-figure="strata_forest"]')
    svg = Path(waiting.value.path()).read_text(encoding="utf-8")
    assert "Research use; not for diagnosis or for the care of a patient" in svg
    assert "Sensitivity by subtype" in svg


def test_dark_is_taken_from_the_system(browser: Any, path: Path) -> None:
    context = browser.new_context(color_scheme="dark")
    page = context.new_page()
    page.goto(path.as_uri())
    page.wait_for_selector("html[data-ready]")
    assert page.get_attribute("html", "data-theme") == "dark"
    context.close()


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_no_serious_issue(browser: Any, path: Path, theme: str) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe is not installed").Axe()
    # axe brings its own script, which the policy of the page would refuse
    context = browser.new_context(color_scheme=theme, bypass_csp=True)
    page = context.new_page()
    page.goto(path.as_uri())
    page.wait_for_selector("html[data-ready]")
    page.evaluate("robustkit.drawAll()")
    found = axe.run(page).response["violations"]
    assert [(v["id"], v["nodes"][0]["html"]) for v in found if v["impact"] in ("serious", "critical")] == []
    context.close()


GROUPS = {"subtype": (HOSTILE, "osteosarcoma", "tiny"), "size": ("<20 mm", ">=20 mm")}


NAMES = (HOSTILE, "=1+1", "שלום رشد", "a \"quote\", and 'one'", "a very long name " * 9)


def _tile(page: Any, name: str) -> str:
    return str(page.inner_text(f"#operating-point [data-value={name}]"))


def _slide(page: Any, to: int) -> None:
    page.evaluate(
        "(to) => { const s = document.getElementById('operating-point-slider'); s.value = to; s.dispatchEvent(new Event('input')); }",
        to,
    )


def test_the_slider_gives_the_counts_of_the_table_at_every_threshold(opened: Any) -> None:
    opened.locator("#operating-point").scroll_into_view_if_needed()
    opened.wait_for_selector("#operating-point-slider")
    opened.select_option("#operating-point-model", HOSTILE)
    opened.select_option("#operating-point-cohort", "external")
    swept = all_tables(("a", HOSTILE), groups=GROUPS)["sweep"].query("model == @HOSTILE and cohort == 'external'")
    for i, cut in enumerate(sorted(swept["threshold"].unique())):
        _slide(opened, i)
        r = swept[(swept["by"] == "all") & (swept["threshold"] == cut)].iloc[0]
        found, kept = r["n_positive_called"] / r["n_positive"], 1 - r["n_negative_called"] / r["n_negative"]
        assert opened.inner_text("#operating-point output") == f"{cut:.3f}"
        assert f"{r['n_positive_called']} of {r['n_positive']} found" in _tile(opened, "sensitivity")
        # at the carried threshold the tile is that of strata.csv, with its interval
        if cut != 0.5:
            assert _tile(opened, "sensitivity").startswith(f"{found:.1%}")
            assert _tile(opened, "specificity").startswith(f"{kept:.1%}")
            assert _tile(opened, "flips").startswith(f"{r['flip_rate']:.1%}")
            assert " to " not in opened.inner_text("#operating-point .tiles")
        own = swept[(swept["by"] == "subtype") & (swept["threshold"] == cut)]
        rows = opened.locator("#operating-point-strata tbody tr").all_inner_texts()
        for row, s in zip(rows, own.to_dict("records"), strict=True):
            assert row.startswith(s["stratum"])
            assert f"{s['n_positive'] - s['n_positive_called']} of {s['n_positive']}" in row
            assert f"{s['n_negative_called']} of {s['n_negative']}" in row


def test_intervals_stand_at_the_carried_threshold_alone(opened: Any) -> None:
    opened.locator("#operating-point").scroll_into_view_if_needed()
    opened.wait_for_selector("#operating-point-slider")
    state = "#operating-point .state"
    strata = all_tables(("a", HOSTILE), groups=GROUPS)["strata"]
    own = strata.query(
        "by == 'all' and model == 'a' and cohort == 'all' and metric == 'sensitivity' and level == 0"
    ).iloc[0]
    assert opened.inner_text(state).startswith("The carried threshold")
    assert _tile(opened, "sensitivity").split("\n")[0] == f"{own['value']:.1%}"
    assert f"({own['low']:.1%} to {own['high']:.1%})" in _tile(opened, "sensitivity")
    opened.click("#operating-point [data-at='1']")
    assert opened.inner_text(state).startswith("Fixed on development cases")
    assert " to " not in opened.inner_text("#operating-point .tiles")
    opened.focus("#operating-point-slider")
    opened.keyboard.press("ArrowLeft")
    assert opened.inner_text(state) == "Exploratory: chosen on the test cases; no intervals."
    opened.click("#operating-point [data-at='2']")
    assert opened.inner_text(state).startswith("The carried threshold")


def test_the_variable_of_the_errors_is_chosen(opened: Any) -> None:
    opened.locator("#operating-point").scroll_into_view_if_needed()
    opened.wait_for_selector("#operating-point-slider")
    rows = opened.locator("#operating-point-strata tbody tr td:first-child")
    assert rows.all_inner_texts() == list(GROUPS["subtype"])
    opened.select_option("#operating-point-by", "size")
    assert rows.all_inner_texts() == list(GROUPS["size"])


def test_ppv_follows_the_share_of_positives(opened: Any) -> None:
    opened.locator("#operating-point").scroll_into_view_if_needed()
    opened.wait_for_selector("#operating-point-slider")
    _slide(opened, 1)
    # 8 of 10 positives and 16 of 20 negatives are called: sensitivity .8, specificity .2
    for percent, value in ((50, 0.8 * 0.5 / (0.8 * 0.5 + 0.8 * 0.5)), (10, 0.8 * 0.1 / (0.8 * 0.1 + 0.8 * 0.9))):
        opened.fill("#operating-point-prevalence", str(percent))
        assert _tile(opened, "ppv").startswith(f"{value:.1%}")


@pytest.fixture(scope="module")
def run_page(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Any]:
    """Give the page of a run of two models and 60 cases, with a picture of each, and the run's folder."""
    path = tmp_path_factory.mktemp("run")
    cases = cohort(40, 20)
    names = list(dict.fromkeys(cases["subtype"]))
    cases["subtype"] = cases["subtype"].replace(dict(zip(names, NAMES, strict=False)))
    answers = {}
    for k, name in enumerate(("a", "b")):
        nominal = scores_of(cases, seed=k)
        answers[name] = Answers(nominal, {("shift", 0.1): redrawn(cases, nominal, repeats=8, seed=k)})
    folder = write_run(path / "run", cases, answers, repeats=8)
    stratify(run=folder.path, draws=100)
    grey = encoded(Image.new("L", (64, 64), 90), quality=50)
    rows = [(c, 0, 0, 1000, 64, grey) for c in cases["case_id"]]
    write_thumbnails(folder.path / FOLDER / "part.parquet", rows)
    report(runs=[folder.path], output=path / "report.html", least_stable=1)
    return path / "report.html", folder


@pytest.fixture
def listed(browser: Any, run_page: tuple[Path, Any]) -> Iterator[Any]:
    """Give the page with its table of cases in sight."""
    context = browser.new_context(viewport={"width": 1280, "height": 800}, color_scheme="light")
    page = context.new_page()
    said = watch(page)
    page.goto(run_page[0].as_uri())
    page.locator("#case-table").scroll_into_view_if_needed()
    page.wait_for_selector("#case-table[data-ready]")
    yield page
    assert said == []
    context.close()


def _rows(page: Any) -> list[list[str]]:
    found = page.locator("#case-rows tbody tr:not(.space)").all()
    return [r.locator("td").all_inner_texts() for r in found]


def test_a_case_has_the_numbers_of_the_table(listed: Any, run_page: tuple[Path, Any]) -> None:
    stability = run_page[1].table("stability").query("model == 'a'").set_index("case_id")
    rows = _rows(listed)
    assert len(rows) > 10
    for row in rows:
        own = stability.loc[row[0]]
        assert f"{own['nominal']:.3f}" in row
        assert f"{100 * own['flip_rate']:.1f}%" in row
        assert row[-1] == f"{own['sd']:.3f}"
    listed.select_option("#case-model", "1")
    other = run_page[1].table("stability").query("model == 'b'").set_index("case_id")
    first = _rows(listed)[0]
    assert first[-1] == f"{other.loc[first[0], 'sd']:.3f}"


def test_only_rows_in_sight_are_drawn_and_scrolling_brings_the_others(listed: Any) -> None:
    n = int(listed.get_attribute("#case-rows", "aria-rowcount")) - 1
    first = [r[0] for r in _rows(listed)]
    assert len(first) < n
    listed.evaluate("(s => { s.scrollTop = s.scrollHeight; })(document.querySelector('.case-scroll'))")
    listed.locator(f"#case-rows tbody tr:last-child[aria-rowindex='{n + 1}']").wait_for()
    assert {r[0] for r in _rows(listed)} - set(first)


def test_sorting_goes_both_ways(listed: Any) -> None:
    spread = listed.locator("th[data-key=sd]")
    spread.locator("button").click()
    down = [float(r[-1]) for r in _rows(listed)]
    assert down == sorted(down, reverse=True)
    assert spread.get_attribute("aria-sort") == "descending"
    spread.locator("button").click()
    up = [float(r[-1]) for r in _rows(listed)]
    assert up == sorted(up)
    assert up != down


def test_ready_filters_and_words(listed: Any, run_page: tuple[Path, Any]) -> None:
    folder = run_page[1]
    stability, cases = folder.table("stability"), folder.cases().set_index("case_id")
    cut = folder.table("thresholds").set_index("model")["value"]
    own = stability[stability["model"] == "a"].set_index("case_id")
    positive = cases.loc[own.index, "label"] == "non-benign"
    missed = own[positive & (own["nominal"] < cut["a"]) & (own["flip_rate"] == 0)].sort_values("nominal")
    listed.click("[data-preset=missed]")
    assert [r[0] for r in _rows(listed)] == missed.index.tolist()
    listed.click("[data-preset=unstable]")
    changed = [float(r[-2].rstrip("%")) for r in _rows(listed)]
    assert changed == sorted(changed, reverse=True)
    listed.click("[data-preset=split]")
    other = stability[stability["model"] == "b"].set_index("case_id").loc[own.index]
    split = own.index[(own["nominal"] >= cut["a"]) != (other["nominal"] >= cut["b"])]
    assert listed.inner_text("#case-count") == f"{len(split)} of {len(own)} cases"
    listed.click("[data-preset='']")
    listed.fill("#case-filter", "external femur")
    wanted = cases.loc[own.index]
    n = int((wanted["cohort"].eq("external") & wanted["site"].eq("femur")).sum())
    assert listed.inner_text("#case-count") == f"{n} of {len(own)} cases"


def test_a_row_opens_its_case_by_keyboard(listed: Any, run_page: tuple[Path, Any]) -> None:
    told = "document.addEventListener('robustkit:case', (e) => { document.body.dataset.told = e.detail.case; })"
    listed.evaluate(told)
    button = listed.locator("#case-rows tbody button").nth(2)
    case = button.inner_text()
    button.focus()
    listed.keyboard.press("Enter")
    panel = listed.locator("#case-panel article")
    assert panel.get_attribute("aria-label") == case
    assert panel.locator("img").evaluate("(i) => i.complete && i.naturalWidth") == 64
    assert panel.locator(".film path.same").count() == 1
    assert panel.locator(".strip").count() == 2
    own = run_page[1].table("stability").query("case_id == @case and model == 'b'").iloc[0]
    assert f"Score {own['nominal']:.3f}" in panel.inner_text()
    assert panel.locator(f"[data-slot=heatmap][data-of='{case}']").count() == 1
    assert listed.get_attribute("body", "data-told") == case
    panel.locator("button").click()
    assert panel.count() == 0


def test_hostile_facts_are_text_in_the_table(listed: Any) -> None:
    for word, name in zip(("script", "=1+1", "شد", "quote", "very"), NAMES, strict=True):
        listed.fill("#case-filter", word)
        assert name.strip() in listed.inner_text("#case-rows")
        listed.locator("#case-rows tbody button").first.click()
        assert name.strip() in listed.inner_text("#case-panel")
        listed.click("#case-panel button")
    listed.set_viewport_size({"width": 390, "height": 844})
    listed.wait_for_timeout(300)
    assert listed.evaluate("document.documentElement.scrollWidth") == 390


def test_a_table_with_hostile_names_comes_down_harmless(listed: Any, run_page: tuple[Path, Any]) -> None:
    with listed.expect_download() as waiting:
        listed.click('button[data-table="errors"]')
    rows = list(csv.reader(io.StringIO(Path(waiting.value.path()).read_text(encoding="utf-8-sig"))))
    place = rows[0].index("stratum")
    told = {r[place] for r in rows[1:]}
    wanted = set(run_page[1].table("errors")["stratum"])
    assert {f"'{w}" if w.startswith("=") else w for w in wanted} == told
    assert "'=1+1" in told


def test_axe_finds_no_serious_issue_in_an_opened_case(browser: Any, run_page: tuple[Path, Any]) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe is not installed").Axe()
    context = browser.new_context(bypass_csp=True)
    page = context.new_page()
    page.goto(run_page[0].as_uri())
    page.locator("#case-table").scroll_into_view_if_needed()
    page.wait_for_selector("#case-table[data-ready]")
    page.locator("#case-rows tbody button").first.click()
    found = axe.run(page).response["violations"]
    assert [(v["id"], v["nodes"][0]["html"]) for v in found if v["impact"] in ("serious", "critical")] == []
    context.close()
