"""Hostile films: lying headers, bombs, odd modes, cuts at every byte; each is a failed case or a film."""

from __future__ import annotations

import io
import struct
import time
import zlib
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image
from pydicom.dataset import Dataset
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    HTJ2KLossless,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGLossless,
    JPEGLSLossless,
    RLELossless,
)
from robustkit.images.film import read_film

from bounds import Tally
from made_dicom import PATIENT, dicom_film, encapsulated, lut, ramp


def judged(tally: Tally, what: str, path: Path) -> tuple[str, str]:
    """Read a film strictly, and for what can be rescued; the strict outcome counts."""
    tally.judge(f"{what}, --allow-truncated", lambda: read_film(path, allow_truncated=True, depth="float"))
    outcome, said = tally.judge(what, lambda: read_film(path))
    assert outcome in ("failed_case", "accepted")
    assert PATIENT not in said
    return outcome, said


def put(folder: Path, content: bytes) -> Path:
    path = folder / "film"
    path.write_bytes(content)
    return path


def chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def png(width: int, height: int, *, bits: int = 8, colour: int = 0, rows: bytes = b"", extra: bytes = b"") -> bytes:
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, bits, colour, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + extra + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


BLANK = (b"\0" * 6) * 5
PNGS: dict[str, Callable[[], bytes]] = {
    "no width": lambda: png(0, 5),
    "no size": lambda: png(0, 0),
    "claims 2^31 a side": lambda: png(2**31 - 1, 2**31 - 1),
    "claims 2^32 in a row": lambda: png(2**32 - 1, 1),
    "claims 100 million and has none": lambda: png(10_000, 10_000, rows=b"\0" * 100),
    "claims 400 million": lambda: png(20_000, 20_000),
    "three bits": lambda: png(5, 5, bits=3),
    "colour type nine": lambda: png(5, 5, colour=9),
    "palette without one": lambda: png(5, 5, colour=3, rows=BLANK),
    "no pixels": lambda: b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", 5, 5, 8, 0, 0, 0, 0)) + chunk(b"IEND", b""),
    "text bomb": lambda: png(5, 5, rows=BLANK, extra=chunk(b"zTXt", b"a\0\0" + zlib.compress(b"\0" * 50_000_000))),
    "profile bomb": lambda: png(5, 5, rows=BLANK, extra=chunk(b"iCCP", b"a\0\0" + zlib.compress(b"\0" * 50_000_000))),
    "a hundred thousand notes": lambda: png(5, 5, rows=BLANK, extra=b"".join(chunk(b"tEXt", b"k%d\0v" % i) for i in range(100_000))),
    "EXIF that points to itself": lambda: png(
        5, 5, rows=BLANK, extra=chunk(b"eXIf", b"II*\0\x08\0\0\0\x01\0" + struct.pack("<HHII", 0x8769, 4, 1, 8) + b"\x08\0\0\0")),
    "two billion frames": lambda: png(5, 5, rows=BLANK, extra=chunk(b"acTL", struct.pack(">II", 2**31 - 1, 0))),
    "a length of 4 GB": lambda: png(5, 5)[:33] + b"\xff\xff\xff\xffIDAT" + b"x" * 50,
}  # fmt: skip

TAGS = {256: (4, 1, 5), 257: (4, 1, 5), 258: (3, 1, 8), 259: (3, 1, 1), 262: (3, 1, 1), 273: (4, 1, 300), 277: (3, 1, 1),
        278: (4, 1, 5), 279: (4, 1, 25)}  # fmt: skip


def tiff(changes: dict[int, tuple[int, int, int] | None] | None = None, *, following: int = 0) -> bytes:
    """Give a film of 5 x 5 px as TIFF; changes are type, count and value by tag."""
    tags = {k: v for k, v in {**TAGS, **(changes or {})}.items() if v is not None}
    body = b"".join(struct.pack("<HHII", k, *v) for k, v in sorted(tags.items()))
    whole = b"II*\0\x08\0\0\0" + struct.pack("<H", len(tags)) + body + struct.pack("<I", following)
    return whole.ljust(300, b"\0") + b"\x7f" * 200


