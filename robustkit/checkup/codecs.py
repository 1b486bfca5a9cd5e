"""codecs: a tiny film of every kind is read, and its grey levels are compared."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from robustkit.checkup._base import FAULTS, Place, described
from robustkit.checkup._frames import FRAMES
from robustkit.errors import RobustkitError
from robustkit.findings import Finding
from robustkit.images.film import read_film
from robustkit.images.held import HeldFilm

_REINSTALL = "pip install --force-reinstall Pillow"
_DICOM = "pip install pydicom pylibjpeg pylibjpeg-libjpeg pylibjpeg-openjpeg pyjpegls"
_SIDE = 16
_PLAIN = "1.2.840.10008.1.2.1"
_BASELINE = "1.2.840.10008.1.2.4.50"
_EXACT, _LOSSY = 0.01, 6.0
"""Largest difference in grey levels of 0..255. A 16-bit film is stretched in float32."""


class Codecs:
    """Reads films from memory, as commands read them from disk."""

    name = "codecs"
    order = 60

    def look(self, place: Place) -> Iterator[Finding]:
        """Give a finding for every kind of film, and for thumbnails."""
        for subject, make in _RASTERS.items():
            yield self._judge(subject, make, side=_SIDE, allowed=_allowed(subject), fix=_REINSTALL)
        yield self._thumbnail()
        yield self._judge("DICOM", partial(_dicom, _PLAIN, _SIDE, None), side=_SIDE, allowed=_EXACT, fix=_DICOM)
        lossy = partial(_dicom, _BASELINE, _SIDE, _jpeg(_SIDE))
        yield self._judge("DICOM, JPEG", lossy, side=_SIDE, allowed=_LOSSY, fix=_DICOM)
        for frame in FRAMES:
            make = partial(_dicom, frame.uid, frame.side, frame.content)
            yield self._judge(f"DICOM, {frame.name}", make, side=frame.side, allowed=_EXACT, fix=_DICOM)

    def _judge(self, subject: str, make: Callable[[], bytes], *, side: int, allowed: float, fix: str) -> Finding:
        try:
            film = read_film(HeldFilm(make(), name="a tiny film"), depth="float")
        except RobustkitError as error:
            mend = error.fix.removeprefix("Run: ") if error.fix.startswith("Run: ") else fix
            return Finding(self.name, subject, "broken", error.what, mend)
        except ImportError:
            return Finding(self.name, subject, "broken", "cannot be read without pydicom", fix)
        except FAULTS as error:
            return Finding(self.name, subject, "broken", described(error), fix)
        away = float(np.abs(film.pixels - stretched(side)).max())
        if not away <= allowed:
            return Finding(self.name, subject, "broken", f"read wrongly: off by {away:.1f} grey levels of 255", fix)
        return Finding(self.name, subject, "ok", "read, and its grey levels are right")

    def _thumbnail(self) -> Finding:
        """Thumbnails are written as WebP and read back by browsers."""
        grey = np.rint(stretched(_SIDE)).astype(np.uint8)
        try:
            buffer = io.BytesIO()
            Image.fromarray(grey).save(buffer, "WEBP", quality=95)
            back = np.asarray(Image.open(buffer, formats=["WEBP"]).convert("L"), dtype=np.float64)
        except FAULTS as error:
            return Finding(self.name, "WebP thumbnails", "broken", described(error), _REINSTALL)
        away = float(np.abs(back - grey).max())
        if not away <= 2 * _LOSSY:
            said = f"read wrongly: off by {away:.1f} grey levels of 255"
            return Finding(self.name, "WebP thumbnails", "broken", said, _REINSTALL)
        return Finding(self.name, "WebP thumbnails", "ok", "written and read")


def _allowed(subject: str) -> float:
    if subject == "JPEG":
        return _LOSSY
    # eight bits round by half a level
    return _EXACT if "16 bit" in subject else 0.51


def stored(side: int) -> NDArray[np.uint16]:
    """Give ``(side, side)`` values of twelve bits: 60 y + 64 x."""
    y, x = np.mgrid[:side, :side]
    return np.asarray(60 * y + 64 * x, dtype=np.uint16)


def stretched(side: int) -> NDArray[np.float64]:
    """Give the film as it is to be shown: 0..255 from its least to its largest value."""
    y, x = np.mgrid[:side, :side]
    return np.asarray(255.0 * (60 * y + 64 * x) / (124 * (side - 1)))


def _eight(side: int) -> NDArray[np.uint8]:
    return np.rint(stretched(side)).astype(np.uint8)


def _saved(pixels: NDArray[Any], kind: str, **options: Any) -> Callable[[], bytes]:
    def make() -> bytes:
        buffer = io.BytesIO()
        Image.fromarray(pixels).save(buffer, kind, **options)
        return buffer.getvalue()

    return make


def _jpeg(side: int) -> bytes:
    return _saved(_eight(side), "JPEG", quality=95)()


def _dicom(syntax: str, side: int, frame: bytes | None) -> bytes:
    """Give a DICOM film of that transfer syntax; without a frame its values lie there as they are.

    Raises:
        ImportError: pydicom is not installed.
    """
    from pydicom.dataset import Dataset, FileMetaDataset
    from pydicom.encaps import encapsulate
    from pydicom.uid import UID

    data = Dataset()
    data.file_meta = FileMetaDataset()
    data.file_meta.TransferSyntaxUID = UID(syntax)
    data.SOPClassUID = data.file_meta.MediaStorageSOPClassUID = UID("1.2.840.10008.5.1.4.1.1.1.1")
    data.SOPInstanceUID = data.file_meta.MediaStorageSOPInstanceUID = UID("2.25.1")
    data.Rows = data.Columns = side
    data.SamplesPerPixel, data.PhotometricInterpretation, data.PixelRepresentation = 1, "MONOCHROME2", 0
    is_eight = syntax == _BASELINE
    data.BitsAllocated, data.BitsStored = (8, 8) if is_eight else (16, 12)
    data.HighBit = data.BitsStored - 1
    data.PixelData = stored(side).tobytes() if frame is None else encapsulate([frame])
    data["PixelData"].VR = "OB" if frame else "OW"
    data["PixelData"].is_undefined_length = frame is not None
    buffer = io.BytesIO()
    data.save_as(buffer, enforce_file_format=True)
    return buffer.getvalue()


_RASTERS: dict[str, Callable[[], bytes]] = {
    "JPEG": _saved(_eight(_SIDE), "JPEG", quality=95),
    "PNG": _saved(_eight(_SIDE), "PNG"),
    "PNG, 16 bit": _saved(stored(_SIDE), "PNG"),
    "TIFF, 16 bit": _saved(stored(_SIDE), "TIFF"),
    "TIFF, 16 bit, deflate": _saved(stored(_SIDE), "TIFF", compression="tiff_adobe_deflate"),
    "TIFF, LZW": _saved(_eight(_SIDE), "TIFF", compression="tiff_lzw"),
}

PLUGIN = Codecs()
