"""The page of a large run: seconds to build, size, time to first view and of a menu in headless Chromium.

    python benchmarks/report_page.py --json build/report_page.json

The run is the one of ``scale_of_results.py``: 2,338 simulated cases x 4 models x 251 conditions, with thumbnails where the
phantom's films give them. Needs playwright and a system Chromium.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from chromium import FLAGS
from playwright.sync_api import sync_playwright
from robustkit.api.stratify import stratify
from robustkit.engine.looking import QUALITY, SIZE_PX
from robustkit.images.film import read_film
from robustkit.images.thumbnail import thumbnail, window_around
from robustkit.results.folder import RunFolder
from robustkit.results.thumbnails import FOLDER, write_thumbnails
from scale_of_results import CASES, write_run

PAIRS = 5


def main() -> None:
    """Measure and print; write JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", default="")
    wish = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "run"
        write_run(folder, Path(name), CASES)
        write_pictures(folder)
        stratify(run=folder)
        page = Path(name) / "report.html"
        begun = time.perf_counter()
        command = [str(Path(sys.executable).with_name("robustkit")), "report", str(folder), "--output", str(page)]
        subprocess.run(command, check=True, capture_output=True)
        found = {
            "build_seconds": round(time.perf_counter() - begun, 1),
            "megabytes": round(page.stat().st_size / 1e6, 1),
        }
        found |= in_the_browser(page)
    print(json.dumps(found, indent=1))
    if wish.json:
        Path(wish.json).write_text(json.dumps(found, indent=1), encoding="utf-8")


def write_pictures(folder: Path) -> None:
    """Write a thumbnail for every case, as ``perturb`` would have done of the phantom's films."""
    cases = RunFolder(folder).cases()
    films: dict[str, Any] = {}
    rows = []
    for c in cases.to_dict("records"):
        path = str(c["image_path"])
        if path not in films:
            films[path] = read_film(Path(path)).pixels
        window = window_around(np.array([[c["x0"], c["y0"], c["x1"], c["y1"]]]))
        made = thumbnail(films[path], window, size_px=SIZE_PX, quality=QUALITY)
        rows.append((str(c["case_id"]), window.x0, window.y0, window.side, made.size_px, made.webp))
    write_thumbnails(folder / FOLDER / "part-all.parquet", rows)


def in_the_browser(path: Path) -> dict[str, float]:
    """Give the median seconds until the first screen stands, until the first figure is drawn, and of a menu."""
    firsts, figures, menus, filters = [], [], [], []
    with sync_playwright() as p:
        browser = p.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
        for _ in range(PAIRS):
            page = browser.new_page(viewport={"width": 1280, "height": 800})
            begun = time.perf_counter()
            page.goto(path.as_uri(), wait_until="commit")
            page.wait_for_selector("html[data-ready]", state="attached")
            firsts.append(time.perf_counter() - begun)
            begun = time.perf_counter()
            page.locator("#stability").scroll_into_view_if_needed()
            page.wait_for_selector("#stability_curves[data-drawn]", state="attached")
            figures.append(time.perf_counter() - begun)
            page.evaluate("robustkit.drawAll()")
            menus.append(_menu(page))
            page.locator("#case-table").scroll_into_view_if_needed()
            page.wait_for_selector("#case-table[data-ready]", state="attached")
            filters.append(_filter(page))
            page.close()
        browser.close()
    found = {
        "first_view_seconds": firsts,
        "first_figure_seconds": figures,
        "menu_seconds": menus,
        "filter_seconds": filters,
    }
    return {k: round(sorted(v)[len(v) // 2], 3) for k, v in found.items() if v}


def _menu(page: Any) -> float:
    """Seconds from a choice in a menu to the drawn figure, inside the page."""
    return float(
        page.evaluate("""() => {
      const menu = document.querySelector('select[data-figure="strata_forest"][data-menu="1"]');
      menu.value = [...menu.options].find((o) => o.value !== menu.value).value;
      const begun = performance.now();
      menu.dispatchEvent(new Event("change"));
      return new Promise((done) => requestAnimationFrame(() => setTimeout(() => done((performance.now() - begun) / 1000))));
    }""")
    )


def _filter(page: Any) -> float:
    """Seconds from a letter in the filter of the cases to the filtered table, inside the page."""
    return float(
        page.evaluate("""() => {
      const field = document.getElementById("case-filter");
      field.value = "femur";
      const begun = performance.now();
      field.dispatchEvent(new Event("input"));
      return new Promise((done) => requestAnimationFrame(() => setTimeout(() => done((performance.now() - begun) / 1000))));
    }""")
    )


if __name__ == "__main__":
    main()