TIFFS: dict[str, bytes] = {
    "no width": tiff({256: (4, 1, 0)}),
    "claims 2^31 a side": tiff({256: (4, 1, 2**31), 257: (4, 1, 2**31)}),
    "claims 100 million": tiff({256: (4, 1, 10_000), 257: (4, 1, 10_000), 278: (4, 1, 10_000), 279: (4, 1, 10**8)}),
    "four billion bit depths": tiff({258: (3, 2**32 - 1, 8)}),
    "a hundred million strips": tiff({273: (4, 10**8, 8)}),
    "a directory that follows itself": tiff(following=8),
    "no rows in a strip": tiff({278: (4, 1, 0)}),
    "no samples": tiff({277: (3, 1, 0)}),
    "60000 samples": tiff({277: (3, 1, 60_000)}),
    "12 bit": tiff({258: (3, 1, 12)}),
    "64 bit": tiff({258: (3, 1, 64)}),
    "1 bit": tiff({258: (3, 1, 1)}),
    "turned and without width": tiff({274: (3, 1, 6), 256: (4, 1, 0)}),
    "turned by text": tiff({274: (2, 4, 0x41414141)}),
    "turned by 0": tiff({274: (3, 1, 0)}),
    "EXIF that points to the film": tiff({34665: (4, 1, 8)}),
    "directories that point back": tiff({330: (4, 1, 8)}),
    "tiles without size": tiff({273: None, 278: None, 279: None, 322: (4, 1, 0), 323: (4, 1, 0), 324: (4, 1, 300), 325: (4, 1, 25)}),
    "a hundred million tiles": tiff({273: None, 278: None, 279: None, 256: (4, 1, 10_000), 257: (4, 1, 10_000), 322: (4, 1, 1),
                                     323: (4, 1, 1), 324: (4, 20, 300), 325: (4, 20, 300)}),
    "BigTIFF of nothing": b"II+\0\x08\0\0\0" + struct.pack("<QQ", 16, 2**63) + b"\xff" * 300,
    "65535 empty entries": b"II*\0\x08\0\0\0\xff\xff" + b"\0" * 12 * 65535,
    **{f"compression {c}": tiff({259: (3, 1, c)}) for c in (2, 3, 4, 5, 6, 7, 8, 32773, 34712, 34925, 50000, 65535)},
}  # fmt: skip


def jpeg(**options: Any) -> bytes:
    held = io.BytesIO()
    Image.fromarray(ramp(64, 64, dtype="uint8")).save(held, "JPEG", **options)
    return held.getvalue()


def framed(width: int, height: int, *, bits: int = 8, parts: int = 1) -> bytes:
    content = jpeg()
    at = content.index(b"\xff\xc0")
    return content[: at + 4] + struct.pack(">BHHB", bits, height, width, parts) + content[at + 10 :]


JPEGS: dict[str, Callable[[], bytes]] = {
    "claims 65535 a side": lambda: framed(65535, 65535),
    "claims 100 million": lambda: framed(10_000, 10_000),
    "no size": lambda: framed(0, 0),
    "12 bit": lambda: framed(64, 64, bits=12),
    "nine components": lambda: framed(64, 64, parts=9),
    "a hundred thousand heads": lambda: jpeg()[:2] + b"\xff\xe1\x00\x0aExif\0\0II" * 100_000 + jpeg()[2:],
    "ten million fill bytes": lambda: b"\xff\xd8\xff" + b"\xff" * 10_000_000,
    "EXIF of five thousand lies": lambda: jpeg()[:2] + b"\xff\xe1" + struct.pack(">H", 60_000) + b"Exif\0\0MM\0*\0\0\0\x08\xff\xff"
    + b"\x01\x12\x00\x05\xff\xff\xff\xff\x00\x00\x00\x08" * 4990 + jpeg()[2:],
    "four billion pictures": lambda: jpeg()[:2] + b"\xff\xe2\0\x30MPF\0MM\0*\0\0\0\x08\0\x03\xb0\0\0\x07\0\0\0\x040100"
    b"\xb0\x01\0\x04\0\0\0\x01\xff\xff\xff\xff\0\0\0\0" + jpeg()[2:],
}  # fmt: skip


@pytest.mark.parametrize("name", PNGS)
def test_png_that_lies(tmp_path: Path, tally: Tally, name: str) -> None:
    outcome, _ = judged(tally, "films: PNG that lies", put(tmp_path, PNGS[name]()))
    harmless = ("a hundred thousand notes", "EXIF that points to itself", "two billion frames", "palette without one")
    assert outcome == "failed_case" or name in harmless


@pytest.mark.parametrize("name", TIFFS)
def test_tiff_that_lies(tmp_path: Path, tally: Tally, name: str) -> None:
    judged(tally, "films: TIFF that lies", put(tmp_path, TIFFS[name]))


@pytest.mark.parametrize("name", JPEGS)
def test_jpeg_that_lies(tmp_path: Path, tally: Tally, name: str) -> None:
    judged(tally, "films: JPEG that lies", put(tmp_path, JPEGS[name]()))


