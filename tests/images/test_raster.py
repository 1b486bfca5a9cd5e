"""Made-up JPEG, PNG and TIFF films: orientation, kinds of pixels, truncation."""

from __future__ import annotations

import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image, ImageCms, ImageOps
from robustkit.errors import FilmError
from robustkit.images.film import film_size, read_film

# A displayed film of 6 columns and 4 rows, marked at column 1, row 0. Where the marker is stored follows from the
# words of EXIF for each value (stored row 0 lies at the displayed ..., stored column 0 at the ...):
# 1 top, left: (1, 0) · 2 top, right: column 6-1-1 · 3 bottom, right: (4, 4-1-0) · 4 bottom, left: (1, 3)
# 5 left, top: the stored row is the displayed column · 6 right, top: row 6-1-1 · 7 right, bottom · 8 left, bottom
STORED_MARKER = {1: (1, 0), 2: (4, 0), 3: (4, 3), 4: (1, 3), 5: (0, 1), 6: (0, 4), 7: (3, 4), 8: (3, 1)}


def marked(orientation: int, *, side: int = 1) -> Image.Image:
    """Give the stored film; every pixel is a square of ``side`` px."""
    column, row = STORED_MARKER[orientation]
    stored = np.full((6, 4) if orientation >= 5 else (4, 6), 20, dtype=np.uint8)
    stored[row, column] = 250
    return Image.fromarray(stored.repeat(side, axis=0).repeat(side, axis=1))


def exif(orientation: int) -> Image.Exif:
    made = Image.Exif()
    made[0x0112] = orientation
    return made


