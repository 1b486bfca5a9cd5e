"""Masks: bright is inside; another size, nothing bright, or no image is a sentence."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from robustkit.cohort.manifest import read_manifest
from robustkit.errors import FilmError
from robustkit.images.mask import read_mask


def _save(folder: Path, pixels: np.ndarray) -> Path:
    Image.fromarray(pixels.astype(np.uint8)).save(folder / "m.png")
    return folder / "m.png"


def test_bright_is_inside_whatever_white_is(tmp_path: Path) -> None:
    inside = np.zeros((4, 6), dtype=bool)
    inside[1:3, 2:5] = True
    for white in (1, 255):
        assert (read_mask(_save(tmp_path, inside * white), size=(4, 6)) == inside).all()
    assert read_mask(tmp_path / "m.png", size=(np.nan, np.nan)).shape == (4, 6)


def test_what_is_wrong_with_a_mask(tmp_path: Path) -> None:
    with pytest.raises(FilmError, match="the mask is 6 x 4 px, its film 7 x 4"):
        read_mask(_save(tmp_path, np.ones((4, 6))), size=(4, 7))
    with pytest.raises(FilmError, match="the bone mask is empty"):
        read_mask(_save(tmp_path, np.zeros((4, 6))), size=(4, 6), name="bone mask")
    with pytest.raises(FilmError, match=r"the mask cannot be read \(the film is missing.\)"):
        read_mask(tmp_path / "none.png", size=(4, 6))


def test_a_case_knows_where_its_mask_lies(tmp_path: Path) -> None:
    rows = "case_id,image,x0,y0,x1,y1,label,mask,image_root\na,a.png,0,0,3,1,benign,masks/a.png,films\nb,b.png,5,5,9,4,benign,,films\n"
    (tmp_path / "m.csv").write_text(rows.replace("5,9,4", "5,9,9"))
    first, second = read_manifest(tmp_path / "m.csv").cases()
    assert first.mask == tmp_path / "films" / "masks" / "a.png"
    assert second.mask is None
    assert "mask_path" not in first.facts