@pytest.mark.parametrize("form", ["GIF", "BMP", "WEBP", "ICO", "PPM", "PDF", "PCX", "TGA", "SGI", "DDS", "JPEG2000"])
def test_another_kind_under_the_name_of_a_film(tmp_path: Path, tally: Tally, form: str) -> None:
    held = io.BytesIO()
    try:
        Image.new("L", (7, 5)).save(held, form)
    except (OSError, KeyError):
        pytest.skip(f"this Pillow cannot write {form}")
    outcome, said = judged(tally, "films: another kind of file", put(tmp_path, held.getvalue()))
    assert outcome == "failed_case"
    assert "expected a JPEG, PNG, TIFF or DICOM" in said


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "YCbCr", "I;16", "I", "F", "La", "RGBa"])
@pytest.mark.parametrize("form", ["PNG", "TIFF", "JPEG"])
def test_every_mode_is_a_film(tmp_path: Path, tally: Tally, mode: str, form: str) -> None:
    held = io.BytesIO()
    try:
        Image.new(mode, (7, 5)).save(held, form)
    except (OSError, KeyError, ValueError):
        pytest.skip(f"Pillow writes no {form} of mode {mode}")
    path = put(tmp_path, held.getvalue())
    assert judged(tally, "films: modes", path)[0] == "accepted"
    assert read_film(path).pixels.shape == (5, 7)


@pytest.mark.parametrize("size", [(60_000, 1), (1, 60_000), (60_000, 1600)])
def test_sixty_thousand_px(tmp_path: Path, tally: Tally, size: tuple[int, int]) -> None:
    Image.new("L", size, 9).save(tmp_path / "film", "PNG")
    assert judged(tally, "films: 60,000 px", tmp_path / "film")[0] == "accepted"


@pytest.mark.slow
@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA", "CMYK", "I;16", "F"])
@pytest.mark.parametrize("side", [10_000, 12_000])
def test_the_largest_film_and_one_beyond(tmp_path: Path, tally: Tally, mode: str, side: int) -> None:
    form = {"CMYK": "JPEG", "F": "TIFF"}.get(mode, "PNG")
    Image.new(mode, (side, side)).save(tmp_path / "film", form)
    outcome, said = judged(tally, "films: the largest", tmp_path / "film")
    assert outcome == ("accepted" if side == 10_000 else "failed_case")
    assert side == 10_000 or "more than 100 million" in said


def saved(folder: Path, data: Dataset) -> Path:
    path = folder / "film"
    data.save_as(path, enforce_file_format=True)
    return path


@pytest.fixture(autouse=True)
def _pydicom_writes_anything(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pydicom.config.settings, "_writing_validation_mode", pydicom.config.IGNORE)


NUMBERS = ("nan", "inf", "-inf", "1e308", "0", "-1", "x", "")
DICOM_TAGS: list[tuple[str, Any]] = [
    *(("Rows", v) for v in (0, 13, 60_000)),
    *(("BitsAllocated", v) for v in (0, 1, 4, 12, 32, 64, 65535)),
    *(("BitsStored", v) for v in (0, 1, 32, 65535)),
    *(("SamplesPerPixel", v) for v in (0, 2, 3, 60_000)),
    *(("PixelRepresentation", v) for v in (2, 65535)),
    *(("PhotometricInterpretation", v) for v in ("", "MONOCHROME3", "RGB", "YBR_FULL", "PALETTE COLOR", "X" * 1000)),
    *(("NumberOfFrames", v) for v in ("0", "-1", "2", "1000000000", "1.5", "x")),
    *((k, v) for k in ("RescaleSlope", "RescaleIntercept", "WindowCenter", "WindowWidth") for v in NUMBERS),
    *(
        ("PixelSpacing", v)
        for v in (["0", "0"], ["1e308", "1e308"], ["nan", "nan"], ["1"], ["1", "2", "3"], ["x", "y"])
    ),
]


@pytest.mark.parametrize(("keyword", "value"), DICOM_TAGS)
def test_dicom_tags_that_lie(tmp_path: Path, tally: Tally, keyword: str, value: Any) -> None:
    data = dicom_film(ramp(12, 9), RescaleSlope=1, RescaleIntercept=0, WindowCenter=900, WindowWidth=500, PixelSpacing=["1", "1"],
                      NumberOfFrames=1)  # fmt: skip
    data[keyword]._value = value
    judged(tally, "films: DICOM tags that lie", saved(tmp_path, data))