@pytest.mark.parametrize("kind", ["png", "tiff", "deflated tiff", "jpg"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_marker_lands_where_it_is_displayed(tmp_path, kind, orientation):
    path, side = tmp_path / "film.bin", 16
    options = {"jpg": {"quality": 100}, "deflated tiff": {"compression": "tiff_adobe_deflate"}}.get(kind, {})
    marked(orientation, side=side).save(
        path, format=kind.split()[-1].replace("jpg", "jpeg"), exif=exif(orientation), **options
    )

    size, film = film_size(path), read_film(path)

    assert (size.width, size.height) == (film.width, film.height) == (6 * side, 4 * side)
    turned = orientation >= 5
    assert (size.stored_width, size.stored_height) == ((64, 96) if turned else (96, 64))
    assert size.orientation == orientation
    expected = np.full((4, 6), 20)
    expected[0, 1] = 250
    assert film.pixels[side // 2 :: side, side // 2 :: side].tolist() == pytest.approx(expected, abs=2)
    if kind == "tiff" and turned:
        return  # Pillow 13 maps such a file with the sides swapped and scrambles it
    with Image.open(path) as plain:
        assert np.array_equal(np.asarray(ImageOps.exif_transpose(plain)), film.pixels)
    assert film.notes == ()


@pytest.mark.parametrize("orientation", [0, 9, 65535])
@pytest.mark.parametrize("kind", ["png", "jpeg", "tiff"])
def test_orientation_nonsense_is_read_as_stored(tmp_path, kind, orientation):
    path = tmp_path / "film"
    marked(1).save(path, format=kind, exif=exif(orientation), quality=100)
    assert film_size(path).orientation == 1
    film = read_film(path)
    assert film.pixels.shape == (4, 6)
    assert film.notes == ("EXIF orientation is damaged or not 1 to 8: read as stored",)


@pytest.mark.parametrize(
    ("garbage", "is_noted"),
    [
        (b"Exif\0\0garbage", True),
        (b"Exif\0\0II", True),
        # no directory, or one that says nothing of orientation before it ends
        (b"Exif\0\0II*\0\xff\xff\xff\xff", None),
        (b"Exif\0\0MM\0*\0\0\0\x08\xff\xff\x01\x12", None),
        (b"", False),
    ],
)
@pytest.mark.parametrize("kind", ["jpeg", "png"])
def test_garbage_exif_never_stops_a_film(tmp_path, kind, garbage, is_noted):
    path = tmp_path / "film"
    marked(1, side=8).save(path, format=kind, exif=garbage)
    assert film_size(path).orientation == 1
    film = read_film(path)
    assert film.pixels.shape == (32, 48)
    if is_noted is not None:
        assert bool(film.notes) == is_noted


def test_orientation_behind_the_pixels_of_a_png(tmp_path):
    path = tmp_path / "film.png"
    marked(6).save(path)
    content = path.read_bytes()
    body = b"eXIf" + exif(6).tobytes().removeprefix(b"Exif\0\0")
    chunk = struct.pack(">I", len(body) - 4) + body + struct.pack(">I", zlib.crc32(body))
    path.write_bytes(content[:-12] + chunk + content[-12:])
    assert film_size(path).orientation == 6
    assert read_film(path).pixels[0].tolist() == [20, 250, 20, 20, 20, 20]


def saved(path, pixels, mode=None, **options):
    image = pixels if isinstance(pixels, Image.Image) else Image.fromarray(pixels)
    (image.convert(mode) if mode else image).save(path, **options)
    return path


class TestKinds:
    """Each kind of pixel against values by hand."""

    def test_eight_bit_as_stored(self, tmp_path):
        pixels = np.arange(256, dtype=np.uint8).reshape(16, 16)
        for name in ("a.png", "a.tif"):
            film = read_film(saved(tmp_path / name, pixels))
            assert np.array_equal(film.pixels, pixels)
            assert film.pixels.dtype == np.uint8
            deep = read_film(tmp_path / name, depth="float")
            assert np.array_equal(deep.pixels, pixels.astype(np.float32))
            assert deep.pixels.dtype == np.float32
            assert film.notes == deep.notes == ()

    @pytest.mark.parametrize("name", ["a.png", "a.tif"])
    def test_sixteen_bit_keeps_every_bit(self, tmp_path, name):
        # min 1000, max 1510: (1001 - 1000) / 510 * 255 = 0.5; neighbours differ in the last bit only
        path = saved(tmp_path / name, np.array([[1000, 1001, 1002], [1003, 1255, 1510]], dtype=np.uint16))
        assert read_film(path, depth="float").pixels.tolist() == [[0, 0.5, 1], [1.5, 127.5, 255]]
        # halves up
        assert read_film(path).pixels.tolist() == [[0, 1, 1], [2, 128, 255]]

    def test_sixteen_bit_beyond_the_signed_range(self, tmp_path):
        path = saved(tmp_path / "a.png", np.array([[0, 32768, 65535]], dtype=np.uint16))
        # 32768 / 65535 * 255 = 127.50195
        assert read_film(path, depth="float").pixels[0] == pytest.approx([0, 127.50195, 255], abs=1e-4)

    @pytest.mark.parametrize("dtype", [np.int32, np.float32])
    def test_thirty_two_bit_min_to_max(self, tmp_path, dtype):
        path = saved(tmp_path / "a.tif", np.array([[-100, 0, 300]], dtype=dtype))
        assert read_film(path, depth="float").pixels.tolist() == [[0, 63.75, 255]]

    def test_not_finite_reads_zero(self, tmp_path):
        path = saved(tmp_path / "a.tif", np.array([[np.nan, 1, 2, np.inf]], dtype=np.float32))
        assert read_film(path).pixels.tolist() == [[0, 0, 255, 0]]

    def test_unsigned_thirty_two_bit(self, tmp_path):
        path = tmp_path / "a.tif"
        path.write_bytes(plain_tiff([0, 2**31, 2**32 - 2], bits=32))
        assert read_film(path, depth="float").pixels[0] == pytest.approx([0, 127.5, 255], abs=1e-4)

    def test_white_is_zero(self, tmp_path):
        path = tmp_path / "a.tif"
        path.write_bytes(plain_tiff([100, 200, 400], bits=16, photometric=0))
        assert read_film(path).pixels.tolist() == [[255, 170, 0]]
        path.write_bytes(plain_tiff([0, 100, 255], bits=8, photometric=0))
        assert read_film(path).pixels.tolist() == [[255, 155, 0]]

    def test_one_bit(self, tmp_path):
        path = saved(tmp_path / "a.png", np.array([[0, 255], [255, 0]], dtype=np.uint8), "1")
        assert read_film(path).pixels.tolist() == [[0, 255], [255, 0]]

    def test_grey_palette(self, tmp_path):
        image = Image.fromarray(np.array([[0, 1, 2]], dtype=np.uint8)).convert("P")
        image.putpalette([9, 9, 9, 80, 80, 80, 200, 200, 200])
        film = read_film(saved(tmp_path / "a.png", image))
        assert (film.pixels.tolist(), film.notes) == ([[9, 80, 200]], ())

    def test_transparent_palette(self, tmp_path):
        image = Image.fromarray(np.array([[0, 1, 2]], dtype=np.uint8)).convert("P")
        image.putpalette([9, 9, 9, 80, 80, 80, 200, 200, 200])
        film = read_film(saved(tmp_path / "a.png", image, transparency=b"\x00\x80\xff"))
        assert (film.pixels.tolist(), film.notes) == ([[9, 80, 200]], ("transparency left out",))

    def test_colour_is_luma_and_noted(self, tmp_path):
        # ITU-R 601: 0.299 * 255 = 76.2, 0.587 * 255 = 149.7, 0.114 * 255 = 29.1
        colours = np.array([[[255, 0, 0], [0, 255, 0], [0, 0, 255], [77, 77, 77]]], dtype=np.uint8)
        film = read_film(saved(tmp_path / "a.png", colours))
        assert (film.pixels.tolist(), film.notes) == ([[76, 150, 29, 77]], ("colour channels differ",))

    @pytest.mark.parametrize("channel", [0, 1, 2])
    def test_one_differing_channel_is_noted(self, tmp_path, channel):
        colours = np.full((2, 2, 3), 50, dtype=np.uint8)
        colours[1, 1, channel] = 51
        assert read_film(saved(tmp_path / "a.png", colours)).notes == ("colour channels differ",)

    def test_grey_stored_as_colour(self, tmp_path):
        grey = np.arange(6, dtype=np.uint8).reshape(2, 3)
        film = read_film(saved(tmp_path / "a.png", grey, "RGB"))
        assert np.array_equal(film.pixels, grey)
        assert film.notes == ()

    @pytest.mark.parametrize("mode", ["LA", "RGBA"])
    def test_alpha_is_left_out(self, tmp_path, mode):
        image = Image.fromarray(np.array([[10, 200]], dtype=np.uint8)).convert(mode)
        image.putalpha(Image.fromarray(np.array([[0, 128]], dtype=np.uint8)))
        film = read_film(saved(tmp_path / "a.png", image))
        assert (film.pixels.tolist(), film.notes) == ([[10, 200]], ("transparency left out",))

    @pytest.mark.parametrize("name", ["a.jpg", "a.tif"])
    def test_cmyk(self, tmp_path, name):
        # no ink is white; black ink 255 is black; equal C, M, Y of 100 leave 155
        inks = np.zeros((8, 24, 4), dtype=np.uint8)
        inks[:, 8:16, 3] = 255
        inks[:, 16:, :3] = 100
        options = {"quality": 100} if name == "a.jpg" else {}
        film = read_film(saved(tmp_path / name, Image.frombytes("CMYK", (24, 8), inks.tobytes()), **options))
        assert film.pixels[4, [4, 12, 20]].tolist() == pytest.approx([255, 0, 155], abs=1)

    def test_sixteen_bit_colour_is_said(self, tmp_path):
        path = tmp_path / "a.png"
        path.write_bytes(plain_png(struct.pack(">6H", 0x1200, 0x1200, 0x1200, 0xFF00, 0xFF00, 0xFF00), 2, 1, 16, 2))
        film = read_film(path)
        assert (film.pixels.tolist(), film.notes) == ([[0x12, 0xFF]], ("16-bit channels read as 8 bit",))

    def test_lab_cannot_be_grey(self, tmp_path):
        lab = ImageCms.applyTransform(
            Image.new("RGB", (4, 4)),
            ImageCms.buildTransform(ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB"), "RGB", "LAB"),
        )
        with pytest.raises(FilmError, match="mode LAB cannot be made grey"):
            read_film(saved(tmp_path / "a.tif", lab))

    def test_first_of_several_pages(self, tmp_path):
        pages = [Image.new("L", (3, 2), level) for level in (40, 90)]
        pages[0].save(tmp_path / "a.tif", save_all=True, append_images=pages[1:])
        film = read_film(tmp_path / "a.tif")
        assert (film.pixels.tolist(), film.notes) == ([[40] * 3] * 2, ("several pages, the first is read",))

    def test_progressive_and_interlaced(self, tmp_path):
        pixels = np.asarray(marked(1, side=16))
        film = read_film(saved(tmp_path / "a.jpg", pixels, progressive=True, quality=100))
        assert film.pixels.tolist() == pytest.approx(pixels, abs=2)


def plain_tiff(values: list[int], *, bits: int, photometric: int = 1) -> bytes:
    """Give a one-row, uncompressed, little-endian TIFF, byte by byte (TIFF 6.0, section 2)."""
    form = {8: "B", 16: "H", 32: "I"}[bits]
    body = struct.pack(f"<{len(values)}{form}", *values)
    tags = [
        (256, len(values)), (257, 1), (258, bits), (259, 1), (262, photometric), (273, 8), (277, 1), (278, 1), (279, len(body)),
    ]  # fmt: skip
    entries = b"".join(struct.pack("<HHII", tag, 4 if tag in (273, 279) else 3, 1, value) for tag, value in tags)
    return b"II*\0" + struct.pack("<I", 8 + len(body)) + body + struct.pack("<H", len(tags)) + entries + b"\0" * 4


def plain_png(row: bytes, width: int, height: int, bits: int, colour: int) -> bytes:
    """Give a PNG, chunk by chunk; every row holds the same bytes."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    head = struct.pack(">IIBBBBB", width, height, bits, colour, 0, 0, 0)
    rows = zlib.compress((b"\0" + row) * height)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def test_pixels_can_be_written_to(tmp_path):
    for orientation in (1, 3, 6):
        buffer = io.BytesIO()
        marked(orientation).save(buffer, format="png", exif=exif(orientation))
        path = tmp_path / "film.png"
        path.write_bytes(buffer.getvalue())
        pixels = read_film(path).pixels
        assert pixels.flags.writeable
        assert pixels.flags.c_contiguous
