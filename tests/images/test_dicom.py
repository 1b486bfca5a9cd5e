"""DICOM films made here, and those that pydicom brings, against values worked out by hand."""

from __future__ import annotations

import io
import sys
from pathlib import Path

import numpy as np
import pydicom
import pytest
from PIL import Image
from pydicom.uid import (
    JPEG2000,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGExtended12Bit,
    JPEGLosslessSV1,
    JPEGLSLossless,
    JPEGLSNearLossless,
    RLELossless,
)
from robustkit.errors import FilmError
from robustkit.images.film import film_size, read_film

from made_dicom import PATIENT, dicom_film, encapsulated, ramp, written

BUNDLED = Path(pydicom.__file__).parent / "data" / "test_files"


class TestColour:
    def test_rgb(self, tmp_path):
        # ITU-R 601: 76.2, 149.7, 29.1
        colours = np.array([[[255, 0, 0], [0, 255, 0], [0, 0, 255], [77, 77, 77]]], dtype=np.uint8)
        film = read_film(written(dicom_film(colours), tmp_path / "film.dcm"))
        assert (film.pixels.tolist(), film.notes) == ([[76, 150, 29, 77]], ("colour channels differ",))
        film = read_film(written(dicom_film(colours[:, 3:]), tmp_path / "film.dcm"), depth="float")
        assert (film.pixels.tolist(), film.pixels.dtype, film.notes) == ([[77]], np.float32, ())

    @pytest.mark.parametrize(
        "name",
        [
            "SC_rgb_jpeg_gdcm.dcm",  # JPEG lossless
            "SC_rgb_rle.dcm",
            "SC_rgb_rle_16bit.dcm",
            "SC_rgb_dcmtk_+eb+cr.dcm",  # JPEG baseline, RGB
            "SC_rgb_dcmtk_+eb+cy+n1.dcm",  # JPEG baseline, YBR_FULL
            "SC_rgb_dcmtk_+eb+cy+s2.dcm",  # JPEG baseline, YBR_FULL_422
            "SC_ybr_full_422_uncompressed.dcm",
        ],
    )
    def test_test_bars(self, name):
        # red, light red, green, light green, blue, light blue, black, dark and light grey, white: ITU-R 601
        expected = [76.2, 166, 149.7, 203, 29.1, 142.5, 0, 64, 192, 255]
        film = read_film(BUNDLED / name)
        assert film.pixels[5::10, 50].tolist() == pytest.approx(expected, abs=2)
        assert film.notes == ("colour channels differ",)

    def test_palette(self):
        data = pydicom.dcmread(BUNDLED / "examples_palette.dcm")
        film = read_film(BUNDLED / "examples_palette.dcm")
        assert film.pixels.shape == (data.Rows, data.Columns)
        red, green, blue = (
            np.frombuffer(data[f"{c}PaletteColorLookupTableData"].value, dtype="<u2") >> 8
            for c in ("Red", "Green", "Blue")
        )
        spot = data.pixel_array[200, 300]
        expected = 0.299 * red[spot] + 0.587 * green[spot] + 0.114 * blue[spot]
        assert film.pixels[200, 300] == pytest.approx(expected, abs=1)


def same_as_plain(path, stored):
    low, high = int(stored.min()), int(stored.max())
    expected = (stored.astype(float) - low) / (high - low) * 255
    return np.allclose(read_film(path, depth="float").pixels, expected, atol=1e-4)


