"""A film in memory is read as the same film on the disk."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from robustkit.errors import FilmError
from robustkit.images.film import film_size, read_film
from robustkit.images.held import HeldFilm

from made_dicom import dicom_film, ramp, written


def _png(path: Path) -> Path:
    Image.fromarray(ramp(30, 40, dtype="uint8")).save(path)
    return path


@pytest.mark.parametrize("kind", ["png", "jpeg", "tiff", "dicom"])
def test_it_equals_the_film_on_the_disk(tmp_path: Path, kind: str) -> None:
    path = tmp_path / f"f.{kind}"
    if kind == "dicom":
        written(dicom_film(ramp(30, 40), PixelSpacing=[0.2, 0.2], PixelSpacingCalibrationType="GEOMETRY"), path)
    else:
        Image.fromarray(ramp(30, 40, dtype="uint8")).save(path, kind)
    held = HeldFilm(path.read_bytes(), "mine")
    on_disk, in_memory = read_film(path), read_film(held)
    assert np.array_equal(on_disk.pixels, in_memory.pixels)
    assert on_disk.spacing_mm == in_memory.spacing_mm
    assert film_size(held) == film_size(path)


def test_errors_name_the_film(tmp_path: Path) -> None:
    with pytest.raises(FilmError, match="another kind of file") as caught:
        read_film(HeldFilm(b"<html>" + b" " * 200, "letter.html"))
    assert caught.value.where == "letter.html"


def test_a_truncated_one_is_told(tmp_path: Path) -> None:
    content = _png(tmp_path / "f.png").read_bytes()
    with pytest.raises(FilmError, match="truncated"):
        read_film(HeldFilm(content[: len(content) // 2]))
    assert read_film(HeldFilm(content)).width == 40
