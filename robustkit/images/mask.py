"""Reads the mask of a lesion: an image of the film's size, bright where the lesion is."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from robustkit.errors import FilmError
from robustkit.images.film import read_film


def read_mask(path: Path, *, size: tuple[float, float], name: str = "mask") -> NDArray[np.bool_]:
    """Read a mask: True where it is brighter than half of its brightest pixel.

    Args:
        path: An image of any kind that a film may be.
        size: Height and width of the film in px; NaN or infinite where unknown.
        name: What the mask is called, for errors.

    Returns:
        ``(H, W)``, at least one True.

    Raises:
        FilmError: It cannot be read, is of another size than the film, or empty; ``what`` says so in one clause.
    """
    try:
        pixels = read_film(path).pixels
    except FilmError as error:
        raise FilmError(f"the {name} cannot be read ({error.what})", where=str(path), fix=error.fix) from error
    if np.isfinite(size).all() and pixels.shape != tuple(int(s) for s in size):
        height, width = pixels.shape
        what = f"the {name} is {width} x {height} px, its film {size[1]:g} x {size[0]:g}"
        raise FilmError(what, where=str(path), fix="Export the mask in the frame of its film.")
    inside = np.asarray(pixels > pixels.max() / 2)
    if not inside.any():
        raise FilmError(f"the {name} is empty", where=str(path), fix="Draw it, or leave the column empty.")
    return inside