@pytest.mark.parametrize(
    "keyword",
    [
        "BitsAllocated",
        "BitsStored",
        "PixelRepresentation",
        "PhotometricInterpretation",
        "SamplesPerPixel",
        "PixelData",
        "Columns",
    ],
)
def test_dicom_without_a_tag(tmp_path: Path, tally: Tally, keyword: str) -> None:
    data = dicom_film(ramp(12, 9))
    delattr(data, keyword)
    assert judged(tally, "films: DICOM without a tag", saved(tmp_path, data))[0] == "failed_case"


@pytest.mark.parametrize("descriptor", [(0, 0, 16), (1, 0, 16), (4, 0, 0), (4, 0, 99), (65535, 0, 8)])
@pytest.mark.parametrize("sequence", ["ModalityLUTSequence", "VOILUTSequence"])
def test_dicom_tables_that_lie(tmp_path: Path, tally: Tally, descriptor: tuple[int, ...], sequence: str) -> None:
    for items in ([lut([1] * 4, first=0, bits=16)], [Dataset()], []):
        if items and "LUTData" in items[0]:
            items[0].LUTDescriptor = list(descriptor)
        data = dicom_film(ramp(12, 9))
        setattr(data, sequence, items)
        judged(tally, "films: DICOM tables that lie", saved(tmp_path, data))


@pytest.mark.parametrize(
    "syntax", [RLELossless, JPEGBaseline8Bit, JPEGLossless, JPEGLSLossless, JPEG2000Lossless, HTJ2KLossless]
)
@pytest.mark.parametrize("frame", [b"\0", b"\xff" * 200, b"\xff\xd8\xff\xe0" + b"\0" * 100, bytes(range(256)) * 12])
def test_dicom_frames_of_nothing(tmp_path: Path, tally: Tally, syntax: Any, frame: bytes) -> None:
    path = saved(tmp_path, encapsulated(dicom_film(ramp(12, 9)), frame, syntax))
    assert judged(tally, "films: DICOM frames of nothing", path)[0] == "failed_case"


def test_a_deflated_dicom_bomb(tmp_path: Path, tally: Tally) -> None:
    data = dicom_film(ramp(2, 2))
    data.file_meta.TransferSyntaxUID = DeflatedExplicitVRLittleEndian
    data.add_new(0x00091010, "OB", b"\0" * 400_000_000)
    path = saved(tmp_path, data)
    assert path.stat().st_size < 500_000
    outcome, said = judged(tally, "films: DICOM bombs", path)
    assert (outcome, "would unpack to more than 256 MiB" in said) == ("failed_case", True)


def _begin(data: Dataset) -> bytes:
    held = io.BytesIO()
    data.save_as(held, enforce_file_format=True)
    return held.getvalue()[: held.getvalue().index(b"\x28\0\x02\0")]


@pytest.mark.parametrize("depth", [500, 5000, 50_000])
def test_dicom_sequences_in_sequences(tmp_path: Path, tally: Tally, depth: int) -> None:
    level = struct.pack("<HH2sHIHHI", 0x0040, 0xA730, b"SQ", 0, 0xFFFFFFFF, 0xFFFE, 0xE000, 0xFFFFFFFF)
    path = put(tmp_path, _begin(dicom_film(ramp(12, 9))) + level * depth)
    assert judged(tally, "films: DICOM bombs", path)[0] == "failed_case"


@pytest.mark.parametrize(
    "rest", [b"", b"\xff" * 1000, b"\0" * 100_000, struct.pack("<HH2sHI", 0x28, 0x1201, b"OW", 0, 0xFFFFFFF0)]
)
def test_dicom_of_nothing(tmp_path: Path, tally: Tally, rest: bytes) -> None:
    assert judged(tally, "films: DICOM of nothing", put(tmp_path, b"\0" * 128 + b"DICM" + rest))[0] == "failed_case"


