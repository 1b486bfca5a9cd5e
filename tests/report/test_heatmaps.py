"""Heatmaps on the page: real maps of planted networks, in sections, examples and opened cases, in a browser."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from robustkit.api.heatmaps import heatmaps
from robustkit.api.perturb import perturb
from robustkit.api.report import report, run_view
from robustkit.api.stratify import stratify
from robustkit.report.heatmap_pictures import ShownMap, placed, read_shown_maps
from robustkit.report.heatmaps import heatmaps_section
from robustkit.results.folder import RunFolder
from robustkit.results.heatmaps import HeatmapFolder, MapRow

from made_lookers import LAYER, write_cohort, write_lookers
from watched import watch


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pages")
    lesion, marker = write_lookers(folder)
    out = folder / "run"
    perturb(
        model=[f"lesion={lesion}", f"marker={marker}"], manifest=[write_cohort(folder)], shifts=["0.1"], repeats=3, out=out,
        device="cpu", backend="eager", command=["robustkit"],
    )  # fmt: skip
    stratify(run=out, draws=100, threshold=0.5)
    heatmaps(run=out, layer=LAYER, repeats=2, draws=200, check_cases=8, device="cpu")
    report(runs=[out], least_stable=1)
    return out


@pytest.fixture
def opened(browser: Any, run: Path) -> Iterator[Any]:
    context = browser.new_context(viewport={"width": 1280, "height": 800}, color_scheme="light")
    page = context.new_page()
    said = watch(page)
    page.goto((run / "report.html").as_uri())
    page.wait_for_selector("html[data-ready]")
    yield page
    assert said == []
    context.close()


def _gallery(page: Any) -> Any:
    page.locator("#heatmap-gallery").scroll_into_view_if_needed()
    page.wait_for_selector("#heatmap-gallery[data-ready]")
    return page.locator("#heatmap-gallery")


def test_examples_stand_with_film_box_and_map(opened: Any) -> None:
    gallery = _gallery(opened)
    opened.select_option("#heat-model", "marker")
    assert gallery.locator("h4").all_inner_texts() == ["Correct", "False alarm", "Most stable", "Least stable"]
    card = gallery.locator(".heat-card").first
    assert card.locator("img").count() == 1
    assert card.locator(".heat-box").count() == 2
    assert card.locator("canvas").count() == 3
    assert "of it in the lesion, which is" in card.inner_text()
    assert card.locator("[role=img]").get_attribute("aria-label").startswith("case-")


def test_the_overlay_is_off_at_first_and_fades_in(opened: Any) -> None:
    _gallery(opened)
    strength = "getComputedStyle(document.querySelector('.heat-over')).opacity"
    assert opened.evaluate(strength) == "0"
    opened.locator("#heat-gallery").fill("60")
    assert float(opened.evaluate(strength)) == pytest.approx(0.6)
    assert opened.evaluate("getComputedStyle(document.querySelector('.heat-contour')).opacity") == "0"
    opened.check("#heat-gallery-contour")
    assert opened.evaluate("getComputedStyle(document.querySelector('.heat-contour')).opacity") == "1"


def test_an_opened_case_has_the_map_of_every_model(opened: Any, run: Path) -> None:
    opened.locator("#case-table").scroll_into_view_if_needed()
    opened.wait_for_selector("#case-table[data-ready]")
    opened.fill("#case-filter", "case-01")
    opened.locator("#case-rows tbody button").first.click()
    slot = opened.locator("[data-slot=heatmap]")
    slot.locator("canvas").first.wait_for()
    assert slot.locator("h5").all_inner_texts() == ["Grad-CAM", "lesion", "marker"]
    table = RunFolder(run).table("heatmap_cases")
    own = table[(table["case_id"] == "case-01") & (table["measure"] == "inside")].set_index("model")
    said = slot.inner_text()
    for model in ("lesion", "marker"):
        assert f"{100 * own.loc[model, 'value']:.0f} % of it in the lesion" in said


def test_a_case_without_a_map_says_why(opened: Any) -> None:
    opened.locator("#case-table").scroll_into_view_if_needed()
    opened.wait_for_selector("#case-table[data-ready]")
    opened.fill("#case-filter", "case-00")
    opened.locator("#case-rows tbody button").first.click()
    slot = opened.locator("[data-slot=heatmap]").filter(has_text="the map is empty")
    slot.wait_for()
    assert slot.locator("h5").all_inner_texts() == ["Grad-CAM", "lesion", "marker"]


def test_the_strongest_place_is_painted_where_the_map_has_it(opened: Any, run: Path) -> None:
    """The brightest pixel of the map alone lies in the cell that is the strongest on disk."""
    maps = read_shown_maps(run, ("lesion", "marker"))
    _gallery(opened)
    opened.select_option("#heat-model", "lesion")
    case = opened.locator("#heatmap-gallery .heat-card bdi").first.inner_text()
    cells = maps.maps["lesion", case].cells.astype(float)
    place = opened.evaluate(
        """() => { const c = document.querySelector('#heatmap-gallery .heat-alone');
        const d = c.getContext('2d').getImageData(0, 0, c.width, c.height).data; let best = 0;
        for (let i = 0; i < d.length; i += 4) if (d[i] + d[i + 1] > d[best] + d[best + 1]) best = i;
        return [Math.floor(best / 4 / c.width) / c.height, (best / 4 % c.width) / c.width]; }"""
    )
    row, column = (int(p * n) for p, n in zip(place, cells.shape, strict=True))
    around = cells[max(0, row - 1) : row + 2, max(0, column - 1) : column + 2]
    assert around.max() >= 0.97 * cells.max()


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_no_serious_issue(browser: Any, run: Path, theme: str) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe is not installed").Axe()
    context = browser.new_context(color_scheme=theme, bypass_csp=True)
    page = context.new_page()
    page.goto((run / "report.html").as_uri())
    page.wait_for_selector("html[data-ready]")
    _gallery(page)
    page.locator("#case-table").scroll_into_view_if_needed()
    page.wait_for_selector("#case-table[data-ready]")
    page.locator("#case-rows tbody button").nth(1).click()
    page.locator("[data-slot=heatmap] p").first.wait_for()
    found = axe.run(page).response["violations"]
    assert [(v["id"], v["nodes"][0]["html"]) for v in found if v["impact"] in ("serious", "critical")] == []
    context.close()


def test_a_phone_is_wide_enough(browser: Any, run: Path) -> None:
    context = browser.new_context(viewport={"width": 390, "height": 844})
    page = context.new_page()
    page.goto((run / "report.html").as_uri())
    page.wait_for_selector("html[data-ready]")
    _gallery(page)
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    context.close()


def test_the_section_says_what_the_tables_say(run: Path) -> None:
    section = heatmaps_section(run_view(RunFolder(run), n=0, has_images=True))
    assert section is not None
    contrasts = RunFolder(run).table("heatmap_contrasts")
    own = contrasts[
        (contrasts["a"] == "correct") & (contrasts["perturbation"] == "nominal") & contrasts["diff"].notna()
    ]
    shown = section.html.replace("\N{MINUS SIGN}", "-")
    assert len(own) > 0
    for diff in own["diff"]:
        assert f"{100 * diff:+.1f} points" in shown
    assert "the module conv1, crops with 100% of the box around it" in section.html


def test_without_images_no_map_is_on_the_page(run: Path) -> None:
    section = heatmaps_section(run_view(RunFolder(run), n=0, has_images=False))
    assert section is not None
    assert section.data == {}
    assert "heatmap-gallery" not in section.html


def test_one_scale_for_each_model_and_near_empty_maps_stay_empty(tmp_path: Path) -> None:
    folder = HeatmapFolder.of(tmp_path, "grad_cam")
    folder.write_record(
        {"method": "grad_cam", "target": "positive", "models": [{"name": "m", "layer": "l", "margin": 0.5}]}
    )
    box, ones = (0.0, 0.0, 8.0, 8.0), np.eye(4, dtype=np.float32)
    rows = [
        MapRow(f"c{i:03d}", "nominal", 0.0, 0, box, ones * v, 0.5) for i, v in enumerate([1.0] * 200 + [0.5, 0.005])
    ]
    folder.write_part(0, 0, "m", rows)
    found = read_shown_maps(tmp_path, ("m",)).maps
    assert found["m", "c000"].cells.max() == 255
    assert found["m", "c200"].cells.max() == 128
    assert found["m", "c201"].reason.startswith("near empty")
    assert found["m", "c201"].cells.size == 0


def test_a_map_lies_where_its_crop_lay() -> None:
    shown = ShownMap(np.array([110.0, 220.0, 160.0, 270.0]), np.array([[0, 255]], dtype=np.uint8))
    height, width, cells, place, reason = placed(shown, {"x0": 100, "y0": 200, "side_px": 100})
    assert (height, width, reason) == (1, 2, "")
    assert place == [0.1, 0.2, 0.6, 0.7]
    assert cells == "AP8="
