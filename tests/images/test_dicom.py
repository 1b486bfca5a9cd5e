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
    ExplicitVRBigEndian,
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

from made_dicom import PATIENT, dicom_film, encapsulated, lut, ramp, written

BUNDLED = Path(pydicom.__file__).parent / "data" / "test_files"


@pytest.fixture
def shown(tmp_path):
    """Give the grey values of one row of stored values."""

    def show(stored, *, dtype="uint16", **tags):
        data = dicom_film(np.array([stored], dtype=dtype), **tags)
        return read_film(written(data, tmp_path / "film.dcm"), depth="float").pixels[0].tolist()

    return show


class TestGrey:
    """From stored value to grey, step by step."""

    def test_range(self, shown):
        # (200 - 100) / 300 * 255 = 85
        assert shown([100, 200, 400]) == [0, 85, 255]
        assert shown([100, 200, 400], PhotometricInterpretation="MONOCHROME1") == [255, 170, 0]

    def test_signed(self, shown):
        assert shown([-100, 0, 300], dtype="int16") == [0, 63.75, 255]

    def test_unused_high_bits_are_no_value(self, shown):
        # 12 bits stored: 0xF064 holds 0x064 = 100
        assert shown([0xF000 + 100, 200, 400], BitsStored=12) == [0, 85, 255]

    def test_window(self, shown):
        # LINEAR, c - 0.5 = 1000, w - 1 = 400: y = ((x - 1000) / 400 + 0.5) * 255
        tags = {"WindowCenter": 1000.5, "WindowWidth": 401}
        assert shown([700, 800, 900, 1000, 1200, 1300], **tags) == [0, 0, 63.75, 127.5, 255, 255]
        inverted = shown([800, 900, 1200], PhotometricInterpretation="MONOCHROME1", **tags)
        assert inverted == [255, 191.25, 0]

    def test_eight_bit_rounding_after_inversion(self, tmp_path):
        # 127.5 inverted is 127.5, rounds to 128; 63.75 inverted is 191.25
        data = dicom_film(
            np.array([[900, 1000]], dtype="uint16"),
            WindowCenter=1000.5, WindowWidth=401, PhotometricInterpretation="MONOCHROME1",
        )  # fmt: skip
        film = read_film(written(data, tmp_path / "film.dcm"))
        assert (film.pixels.tolist(), film.pixels.dtype) == ([[191, 128]], np.uint8)

    def test_rescale_then_window(self, shown):
        # x = 2 s - 1000; c - 0.5 = 0, w - 1 = 1000: y = (x / 1000 + 0.5) * 255
        tags = {"RescaleSlope": 2, "RescaleIntercept": -1000, "WindowCenter": 0.5, "WindowWidth": 1001}
        assert shown([250, 375, 500, 600, 750], **tags) == pytest.approx([0, 63.75, 127.5, 178.5, 255], abs=1e-4)

    def test_falling_rescale(self, shown):
        assert shown([100, 200, 400], RescaleSlope=-1, RescaleIntercept=0) == [255, 170, 0]

    def test_functions(self, shown):
        tags = {"WindowCenter": 100, "WindowWidth": 10}
        # ((96 - 100) / 10 + 0.5) * 255 = 25.5
        assert shown([95, 96, 100, 105], VOILUTFunction="LINEAR_EXACT", **tags) == [0, 25.5, 127.5, 255]
        # 255 / (1 + exp(-4 * 10 / 40)) = 186.4199
        sigmoid = shown([90, 100, 110], VOILUTFunction="SIGMOID", WindowCenter=100, WindowWidth=40)
        assert sigmoid == pytest.approx([68.5801, 127.5, 186.4199], abs=1e-3)

    def test_first_of_several_windows(self, shown):
        tags = {"WindowCenter": [1000.5, 5], "WindowWidth": [401, 9]}
        assert shown([800, 900, 1200], **tags) == [0, 63.75, 255]

    @pytest.mark.parametrize("width", [0, 0.5, -4])
    def test_window_that_cannot_be(self, tmp_path, width):
        data = dicom_film(np.array([[100, 200, 400]], dtype="uint16"), WindowCenter=100, WindowWidth=width)
        film = read_film(written(data, tmp_path / "film.dcm"), depth="float")
        assert film.pixels.tolist() == [[0, 85, 255]]
        assert film.notes == ("(0028,1051) WindowWidth is too small: window left out",)

    def test_unknown_function(self, tmp_path):
        data = dicom_film(
            np.array([[800, 900]], dtype="uint16"), WindowCenter=1000.5, WindowWidth=401, VOILUTFunction="ODD"
        )
        film = read_film(written(data, tmp_path / "film.dcm"), depth="float")
        assert film.pixels.tolist() == [[0, 63.75]]
        assert film.notes == ("unknown (0028,1056) VOILUTFunction: taken as LINEAR",)

    def test_lookup_table_before_window(self, shown):
        # entries are 8 bit as they are; a stored value below the first takes the first
        tags = {"VOILUTSequence": [lut([0, 50, 200, 255], first=10, bits=8)], "WindowCenter": 5, "WindowWidth": 3}
        assert shown([3, 10, 11, 12, 13, 99], **tags) == [0, 0, 50, 200, 255, 255]

    def test_first_of_several_tables_in_twelve_bits(self, shown):
        # 819 / 4095 * 255 = 51
        tables = [lut([0, 819, 4095], first=0, bits=12), lut([7, 7, 7], first=0, bits=12)]
        assert shown([0, 1, 2], VOILUTSequence=tables) == pytest.approx([0, 51, 255], abs=1e-4)

    def test_table_that_starts_below_zero(self, shown):
        tags = {"RescaleSlope": 1, "RescaleIntercept": -10, "VOILUTSequence": [lut([0, 51, 255], first=-5, bits=8)]}
        # stored 5, 6, 7 are -5, -4, -3
        assert shown([5, 6, 7], **tags) == [0, 51, 255]

    @pytest.mark.parametrize(("entries", "bits"), [([0, 50, 200, 255], 8), ([0, 12850, 51400, 65535], 16)])
    @pytest.mark.parametrize("syntax", [ExplicitVRLittleEndian, ExplicitVRBigEndian])
    def test_table_as_words(self, tmp_path, entries, bits, syntax):
        item = lut(entries, first=10, bits=bits)
        order = ">" if syntax == ExplicitVRBigEndian else "<"
        item["LUTData"].VR = "OW"
        item.LUTData = np.array(entries, dtype=f"{order}u2").tobytes()
        if syntax == ExplicitVRBigEndian:
            stored = np.array([[10, 11, 12, 13]], dtype=">u2")
        else:
            stored = np.array([[10, 11, 12, 13]], dtype="<u2")
        data = dicom_film(stored, VOILUTSequence=[item])
        data.file_meta.TransferSyntaxUID = syntax
        film = read_film(written(data, tmp_path / "film.dcm"), depth="float")
        # 12850 / 65535 * 255 = 50, 51400 / 65535 * 255 = 200
        assert film.pixels[0] == pytest.approx([0, 50, 200, 255], abs=1e-4)

    def test_table_packed_in_bytes(self, shown):
        item = lut([0, 0, 0, 0], first=10, bits=8)
        item["LUTData"].VR = "OW"
        item.LUTData = bytes([0, 50, 200, 255])
        assert shown([10, 11, 12, 13], VOILUTSequence=[item]) == [0, 50, 200, 255]

    def test_table_that_is_too_short(self, shown):
        item = lut([0, 50], first=10, bits=8)
        item.LUTDescriptor = [400, 10, 8]
        with pytest.raises(FilmError, match="not as its descriptor says"):
            shown([10, 11], VOILUTSequence=[item])

    def test_modality_table(self, shown):
        # 5, 6, 7 become 1000, 2000, 4000; then least to greatest
        table = lut([1000, 2000, 4000], first=5, bits=16)
        assert shown([5, 6, 7], ModalityLUTSequence=[table], RescaleSlope=9, RescaleIntercept=9) == [0, 85, 255]

    def test_padding_does_not_count(self, tmp_path):
        data = dicom_film(np.array([[0, 100, 200, 400]], dtype="uint16"), PixelPaddingValue=0)
        film = read_film(written(data, tmp_path / "film.dcm"), depth="float")
        assert film.pixels.tolist() == [[0, 0, 85, 255]]
        assert film.notes == ("padding pixels left out of the grey range",)

    def test_padding_range_and_signed_padding(self, shown):
        tags = {"PixelPaddingValue": 4095, "PixelPaddingRangeLimit": 4090}
        assert shown([100, 200, 400, 4090, 4095], **tags) == [0, 85, 255, 255, 255]
        assert shown([-2000, 100, 200, 400], dtype="int16", PixelPaddingValue=-2000) == [0, 0, 85, 255]

    def test_only_padding_or_flat(self, shown):
        assert shown([7, 7], PixelPaddingValue=7) == [0, 0]
        assert shown([7, 7]) == [0, 0]

    def test_thirty_two_bit(self, shown):
        assert shown([0, 2**31, 2**32 - 2], dtype="uint32") == pytest.approx([0, 127.5, 255], abs=1e-4)


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
        # 1024 x 256, 12 bits of 16, values at spots as pydicom's own tests have them for libjpeg
        data = pydicom.dcmread(BUNDLED / "JPGExtended.dcm")
        assert data.file_meta.TransferSyntaxUID == JPEGExtended12Bit
        assert read_film(BUNDLED / "JPGExtended.dcm").pixels.shape == (data.Rows, data.Columns)