class TestSyntaxes:
    """Every transfer syntax that can be written here, and those of pydicom's own files."""

    @pytest.mark.parametrize("syntax", [RLELossless, JPEG2000Lossless, JPEGLSLossless])
    @pytest.mark.parametrize("dtype", ["uint8", "uint16", "int16"])
    def test_lossless(self, tmp_path, syntax, dtype):
        stored = ramp(40, 50, dtype=dtype) - (1000 if dtype == "int16" else 0)
        data = dicom_film(stored)
        data.compress(syntax, generate_instance_uid=False)
        path = written(data, tmp_path / "film.dcm")
        assert pydicom.dcmread(path).file_meta.TransferSyntaxUID == syntax
        assert same_as_plain(path, stored)

    def test_near_lossless(self, tmp_path):
        stored = ramp(40, 50, dtype="uint8", step=1)
        data = dicom_film(stored, WindowCenter=127.5, WindowWidth=255, VOILUTFunction="LINEAR_EXACT")
        data.compress(JPEGLSNearLossless, jls_error=2, generate_instance_uid=False)
        film = read_film(written(data, tmp_path / "film.dcm"))
        assert np.abs(film.pixels.astype(int) - stored).max() <= 2

    def test_lossy_2000(self, tmp_path):
        stored = np.add.outer(np.arange(64), np.arange(64)).astype("uint8")
        data = dicom_film(stored, WindowCenter=127.5, WindowWidth=255, VOILUTFunction="LINEAR_EXACT")
        data.compress(JPEG2000, j2k_cr=[4], generate_instance_uid=False)
        film = read_film(written(data, tmp_path / "film.dcm"))
        assert np.abs(film.pixels.astype(int) - stored).max() <= 8

    @pytest.mark.parametrize("syntax", [JPEGBaseline8Bit, JPEGExtended12Bit])
    def test_jpeg_frame_of_pillow(self, tmp_path, syntax):
        stored = np.add.outer(np.arange(64), np.arange(96)).astype("uint8")
        frame = io.BytesIO()
        Image.fromarray(stored).save(frame, "jpeg", quality=95)
        data = dicom_film(stored, WindowCenter=127.5, WindowWidth=255, VOILUTFunction="LINEAR_EXACT")
        film = read_film(written(encapsulated(data, frame.getvalue(), syntax), tmp_path / "film.dcm"))
        assert np.abs(film.pixels.astype(int) - stored).max() <= 4

    @pytest.mark.parametrize("syntax", [ImplicitVRLittleEndian, ExplicitVRLittleEndian])
    def test_native(self, tmp_path, syntax):
        stored = ramp(12, 7)
        data = dicom_film(stored)
        data.file_meta.TransferSyntaxUID = syntax
        assert same_as_plain(written(data, tmp_path / "film.dcm"), stored)

    @pytest.mark.parametrize(
        "name",
        [
            "MR_small_RLE.dcm",
            "MR_small_bigendian.dcm",
            "MR_small_expb.dcm",
            "MR_small_implicit.dcm",
            "MR_small_jp2klossless.dcm",
            "MR_small_jpeg_ls_lossless.dcm",
        ],
    )
    def test_one_film_in_several_syntaxes(self, name):
        assert np.array_equal(read_film(BUNDLED / name).pixels, read_film(BUNDLED / "MR_small.dcm").pixels)

    def test_lossless_jpeg_is_in_the_bars(self):
        assert pydicom.dcmread(BUNDLED / "SC_rgb_jpeg_gdcm.dcm").file_meta.TransferSyntaxUID == JPEGLosslessSV1

    def test_twelve_bit_jpeg(self):
        # no reference values are at hand: that it decodes, to its size and not flat, is all that is tested
        data = pydicom.dcmread(BUNDLED / "JPGExtended.dcm")
        assert data.file_meta.TransferSyntaxUID == JPEGExtended12Bit
        film = read_film(BUNDLED / "JPGExtended.dcm")
        assert film.pixels.shape == (data.Rows, data.Columns)
        assert film.pixels.std() > 1


