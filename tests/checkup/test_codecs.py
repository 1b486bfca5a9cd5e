"""The kept frames are what they say, and a decoder that is missing or wrong is seen."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pydicom
import pytest
from pydicom.pixels import get_decoder
from robustkit.checkup import codecs
from robustkit.checkup._base import Place
from robustkit.checkup._frames import FRAMES, Frame
from robustkit.findings import Finding
from robustkit.images.radiograph import Radiograph

from made_jpeg_lossless import lossless_jpeg

PLACE = Place(Path(), Path(), Path())


def _found() -> dict[str, Finding]:
    return {f.subject: f for f in codecs.PLUGIN.look(PLACE)}


@pytest.mark.parametrize("frame", FRAMES, ids=lambda f: f.name)
def test_kept_frames_hold_the_values_they_say(frame: Frame) -> None:
    data = pydicom.dcmread(io.BytesIO(codecs._dicom(frame.uid, frame.side, frame.content)))
    # by hand: the first row is 0, 64, 128, ..., the first column 0, 60, 120, ...
    assert data.pixel_array[0, :4].tolist() == [0, 64, 128, 192]
    assert data.pixel_array[:4, 0].tolist() == [0, 60, 120, 180]
    assert data.pixel_array.max() == 124 * (frame.side - 1)
    np.testing.assert_array_equal(data.pixel_array, codecs.stored(frame.side))


def test_the_lossless_jpeg_is_written_from_the_standard() -> None:
    own = next(f for f in FRAMES if f.name == "JPEG lossless")
    assert own.content == lossless_jpeg(codecs.stored(8), precision=12)


def test_all_decoders_of_this_installation_are_right() -> None:
    found = _found()
    assert {f.status for f in found.values()} == {"ok"}
    assert {
        "PNG, 16 bit",
        "TIFF, 16 bit",
        "WebP thumbnails",
        "DICOM, JPEG lossless",
        "DICOM, JPEG-LS",
        "DICOM, JPEG 2000",
    } <= set(found)


def test_a_missing_decoder_is_named_with_its_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(get_decoder("1.2.840.10008.1.2.4.80"), "_available", {})
    found = _found()
    bad = found.pop("DICOM, JPEG-LS")
    assert bad.status == "broken"
    assert bad.fix == "pip install pylibjpeg pylibjpeg-libjpeg pylibjpeg-openjpeg pyjpegls"
    assert {f.status for f in found.values()} == {"ok"}


def test_a_decoder_that_reads_wrongly_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    def shifted(*args: object, **options: object) -> Radiograph:
        film = codecs_read(*args, **options)  # type: ignore[arg-type]
        return Radiograph(np.roll(film.pixels, 1, axis=0))

    codecs_read = codecs.read_film
    monkeypatch.setattr(codecs, "read_film", shifted)
    bad = {s for s, f in _found().items() if f.status == "broken"}
    assert bad == set(_found()) - {"WebP thumbnails"}
    assert "read wrongly: off by" in _found()["PNG"].said
