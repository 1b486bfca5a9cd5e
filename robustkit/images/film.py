"""Reads a film of any kind, told by its content; a film that cannot be read is a FilmError with the reason."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from robustkit.errors import FilmError
from robustkit.images.radiograph import Depth, Radiograph, SpacingSource
from robustkit.images.raster import raster_size, read_raster

LIMIT_PX = 400_000_000
"""Larger films are refused from the header: a decompression bomb, not a radiograph."""


@dataclass(frozen=True, slots=True)
class FilmSize:
    """What a film's header says.

    Attributes:
        stored_width, stored_height: As the file stores it, in px.
        width, height: After EXIF orientation, in px: the frame that boxes are in.
        orientation: EXIF orientation 1..8.
        spacing_mm: Side of a pixel in mm, None where the film does not say.
        spacing_source: ``calibrated``, ``detector plane`` or ``none``.
    """

    stored_width: int
    stored_height: int
    width: int
    height: int
    orientation: int = 1
    spacing_mm: float | None = None
    spacing_source: SpacingSource = "none"


def film_size(path: Path) -> FilmSize:
    """Give the size of a film from its header, without decoding pixels.

    Raises:
        FilmError: Missing, unreadable, not an image, or larger than LIMIT_PX.
    """
    with _readable(path):
        if _is_dicom(path):
            from robustkit.images.dicom import dicom_header

            width, height, spacing, source = dicom_header(path)
            size = FilmSize(width, height, width, height, 1, spacing, source)
        else:
            width, height, orientation = raster_size(path)
            shown = (height, width) if orientation >= 5 else (width, height)
            size = FilmSize(width, height, *shown, orientation)
    _check_size(size.width, size.height)
    return size


def read_film(path: Path, *, depth: Depth = "8", allow_truncated: bool = False) -> Radiograph:
    """Read one film as one grey channel in 0..255 (design, section 3.5).

    Args:
        path: JPEG, PNG (8 or 16 bit), TIFF or DICOM, told by content.
        depth: ``8`` rounds deeper films to 8 bit, ``float`` keeps them as float32.
        allow_truncated: Read what is there of a truncated film; the missing part is flat, a note says so.

    Raises:
        FilmError: The film cannot be read; the reason names no tag value.
    """
    size = film_size(path)
    with _readable(path):
        if _is_dicom(path):
            from robustkit.images.dicom import read_dicom

            pixels, notes = read_dicom(path, depth=depth)
            return Radiograph(pixels, size.spacing_mm, size.spacing_source, notes)
        pixels, notes = read_raster(path, depth=depth, orientation=size.orientation, allow_truncated=allow_truncated)
    return Radiograph(pixels, notes=notes)


@contextmanager
def _readable(path: Path) -> Iterator[None]:
    if not path.exists():
        raise FilmError("the film is missing", where=str(path), fix="Correct the path in the manifest.")
    if not path.is_file():
        raise FilmError("the film is a folder, not a file", where=str(path), fix="Correct the path in the manifest.")
    try:
        yield
    except FilmError:
        raise
    except MemoryError as error:
        raise FilmError("the film needs more memory than there is", where=str(path), fix="Make it smaller.") from error
    except OSError as error:
        reason = error.strerror or "not a readable image"
        raise FilmError(f"the film cannot be read ({reason})", where=str(path), fix="Export it again.") from error


def _is_dicom(path: Path) -> bool:
    with path.open("rb") as handle:
        head = handle.read(132)
    return head[128:] == b"DICM"


def _check_size(width: int, height: int) -> None:
    if width < 1 or height < 1:
        raise FilmError(f"the film has no pixels ({width} x {height})", fix="Export it again.")
    if width * height > LIMIT_PX:
        what = f"the film has {width} x {height} px, more than {LIMIT_PX // 1_000_000} million"
        raise FilmError(what, fix="Make it smaller, or cut the part that matters.")
