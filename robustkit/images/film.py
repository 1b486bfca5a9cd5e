"""Reads a film of any kind, told by its content; a film that cannot be read is a FilmError with the reason."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal

from robustkit.errors import FilmError
from robustkit.images.held import Source
from robustkit.images.radiograph import Depth, Radiograph, SpacingSource
from robustkit.images.raster import SIGNATURES, raster_header, read_raster

LIMIT_PX = 100_000_000
"""Larger films are refused from the header: a decompression bomb, not a radiograph.

The longest stitched radiographs, 43 x 130 cm at 0.1 mm, have 56 million. Up to this limit a film of any depth is read in
less than 4 GiB.
"""

_EXPORT = "Export it again, as JPEG, PNG, TIFF or DICOM."
_PATH = "Correct the path in the manifest."


@dataclass(frozen=True, slots=True)
class FilmSize:
    """What a film's header says.

    Attributes:
        stored_width, stored_height: As the file stores it, in px.
        width, height: After EXIF orientation, in px: the frame that boxes are in.
        orientation: EXIF orientation 1..8; 1 where the file says none or nonsense.
        spacing_mm: Side of a pixel in mm, None where the film does not say.
        spacing_source: ``calibrated``, ``detector plane`` or ``none``.
        notes: What is unusual in the header, e.g. ``"EXIF orientation is damaged or not 1 to 8: read as stored"``.
    """

    stored_width: int
    stored_height: int
    width: int
    height: int
    orientation: int = 1
    spacing_mm: float | None = None
    spacing_source: SpacingSource = "none"
    notes: tuple[str, ...] = ()


def film_size(path: Source) -> FilmSize:
    """Give the size of a film from its header, without decoding pixels.

    Raises:
        FilmError: Missing, unreadable, not an image, or larger than LIMIT_PX.
    """
    with _readable(path):
        size = _dicom_size(path) if _kind(path) == "dicom" else _raster_size(path)
        _check_size(size)
    return size


def read_film(path: Source, *, depth: Depth = "8", allow_truncated: bool = False) -> Radiograph:
    """Read one film as one grey channel in 0..255, in the displayed frame.

    Args:
        path: JPEG, PNG, TIFF or DICOM, told by content; or such a file held in memory.
        depth: ``8`` rounds deeper films to 8 bit, ``float`` keeps them as float32.
        allow_truncated: Read what is there of a truncated film; the missing part reads 0, a note says so.

    Raises:
        FilmError: The film cannot be read; the reason names no value of a header.
    """
    film_size(path)
    with _readable(path):
        if _kind(path) == "dicom":
            from robustkit.images.dicom import read_dicom

            return read_dicom(path, depth=depth, allow_truncated=allow_truncated)
        return read_raster(path, depth=depth, allow_truncated=allow_truncated)


def _dicom_size(path: Source) -> FilmSize:
    from robustkit.images.dicom import dicom_header

    head = dicom_header(path)
    spacing = head.spacing
    return FilmSize(head.width, head.height, head.width, head.height, 1, spacing.side_mm, spacing.source, spacing.notes)


def _raster_size(path: Source) -> FilmSize:
    head = raster_header(path)
    shown = (head.height, head.width) if head.orientation >= 5 else (head.width, head.height)
    return FilmSize(head.width, head.height, *shown, head.orientation, notes=head.notes)


def _kind(path: Source) -> Literal["dicom", "raster"]:
    with path.open("rb") as handle:
        head = handle.read(132)
    if head[128:] == b"DICM":
        return "dicom"
    if head.startswith(tuple(SIGNATURES)):
        return "raster"
    if not head:
        raise FilmError("the film is empty, 0 bytes.", where=str(path), fix="Copy or export it again.")
    raise FilmError("expected a JPEG, PNG, TIFF or DICOM film, got another kind of file.", where=str(path), fix=_EXPORT)


@contextmanager
def _readable(path: Source) -> Iterator[None]:
    """Give every fault of a film its place, its sentence and the next step."""
    try:
        if not path.exists():
            raise FilmError("the film is missing.", fix=_PATH)
        if not path.is_file():
            raise FilmError("expected a film, got a folder or a device.", fix=_PATH)
        yield
    except FilmError as error:
        if error.where:
            raise
        raise FilmError(error.what, where=str(path), fix=error.fix) from error.__cause__
    except MemoryError as error:
        fix = "Use a machine with more, or a smaller film."
        raise FilmError("the film needs more memory than there is.", where=str(path), fix=fix) from error
    except OSError as error:
        what = f"the film cannot be read ({error.strerror or type(error).__name__})."
        raise FilmError(what, where=str(path), fix="Check the file and its permissions.") from error


def _check_size(size: FilmSize) -> None:
    if size.width < 1 or size.height < 1:
        raise FilmError(f"the film has no pixels ({size.width} x {size.height}).", fix=_EXPORT)
    if size.width * size.height > LIMIT_PX:
        limit = LIMIT_PX // 1_000_000
        what = f"the film has {size.width} x {size.height} px, more than {limit} million."
        raise FilmError(what, fix="Make it smaller, or cut out the part that matters.")
