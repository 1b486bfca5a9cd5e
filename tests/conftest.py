"""What all tests share: the option that turns skips for want of ../shared into failures."""

from __future__ import annotations

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add ``--need-shared``."""
    parser.addoption("--need-shared", action="store_true", help="fail where ../shared is missing instead of skipping")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """With ``--need-shared``, fail tests that would be skipped for want of the real data."""
    if not config.getoption("--need-shared"):
        return
    for item in items:
        if item.get_closest_marker("shared"):
            item.own_markers = [m for m in item.own_markers if m.name != "skipif"]
