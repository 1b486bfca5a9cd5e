"""JPEG, PNG and TIFF through Pillow."""

from __future__ import annotations

import io
import struct
import warnings
import zlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFile, UnidentifiedImageError

from robustkit.errors import FilmError
from robustkit.images.radiograph import Depth

Pixels = NDArray[np.uint8] | NDArray[np.float32]

_ORIENTATION = 0x0112
_FIX = "Export the film again, or leave the case out."
_FAULTS = (OSError, SyntaxError, ValueError, TypeError, EOFError, struct.error, zlib.error, KeyError, IndexError)
_DEEP = ("I;16", "I;16L", "I;16B", "I;16N", "I", "F")


def raster_size(path: Path) -> tuple[int, int, int]:
    """Give stored width, stored height and EXIF orientation (1..8; nonsense counts as 1)."""
    with _open(path) as image:
        return image.width, image.height, _orientation(image)


def read_raster(
    path: Path, *, depth: Depth, orientation: int, allow_truncated: bool
) -> tuple[Pixels, tuple[str, ...]]:
    """Give grey pixels in the displayed frame, and notes.

    Raises:
        FilmError: Not an image, damaged, or truncated without ``allow_truncated``.
    """
    notes: list[str] = []
    try:
        with _open(path) as image:
            image.load()
            grey = _grey(image, depth, notes)
    except FilmError:
        raise
    except _FAULTS as error:
        if not allow_truncated:
            fix = "Export it again, or read what is there with --allow-truncated."
            raise FilmError("the film is truncated or damaged", where=str(path), fix=fix) from error
        grey = _partial(path, depth, notes)
    return np.ascontiguousarray(orient(grey, orientation)), tuple(notes)


def orient(pixels: Pixels, orientation: int) -> Pixels:
    """Turn stored pixels into the displayed frame (EXIF 2.32, tag 0x0112: 1..8)."""
    if orientation >= 5:
        pixels = pixels.T
    if orientation in (2, 3, 6, 7):
        pixels = pixels[:, ::-1]
    if orientation in (3, 4, 7, 8):
        pixels = pixels[::-1]
    return pixels


def _open(path: Path) -> Image.Image:
    try:
        with warnings.catch_warnings():
            # size limits are ours (film.LIMIT_PX); Pillow's warning would differ between threads
            warnings.simplefilter("ignore")
            return Image.open(path)
    except Image.DecompressionBombError as error:
        raise FilmError("the film is larger than any radiograph", where=str(path), fix=_FIX) from error
    except (UnidentifiedImageError, *_FAULTS) as error:
        raise FilmError("the file is not an image that is known here", where=str(path), fix=_FIX) from error


def _orientation(image: Image.Image) -> int:
    try:
        value = image.getexif().get(_ORIENTATION, 1)
    except _FAULTS:
        return 1
    return value if isinstance(value, int) and 1 <= value <= 8 else 1


def _grey(image: Image.Image, depth: Depth, notes: list[str]) -> Pixels:
    if image.mode in _DEEP:
        return stretched(np.asarray(image).astype(np.float64), depth)
    if image.mode == "L":
        return _as_depth(np.asarray(image), depth)
    plain = image.convert("RGB") if image.mode in ("P", "PA") else image
    if plain.mode in ("RGB", "RGBA"):
        channels = np.asarray(plain)[..., :3]
        if (channels != channels[..., :1]).any():
            notes.append("colour channels differ")
    elif plain.mode not in ("1", "LA", "La"):
        notes.append(f"converted from {plain.mode}")
    return _as_depth(np.asarray(plain.convert("L")), depth)


def _as_depth(pixels: NDArray[np.uint8], depth: Depth) -> Pixels:
    return pixels.astype(np.float32) if depth == "float" else pixels


def stretched(values: NDArray[np.float64], depth: Depth) -> Pixels:
    """Map min..max to 0..255; a flat film becomes 0."""
    finite = np.isfinite(values)
    if not finite.all():
        values = np.where(finite, values, values[finite].min() if finite.any() else 0.0)
    low, high = float(values.min()), float(values.max())
    scaled = (values - low) * (255.0 / (high - low)) if high > low else np.zeros_like(values)
    return to_depth(scaled, depth)


def to_depth(values: NDArray[np.float64], depth: Depth) -> Pixels:
    """Give values in 0..255 as uint8 (rounded, halves up) or float32."""
    if depth == "float":
        return np.clip(values, 0, 255).astype(np.float32)
    return np.clip(np.floor(values + 0.5), 0, 255).astype(np.uint8)


def _partial(path: Path, depth: Depth, notes: list[str]) -> Pixels:
    """Read what is there: the incremental parser keeps its own state, so threads do not meet."""
    parser = ImageFile.Parser()
    content = path.read_bytes()
    try:
        parser.feed(content)
        image = parser.image
        if image is None:
            image = Image.open(io.BytesIO(content))
            raise FilmError("nothing of the film can be read", where=str(path), fix=_FIX)
    except _FAULTS as error:
        raise FilmError("nothing of the film can be read", where=str(path), fix=_FIX) from error
    notes.append("truncated: the missing part is flat")
    return _grey(image, depth, notes)
