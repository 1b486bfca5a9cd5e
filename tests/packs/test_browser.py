"""A reading in a real browser: by keyboard and mouse, closed and opened again, saved; nothing leaves the page."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from robustkit.images.thumbnail import encoded
from robustkit.packs.pack import Aid, PackTexts, ReadCase, build_pack

from watched import watch

HOSTILE = '</script><script>document.title="taken"</script>'
QUESTION = "How suspicious is the lesion in the box?"


def _cases(*, aided: bool) -> list[ReadCase]:
    found = []
    for k in range(4):
        film = np.full((300, 400), 60 + 30 * k, dtype=np.uint8)
        heat = [2, 2, "AP8A/w==", [0.25, 0.25, 0.75, 0.75]] if k % 2 == 0 else None
        aid = Aid(k % 2 == 0, 0.25 * k, heat) if aided else None
        facts = [("age", f"{20 + k}"), ("site", HOSTILE)]
        found.append(
            ReadCase(
                f"C{k}",
                encoded(Image.fromarray(film), quality=60),
                (400, 300),
                (0.3, 0.3, 0.6, 0.7),
                facts,
                aid,
                k == 0,
            )
        )
    return found


def _page(folder: Path, *, arm: str, scale: Any = "0-100") -> Path:
    texts = PackTexts("r1", 1, arm, "abc", QUESTION, ("not at all", "as much as can be"), scale, is_simulated=True)
    path = folder / f"{arm}-{scale}.html"
    path.write_text(build_pack(texts, _cases(aided=arm == "aided")), encoding="utf-8")
    return path


@pytest.fixture
def context(browser: Any) -> Iterator[Any]:
    found = browser.new_context(viewport={"width": 1280, "height": 800}, accept_downloads=True)
    yield found
    found.close()


@pytest.fixture
def opened(context: Any) -> Iterator[Any]:
    """Open a page in the one context of a test: a second call is the same browser, later."""
    said: list[list[str]] = []

    def open_(path: Path) -> Any:
        page = context.new_page()
        said.append(watch(page))
        page.goto(path.as_uri())
        return page

    yield open_
    assert [s for page in said for s in page] == []


def _saved(page: Any, kind: str = "csv") -> Any:
    with page.expect_download() as waiting:
        page.click(f"[data-save={kind}]")
    text = Path(waiting.value.path()).read_text(encoding="utf-8")
    assert waiting.value.suggested_filename.endswith(kind)
    return list(csv.DictReader(io.StringIO(text))) if kind == "csv" else json.loads(text)["readings"]


def _rate(page: Any, digits: str, decision: str) -> None:
    for key in digits:
        page.keyboard.press(key)
    page.keyboard.press(decision)
    page.keyboard.press("Enter")


def test_a_reading_by_keyboard_is_saved(opened: Any, tmp_path: Path) -> None:
    page = opened(_page(tmp_path, arm="unaided"))
    assert page.inner_text("#progress") == "3 cases, 1 for practice"
    page.click("#begin")
    assert page.inner_text("#progress") == "practice 1 of 1"
    _rate(page, "50", "d")
    assert page.inner_text("#progress") == "case 1 of 3"
    _rate(page, "7", "d")
    page.keyboard.press("8")
    page.keyboard.press("3")
    page.keyboard.press(".")
    page.wait_for_timeout(350)
    _rate(page, "", "r")
    _rate(page, "100", "f")
    assert page.inner_text("#progress") == "finished"
    rows = _saved(page)
    assert [r["code"] for r in rows] == ["C0", "C1", "C2", "C3"]
    assert [r["score"] for r in rows] == ["50", "7", "84", "100"]
    assert [r["decision"] for r in rows] == ["dismiss", "dismiss", "refer", "follow"]
    assert [r["practice"] for r in rows] == ["true", "false", "false", "false"]
    assert {(r["study"], r["reader_id"], r["session"], r["arm"]) for r in rows} == {("abc", "r1", "1", "unaided")}
    assert float(rows[2]["seconds"]) >= 0.3
    assert all(r["read_at"].endswith("Z") for r in rows)
    assert _saved(page, "json")[1]["score"] == 7
    assert page.title().startswith("Reading, r1")


def test_a_closed_page_goes_on_where_it_was(opened: Any, tmp_path: Path) -> None:
    path = _page(tmp_path, arm="unaided")
    page = opened(path)
    page.click("#begin")
    _rate(page, "50", "d")
    page.keyboard.press("4")
    page.keyboard.press("2")
    page.wait_for_timeout(300)
    page.close()
    again = opened(path)
    # on a busy machine the browser hands what the first page kept to the second a moment later
    for _ in range(40):
        if again.inner_text("#progress") == "case 1 of 3":
            break
        again.wait_for_timeout(250)
        again.reload()
    assert again.inner_text("#progress") == "case 1 of 3"
    # what was rated and not yet left is there too, with its time
    assert again.inner_text("#score") == "42"
    _rate(again, "", "f")
    rows = _saved(again)
    assert [r["score"] for r in rows] == ["50", "42"]
    assert float(rows[1]["seconds"]) >= 0.3


def test_nobody_goes_on_without_rating_and_decision(opened: Any, tmp_path: Path) -> None:
    page = opened(_page(tmp_path, arm="unaided"))
    page.click("#begin")
    assert page.is_disabled("#next")
    page.keyboard.press("Enter")
    page.keyboard.press("5")
    page.keyboard.press("Enter")
    assert page.inner_text("#progress") == "practice 1 of 1"
    page.keyboard.press("r")
    assert page.is_enabled("#next")


def test_changes_of_mind_are_counted(opened: Any, tmp_path: Path) -> None:
    page = opened(_page(tmp_path, arm="unaided", scale="1-5"))
    page.click("#begin")
    page.click("[data-score='2']")
    page.click("[data-score='4']")
    page.click("[data-decision=dismiss]")
    page.click("[data-decision=refer]")
    page.keyboard.press("9")
    page.click("#next")
    row = _saved(page)[0]
    assert (row["score"], row["decision"], row["changes"]) == ("4", "refer", "2")


def test_the_film_is_zoomed_moved_and_windowed(opened: Any, tmp_path: Path) -> None:
    page = opened(_page(tmp_path, arm="unaided"))
    page.click("#begin")
    view = page.locator(".view")
    start = float(view.get_attribute("data-zoom"))
    assert start > 1
    place = view.bounding_box()
    page.mouse.move(place["x"] + 300, place["y"] + 200)
    page.mouse.wheel(0, -300)
    assert float(view.get_attribute("data-zoom")) > start
    before = page.locator(".film img").bounding_box()
    page.mouse.down()
    page.mouse.move(place["x"] + 350, place["y"] + 230, steps=5)
    page.mouse.up()
    after = page.locator(".film img").bounding_box()
    assert after["x"] - before["x"] == pytest.approx(50, abs=3)
    assert after["y"] - before["y"] == pytest.approx(30, abs=3)
    page.mouse.down(button="right")
    page.mouse.move(place["x"] + 390, place["y"] + 190, steps=5)
    page.mouse.up(button="right")
    assert view.get_attribute("data-window") != "50 100"
    page.keyboard.press("z")
    assert float(view.get_attribute("data-zoom")) == start
    assert view.get_attribute("data-window") == "50 100"
    box = page.locator(".box").bounding_box()
    film = page.locator(".film img").bounding_box()
    assert (box["x"] - film["x"]) / film["width"] == pytest.approx(0.3, abs=0.01)
    assert box["height"] / film["height"] == pytest.approx(0.4, abs=0.01)
    page.keyboard.press("b")
    assert not page.locator(".box").is_visible()


def test_the_aided_arm_says_side_rank_and_map(opened: Any, tmp_path: Path) -> None:
    page = opened(_page(tmp_path, arm="aided"))
    page.click("#begin")
    assert "at or above the threshold, and higher than 0 %" in page.inner_text("#aid")
    heat = page.locator(".film canvas")
    assert heat.evaluate("(c) => c.style.opacity") == "0"
    page.keyboard.press("h")
    assert heat.evaluate("(c) => c.style.opacity") == "0.6"
    assert page.get_attribute("#heat", "aria-pressed") == "true"
    _rate(page, "50", "d")
    assert "below the threshold, and higher than 25 %" in page.inner_text("#aid")
    assert "No heatmap" in page.inner_text("#aid")


def test_the_unaided_arm_shows_no_model(opened: Any, tmp_path: Path) -> None:
    page = opened(_page(tmp_path, arm="unaided"))
    page.click("#begin")
    assert page.locator("#aid").count() == 0
    assert page.locator(".film canvas").count() == 0


def test_facts_are_text(opened: Any, tmp_path: Path) -> None:
    page = opened(_page(tmp_path, arm="unaided"))
    page.click("#begin")
    assert HOSTILE in page.inner_text("dl")
    assert page.title().startswith("Reading, r1")


def test_axe_finds_no_serious_issue(browser: Any, tmp_path: Path) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe is not installed").Axe()
    for arm, scale in (("aided", "0-100"), ("unaided", "1-5")):
        context = browser.new_context(bypass_csp=True)
        page = context.new_page()
        page.goto(_page(tmp_path, arm=arm, scale=scale).as_uri())
        for step in ("#begin", None):
            found = axe.run(page).response["violations"]
            assert [(v["id"], v["nodes"][0]["html"]) for v in found if v["impact"] in ("serious", "critical")] == []
            if step:
                page.click(step)
        context.close()


def test_a_phone_can_be_read_on(browser: Any, tmp_path: Path) -> None:
    context = browser.new_context(viewport={"width": 390, "height": 844}, has_touch=True)
    page = context.new_page()
    page.goto(_page(tmp_path, arm="aided").as_uri())
    page.tap("#begin")
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    context.close()