class TestRefused:
    """Sentences, and nothing of the patient in them."""

    @pytest.mark.parametrize("name", ["rtplan.dcm", "reportsi.dcm", "waveform_ecg.dcm"])
    def test_no_image(self, name):
        for read in (film_size, read_film):
            with pytest.raises(FilmError, match=r"no image.*\(0028,0010\) Rows"):
                read(BUNDLED / name)

    def test_no_pixels(self, tmp_path):
        data = dicom_film(ramp(4, 5))
        del data.PixelData
        with pytest.raises(FilmError, match=r"no whole \(7FE0,0010\) Pixel Data"):
            read_film(written(data, tmp_path / "film.dcm"))

    def test_several_frames(self):
        for read in (film_size, read_film):
            with pytest.raises(FilmError, match=r"expected one frame, got 2, \(0028,0008\).*Export the frame"):
                read(BUNDLED / "SC_rgb_rle_2frame.dcm")

    def test_bundled_truncated(self):
        with pytest.raises(FilmError, match="truncated"):
            read_film(BUNDLED / "MR_truncated.dcm")
        film = read_film(BUNDLED / "MR_truncated.dcm", allow_truncated=True)
        assert film.notes[-1] == "truncated, missing part reads 0"
        assert not film.pixels[-1, -1]

    def test_unknown_syntax(self, tmp_path):
        data = dicom_film(ramp(4, 5))
        path = written(data, tmp_path / "film.dcm")
        path.write_bytes(path.read_bytes().replace(b"1.2.840.10008.1.2.1\0", b"1.2.840.10008.1.2.9\0"))
        with pytest.raises(FilmError, match=r"\(0002,0010\).*not known"):
            read_film(path)

    def test_frame_of_another_size(self, tmp_path):
        frame = io.BytesIO()
        Image.new("L", (16, 16)).save(frame, "jpeg")
        data = encapsulated(dicom_film(ramp(8, 8, dtype="uint8")), frame.getvalue(), JPEGBaseline8Bit)
        with pytest.raises(FilmError, match="cannot be decoded"):
            read_film(written(data, tmp_path / "film.dcm"))

    def test_signed_colour(self, tmp_path):
        data = dicom_film(np.zeros((4, 4, 3), dtype="int16"))
        with pytest.raises(FilmError, match=r"colour film of an unknown kind, \(0028,0004\)"):
            read_film(written(data, tmp_path / "film.dcm"))

    def test_missing_decoder(self, tmp_path, monkeypatch):
        from pydicom.pixels import get_decoder

        data = dicom_film(ramp(4, 5))
        data.compress(JPEGLSLossless, generate_instance_uid=False)
        path = written(data, tmp_path / "film.dcm")
        monkeypatch.setattr(get_decoder(JPEGLSLossless), "_available", {})
        with pytest.raises(FilmError, match="JPEG-LS Lossless.*not installed.*pip install pylibjpeg"):
            read_film(path)

    def test_missing_pydicom(self, tmp_path, monkeypatch):
        path = written(dicom_film(ramp(4, 5)), tmp_path / "film.dcm")
        monkeypatch.setitem(sys.modules, "pydicom", None)
        for read in (film_size, read_film):
            with pytest.raises(FilmError, match="DICOM films need pydicom.*pip install pydicom"):
                read(path)

    @pytest.mark.parametrize("syntax", [None, RLELossless, JPEG2000Lossless, JPEGLSLossless])
    def test_every_cut_is_noticed(self, tmp_path, syntax):
        data = dicom_film(ramp(64, 80))
        if syntax:
            data.compress(syntax, generate_instance_uid=False)
        path = written(data, tmp_path / "film.dcm")
        # the last 8 bytes of a compressed film close the sequence of fragments; of these 4 say nothing
        content = path.read_bytes()[: -4 if syntax else None]
        for cut in {*np.linspace(133, len(content) - 1, 40).astype(int), len(content) - 1, len(content) - 9}:
            path.write_bytes(content[:cut])
            with pytest.raises(FilmError, match="damaged|truncated|no image|not known") as caught:
                read_film(path)
            assert PATIENT not in str(caught.value)

    def test_cut_native_film_in_part(self, tmp_path):
        stored = np.arange(500, 524, dtype=np.uint16).reshape(4, 6)
        path = written(dicom_film(stored, PhotometricInterpretation="MONOCHROME1"), tmp_path / "film.dcm")
        content = path.read_bytes()
        # 20 of 48 bytes are gone: 14 pixels, 500 .. 513, are there
        path.write_bytes(content[:-20])
        with pytest.raises(FilmError, match="truncated.*--allow-truncated"):
            read_film(path)
        film = read_film(path, depth="float", allow_truncated=True)
        expected = [255 - k / 13 * 255 for k in range(14)] + [0] * 10
        assert film.pixels.ravel().tolist() == pytest.approx(expected, abs=1e-4)
        assert film.notes == ("truncated, missing part reads 0",)

    def test_cut_before_the_first_pixel(self, tmp_path):
        path = written(dicom_film(ramp(4, 6)), tmp_path / "film.dcm")
        content = path.read_bytes()
        path.write_bytes(content[:-48])
        with pytest.raises(FilmError, match="truncated"):
            read_film(path, allow_truncated=True)

    @pytest.mark.parametrize(
        ("keyword", "value"),
        [("WindowCenter", PATIENT), ("RescaleSlope", PATIENT), ("NumberOfFrames", PATIENT)],
    )
    def test_no_value_of_the_header_is_told(self, tmp_path, caplog, keyword, value):
        data = dicom_film(ramp(4, 6), RescaleIntercept=0, WindowWidth=9)
        path = tmp_path / "film.dcm"
        with pydicom.config.disable_value_validation():
            data.add(pydicom.dataelem.DataElement(keyword, "LO", value))
            written(data, path)
        vr = pydicom.datadict.dictionary_VR(keyword).encode()
        tag = pydicom.datadict.tag_for_keyword(keyword)
        mark = tag.to_bytes(4, "big")
        little = mark[1::-1] + mark[:1:-1]
        path.write_bytes(path.read_bytes().replace(little + b"LO", little + vr))
        assert vr.decode() == pydicom.dcmread(path).get_item(keyword).VR
        with pytest.raises(FilmError, match="damaged") as caught:
            read_film(path)
        # pydicom itself quotes the value, in a warning and in its log
        assert "DOE" not in str(caught.value) + caplog.text
