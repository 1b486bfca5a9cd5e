"""How stored DICOM values become grey: modality transformation, VOI LUT or window, inversion."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from robustkit.errors import FilmError
from robustkit.images.grey import Pixels, Values, WindowFunction, look_up, stretch, to_depth, window
from robustkit.images.radiograph import Depth

if TYPE_CHECKING:
    from pydicom.dataset import Dataset, FileDataset

_FIX = "Export it again, or leave the case out."
_TABLE_SIZE = 1 << 20


@dataclass(frozen=True, slots=True)
class Line:
    """Rescale: ``slope * stored + intercept``."""

    slope: float = 1.0
    intercept: float = 0.0


@dataclass(frozen=True, slots=True)
class Table:
    """Lookup table: entry 0 stands for the value ``first``; entries are 0 .. 2**bits - 1."""

    first: int
    bits: int
    entries: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Window:
    """Centre and width in units of the modality's output."""

    centre: float
    width: float
    function: WindowFunction


@dataclass(frozen=True, slots=True)
class Shading:
    """The whole way from stored value to grey.

    Attributes:
        modality: First step.
        voi: Second step; None: least to greatest value that is not padding.
        padding: Least and greatest stored value that are padding.
        is_inverted: MONOCHROME1: the last step is ``255 - grey``.
        notes: What is unusual.
    """

    modality: Line | Table
    voi: Table | Window | None = None
    padding: tuple[int, int] | None = None
    is_inverted: bool = False
    notes: tuple[str, ...] = ()


def shading_of(data: FileDataset) -> Shading:
    """Read the way from the header: the first VOI LUT, else the first window.

    Raises:
        FilmError: A lookup table that is not as long as it says.

    Source: DICOM PS3.3 C.11.1, C.11.2; C.7.5.1.1.2 (padding).
    """
    modality = _modality(data)
    voi, notes = _voi(data)
    inverted = data.get("PhotometricInterpretation") == "MONOCHROME1"
    return Shading(modality, voi, _padding(data), inverted, notes)


def shade(
    stored: NDArray[Any], shading: Shading, *, depth: Depth, known: NDArray[np.bool_] | None = None
) -> tuple[Pixels, tuple[str, ...]]:
    """Give grey pixels, and notes.

    Every step works on one value at a time, so it is done once for each value that there can be.

    Args:
        stored: ``(height, width)`` whole numbers.
        shading: The steps.
        depth: ``8`` or ``float``.
        known: ``(height, width)``; pixels that count for the range (default: all); the others read 0.
    """
    levels, index = _levels(stored)
    occurs = np.zeros(levels.shape, dtype=bool)
    occurs[index if known is None else index[known]] = True
    grey, notes = _grey(levels, occurs, shading)
    if shading.is_inverted:
        grey = 255 - grey
    pixels = to_depth(grey, depth)[index]
    if known is not None:
        pixels[~known] = 0
    return pixels, shading.notes + notes


