"""Films that end too early: refused, or what is there is read."""

from __future__ import annotations

import threading
import warnings

import numpy as np
import pytest
from PIL import Image, ImageFile
from robustkit.errors import FilmError
from robustkit.images.film import read_film


def noisy(mode: str = "L") -> Image.Image:
    """Give a film of 96 x 64 px whose every pixel is well above 0."""
    draw = np.random.default_rng(3).integers(80, 180, size=(64, 96, len(mode)), dtype=np.uint8)
    return Image.fromarray(draw.squeeze())


SAVED = {
    "jpeg": ("jpeg", "L", {"quality": 90}),
    "colour jpeg": ("jpeg", "RGB", {"quality": 90, "subsampling": 2}),
    "png": ("png", "L", {}),
    "colour png": ("png", "RGB", {}),
    "tiff": ("tiff", "L", {"strip_size": 96 * 8}),
    "lzw tiff": ("tiff", "L", {"compression": "tiff_lzw", "strip_size": 96 * 8}),
}


class TestTruncated:
    """Cut at many places: refused, or what is there is read and the rest is 0."""

    @pytest.mark.parametrize("kind", SAVED)
    def test_every_cut_is_noticed(self, tmp_path, kind):
        form, mode, options = SAVED[kind]
        path = tmp_path / "film"
        noisy(mode).save(path, format=form, **options)
        content, whole = path.read_bytes(), read_film(path).pixels
        n_partial = n_refused = 0
        for cut in np.linspace(1, len(content) - 1, 41).astype(int):
            path.write_bytes(content[:cut])
            try:
                assert np.array_equal(read_film(path).pixels, whole)  # only what follows the pixels is gone
            except FilmError:
                n_refused += 1
            try:
                part = read_film(path, allow_truncated=True)
            except FilmError:
                continue
            missing = part.pixels == 0
            n_partial += bool(missing.any())
            assert missing.any() == ("truncated, missing part reads 0" in part.notes)
            # whole rows that are there are the same; the last one before the gap may be filled up by the decoder
            full = np.flatnonzero(~missing.any(axis=1))
            if "jpeg" in kind:
                full = full[full < (full.max(initial=-1) // 16) * 16 - 1]
            assert np.array_equal(part.pixels[full], whole[full])
        assert n_refused >= 30
        # libtiff puts the directory last: without it nothing can be told
        assert n_partial >= (0 if kind == "lzw tiff" else 10)

    def test_damage_in_a_compressed_tiff(self, tmp_path):
        path = tmp_path / "film.tif"
        noisy().save(path, compression="tiff_adobe_deflate", tiffinfo={278: 8})
        whole, content = read_film(path).pixels, path.read_bytes()
        path.write_bytes(content[:2500] + bytes(1500) + content[4000:])
        with pytest.raises(FilmError, match="truncated or damaged"):
            read_film(path)
        film = read_film(path, allow_truncated=True)
        assert np.array_equal(film.pixels[:16], whole[:16])
        assert (film.pixels == 0).any()
        assert film.notes == ("truncated, missing part reads 0",)

    def test_half_a_jpeg(self, tmp_path):
        path = tmp_path / "film.jpg"
        noisy().save(path, quality=90)
        content = path.read_bytes()
        path.write_bytes(content[: len(content) // 2])
        with pytest.raises(FilmError, match="truncated or damaged.*--allow-truncated"):
            read_film(path)
        film = read_film(path, allow_truncated=True)
        assert film.notes == ("truncated, missing part reads 0",)
        # about half of the eight rows of blocks
        n_rows = int((film.pixels > 0).all(axis=1).sum())
        assert 16 <= n_rows <= 40
        assert not film.pixels[n_rows:].any()

    def test_truncated_and_turned(self, tmp_path):
        turned = Image.Exif()
        turned[0x0112] = 6
        for form in ("jpeg", "png", "tiff"):
            path = tmp_path / f"film.{form}"
            noisy().save(path, exif=turned)
            content = path.read_bytes()
            path.write_bytes(content[: len(content) * 6 // 10])
            if form == "tiff":
                # the directory comes first in a file of Pillow
                assert content[4:8] == b"\x08\0\0\0"
            film = read_film(path, allow_truncated=True)
            assert film.pixels.shape == (96, 64)
            # stored rows run from right to left: the end of the file is on the left
            assert not film.pixels[:, :10].any()
            assert film.pixels[:, -20:].all()

    def test_deep_range_comes_from_what_is_there(self, tmp_path):
        stored = np.arange(5000, 5000 + 64 * 64, dtype=np.uint16).reshape(64, 64)
        path = tmp_path / "film.tif"
        Image.fromarray(stored).save(path)
        content = path.read_bytes()
        path.write_bytes(content[: len(content) - 64 * 2 * 32])
        film = read_film(path, depth="float", allow_truncated=True)
        # 32 rows are there: 5000 .. 7047
        assert film.pixels[0, 0] == 0
        assert film.pixels[31, 63] == 255
        assert film.pixels[0, 1] == pytest.approx(255 / 2047)
        assert not film.pixels[32:].any()

    def test_missing_part_of_inks_is_black(self, tmp_path):
        path = tmp_path / "film.jpg"
        Image.new("CMYK", (64, 256), (0, 0, 0, 100)).save(path)
        content = path.read_bytes()
        path.write_bytes(content[:-12])
        film = read_film(path, allow_truncated=True)
        assert film.pixels[0, 0] == pytest.approx(155, abs=2)
        assert not film.pixels[-1].any()

    def test_progressive_holds_no_whole_row(self, tmp_path):
        path = tmp_path / "film.jpg"
        noisy().save(path, progressive=True)
        content = path.read_bytes()
        path.write_bytes(content[: len(content) // 2])
        with pytest.raises(FilmError, match="nothing of it can be read"):
            read_film(path, allow_truncated=True)

    def test_threads_do_not_meet(self, tmp_path):
        whole, cut = tmp_path / "whole.jpg", tmp_path / "cut.jpg"
        noisy().resize((960, 640)).save(whole)
        cut.write_bytes(whole.read_bytes()[:-20_000])
        expected = {
            (whole, False): read_film(whole).pixels,
            (cut, True): read_film(cut, allow_truncated=True).pixels,
            (cut, False): None,
        }
        filters, faults = list(warnings.filters), []

        def work(key):
            for _ in range(15):
                try:
                    found = read_film(key[0], allow_truncated=key[1]).pixels
                except FilmError:
                    found = None
                if not (found is expected[key] is None or np.array_equal(found, expected[key])):
                    faults.append(key)

        threads = [threading.Thread(target=work, args=(key,)) for key in [*expected, *expected]]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert faults == []
        assert ImageFile.LOAD_TRUNCATED_IMAGES is False
        assert warnings.filters == filters
