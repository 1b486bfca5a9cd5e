"""What kind of file a film is, what is refused, random damage, and the real films."""

from __future__ import annotations

import io
import struct
import subprocess
import sys
import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image, ImageOps
from robustkit.errors import FilmError
from robustkit.images.film import film_size, read_film
from robustkit.images.radiograph import Radiograph

from made_dicom import PATIENT, dicom_film, ramp, written
from shared_data import FRACATLAS, needs_fracatlas


def png_header(width: int, height: int) -> bytes:
    """Give a PNG that ends after its header and a little of its pixels."""
    head = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    body = b"IDAT" + zlib.compress(bytes(100))
    chunks = (struct.pack(">I", len(c) - 4) + c + struct.pack(">I", zlib.crc32(c)) for c in (head, body))
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


class TestRefused:
    @pytest.mark.parametrize("read", [film_size, read_film])
    def test_files_that_are_no_films(self, tmp_path, read):
        with pytest.raises(FilmError, match="nowhere.png: the film is missing.*manifest"):
            read(tmp_path / "nowhere.png")
        with pytest.raises(FilmError, match="expected a film, got a folder"):
            read(tmp_path)
        path = tmp_path / "film.png"
        path.write_bytes(b"")
        with pytest.raises(FilmError, match="film.png: the film is empty, 0 bytes"):
            read(path)
        for content in (b"x", b"just words, no film at all", bytes(4000), b"%PDF-1.7", b"GIF89a" + bytes(50)):
            path.write_bytes(content)
            with pytest.raises(FilmError, match="expected a JPEG, PNG, TIFF or DICOM film, got another kind"):
                read(path)

    @pytest.mark.parametrize("start", [b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"II*\0", b"MM\0*", b"II+\0"])
    def test_header_only(self, tmp_path, start):
        path = tmp_path / "film"
        for rest in (b"", bytes(40), b"\xff" * 400):
            path.write_bytes(start + rest)
            with pytest.raises(FilmError, match="the header of the film is damaged"):
                film_size(path)

    def test_no_permission(self, tmp_path, monkeypatch):
        path = tmp_path / "film.png"
        Image.new("L", (3, 2)).save(path)

        def closed(*_args, **_options):
            raise PermissionError(13, "Permission denied")

        monkeypatch.setattr(Path, "open", closed)
        with pytest.raises(FilmError, match=r"cannot be read \(Permission denied\)"):
            read_film(path)

    def test_no_memory(self, tmp_path, monkeypatch):
        path = tmp_path / "film.png"
        Image.new("L", (3, 2)).save(path)

        def full(*_args, **_options):
            raise MemoryError

        monkeypatch.setattr(Image, "new", full)
        with pytest.raises(FilmError, match="film.png: the film needs more memory than there is"):
            read_film(path)

    def test_too_large_is_told_by_the_header(self, tmp_path):
        path = tmp_path / "film.png"
        path.write_bytes(png_header(60_000, 60_000))
        for read in (film_size, read_film):
            with pytest.raises(FilmError, match="60000 x 60000 px, more than 100 million"):
                read(path)
        path.write_bytes(png_header(10_000, 10_001))
        with pytest.raises(FilmError, match="10000 x 10001 px"):
            film_size(path)

    def test_wide_or_large_is_no_fault(self, tmp_path):
        path = tmp_path / "film.png"
        path.write_bytes(png_header(60_000, 10))
        assert film_size(path).width == 60_000
        # Pillow's own limit is lower, and its own
        path.write_bytes(png_header(10_000, 10_000))
        assert (film_size(path).width, film_size(path).height) == (10_000, 10_000)
        Image.new("L", (60_000, 3), 7).save(path)
        assert read_film(path).pixels.shape == (3, 60_000)

    def test_a_large_dicom_is_told_by_the_header(self, tmp_path):
        data = dicom_film(ramp(2, 2))
        data.Rows = data.Columns = 60_000
        with pytest.raises(FilmError, match="60000 x 60000 px"):
            read_film(written(data, tmp_path / "film.dcm"))


