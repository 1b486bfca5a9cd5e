"""Grey values: lookup tables, windows and ranges to display values 0..255."""

from __future__ import annotations

from typing import Any, Literal, cast

import numpy as np
from numpy.typing import NDArray

from robustkit.images.radiograph import Depth

Pixels = NDArray[np.uint8] | NDArray[np.float32]
Values = NDArray[np.float64]
WindowFunction = Literal["LINEAR", "LINEAR_EXACT", "SIGMOID"]


def to_depth(values: NDArray[Any], depth: Depth) -> Pixels:
    """Give display values as uint8 (nearest level, halves up) or float32; outside 0..255 is clipped."""
    if depth == "float":
        grey: NDArray[np.float32] = np.clip(values, 0, 255).astype(np.float32)
        return grey
    nearest = np.asarray(values, dtype=np.float64) + 0.5
    levels: NDArray[np.uint8] = np.clip(np.floor(nearest, out=nearest), 0, 255, out=nearest).astype(np.uint8)
    return levels


def stretch(values: Values, known: NDArray[np.bool_] | None = None) -> Values:
    """Map the least and greatest known value to 0 and 255; what lies outside is clipped, a flat film reads 0.

    Args:
        values: Any shape; values that are not finite read 0.
        known: Same shape; the values that count for the range (default: all).
    """
    finite = np.isfinite(values)
    counted = finite if known is None else finite & known
    low = values.min(where=counted, initial=np.inf)
    high = values.max(where=counted, initial=-np.inf)
    if not low < high:
        return np.zeros(values.shape)
    # in place, for a film may be large; halved first, so that the span of the greatest float64 values stays finite
    share: Values = np.where(finite, values, low)
    share /= 2
    share -= low / 2
    share /= high / 2 - low / 2
    np.clip(share, 0, 1, out=share)
    share *= 255
    return share


def window(values: Values, function: WindowFunction, *, centre: float, width: float) -> Values:
    """Give display values 0..255 of a window.

    Args:
        values: After the modality transformation, any shape.
        function: LINEAR needs ``width >= 1``, the others ``width > 0``.
        centre: In units of ``values``.
        width: In units of ``values``.

    Source: DICOM PS3.3 C.11.2.1.2.1 (LINEAR), C.11.2.1.3.1 (SIGMOID), C.11.2.1.3.2 (LINEAR_EXACT).
    """
    if function == "SIGMOID":
        return 255 / (1 + np.exp(np.clip(-4 * (values - centre) / width, -700, 700)))
    if function == "LINEAR":
        centre, width = centre - 0.5, width - 1
    if width == 0:
        return np.where(values > centre, 255.0, 0.0)
    return np.clip((values - centre) / width + 0.5, 0, 1) * 255


def look_up(values: NDArray[Any], entries: NDArray[np.float64], *, first: int) -> Values:
    """Give the entry of a lookup table for each value; values beyond an end take the entry at that end.

    Args:
        values: Any shape; the nearest whole number counts.
        entries: ``(n,)`` float64.
        first: The value that entry 0 stands for.

    Source: DICOM PS3.3 C.11.1.1 and C.11.2.1.1.
    """
    index = np.clip(np.floor(np.asarray(values, dtype=np.float64) + 0.5) - first, 0, len(entries) - 1)
    return cast(Values, entries[index.astype(np.int64)])
