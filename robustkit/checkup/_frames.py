"""Tiny compressed frames, so that a decoder is judged by itself and not by an encoder of the same package.

All hold 60 y + 64 x, twelve bits, in a square of ``side`` px. RLE, JPEG 2000 and JPEG-LS were written by pydicom 3.0.2 with
pylibjpeg-openjpeg and pyjpegls; lossless JPEG by ``tests/made_jpeg_lossless.py``, which is nothing but the standard (ITU-T T.81).
"""

from __future__ import annotations

from base64 import b64decode
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Frame:
    """One frame in one transfer syntax.

    Attributes:
        name: As a person calls it.
        uid: Of the transfer syntax (PS3.6, A).
        side: Height and width in px.
        content: The compressed frame.
    """

    name: str
    uid: str
    side: int
    content: bytes


FRAMES = (
    Frame(
        "JPEG lossless",
        "1.2.840.10008.1.2.4.70",
        8,
        b64decode(
            "/9j/wwALDAAIAAgBAREA/8QAJAAAAAAAEQAAAAAAAAAAAAAAAAECAwQFBgcICQoLDA0ODxD/2gAIAQEAAQAAY/8AngHgHgHgHgHgHgG8PAPA"
            "PAPAPAPAPAN4eAeAeAeAeAeAeAbw8A8A8A8A8A8A8A3h4B4B4B4B4B4B4BvDwDwDwDwDwDwDwDeHgHgHgHgHgHgHgG8PAPAPAPAPAPAPA//Z"
        ),
    ),
    Frame(
        "RLE",
        "1.2.840.10008.1.2.5",
        8,
        b64decode(
            "AgAAAEAAAABqAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAP0A/QH9AP0B/gD9AQAC/wD9"
            "Af8CAAD9Af4C/QH9Av4B/QIAA/8B/QL/AwcAQIDAAECAwAc8fLz8PHy8/Ad4uPg4eLj4OAe09DR0tPQ0dAfwMHCw8DBwsAcsbKzsLGys7Ado"
            "qOgoaKjoKAek5CRkpOQkZA=="
        ),
    ),
    Frame(
        "JPEG 2000",
        "1.2.840.10008.1.2.4.90",
        32,
        b64decode(
            "/0//UQApAAAAAAAgAAAAIAAAAAAAAAAAAAAAIAAAACAAAAAAAAAAAAABCwEB/1IADAAAAAEABQQEAAH/XAATQGBoaHBoaHBoaHBoaHBoaHD/"
            "ZAAlAAFDcmVhdGVkIGJ5IE9wZW5KUEVHIHZlcnNpb24gMi41LjL/kAAKAAAAAABtAAH/k8fsBAlqx/IFH8gQBGIEf8P2BIfsCA0CBi0LPgIj"
            "wfmDQfmDACIaCF1t0AN/5lAq8sD8AiB+ASA2oZmuY6Nknz2mNGBAOgIPz8B9oNAPqChfp8eIvH+drCldnw5WAMJB/9k="
        ),
    ),
    Frame(
        "JPEG-LS",
        "1.2.840.10008.1.2.4.80",
        8,
        b64decode(
            "/9j/9wALDAAIAAgBAREA/9oACAEBAAAAAJ/f399e399eHh2dHJwbnhsamhmZGJgdl5cWlhWVFJ0UE5MSkhGRHJCQP3z147OHTly4bt2xu2at"
            "WjRmzNj/2Q=="
        ),
    ),
)
