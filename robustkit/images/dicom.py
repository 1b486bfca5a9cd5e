"""DICOM radiographs through pydicom, which is imported only when one is met."""

from __future__ import annotations

import struct
import sys
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from robustkit.errors import FilmError
from robustkit.images.grey import Pixels, to_depth
from robustkit.images.held import Source
from robustkit.images.quiet import quiet
from robustkit.images.radiograph import Depth, Radiograph
from robustkit.images.shading import shade, shading_of
from robustkit.images.spacing import Spacing, spacing_of

if TYPE_CHECKING:
    from pydicom.dataset import FileDataset
    from pydicom.pixels.decoders.base import Decoder

_FIX = "Export it again, or leave the case out."
_CODECS = "Run: pip install pylibjpeg pylibjpeg-libjpeg pylibjpeg-openjpeg pyjpegls"
_LARGEST_UNPACKED = 2**28
"""Bytes; as much as a film of the largest size and 16 bit."""
_NO_COLOURS = np.zeros((0, 0, 3), dtype=np.uint8)
_FAULTS = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    BufferError,
    EOFError,
    LookupError,
    RuntimeError,
    TypeError,
    ValueError,
    struct.error,
    zlib.error,
)


@dataclass(frozen=True, slots=True)
class DicomHeader:
    """Columns and rows of a DICOM film in px, and its spacing."""

    width: int
    height: int
    spacing: Spacing


def dicom_header(path: Source) -> DicomHeader:
    """Give what the header says, without reading pixels.

    Raises:
        FilmError: Damaged, without pixels, or of several frames.
    """
    with _understood(), quiet():
        return _header(_open(path, with_pixels=False))


def read_dicom(path: Source, *, depth: Depth, allow_truncated: bool) -> Radiograph:
    """Give grey pixels as a viewer shows them.

    Raises:
        FilmError: Damaged, of an unknown kind, or truncated without ``allow_truncated``.

    Source: PS3.3 C.7.6.3.1.2 (photometric interpretation), C.11.1 (modality LUT), C.11.2 (VOI LUT, window).
    """
    with _understood():
        with quiet():
            data = _open(path, with_pixels=True)
            header = _header(data)
            decoder = _decoder(data)
            n_known = _fill_up(data, header, allow_truncated=allow_truncated) if decoder.is_native else None
            stored, photometric = _decode(data, decoder)
            if photometric.startswith("MONOCHROME"):
                shading, colours = shading_of(data), _NO_COLOURS
            else:
                shading, colours = None, _colours(stored, data, photometric)
        known = None if n_known is None else (np.arange(stored.size) < n_known).reshape(stored.shape)
        if shading is not None:
            pixels, notes = shade(stored, shading, depth=depth, known=known)
        else:
            pixels, notes = _grey_of(colours, depth=depth)
    if known is not None:
        notes += ("truncated, missing part reads 0",)
    return Radiograph(pixels, header.spacing.side_mm, header.spacing.source, header.spacing.notes + notes)


@contextmanager
def _understood() -> Iterator[None]:
    """Turn whatever a damaged file makes pydicom or a codec raise into a FilmError without values."""
    try:
        yield
    except _faults() as error:
        raise FilmError("the DICOM film is damaged.", fix=_FIX) from error


def _faults() -> tuple[type[Exception], ...]:
    """Give what reading may raise; two of pydicom's own errors are of no common kind."""
    errors = sys.modules.get("pydicom.errors")
    return _FAULTS if errors is None else (*_FAULTS, errors.InvalidDicomError, errors.BytesLengthException)


def _open(path: Source, *, with_pixels: bool) -> FileDataset:
    try:
        from pydicom import dcmread
    except ImportError as error:
        raise FilmError("DICOM films need pydicom.", fix="Run: pip install pydicom") from error
    with path.open("rb") as handle:
        _check_deflated(handle)
        return dcmread(handle, stop_before_pixels=not with_pixels)


