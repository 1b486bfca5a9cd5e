"""DICOM radiographs through pydicom, which is imported only when one is met."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from robustkit.errors import FilmError
from robustkit.images.radiograph import Depth, SpacingSource
from robustkit.images.raster import Pixels, stretched, to_depth

if TYPE_CHECKING:
    from pydicom.dataset import FileDataset


def dicom_header(path: Path) -> tuple[int, int, float | None, SpacingSource]:
    """Give columns, rows, spacing in mm and where the spacing comes from."""
    data = _read(path, stop_before_pixels=True)
    if "Rows" not in data or "Columns" not in data:
        what = "the DICOM file has no pixels (0028,0010) Rows"
        raise FilmError(what, where=str(path), fix="Export the image object itself.")
    frames = int(data.get("NumberOfFrames", 1) or 1)
    if frames != 1:
        raise FilmError(f"expected one frame, got {frames} (0028,0008)", where=str(path), fix="Export the frame wanted.")
    spacing, source = _spacing(data)
    return int(data.Columns), int(data.Rows), spacing, source


def read_dicom(path: Path, *, depth: Depth) -> tuple[Pixels, tuple[str, ...]]:
    """Give grey pixels, and notes.

    Source: PS3.3 C.11.1 (modality LUT), C.11.2 (VOI LUT, window), C.7.6.3.1.2 (photometric interpretation).
    """
    data = _read(path, stop_before_pixels=False)
    if "PixelData" not in data:
        raise FilmError("the DICOM file has no pixels (7FE0,0010)", where=str(path), fix="Export the image object itself.")
    photometric = str(data.get("PhotometricInterpretation", "MONOCHROME2"))
    stored = _decode(data, path)
    if stored.ndim == 3:
        return _colour(stored, photometric, depth)
    from pydicom.pixels import apply_modality_lut

    values = apply_modality_lut(stored, data).astype(np.float64)
    grey, note = _displayed(values, stored, data, depth="float")
    if photometric == "MONOCHROME1":
        grey = np.float32(255) - grey
    return to_depth(grey.astype(np.float64), depth), (note,) if note else ()


def _read(path: Path, *, stop_before_pixels: bool) -> FileDataset:
    try:
        import pydicom
        from pydicom.errors import InvalidDicomError
    except ImportError as error:
        raise FilmError("DICOM files need pydicom", where=str(path), fix="Run: pip install pydicom") from error
    from pydicom import config

    try:
        with config.disable_value_validation():
            return pydicom.dcmread(path, stop_before_pixels=stop_before_pixels)
    except (InvalidDicomError, ValueError, KeyError, EOFError, AttributeError, NotImplementedError, TypeError) as error:
        raise FilmError("the DICOM file is damaged", where=str(path), fix="Export it again.") from error


def _decode(data: FileDataset, path: Path) -> NDArray[Any]:
    try:
        return np.asarray(data.pixel_array)
    except (RuntimeError, ValueError, AttributeError, NotImplementedError, KeyError, EOFError, TypeError) as error:
        syntax = data.file_meta.get("TransferSyntaxUID", None) if hasattr(data, "file_meta") else None
        name = getattr(syntax, "name", "unknown transfer syntax")
        what = f"the pixels cannot be decoded ({name})"
        raise FilmError(what, where=str(path), fix="Export it uncompressed, or check that it is whole.") from error


def _colour(stored: NDArray[Any], photometric: str, depth: Depth) -> tuple[Pixels, tuple[str, ...]]:
    from PIL import Image

    if stored.dtype != np.uint8 or stored.shape[-1] != 3:
        raise FilmError(f"colour DICOM of an unknown kind ({photometric})", fix="Export it as a grey image.")
    rgb = stored
    if photometric.startswith("YBR"):
        from pydicom.pixels import convert_color_space

        rgb = convert_color_space(stored, photometric, "RGB")
    notes = ("colour channels differ",) if (rgb != rgb[..., :1]).any() else ()
    return to_depth(np.asarray(Image.fromarray(rgb).convert("L")).astype(np.float64), depth), notes


def _displayed(
    values: NDArray[np.float64], stored: NDArray[Any], data: FileDataset, *, depth: Depth
) -> tuple[NDArray[np.float32], str]:
    """Apply the first VOI LUT, else the first window, else min..max without padding."""
    if data.get("VOILUTSequence"):
        from pydicom.pixels import apply_voi

        table = data.VOILUTSequence[0]
        bits = int(table.LUTDescriptor[2])
        shown = apply_voi(values.astype(np.int64), data, index=0).astype(np.float64)
        return to_depth(shown * (255.0 / (2**bits - 1)), depth).astype(np.float32), ""
    centre, width = _first(data.get("WindowCenter")), _first(data.get("WindowWidth"))
    if centre is not None and width is not None and width > 0:
        return to_depth(_window(values, centre, width, str(data.get("VOILUTFunction", "LINEAR"))), depth).astype(np.float32), ""
    real = ~_padding(stored, data)
    note = "" if real.all() else "padding pixels left out of the grey range"
    if not real.any():
        return np.zeros(values.shape, dtype=np.float32), note
    low, high = values[real].min(), values[real].max()
    return stretched(np.clip(values, low, high), depth).astype(np.float32), note


def _window(x: NDArray[np.float64], centre: float, width: float, function: str) -> NDArray[np.float64]:
    """Give display values 0..255 (PS3.3 C.11.2.1.2 and C.11.2.1.3)."""
    if function == "SIGMOID":
        return 255.0 / (1.0 + np.exp(np.clip(-4.0 * (x - centre) / width, -700, 700)))
    if function == "LINEAR_EXACT" or width <= 1:
        return ((x - centre) / width + 0.5) * 255.0 if width > 0 else np.where(x > centre, 255.0, 0.0)
    return ((x - (centre - 0.5)) / (width - 1) + 0.5) * 255.0


def _padding(stored: NDArray[Any], data: FileDataset) -> NDArray[np.bool_]:
    value = data.get("PixelPaddingValue")
    if value is None:
        return np.zeros(stored.shape, dtype=bool)
    limit = data.get("PixelPaddingRangeLimit", value)
    low, high = sorted((int(value), int(limit)))
    return np.asarray((stored >= low) & (stored <= high))


def _first(value: Any) -> float | None:
    if value is None or value == "":
        return None
    try:
        return float(value[0]) if hasattr(value, "__iter__") and not isinstance(value, str) else float(value)
    except (ValueError, IndexError, TypeError):
        return None


def _spacing(data: FileDataset) -> tuple[float | None, SpacingSource]:
    choices: tuple[tuple[str, SpacingSource], ...] = (
        ("PixelSpacing", "calibrated"),
        ("ImagerPixelSpacing", "detector plane"),
    )
    for name, source in choices:
        value = data.get(name)
        if not value or len(value) != 2:
            continue
        row, column = float(value[0]), float(value[1])
        if row > 0 and abs(row - column) <= 0.01 * row:
            return (row + column) / 2, source
    return None, "none"
