"""The lesion page in a real browser: the box by mouse, drawing and fields; the score is the direct one; own films."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import robustkit.dashboard as package
from dash import Dash, html
from PIL import Image
from robustkit.dashboard.lesion.desk import FOUR, Desk, case_key, held_key
from robustkit.dashboard.lesion.layout import layout
from robustkit.dashboard.lesion.loans import LARGEST_BYTES
from robustkit.dashboard.lesion.opened import Opened
from robustkit.dashboard.lesion.page import register
from robustkit.heatmaps._heatmap import Heatmap
from robustkit.results.folder import RunFolder

from made_dashboard import answering
from made_desk import made_run, served
from made_dicom import dicom_film, ramp, written
from watched import watch

DONE = "(document.getElementById('lesion-state') || {textContent: ''}).textContent.startsWith('Done')"
AT = """([x, y]) => {
  const gd = document.querySelector('#lesion-film .js-plotly-plot'), r = gd.getBoundingClientRect(), l = gd._fullLayout;
  return [r.x + l.xaxis._offset + l.xaxis.l2p(x), r.y + l.yaxis._offset + l.yaxis.l2p(y)];
}"""
SIDES = ("x0", "y0", "x1", "y1")


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    patch = pytest.MonkeyPatch()
    # the small network's own map is empty, which is said and not drawn; here it is wanted as a picture
    patch.setattr(Opened, "heatmap", _made_up)
    folders = [tmp_path_factory.mktemp("world"), tmp_path_factory.mktemp("second")]
    found = Desk([made_run(f, snap="whole", margin=m) for f, m in zip(folders, (0.2, 0.5), strict=True)])
    yield found
    found.close()
    patch.undo()


def _made_up(_opened: Any, _seen: Any, box: np.ndarray) -> Heatmap:
    values = np.add.outer(np.arange(3.0), np.arange(4.0))
    values[0, 0] = box[0] % 7
    return Heatmap(values, box + np.array([-10.0, -10.0, 10.0, 10.0]))


@pytest.fixture(scope="module")
def address(desk: Desk) -> Iterator[str]:
    app = Dash("lesion", assets_folder=str(Path(package.__file__).parent / "assets"), serve_locally=True)
    app.layout = lambda: html.Main(layout(desk))
    register(app, desk)
    with served(app) as found:
        yield found


@pytest.fixture(scope="module")
def opened(browser: Any, address: str) -> Iterator[tuple[Any, list[str]]]:
    """Give an opened page, and what was said on its console or asked of another host."""
    context = browser.new_context(color_scheme="light")
    found = context.new_page()
    said = watch(found, address)
    found.goto(address)
    found.wait_for_function(DONE, timeout=30_000)
    yield found, said
    context.close()


@pytest.fixture
def page(opened: tuple[Any, list[str]]) -> Iterator[Any]:
    """Give the page with the box as given; at the end nothing may have been said or asked elsewhere."""
    found, said = opened
    found.set_viewport_size({"width": 1280, "height": 900})
    found.click("#lesion-whole")
    found.click("#lesion-reset")
    found.wait_for_function("document.querySelector('#lesion-film .shapelayer path')")
    found.wait_for_timeout(50)
    _judged(found)
    yield found
    assert said == []


def _judged(page: Any) -> None:
    """Wait until the box of the fields, rounded to whole px, is judged with its maps."""
    page.wait_for_function("""() => {
      const [x0, y0, x1, y1] = ['x0', 'y0', 'x1', 'y1'].map((s) => Number(document.getElementById('lesion-' + s).value));
      const r = (v) => Math.floor(v + 0.5);
      const box = [r(x0), r(y0), r(x0) + r(x1 - x0), r(y0) + r(y1 - y0)];
      return document.getElementById('lesion-state').textContent === `Done. Judged box: ${box.join(', ')}.`;
    }""")


def _fields(page: Any) -> FOUR:
    x0, y0, x1, y1 = (float(page.input_value(f"#lesion-{s}")) for s in SIDES)
    return x0, y0, x1, y1


def _drag(page: Any, start: tuple[float, float], end: tuple[float, float]) -> None:
    x, y = page.evaluate(AT, start)
    u, v = page.evaluate(AT, end)
    page.mouse.move(x, y)
    page.wait_for_timeout(100)
    page.mouse.down()
    page.mouse.move((x + u) / 2, (y + v) / 2, steps=4)
    page.mouse.move(u, v, steps=4)
    page.mouse.up()


def _settled(page: Any, before: FOUR) -> FOUR:
    """Wait until another box is shown and judged."""
    first = json.dumps([f"{v:g}" for v in before])
    shown = "JSON.stringify(['x0','y0','x1','y1'].map((s) => document.getElementById('lesion-' + s).value))"
    page.wait_for_function(f"{shown} !== JSON.stringify({first})")
    _judged(page)
    return _fields(page)


def _direct(desk: Desk, film: str, box: FOUR) -> float:
    ticket = desk.ask("f" * 32, film, run="run", model="net", box=box)
    return desk.judge.wait("f" * 32, ticket, seconds=30).score


def _case(page: Any) -> str:
    return case_key("run", page.inner_text("#lesion-title"))


def test_the_page_begins_with_the_run_s_own_answer(page: Any, desk: Desk) -> None:
    nominal = desk.run("run").nominal("net", page.inner_text("#lesion-title"))
    assert nominal is not None
    assert _fields(page) == nominal.box
    assert page.inner_text("#lesion-score") == f"{nominal.score:.3f}"
    assert f"in the run it has the score {nominal.score:.3f}" in page.inner_text("#lesion-nominal")
    assert "Research use; not for diagnosis or for the care of a patient" in page.inner_text("#lesion")
    assert page.inner_text("#lesion-simulated") == ""
    cut = desk.cut("run", "net").value
    followed = nominal.score >= cut
    wanted = "At or above the threshold: follow." if followed else "Below the threshold: do not follow."
    assert wanted in page.inner_text("#lesion-decision")
    left = page.evaluate("document.querySelector('.lesion-bar-cut').style.left")
    assert float(left.rstrip("%")) == pytest.approx(100 * cut, abs=0.01)


def test_the_box_is_dragged_and_resized_by_mouse(page: Any, desk: Desk) -> None:
    before, score = _fields(page), page.inner_text("#lesion-score")
    x0, y0, x1, y1 = before
    middle = ((x0 + x1) / 2, (y0 + y1) / 2)
    _drag(page, middle, (middle[0] + 20, middle[1] + 12))
    moved = _settled(page, before)
    assert moved == pytest.approx((x0 + 20, y0 + 12, x1 + 20, y1 + 12), abs=1)
    assert page.inner_text("#lesion-score") != score
    assert float(page.inner_text("#lesion-score")) == pytest.approx(_direct(desk, _case(page), moved), abs=6e-4)
    _drag(page, (moved[2], moved[3]), (moved[2] - 9, moved[3] - 7))
    resized = _settled(page, moved)
    assert resized[:2] == moved[:2]
    assert resized[2:] == pytest.approx((moved[2] - 9, moved[3] - 7), abs=1.5)
    assert float(page.inner_text("#lesion-score")) == pytest.approx(_direct(desk, _case(page), resized), abs=6e-4)


def test_a_new_box_is_drawn(page: Any, desk: Desk) -> None:
    before = _fields(page)
    page.click("#lesion-draw")
    _drag(page, (20, 15), (90, 80))
    drawn = _settled(page, before)
    assert drawn == pytest.approx((20, 15, 90, 80), abs=1)
    assert float(page.inner_text("#lesion-score")) == pytest.approx(_direct(desk, _case(page), drawn), abs=6e-4)
    layout = page.evaluate("document.querySelector('#lesion-film .js-plotly-plot').layout")
    assert (len(layout["shapes"]), layout["dragmode"]) == (1, "pan")
    page.click("#lesion-reset")
    assert _settled(page, drawn) == before


def test_the_box_is_moved_by_keyboard(page: Any, desk: Desk) -> None:
    before = _fields(page)
    page.focus("#lesion-x0")
    page.keyboard.press("Control+A")
    page.keyboard.type(f"{before[0] + 7:g}")
    page.keyboard.press("Tab")
    typed = _settled(page, before)
    assert typed == (before[0] + 7, *before[1:])
    assert float(page.inner_text("#lesion-score")) == pytest.approx(_direct(desk, _case(page), typed), abs=6e-4)
    shape = page.evaluate("document.querySelector('#lesion-film .js-plotly-plot').layout.shapes[0]")
    assert [shape[s] for s in SIDES] == list(typed)


def test_boxes_that_follow_each_other_quickly_end_with_the_last(page: Any, desk: Desk) -> None:
    x0, y0, x1, y1 = _fields(page)
    middle = ((x0 + x1) / 2, (y0 + y1) / 2)
    for k in range(9):
        by = 20 if k % 2 == 0 else -20
        _drag(page, middle, (middle[0] + by, middle[1]))
        middle = (middle[0] + by, middle[1])
        page.wait_for_timeout(40 * (k % 4))
    last = _settled(page, (x0, y0, x1, y1))
    assert last == pytest.approx((x0 + 20, y0, x1 + 20, y1), abs=1.5)
    assert float(page.inner_text("#lesion-score")) == pytest.approx(_direct(desk, _case(page), last), abs=6e-4)
    assert "Working" not in page.inner_text("#lesion-shift-sentence")


def test_a_box_beside_the_film_says_so(page: Any) -> None:
    before = _fields(page)
    page.fill("#lesion-x1", "900")
    page.keyboard.press("Tab")
    page.wait_for_function("document.getElementById('lesion-state').textContent.startsWith('Done. Judged box: 0, ')")
    page.fill("#lesion-x0", "800")
    page.keyboard.press("Tab")
    page.wait_for_function(
        "document.getElementById('lesion-state').textContent.includes('on the film of 150 x 130 px')"
    )
    assert page.inner_text("#lesion-score") == ""
    page.click("#lesion-reset")
    assert _settled(page, (800.0, before[1], 900.0, before[3])) == before


def test_the_maps_say_what_the_judge_found(page: Any, desk: Desk) -> None:
    ticket = desk.ask("e" * 32, _case(page), run="run", model="net", box=_fields(page))
    found = desk.judge.wait_done("e" * 32, ticket, seconds=30)
    assert found.shift is not None
    assert found.size is not None
    for kind, own in (("shift", found.shift), ("size", found.size)):
        z = page.evaluate(f"document.querySelector('#lesion-{kind}-map .js-plotly-plot').data[0].z")
        assert np.allclose(z, own.scores, atol=2e-4)
        changed = (own.scores >= desk.cut("run", "net").value) != (found.score >= desk.cut("run", "net").value)
        said = page.inner_text(f"#lesion-{kind}-counts")
        assert f"changes at {changed.sum()} of {own.grid.n**2 - 1} boxes" in said
        page.click(f"#lesion-{kind}-frame ~ details summary")
        rows = page.locator(f"#lesion-{kind}-table tbody tr")
        assert rows.count() == own.grid.n // 2
        assert sum(int(rows.nth(k).locator("td").nth(2).inner_text()) for k in range(rows.count())) == changed.sum()
    assert "10 % of the sides, assumed" in page.inner_text("#lesion-shift-counts")
    shapes = page.evaluate("document.querySelector('#lesion-shift-map .js-plotly-plot').layout.shapes")
    assert (shapes[0]["x1"], shapes[0]["line"]["dash"]) == (10, "dash")


def test_another_case_is_found_by_its_facts(page: Any, desk: Desk) -> None:
    run = desk.run("run")
    wanted = run.cases.index[run.cases["site"] == "pelvis"].tolist()
    page.click("#lesion-case")
    page.get_by_placeholder("Search").fill("pelvis")
    page.wait_for_timeout(700)
    shown = page.locator(".dash-dropdown-option").all_inner_texts()
    assert set(wanted) <= set(shown) <= {*wanted, page.inner_text("#lesion-title")}
    page.locator(".dash-dropdown-option", has_text=wanted[-1]).first.click()
    page.wait_for_function(f"document.getElementById('lesion-title').textContent === {json.dumps(wanted[-1])}")
    page.wait_for_timeout(200)
    _judged(page)
    nominal = run.nominal("net", wanted[-1])
    assert nominal is not None
    assert _fields(page) == nominal.box
    assert page.inner_text("#lesion-score") == f"{nominal.score:.3f}"


@pytest.mark.parametrize("kind", ["png", "dicom"])
def test_a_film_of_one_s_own(page: Any, desk: Desk, tmp_path: Path, kind: str) -> None:
    path = tmp_path / f"mine <b>.{kind}"
    pixels = (ramp(120, 100) % 256).astype(np.uint8)
    if kind == "png":
        Image.fromarray(pixels).save(path)
    else:
        written(dicom_film(ramp(120, 100), PixelSpacing=[0.5, 0.5], PixelSpacingCalibrationType="GEOMETRY"), path)
    before = _fields(page)
    page.set_input_files("#lesion-upload input[type=file]", path)
    page.wait_for_function(f"document.getElementById('lesion-title').textContent === {json.dumps(path.name)}")
    box = _settled(page, before)
    assert box == (35.0, 42.0, 65.0, 78.0)
    again = desk.loans.put("f" * 32, "again", "data:;base64," + base64.b64encode(path.read_bytes()).decode())
    assert float(page.inner_text("#lesion-score")) == pytest.approx(_direct(desk, held_key(again.key), box), abs=6e-4)
    desk.loans.drop("f" * 32)
    unit = "mm" if kind == "dicom" else "% of the width"
    assert unit in page.evaluate("document.querySelector('#lesion-shift-map .js-plotly-plot').layout.xaxis.title.text")
    with page.expect_download() as waiting:
        page.click("#lesion-save")
    saved = json.loads(Path(waiting.value.path()).read_text(encoding="utf-8"))
    assert saved["film"] == path.name
    assert saved["box"] == list(box)
    assert f"{saved['score']:.3f}" == page.inner_text("#lesion-score")
    assert saved["shift"]["n_boxes"] == 288
    page.click("#lesion-close")
    page.wait_for_function(f"document.getElementById('lesion-title').textContent !== {json.dumps(path.name)}")
    assert _settled(page, box) == before
    assert len(desk.loans) == 0


def test_a_file_that_is_no_film_says_so(page: Any, tmp_path: Path) -> None:
    path = tmp_path / "letter.html"
    path.write_text("<script>alert(1)</script>" * 20, encoding="utf-8")
    title, score = page.inner_text("#lesion-title"), page.inner_text("#lesion-score")
    page.set_input_files("#lesion-upload input[type=file]", path)
    page.wait_for_function("document.getElementById('lesion-upload-note').textContent.includes('another kind of file')")
    assert (page.inner_text("#lesion-title"), page.inner_text("#lesion-score")) == (title, score)


def test_a_file_that_is_too_large_is_not_sent(page: Any, tmp_path: Path) -> None:
    path = tmp_path / "large.png"
    with path.open("wb") as handle:
        handle.truncate(LARGEST_BYTES + 4096)
    page.set_input_files("#lesion-upload input[type=file]", path)
    note = page.locator("#lesion-upload-note", has_text="more than 48 MB")
    note.wait_for()
    assert path.name not in page.inner_text("#lesion-title")


def test_another_run_with_the_same_cases(page: Any, desk: Desk) -> None:
    second = desk.run("run (2)")
    before, title = page.inner_text("#lesion-score"), page.inner_text("#lesion-title")
    page.click("#lesion-run")
    page.locator(".dash-dropdown-option", has_text="run (2)").click()
    nominal = second.nominal("net", second.cases.index[0])
    assert nominal is not None
    page.wait_for_function(f"document.getElementById('lesion-score').textContent === '{nominal.score:.3f}'")
    page.click("#lesion-run")
    page.locator(".dash-dropdown-option").first.click()
    page.wait_for_function(f"document.getElementById('lesion-score').textContent !== '{nominal.score:.3f}'")
    _judged(page)
    assert page.inner_text("#lesion-title") == desk.run("run").cases.index[0]
    assert title in desk.run("run").cases.index
    assert before


def test_the_window_changes_the_picture_alone(page: Any) -> None:
    look = "getComputedStyle(document.querySelector('#lesion-view .imagelayer image')).filter"
    assert page.evaluate(look) == "brightness(1) contrast(1)"
    page.locator("#lesion-window input").first.fill("51")
    page.keyboard.press("Tab")
    page.wait_for_function(f"{look} !== 'brightness(1) contrast(1)'")
    # low 51 = 0.2, high 1: (v - 0.2) / 0.8 = contrast 1.5 about the middle of v times 1.25 / 1.5
    assert page.evaluate(look) == "brightness(0.8333) contrast(1.5)"
    page.locator("#lesion-window input").first.fill("0")
    page.keyboard.press("Tab")


def test_zoom_and_whole_film(page: Any) -> None:
    seen = "document.querySelector('#lesion-film .js-plotly-plot')._fullLayout.xaxis.range.slice()"
    whole = page.evaluate(seen)
    page.click("#lesion-zoom")
    page.wait_for_function(f"Math.abs({seen}[1] - {seen}[0] - {whole[1] - whole[0]}) > 5")
    near = page.evaluate(seen)
    assert abs((near[1] - near[0]) - (whole[1] - whole[0])) > 5
    page.click("#lesion-whole")
    page.wait_for_function(f"Math.abs({seen}[0] - {whole[0]}) < 1")
    assert page.evaluate(seen) == pytest.approx(whole, abs=1)


def test_the_heatmap_comes_and_its_strength_is_chosen(page: Any) -> None:
    assert page.locator(".lesion-heat img").first.is_hidden()  # off at first
    page.click("#lesion-heat summary")
    page.wait_for_selector(".lesion-heat-over")
    assert "Grad-CAM" in page.inner_text("#lesion-heatmap")
    sizes = page.locator(".lesion-heat img").evaluate_all("(all) => all.map((i) => [i.naturalWidth, i.naturalHeight])")
    assert sizes[0] == sizes[1]
    assert max(sizes[0]) == 320
    look = "getComputedStyle(document.querySelector('.lesion-heat-over')).opacity"
    assert page.evaluate(look) == "0.6"
    page.focus("#lesion-heat-strength")
    page.keyboard.press("Home")
    page.wait_for_function(f"{look} === '0'")
    before = page.get_attribute(".lesion-heat-over", "src")
    page.fill("#lesion-x0", str(_fields(page)[0] + 20))
    page.keyboard.press("Tab")
    page.wait_for_function(f"document.querySelector('.lesion-heat-over').src !== {json.dumps(before)}")
    _judged(page)
    page.click("#lesion-heat summary")


def test_on_a_phone_nothing_scrolls_sideways(page: Any) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    page.wait_for_timeout(500)
    assert page.evaluate("document.documentElement.scrollWidth") == 390


def test_axe_finds_nothing_serious(page: Any) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe is not installed").Axe()
    found = axe.run(page, context="#lesion").response["violations"]
    serious = [f"{v['id']}: {v['nodes'][0]['html'][:160]}" for v in found if v["impact"] in ("serious", "critical")]
    assert serious == []


def test_a_row_of_the_cases_leads_to_its_lesion(browser: Any, desk: Desk) -> None:
    run = next(iter(desk.runs.values()))
    context = browser.new_context()
    page = context.new_page()
    with answering([RunFolder(run.folder.path)]) as address:
        page.goto(f"{address}cases")
        row = page.locator(".ag-row").nth(1)
        row.wait_for()
        case = row.locator("[col-id=case_id]").inner_text()
        row.locator("a").click()
        page.wait_for_function(DONE, timeout=30_000)
        assert page.inner_text("#lesion-title") == case
        nominal = run.nominal(run.models[0], case)
        assert nominal is not None
        assert abs(float(page.inner_text("#lesion-score")) - nominal.score) < 0.0005 + 1e-4
        assert "This is the box as given" in page.inner_text("#lesion-nominal")
    context.close()