def seeds(folder: Path) -> dict[str, bytes]:
    """Give a small film of every kind, as bytes."""
    found = {}
    grey = Image.fromarray(ramp(12, 9, dtype="uint8"))
    for name, form, options in (
        ("jpeg", "JPEG", {}), ("progressive", "JPEG", {"progressive": True}), ("png", "PNG", {}), ("tiff", "TIFF", {}),
        ("lzw", "TIFF", {"compression": "tiff_lzw"}), ("deflate", "TIFF", {"compression": "tiff_adobe_deflate"}),
    ):  # fmt: skip
        held = io.BytesIO()
        grey.save(held, form, **options)
        found[name] = held.getvalue()
    held = io.BytesIO()
    Image.fromarray(ramp(12, 9)).save(held, "PNG")
    found["png16"] = held.getvalue()
    for syntax in (ImplicitVRLittleEndian, DeflatedExplicitVRLittleEndian):
        data = dicom_film(ramp(12, 9), WindowCenter=900, WindowWidth=500)
        data.file_meta.TransferSyntaxUID = syntax
        found[syntax.keyword] = saved(folder, data).read_bytes()
    for syntax in (RLELossless, JPEGLSLossless, JPEG2000Lossless):
        data = dicom_film(ramp(40, 36))
        data.compress(syntax, generate_instance_uid=False)
        found[syntax.keyword] = saved(folder, data).read_bytes()
    return found


KINDS = ("jpeg", "progressive", "png", "tiff", "lzw", "deflate", "png16", "ImplicitVRLittleEndian", "DeflatedExplicitVRLittleEndian",
         "RLELossless", "JPEGLSLossless", "JPEG2000Lossless")  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
def test_cut_at_every_byte(tmp_path: Path, tally: Tally, kind: str) -> None:
    """Never another film than the whole one, unless what is missing is said."""
    content = seeds(tmp_path)[kind]
    whole = read_film(put(tmp_path, content)).pixels
    for cut in range(0, len(content), max(1, len(content) // 150)):
        path = put(tmp_path, content[:cut])
        outcome, _ = tally.judge(f"films: cut at a byte ({kind})", partial(read_film, path))
        assert outcome == "failed_case" or np.array_equal(read_film(path).pixels, whole)


@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(
    kind=st.sampled_from(KINDS),
    cuts=st.lists(st.tuples(st.floats(0, 1), st.binary(max_size=8)), min_size=1, max_size=4),
)
def test_any_damage(tmp_path: Path, tally: Tally, kind: str, cuts: list[tuple[float, bytes]]) -> None:
    content = _damaged(seeds(tmp_path)[kind], cuts)
    judged(tally, "films: any damage (generated)", put(tmp_path, content))


def _damaged(content: bytes, cuts: list[tuple[float, bytes]]) -> bytes:
    """Put bytes in, over or before what is there."""
    for where, more in cuts:
        at = int(where * len(content))
        content = content[:at] + more + content[at + (len(more) if len(more) % 2 else 0) :]
    return content


@pytest.mark.slow
def test_fuzz(tmp_path: Path, tally: Tally, pytestconfig: pytest.Config) -> None:
    """Seeded damage for as long as ``--fuzz-seconds`` says."""
    films, draw = seeds(tmp_path), np.random.default_rng(20)
    until = time.monotonic() + pytestconfig.getoption("--fuzz-seconds")
    while time.monotonic() < until:
        kind = KINDS[draw.integers(len(KINDS))]
        cuts = [(float(draw.random()), draw.bytes(int(draw.integers(9)))) for _ in range(draw.integers(1, 6))]
        judged(tally, "films: fuzzed", put(tmp_path, _damaged(films[kind], cuts)))


def test_big_endian_is_read(tmp_path: Path, tally: Tally) -> None:
    data = dicom_film(ramp(12, 9).astype(">u2"))
    data.file_meta.TransferSyntaxUID = ExplicitVRBigEndian
    assert judged(tally, "films: modes", saved(tmp_path, data))[0] == "accepted"


def test_a_run_goes_on_without_them(tmp_path: Path, typed: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Hostile films are failed cases with a reason; the others are answered: exit 3."""
    import pandas as pd

    from small_world import write_films, write_network

    monkeypatch.chdir(tmp_path)
    manifest = write_films(tmp_path, n=8)
    for i, content in enumerate(
        (PNGS["claims 400 million"](), PNGS["text bomb"](), TIFFS["no width"], b"", b"\0" * 128 + b"DICM")
    ):
        (tmp_path / "films" / f"f{i}.png").write_bytes(content)
    network = write_network(tmp_path / "net.pt")
    outcome, said = typed(
        "films: in a run", "perturb", "--model", network, "--manifest", manifest, "--repeats", 2, "--backend", "eager",
        "--device", "cpu", "--out", "run", "--quiet",
    )  # fmt: skip
    assert outcome == "failed_case", said
    rows = pd.read_parquet("run/predictions")
    failed = rows[rows["status"] == "failed"]
    assert set(failed["case_id"]) == {f"case-{i}" for i in range(5)}
    assert (failed["reason"].str.len() > 10).all()
    assert rows.loc[rows["status"] == "ok", "score"].notna().all()
