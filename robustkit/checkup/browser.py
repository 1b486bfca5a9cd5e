"""browser: Chromium, for pictures of pages; reports open in any browser."""

from __future__ import annotations

import shutil
from collections.abc import Iterator

from robustkit.checkup._base import Place
from robustkit.findings import Finding

NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")


class Browser:
    """Looks along the path of commands."""

    name = "browser"
    order = 90

    def look(self, place: Place) -> Iterator[Finding]:
        """Give where it is."""
        found = next((p for n in NAMES if (p := shutil.which(n))), None)
        if found:
            yield Finding(self.name, "chromium", "ok", f"{found}; for screenshots and browser tests alone")
        else:
            yield Finding(self.name, "chromium", "note", "not found; it is for screenshots and browser tests alone")


PLUGIN = Browser()
