"""What lies packed inside a page: tables and data as base64 of gzip, pictures as base64."""

from __future__ import annotations

import base64
import binascii
import gzip
import re
import zlib
from collections.abc import Iterator

_GZIP = re.compile(r'<script type="application/gzip" id="data-([^"]*)">([A-Za-z0-9+/=\s]*)</script>')
_SCRIPT = re.compile(r"<(script|style)\b[^>]*>.*?</\1>", re.DOTALL)
_TAG = re.compile(r"<[^>]*>")
_BASE64 = re.compile(r"(?:[A-Za-z0-9+/]{4}){8,}[A-Za-z0-9+/]{0,3}={0,2}")
_PICTURES = ("iVBORw0KGgo", "UklGR", "/9j/", "R0lGOD", "SUkqA", "TU0AK")
"""First characters of PNG, WebP, JPEG, GIF and TIFF in base64."""
_LIBRARY = "plotly"


def packed_blocks(page: str) -> Iterator[tuple[str, str]]:
    """Give name and text of every packed block of a page, the drawing library left out.

    Raises:
        ValueError: A block cannot be unpacked.
    """
    for name, content in _GZIP.findall(page):
        if name == _LIBRARY:
            continue
        try:
            yield name, gzip.decompress(base64.b64decode(content)).decode()
        except (OSError, EOFError, zlib.error, binascii.Error) as error:
            raise ValueError("a packed block cannot be unpacked") from error


def plain_text(page: str) -> str:
    """Give what a reader of a page sees, without scripts and tags; text in tags' attributes is kept."""
    bare = _SCRIPT.sub(" ", page)
    attributes = " ".join(re.findall(r'(?:title|alt|aria-label|data-[a-z-]+|id)="([^"]*)"', bare))
    return f"{_TAG.sub(' ', bare)} {attributes}"


def embedded_pictures(text: str) -> Iterator[bytes]:
    """Give the bytes of every picture that a text holds in base64."""
    for found in _BASE64.finditer(text):
        if found[0].startswith(_PICTURES):
            yield base64.b64decode(found[0] + "=" * (-len(found[0]) % 4))
