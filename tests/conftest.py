"""What all tests share: a browser, and the option that turns skips for want of ../shared into failures."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from typing import Any

import pytest

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
]


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Give the system's Chromium without a window; skips, with the reason, where there is none."""
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    path = next((p for n in BROWSERS if (p := shutil.which(n))), None)
    if path is None:
        pytest.skip("no Chromium on this machine")
    # for one file of tests at a time: the event loop behind it would be in the way of others
    with playwright.sync_playwright() as p:
        found = p.chromium.launch(executable_path=path, args=FLAGS)
        yield found
        found.close()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add ``--need-shared``, ``--trust``, ``--install``, ``--fuzz-seconds`` and ``--refresh-pages``."""
    parser.addoption("--fuzz-seconds", type=float, default=20.0, help="how long each slow fuzz test goes on")
    parser.addoption("--install", action="store_true", help="make new environments and download packages into them")
    parser.addoption("--need-shared", action="store_true", help="fail where ../shared is missing instead of skipping")
    parser.addoption("--trust", metavar="FOLDER", help="write what was tried, how often and what was found, as JSON")
    parser.addoption("--refresh-pages", action="store_true", help="write what the blocks of the docs print into them")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """With ``--need-shared``, fail tests that would be skipped for want of the real data."""
    if not config.getoption("--need-shared"):
        return
    for item in items:
        if item.get_closest_marker("shared"):
            item.own_markers = [m for m in item.own_markers if m.name != "skipif"]
