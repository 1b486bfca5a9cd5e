"""From stored DICOM value to grey, step by step, against values worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest
from pydicom.uid import ExplicitVRBigEndian, ExplicitVRLittleEndian
from robustkit.errors import FilmError
from robustkit.images.film import film_size, read_film

from made_dicom import dicom_film, lut, ramp, written


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

    def test_table_start_written_as_unsigned(self, shown):
        # 65531 is the bit pattern of -5
        item = lut([0, 51, 255], first=65531, bits=8)
        assert shown([-5, -4, -3], dtype="int16", VOILUTSequence=[item]) == [0, 51, 255]

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

    def test_garbage_spacing_is_none(self, tmp_path):
        path = written(dicom_film(ramp(4, 5), PixelSpacing=[0.123, 0.123]), tmp_path / "film.dcm")
        path.write_bytes(path.read_bytes().replace(b"0.123\\0.123", b"DOE JANE   "))
        assert film_size(path).spacing_mm is None

    def test_unsigned_padding_of_signed_values(self, tmp_path):
        # the bit pattern of -2000 in 16 bits is 65536 - 2000 = 63536
        data = dicom_film(np.array([[-2000, 100, 200, 400]], dtype="int16"))
        data.add_new("PixelPaddingValue", "US", 63536)
        film = read_film(written(data, tmp_path / "film.dcm"), depth="float")
        assert film.pixels.tolist() == [[0, 0, 85, 255]]

    def test_thirty_two_bit(self, shown):
        assert shown([0, 2**31, 2**32 - 2], dtype="uint32") == pytest.approx([0, 127.5, 255], abs=1e-4)
