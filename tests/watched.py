"""What a page must not do while it is tested: speak on its console, open a dialog, ask another host, get an error."""

from __future__ import annotations

from typing import Any

OWN = ("file:", "data:", "blob:")


def watch(page: Any, *own: str) -> list[str]:
    """Give the list into which all of that goes; a test asserts that it stays empty.

    Args:
        page: Before it is opened.
        own: How addresses of its own begin, beside those of files and data.
    """
    said: list[str] = []
    page.on("console", lambda m: said.append(m.text))
    page.on("pageerror", lambda e: said.append(str(e)))
    page.on("dialog", lambda d: (said.append(d.message), d.dismiss()))
    page.on("request", lambda r: r.url.startswith((*OWN, *own)) or said.append(r.url))
    page.on("response", lambda r: r.status < 400 or said.append(f"{r.status} {r.url}"))
    return said