def _levels(stored: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
    low, high = int(stored.min()), int(stored.max())
    if high - low >= _TABLE_SIZE:
        levels, index = np.unique(stored, return_inverse=True)
        return levels, index.reshape(stored.shape)
    return np.arange(low, high + 1), stored.astype(np.int64) - low


def _grey(levels: NDArray[Any], occurs: NDArray[np.bool_], shading: Shading) -> tuple[Values, tuple[str, ...]]:
    values = _modal(levels, shading.modality)
    voi = shading.voi
    if isinstance(voi, Table):
        return look_up(values, voi.entries, first=voi.first) * (255 / (2**voi.bits - 1)), ()
    if isinstance(voi, Window):
        return window(values, voi.function, centre=voi.centre, width=voi.width), ()
    if shading.padding is None:
        return stretch(values, occurs), ()
    low, high = shading.padding
    is_padding = (levels >= low) & (levels <= high)
    notes = ("padding pixels left out of the grey range",) if (is_padding & occurs).any() else ()
    return stretch(values, occurs & ~is_padding), notes


def _modal(levels: NDArray[Any], modality: Line | Table) -> Values:
    if isinstance(modality, Table):
        return look_up(levels, modality.entries, first=modality.first)
    with np.errstate(over="ignore", invalid="ignore"):
        values: Values = levels.astype(np.float64) * modality.slope + modality.intercept
    if not np.isfinite(values).all():
        raise FilmError("(0028,1053) RescaleSlope or (0028,1052) RescaleIntercept is beyond all numbers.", fix=_FIX)
    return values


def _modality(data: FileDataset) -> Line | Table:
    tables = data.get("ModalityLUTSequence")
    if tables:
        return _table(tables[0], data, is_signed=data.get("PixelRepresentation") == 1)
    slope, intercept = _number(data, "RescaleSlope"), _number(data, "RescaleIntercept")
    return Line(1.0 if slope is None else slope, 0.0 if intercept is None else intercept)


def _voi(data: FileDataset) -> tuple[Table | Window | None, tuple[str, ...]]:
    tables = data.get("VOILUTSequence")
    if tables:
        # what the modality makes of unsigned values may be negative, and so may the table's first value be
        is_signed = data.get("PixelRepresentation") == 1 or (_number(data, "RescaleIntercept") or 0) < 0
        return _table(tables[0], data, is_signed=is_signed and not data.get("ModalityLUTSequence")), ()
    centre, width = _number(data, "WindowCenter"), _number(data, "WindowWidth")
    if centre is None or width is None:
        return None, ()
    name = str(data.get("VOILUTFunction") or "LINEAR").strip().upper()
    functions: dict[str, WindowFunction] = {"LINEAR_EXACT": "LINEAR_EXACT", "SIGMOID": "SIGMOID"}
    function = functions.get(name, "LINEAR")
    notes = () if function == name else ("unknown (0028,1056) VOILUTFunction: taken as LINEAR",)
    if width < 1 and (function == "LINEAR" or width <= 0):
        return None, (*notes, "(0028,1051) WindowWidth is too small: window left out")
    return Window(centre, width, function), notes


def _padding(data: Dataset) -> tuple[int, int] | None:
    value = data.get("PixelPaddingValue")
    if value is None:
        return None
    limit = data.get("PixelPaddingRangeLimit")
    ends = [int(value), int(value if limit is None else limit)]
    if data.get("PixelRepresentation") == 1:
        bits = int(data.BitsAllocated)
        # some writers give the bit pattern as an unsigned number
        ends = [end - 2**bits if end >= 2 ** (bits - 1) else end for end in ends]
    return min(ends), max(ends)


def _number(data: Dataset, keyword: str) -> float | None:
    """Give the first of one or several values; None if there is none or it is not finite."""
    value = data.get(keyword)
    if isinstance(value, (list, tuple)) or hasattr(value, "append"):
        value = value[0] if len(value) else None
    number = None if value in (None, "") else float(value)
    return number if number is not None and np.isfinite(number) else None


def _table(item: Dataset, data: FileDataset, *, is_signed: bool) -> Table:
    count, first, bits = (int(v) for v in item.LUTDescriptor)
    count = count or 1 << 16
    if is_signed and first >= 1 << 15:
        first -= 1 << 16
    entries = _entries(item.LUTData, count, is_little=data.file_meta.TransferSyntaxUID.is_little_endian)
    if len(entries) < count or not 1 <= bits <= 16:
        raise FilmError("a lookup table, (0028,3006) LUT Data, is not as its descriptor says.", fix=_FIX)
    return Table(first, bits, entries[:count].astype(np.float64))


def _entries(value: Any, count: int, *, is_little: bool) -> NDArray[Any]:
    if not isinstance(value, bytes):
        return np.atleast_1d(np.asarray(value, dtype=np.int64)) & 0xFFFF
    # eight-bit entries may be packed two to a word; the spare byte makes an odd count even
    if count <= len(value) <= count + 1 and count > 1:
        return np.frombuffer(value, dtype=np.uint8)
    return np.frombuffer(value[: len(value) // 2 * 2], dtype="<u2" if is_little else ">u2")
