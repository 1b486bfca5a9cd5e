"""Films that visitors bring: read from memory, one for each, dropped after a while; hostile ones are refused."""

from __future__ import annotations

import base64
import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from robustkit.dashboard.lesion import loans as module
from robustkit.dashboard.lesion.loans import KEPT_S, Loans
from robustkit.errors import FilmError

from made_dicom import dicom_film, ramp, written


def _uri(content: bytes) -> str:
    return "data:application/octet-stream;base64," + base64.b64encode(content).decode()


def _png(width: int = 40, height: int = 30) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(ramp(height, width, dtype="uint8")).save(buffer, "PNG")
    return buffer.getvalue()


def test_a_png_and_a_dicom(tmp_path: Path) -> None:
    loans = Loans()
    png = loans.put("a", "C:\\films\\mine.png", _uri(_png()))
    assert (png.name, png.film.width, png.film.height) == ("mine.png", 40, 30)
    assert np.array_equal(loans.get(png.key).film.pixels, ramp(30, 40, dtype="uint8"))
    path = written(dicom_film(ramp(20, 25), ImagerPixelSpacing=[0.15, 0.15]), tmp_path / "f")
    dicom = loans.put("b", "f", _uri(path.read_bytes()))
    assert (dicom.film.width, dicom.film.spacing_mm) == (25, 0.15)


def test_a_visitor_has_one_film() -> None:
    loans = Loans()
    first = loans.put("a", "1.png", _uri(_png()))
    other = loans.put("b", "2.png", _uri(_png()))
    second = loans.put("a", "3.png", _uri(_png()))
    assert len(loans) == 2
    with pytest.raises(FilmError, match="not held any more"):
        loans.get(first.key)
    assert loans.get(second.key).visitor == "a"
    loans.drop("a")
    assert loans.get(other.key).name == "2.png"
    assert len(loans) == 1


def test_films_are_dropped_after_a_while() -> None:
    now = [0.0]
    loans = Loans(clock=lambda: now[0])
    a, b = loans.put("a", "a", _uri(_png())), loans.put("b", "b", _uri(_png()))
    now[0] = KEPT_S - 1
    loans.get(b.key)
    now[0] = KEPT_S + 1
    loans.sweep()
    assert len(loans) == 1
    with pytest.raises(FilmError, match="10 minutes without use"):
        loans.get(a.key)


def test_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_BYTES", 3000)
    loans = Loans()
    for visitor in "abcd":
        loans.put(visitor, visitor, _uri(_png()))
    assert len(loans) == 2


def _deflated() -> bytes:
    return b"\0" * 128 + b"DICM" + b"\x02\0\x10\0UI\x16\x001.2.840.10008.1.2.1.99" + b"\0" * 50


@pytest.mark.parametrize(
    ("contents", "match"),
    [
        (
            "data:text/html;base64," + base64.b64encode(b"<script>alert(1)</script>" * 9).decode(),
            "another kind of file",
        ),
        ("data:image/png;base64,", "empty"),
        ("data:image/png;base64,!!!!", "the upload is damaged"),
        ("nothing at all", "empty"),
        (_uri(_png()[:60]), "truncated or damaged"),
        (_uri(b"\0" * 128 + b"DICM" + b"\xff" * 64), "damaged|no image|transfer syntax"),
        (_uri(_deflated()), "deflated"),
    ],
)
def test_what_is_no_film_is_refused(contents: str, match: str) -> None:
    with pytest.raises(FilmError, match=match):
        Loans().put("a", "x<b>.png", contents)


def test_too_many_pixels_are_refused_from_the_header() -> None:
    import struct
    import zlib

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = chunk(b"IHDR", struct.pack(">IIBBBBB", 8_000, 8_000, 8, 0, 0, 0, 0))
    with pytest.raises(FilmError, match="8000 x 8000 px; up to 50 million"):
        Loans().put("a", "bomb.png", _uri(b"\x89PNG\r\n\x1a\n" + head + chunk(b"IDAT", zlib.compress(b"\0"))))


def test_too_many_bytes_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LARGEST_BYTES", 2 * 1024 * 1024)
    with pytest.raises(FilmError, match="more than 2 MB"):
        Loans().put("a", "big.png", _uri(b"\0" * 3 * 1024 * 1024))
