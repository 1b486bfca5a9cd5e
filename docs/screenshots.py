"""Takes the pictures of README and docs from the demo: ``make screenshots``; needs playwright and a system Chromium."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from PIL import Image
from playwright.sync_api import sync_playwright

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
]
CASE_PX = 1150
"""Height of pictures of one section."""


def main() -> None:
    """Write one PNG per view: ``python docs/screenshots.py demo docs/images``."""
    demo, folder = Path(sys.argv[1]).resolve(), Path(sys.argv[2])
    browser = next((p for n in ("chromium", "chromium-browser", "google-chrome") if (p := shutil.which(n))), None)
    if browser is None:
        sys.exit("no Chromium found: apt-get install chromium")
    folder.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as p:
        chromium = p.chromium.launch(executable_path=browser, args=FLAGS)
        report = (demo / "report.html").as_uri()
        for name, size, theme in (
            ("report", (1280, 1750), "light"), ("report-dark", (1280, 1750), "dark"), ("report-phone", (420, 1500), "light"),
        ):  # fmt: skip
            with opened(chromium, report, size=size, theme=theme) as page:
                ready(page)
                keep(page, folder / f"{name}.png")
        with opened(chromium, report, size=(1280, CASE_PX)) as page:
            ready(page)
            bring(page, "operating")
            page.wait_for_selector("#operating-point-slider")
            keep(page, folder / "threshold.png")
        with opened(chromium, report, size=(1280, CASE_PX)) as page:
            ready(page)
            bring(page, "all-cases")
            page.wait_for_selector("#case-table[data-ready]")
            page.click("[data-preset=unstable]")
            page.locator("#case-rows tbody button").nth(1).click()
            bring(page, "all-cases")
            keep(page, folder / "cases.png")
        with served(demo / "run") as address:
            with opened(chromium, address, size=(1280, 900)) as page:
                page.wait_for_selector("#page table")
                keep(page, folder / "dashboard.png")
            with opened(chromium, f"{address}lesion?model=demo-net", size=(1280, 2000)) as page:
                state = "(document.getElementById('lesion-state') || {textContent: ''}).textContent"
                page.wait_for_function(f"{state}.startsWith('Done')", timeout=60_000)
                page.wait_for_timeout(500)
                keep(page, folder / "lesion.png")
        chromium.close()


@contextmanager
def opened(chromium: Any, address: str, *, size: tuple[int, int], theme: str = "light") -> Iterator[Any]:
    """Give a page."""
    context = chromium.new_context(viewport={"width": size[0], "height": size[1]}, color_scheme=theme)
    page = context.new_page()
    page.goto(address)
    yield page
    context.close()


@contextmanager
def served(run: Path) -> Iterator[str]:
    """Serve the dashboard of a run and give its address."""
    command = [str(Path(sys.executable).with_name("robustkit")), "dashboard", str(run), "--port", "0", "--quiet"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        yield process.stdout.readline().strip()
    finally:
        process.terminate()
        process.wait(20)


def ready(page: Any) -> None:
    """Wait until every figure is drawn."""
    page.wait_for_selector("html[data-ready]", state="attached")
    page.evaluate("robustkit.drawAll()")


def bring(page: Any, section: str) -> None:
    """Scroll a section to the top, below the page's own head."""
    page.evaluate(
        f"document.documentElement.style.scrollBehavior = 'auto'; document.getElementById('{section}').scrollIntoView()"
    )
    page.wait_for_timeout(400)


def keep(page: Any, target: Path) -> None:
    """Take what is in the window; 128 colours are enough for text, curves and films, and keep the repository small."""
    page.screenshot(path=target)
    Image.open(target).convert("RGB").quantize(128).save(target, optimize=True)


if __name__ == "__main__":
    main()
