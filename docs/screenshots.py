"""Takes the pictures of the README from a report: ``make screenshots``; needs a system Chromium."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from PIL import Image

VIEWS = {
    "report.png": (1280, 1750, ""),
    "report-dark.png": (1280, 1750, "--force-dark-mode"),
    "report-phone.png": (420, 1500, ""),
}
FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--hide-scrollbars", "--virtual-time-budget=10000",
)  # fmt: skip


def main() -> None:
    """Write one PNG per view: ``python docs/screenshots.py demo/report.html docs/images``."""
    page, folder = Path(sys.argv[1]).resolve(), Path(sys.argv[2])
    browser = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if browser is None:
        sys.exit("no Chromium found: apt-get install chromium")
    folder.mkdir(parents=True, exist_ok=True)
    for name, (width, height, extra) in VIEWS.items():
        target = (folder / name).resolve()
        with tempfile.TemporaryDirectory() as profile:
            size = f"--window-size={width},{height}"
            command = [browser, *FLAGS, f"--user-data-dir={profile}", size, f"--screenshot={target}", page.as_uri()]
            subprocess.run([*command, *([extra] if extra else [])], check=True, capture_output=True, timeout=120)
        # 64 colours are enough for a page of text and curves, and keep the repository small
        Image.open(target).convert("RGB").quantize(64).save(target, optimize=True)


if __name__ == "__main__":
    main()