@pytest.mark.parametrize(
    ("tags", "expected", "source", "note"),
    [
        ({}, None, "none", ""),
        ({"PixelSpacing": [0.2, 0.2]}, 0.2, "calibrated", ""),
        ({"PixelSpacing": [0.2, 0.2], "ImagerPixelSpacing": [0.25, 0.25]}, 0.2, "calibrated", ""),
        ({"ImagerPixelSpacing": [0.25, 0.25]}, 0.25, "detector plane", ""),
        # never calibrated: the same number twice
        ({"PixelSpacing": [0.25, 0.25], "ImagerPixelSpacing": [0.25, 0.25]}, 0.25, "detector plane", ""),
        (
            {"PixelSpacing": [0.2] * 2, "ImagerPixelSpacing": [0.2] * 2, "PixelSpacingCalibrationType": "FIDUCIAL"},
            0.2, "calibrated", "",
        ),
        # 0.25 mm at the detector, 1.25 times magnified: 0.2 mm at the bone
        (
            {"ImagerPixelSpacing": [0.25, 0.25], "EstimatedRadiographicMagnificationFactor": 1.25},
            0.2, "detector plane", "(0018,1114)",
        ),
        ({"ImagerPixelSpacing": [0.25, 0.25], "EstimatedRadiographicMagnificationFactor": 0}, 0.25, "detector plane", ""),
        ({"PixelSpacing": [0.2, 0.2], "EstimatedRadiographicMagnificationFactor": 1.25}, 0.2, "calibrated", ""),
        # within 1 %: the mean; beyond: none
        ({"PixelSpacing": [0.2, 0.2016]}, 0.2008, "calibrated", ""),
        ({"PixelSpacing": [0.2, 0.203]}, None, "none", "not square"),
        ({"PixelSpacing": [0.2, 0.4], "ImagerPixelSpacing": [0.25, 0.25]}, None, "none", "not square"),
        ({"PixelSpacing": [0, 0], "ImagerPixelSpacing": [0.25, 0.25]}, 0.25, "detector plane", ""),
        ({"PixelSpacing": []}, None, "none", ""),
    ],
)  # fmt: skip
def test_spacing(tmp_path, tags, expected, source, note):
    path = written(dicom_film(ramp(4, 5), **tags), tmp_path / "film.dcm")
    size, film = film_size(path), read_film(path)
    assert size.spacing_mm == film.spacing_mm == (None if expected is None else pytest.approx(expected))
    assert size.spacing_source == film.spacing_source == source
    assert note in " ".join(film.notes)
    assert bool(film.notes) == bool(note)
    assert size.notes == film.notes
    assert (size.width, size.height, size.stored_width, size.stored_height) == (5, 4, 5, 4)


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