def _check_deflated(handle: BinaryIO) -> None:
    """Refuse a deflated data set that is a bomb: pydicom unpacks it whole before it looks at it (PS3.5 A.5)."""
    # the public reader of the head takes a path alone (pydicom 3.0)
    from pydicom.filereader import _read_file_meta_info as read_head
    from pydicom.filereader import read_preamble
    from pydicom.uid import DeflatedExplicitVRLittleEndian

    read_preamble(handle, force=False)
    if read_head(handle).get("TransferSyntaxUID") == DeflatedExplicitVRLittleEndian:
        unpacker, room = zlib.decompressobj(-zlib.MAX_WBITS), _LARGEST_UNPACKED
        while room >= 0 and (block := handle.read(2**16)):
            while block and room >= 0:
                room -= len(unpacker.decompress(block, 2**20))
                block = unpacker.unconsumed_tail
        if room < 0:
            what = f"the DICOM film would unpack to more than {_LARGEST_UNPACKED // 2**20} MiB."
            raise FilmError(what, fix="Export it again, uncompressed.")
    handle.seek(0)


def _header(data: FileDataset) -> DicomHeader:
    if not data.get("Rows") or not data.get("Columns"):
        what = "the DICOM file is no image, or ends too early: no (0028,0010) Rows or (0028,0011) Columns."
        raise FilmError(what, fix="Export the image object itself.")
    frames = int(data.get("NumberOfFrames") or 1)
    if frames != 1:
        fix = "Export the frame that matters as a film of its own."
        raise FilmError(f"expected one frame, got {frames}, (0028,0008) NumberOfFrames.", fix=fix)
    return DicomHeader(int(data.Columns), int(data.Rows), spacing_of(data))


def _fill_up(data: FileDataset, header: DicomHeader, *, allow_truncated: bool) -> int | None:
    """Fill up truncated grey pixels with 0 and give the number of whole ones; None if nothing is missing."""
    size = int(data.BitsAllocated) // 8
    expected, found = header.width * header.height * size, len(data.PixelData)
    if found >= expected or data.get("SamplesPerPixel", 1) != 1:
        return None
    if not allow_truncated:
        fix = "Export it again, or read what is there with --allow-truncated."
        raise FilmError("the DICOM film is truncated.", fix=fix)
    if found < size:
        raise FilmError("the film is truncated, and nothing of it can be read.", fix=_FIX)
    data.PixelData = data.PixelData.ljust(expected, b"\0")
    return found // size


def _decoder(data: FileDataset) -> Decoder:
    from pydicom.pixels import get_decoder

    if "PixelData" not in data:
        what = "the DICOM file is no image, or its pixels are truncated: no whole (7FE0,0010) Pixel Data."
        raise FilmError(what, fix=_FIX)
    syntax = data.file_meta.get("TransferSyntaxUID")
    try:
        decoder = get_decoder(syntax)
    except (NotImplementedError, AttributeError, TypeError, ValueError) as error:
        what = "the transfer syntax, (0002,0010), is missing or not known."
        raise FilmError(what, fix="Export the film uncompressed.") from error
    if not decoder.is_available:
        raise FilmError(f"{decoder.UID.name} needs a decoder that is not installed.", fix=_CODECS)
    return decoder


def _decode(data: FileDataset, decoder: Decoder) -> tuple[NDArray[Any], str]:
    """Give stored values, and the photometric interpretation that they have after decoding."""
    try:
        stored, found = decoder.as_array(data, index=0)
    except _faults() as error:
        what = f"the pixels cannot be decoded ({decoder.UID.name}): truncated or damaged."
        raise FilmError(what, fix="Export it again, or uncompressed.") from error
    return stored, str(found["photometric_interpretation"])


def _colours(stored: NDArray[Any], data: FileDataset, photometric: str) -> NDArray[np.uint8]:
    """Give ``(height, width, 3)`` uint8."""
    if photometric == "PALETTE COLOR":
        from pydicom.pixels import apply_color_lut

        colours = apply_color_lut(stored, data)
        bits = colours.dtype.itemsize * 8
    else:
        colours, bits = stored, int(data.BitsStored)
    if colours.ndim != 3 or colours.shape[-1] < 3 or colours.dtype.kind != "u":
        raise FilmError("a colour film of an unknown kind, (0028,0004).", fix="Export it as a grey film.")
    if bits == 8:
        return np.ascontiguousarray(colours[..., :3], dtype=np.uint8)
    return to_depth(colours[..., :3] * (255 / (2**bits - 1)), "8").astype(np.uint8)


def _grey_of(colours: NDArray[np.uint8], *, depth: Depth) -> tuple[Pixels, tuple[str, ...]]:
    grey = np.array(Image.fromarray(colours).convert("L"))
    notes = ("colour channels differ",) if (colours != colours[..., :1]).any() else ()
    return (grey.astype(np.float32) if depth == "float" else grey), notes