def test_content_counts_not_the_name(tmp_path):
    stored = np.array([[10, 200]], dtype=np.uint8)
    path = tmp_path / "film.dcm"
    Image.fromarray(stored).save(path, format="png")
    assert read_film(path).pixels.tolist() == [[10, 200]]
    path = tmp_path / "film.jpg"
    written(dicom_film(stored, WindowCenter=127.5, WindowWidth=255, VOILUTFunction="LINEAR_EXACT"), path)
    assert read_film(path).pixels.tolist() == [[10, 200]]


def test_size_decodes_no_pixels(tmp_path):
    path = tmp_path / "film"
    for form in ("jpeg", "png"):
        image = Image.effect_noise((300, 200), 50)
        exif = Image.Exif()
        exif[0x0112] = 6
        image.save(path, format=form, exif=exif)
        path.write_bytes(path.read_bytes()[:2000])
        size = film_size(path)
        assert (size.stored_width, size.stored_height, size.width, size.height) == (300, 200, 200, 300)


def test_pydicom_is_imported_only_when_it_is_needed():
    code = "import sys, robustkit.images.film; sys.exit('pydicom' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def encoded(form: str, **options: object) -> bytes:
    content = io.BytesIO()
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(ramp(12, 9, dtype="uint8")).save(content, format=form, exif=exif, **options)
    return content.getvalue()


def dicom_bytes(tmp_path: Path, syntax: str = "") -> bytes:
    data = dicom_film(ramp(12, 9), WindowCenter=900, WindowWidth=500, PixelSpacing=[0.2, 0.2], RescaleSlope=1)
    data.RescaleIntercept = 0
    if syntax:
        data.compress(syntax, generate_instance_uid=False)
    return written(data, tmp_path / "seed.dcm").read_bytes()


@pytest.fixture(scope="module")
def seeds(tmp_path_factory):
    folder = tmp_path_factory.mktemp("seeds")
    return [
        encoded("jpeg"),
        encoded("jpeg", progressive=True),
        encoded("png"),
        encoded("tiff"),
        encoded("tiff", compression="tiff_lzw"),
        dicom_bytes(folder),
        dicom_bytes(folder, "1.2.840.10008.1.2.5"),
    ]


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    return tmp_path_factory.mktemp("mutants") / "film"


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    which=st.integers(0, 6),
    changes=st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 255)), min_size=1, max_size=6),
    keep=st.one_of(st.just(1.0), st.floats(0, 1)),
    is_allowed=st.booleans(),
)
def test_random_damage_gives_a_film_or_a_sentence(seeds, place, which, changes, keep, is_allowed):
    content = bytearray(seeds[which])
    for where, value in changes:
        content[int(where * len(content))] = value
    place.write_bytes(content[: int(keep * len(content))])
    try:
        film = read_film(place, allow_truncated=is_allowed)
    except FilmError as error:
        told = (str(error), error.where, error.fix)
        assert str(place) == told[1]
        assert told[2]
        assert PATIENT not in told[0]
    else:
        assert isinstance(film, Radiograph)
        assert film.pixels.dtype == np.uint8
        size = film_size(place)
        assert (size.height, size.width) == film.pixels.shape


class TestRealFilms:
    @needs_fracatlas
    def test_every_header_can_be_read(self):
        films = sorted((FRACATLAS / "images").rglob("*.jpg"))
        assert len(films) == 1246
        n_turned = 0
        for path in films:
            size = film_size(path)
            with Image.open(path) as plain:
                assert plain.size == (size.stored_width, size.stored_height)
                assert plain.getexif().get(0x0112, 1) == size.orientation
            n_turned += size.orientation >= 5
        assert n_turned > 0

    @needs_fracatlas
    def test_a_sample_equals_plain_pillow(self):
        films = sorted((FRACATLAS / "images").rglob("*.jpg"))[::32]
        assert len(films) == 39
        for path in [*films, FRACATLAS / "images" / "Non_fractured" / "IMG0004028.jpg"]:
            try:
                with Image.open(path) as plain:
                    expected = np.asarray(ImageOps.exif_transpose(plain).convert("L"))
            except OSError:
                with pytest.raises(FilmError, match="truncated"):
                    read_film(path)
                film = read_film(path, allow_truncated=True)
                assert film.notes[-1].startswith("truncated")
                assert film.pixels.any()
            else:
                assert np.array_equal(read_film(path).pixels, expected)
