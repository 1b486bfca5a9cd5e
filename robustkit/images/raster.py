"""JPEG, PNG and TIFF through Pillow."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFile
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile
from PIL.TiffImagePlugin import TiffImageFile

from robustkit.errors import FilmError
from robustkit.images.grey import Pixels, stretch, to_depth
from robustkit.images.held import Source
from robustkit.images.quiet import quiet
from robustkit.images.radiograph import Depth, Radiograph

SIGNATURES: dict[bytes, Callable[[BinaryIO], ImageFile.ImageFile]] = {
    b"\xff\xd8\xff": JpegImageFile,
    b"\x89PNG\r\n\x1a\n": PngImageFile,
    b"II*\0": TiffImageFile,
    b"MM\0*": TiffImageFile,
    b"II+\0": TiffImageFile,
    b"MM\0+": TiffImageFile,
}
"""First bytes and reader of each kind.

The readers are called by name, not through ``Image.open``: that would try some forty other formats, and it has
a size limit of its own that can only be moved for the whole process.
"""

_ORIENTATION = 0x0112
_PHOTOMETRIC = 0x0106
_BITS = 0x0102
_SAMPLE_FORMAT = 0x0153
FAULTS = (
    ArithmeticError,
    AttributeError,
    EOFError,
    LookupError,
    NotImplementedError,
    OSError,
    SyntaxError,
    TypeError,
    ValueError,
    struct.error,
    zlib.error,
)
"""What a damaged or hostile picture makes Pillow raise."""
_DEEP = ("I;16", "I;16B", "I;16L", "I;16N", "I", "F")
_FIX = "Export it again, or leave the case out."
_NO_ORIENTATION = "EXIF orientation is damaged or not 1 to 8: read as stored"


@dataclass(frozen=True, slots=True)
class RasterHeader:
    """Stored width and height in px, EXIF orientation 1..8, and what is unusual."""

    width: int
    height: int
    orientation: int
    notes: tuple[str, ...]


def raster_header(path: Source) -> RasterHeader:
    """Give what the header says, without decoding pixels.

    Raises:
        FilmError: The header is damaged.
    """
    with path.open("rb") as handle:
        return _header(_open(handle), handle)


def read_raster(path: Source, *, depth: Depth, allow_truncated: bool) -> Radiograph:
    """Give grey pixels in the displayed frame.

    Raises:
        FilmError: Damaged, or truncated without ``allow_truncated``.
    """
    known = None
    with path.open("rb") as handle:
        image = _open(handle)
        header = _header(image, handle)
        notes = [*header.notes, *_unusual(image)]
        if not _load(image):
            if not allow_truncated:
                fix = "Export it again, or read what is there with --allow-truncated."
                raise FilmError("the film is truncated or damaged.", fix=fix)
            image, known = _rescue(handle)
            notes.append("truncated, no pixel is missing" if known.all() else "truncated, missing part reads 0")
    try:
        grey = _grey(image, known, depth=depth, notes=notes)
    except FAULTS as error:
        raise FilmError(f"a film of mode {image.mode} cannot be made grey.", fix=_FIX) from error
    if known is not None:
        grey[~known] = 0
    # a TIFF is turned by Pillow itself
    turned = grey if isinstance(image, TiffImageFile) else orient(grey, header.orientation)
    return Radiograph(turned.copy(), notes=tuple(notes))


def orient(pixels: Pixels, orientation: int) -> Pixels:
    """Turn stored pixels into the displayed frame.

    Args:
        pixels: ``(stored height, stored width)``.
        orientation: 1..8.

    Source: EXIF 2.32, 4.6.4, tag 0x0112; the value says where the stored first row and first column belong.
    """
    if orientation >= 5:
        pixels = pixels.T
    if orientation in (2, 3, 6, 7):
        pixels = pixels[:, ::-1]
    if orientation in (3, 4, 7, 8):
        pixels = pixels[::-1]
    return pixels


def _open(handle: BinaryIO) -> ImageFile.ImageFile:
    head = handle.read(8)
    handle.seek(0)
    reader = next(reader for signature, reader in SIGNATURES.items() if head.startswith(signature))
    try:
        with quiet():
            return reader(handle)
    except FAULTS as error:
        raise FilmError("the header of the film is damaged.", fix=_FIX) from error


def _header(image: ImageFile.ImageFile, handle: BinaryIO) -> RasterHeader:
    width, height = image.size
    notes = []
    try:
        with quiet():
            value = _orientation(image, handle)
    except FAULTS:
        value = 0
    if not isinstance(value, int) or not 1 <= value <= 8:
        value = 1
        notes.append(_NO_ORIENTATION)
    if _is_turned(image):
        width, height = height, width
    return RasterHeader(width, height, value, tuple(notes))


def _orientation(image: ImageFile.ImageFile, handle: BinaryIO) -> object:
    if isinstance(image, PngImageFile) and "exif" not in image.info:
        place = handle.tell()
        found = _exif_chunk(handle)
        handle.seek(place)
        if found:
            image.info["exif"] = found
    # raises where EXIF is damaged; for a JPEG getexif then gives an empty one instead
    Image.Exif().load(image.info.get("exif", b""))
    # the base method: that of PngImageFile decodes the pixels
    return Image.Image.getexif(image).get(_ORIENTATION, 1)


def _exif_chunk(handle: BinaryIO) -> bytes:
    """Find EXIF behind the pixels of a PNG, where it may stand as well (PNG third edition, 11.3.4.7)."""
    handle.seek(8)
    while len(head := handle.read(8)) == 8:
        length, kind = struct.unpack(">I4s", head)
        if kind == b"eXIf":
            return handle.read(min(length, 1 << 20))
        handle.seek(length + 4, 1)
    return b""


def _unusual(image: ImageFile.ImageFile) -> list[str]:
    notes = []
    if image.mode not in _DEEP and any(";16" in str(tile.args) for tile in image.tile[:1]):
        notes.append("16-bit channels read as 8 bit")
    if image.mode in ("LA", "La", "PA", "RGBA", "RGBa") or "transparency" in image.info:
        notes.append("transparency left out")
    with quiet():
        if isinstance(image, TiffImageFile) and image.is_animated:
            notes.append("several pages, the first is read")
    return notes


def _load(image: ImageFile.ImageFile, ground: int = 0) -> bool:
    """Decode onto a ground of one level; False if the file ends or is damaged before the last pixel."""
    if not image.tile:
        # a header without pixels: Pillow takes it for a film that is decoded already, and gives the ground
        return False
    size = image.size
    if _is_turned(image):
        size = size[::-1]
    bands = len(image.getbands())
    image.im = Image.new(image.mode, size, ground if bands == 1 else (ground,) * bands).im
    try:
        with quiet() if isinstance(image, TiffImageFile) else nullcontext():
            image.load()
    except FAULTS:
        return False
    return True


def _is_turned(image: ImageFile.ImageFile) -> bool:
    """Tell whether Pillow gives the size as displayed, not as stored: TIFF only."""
    return isinstance(image, TiffImageFile) and image.tag_v2.get(_ORIENTATION) in (5, 6, 7, 8)


def _rescue(handle: BinaryIO) -> tuple[ImageFile.ImageFile, NDArray[np.bool_]]:
    """Give what is there of a damaged film, and which pixels are.

    The file is decoded twice, onto a ground of 0 and one of 1: what differs was never written. Pillow's own
    switch for truncated files belongs to the whole process, and films are read in threads.
    """
    first, second = _part(handle, ground=0), _part(handle, ground=1)
    same = np.asarray(first) == np.asarray(second)
    known = same if same.ndim == 2 else same.all(axis=-1)
    if not known.any():
        raise FilmError("the film is truncated, and nothing of it can be read.", fix=_FIX)
    return first, known


def _part(handle: BinaryIO, *, ground: int) -> ImageFile.ImageFile:
    handle.seek(0)
    image = _open(handle)
    _header(image, handle)
    _load(image, ground)
    image.tile = []
    if isinstance(image, TiffImageFile) and _ORIENTATION in image.tag_v2:
        try:
            with quiet():
                image.load_end()
        except FAULTS as error:
            raise FilmError("the film is truncated, and nothing of it can be read.", fix=_FIX) from error
    return image


def _grey(image: ImageFile.ImageFile, known: NDArray[np.bool_] | None, *, depth: Depth, notes: list[str]) -> Pixels:
    if image.mode in _DEEP:
        values = np.asarray(image)
        if _is_unsigned(image):
            values = values.view(np.uint32)
        shown = stretch(values.astype(np.float64), known)
        if isinstance(image, TiffImageFile) and image.tag_v2.get(_PHOTOMETRIC) == 0:
            np.subtract(255, shown, out=shown)
        return to_depth(shown, depth)
    # Pillow warns of some transparencies when it converts
    image.info.pop("transparency", None)
    if image.mode not in ("1", "L", "LA", "La"):
        colours = np.asarray(image if image.mode in ("RGB", "RGBA", "RGBX") else image.convert("RGB"))
        if not np.array_equal(colours[..., 0], colours[..., 1]) or not np.array_equal(colours[..., 0], colours[..., 2]):
            notes.append("colour channels differ")
    grey = np.array(image.convert("L"))
    return grey.astype(np.float32) if depth == "float" else grey


def _is_unsigned(image: ImageFile.ImageFile) -> bool:
    """Tell whether Pillow holds unsigned 32-bit samples of a TIFF as signed ones (Pillow 13)."""
    if not isinstance(image, TiffImageFile) or image.mode != "I":
        return False
    return image.tag_v2.get(_BITS) == (32,) and image.tag_v2.get(_SAMPLE_FORMAT, (1,)) == (1,)
