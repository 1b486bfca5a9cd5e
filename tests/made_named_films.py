"""DICOM films in which every element of text, date, time and UID holds a mark that must never be seen again."""

from __future__ import annotations

import base64
import gzip
import re
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray
from PIL import Image, PngImagePlugin
from pydicom import config as pydicom_config
from pydicom.datadict import DicomDictionary, keyword_for_tag
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence as Items
from pydicom.tag import Tag
from robustkit.images.quiet import quiet

from made_dicom import dicom_film

MARK = "ZQXJKW"
"""Begins every planted text; six letters that no other text of a run holds."""

DAY, TIME, AGE, UID = "18710217", "031733.7717", "077Y", "1.2.826.0.1.77717771"
VALUES = {
    "DA": DAY,
    "TM": TIME,
    "DT": f"{DAY}{TIME}",
    "AS": AGE,
    "PN": f"{MARK}^NAME",
    **dict.fromkeys(("LO", "SH", "CS", "AE"), MARK),
    **dict.fromkeys(("ST", "LT", "UT", "UC"), f"{MARK} text"),
    "UR": f"{MARK}://text",
}
NEEDED = {
    "SpecificCharacterSet", "PhotometricInterpretation", "PixelSpacingCalibrationType", "VOILUTFunction", "PixelIntensityRelationship",
    "PresentationLUTShape", "RescaleType", "TransferSyntaxUID", "SOPClassUID", "MediaStorageSOPClassUID",
}  # fmt: skip
"""Elements that say how pixels are read."""

FORBIDDEN = (MARK, DAY, "1871-02-17", "1871.02.17", "17.02.1871", "031733", "03:17:33", UID)
"""What may stand nowhere. ``077Y`` is left to chance: too short to be looked for in packed bytes."""


def plant(data: Dataset) -> int:
    """Fill every element of the dictionary that holds text, a date, a time or a UID; gives their number."""
    n = 0
    # pydicom itself warns of values that the standard does not allow
    with quiet():
        for number, (kind, *_) in DicomDictionary.items():
            tag = Tag(number)
            keyword = keyword_for_tag(tag)
            if tag.group in (0x0000, 0x0002, 0x0004) or not keyword or keyword in NEEDED:
                continue
            value = f"{UID}.{number}" if kind == "UI" else VALUES.get(kind)
            if value is not None:
                data.add_new(tag, kind, value)
                n += 1
        n += _private(data) + _nested(data)
    data.file_meta.MediaStorageSOPInstanceUID = data.SOPInstanceUID
    data.file_meta.SourceApplicationEntityTitle = MARK
    data.file_meta.ImplementationVersionName = MARK
    return n + 3


def _private(data: Dataset) -> int:
    block = data.private_block(0x0099, f"{MARK} CREATOR", create=True)
    kinds = ("LO", "PN", "DA", "TM", "UT")
    for i, kind in enumerate(kinds):
        block.add_new(i + 1, kind, VALUES[kind])
    block.add_new(0x10, "UN", MARK.encode())
    return len(kinds) + 2


def _nested(data: Dataset) -> int:
    item = Dataset()
    item.PatientName, item.StudyDate, item.AccessionNumber = VALUES["PN"], DAY, MARK
    item.ReferencedSOPInstanceUID = UID
    data.RequestAttributesSequence = Items([item])
    data.ReferencedStudySequence = Items([item])
    return 8


def named_film(pixels: NDArray[Any], **tags: Any) -> tuple[Dataset, int]:
    """Give a film with marks everywhere, and their number."""
    data = dicom_film(pixels, **tags)
    n = plant(data)
    return data, n


def save(data: Dataset, path: Path) -> None:
    """Write a film though its values are not what the standard allows."""
    with quiet(), as_it_is():
        data.save_as(path, enforce_file_format=True)


@contextmanager
def as_it_is() -> Iterator[None]:
    """Let pydicom take and write values that the standard does not allow."""
    settings = pydicom_config.settings
    before = settings.reading_validation_mode, settings.writing_validation_mode
    settings.reading_validation_mode = settings.writing_validation_mode = pydicom_config.IGNORE
    try:
        yield
    finally:
        settings.reading_validation_mode, settings.writing_validation_mode = before


def to_dicom(manifest: Path, *, but: Sequence[int] = ()) -> int:
    """Turn the PNG films of a manifest into marked DICOM films; gives the number of marks."""
    table = pd.read_csv(manifest)
    n = 0
    for row, image in enumerate(table["image"]):
        if row in but:
            continue
        pixels = np.asarray(Image.open(manifest.parent / image))
        data, marks = named_film(pixels, PixelSpacing=[0.2, 0.2], PixelSpacingCalibrationType="GEOMETRY")
        save(data, (manifest.parent / image).with_suffix(".dcm"))
        (manifest.parent / image).unlink()
        n += marks
        table.loc[row, "image"] = image.replace(".png", ".dcm")
    table.to_csv(manifest, index=False)
    return n


def contents(path: Path) -> Iterator[bytes]:
    """Give everything that a file says: its bytes, and what lies packed in them."""
    raw = path.read_bytes()
    yield raw
    if path.suffix == ".parquet":
        for column in pq.read_table(path).columns:
            is_binary = pa.types.is_binary(column.type)
            for value in column.unique().to_pylist() if not pa.types.is_nested(column.type) else ():
                yield bytes(value) if is_binary else str(value).encode()
                if is_binary:
                    yield from _inside(bytes(value))
    if path.suffix == ".npz":
        with np.load(path) as arrays:
            yield from (str(arrays[n].tolist()).encode() for n in arrays.files if arrays[n].dtype.kind == "U")
    yield from _inside(raw)


def _inside(raw: bytes) -> Iterator[bytes]:
    """Unpack base64, gzip, zip streams and text chunks of PNG."""
    for found in re.findall(rb"[A-Za-z0-9+/]{32,}={0,2}", raw):
        bare = found.rstrip(b"=")
        content = base64.b64decode(bare + b"=" * (-len(bare) % 4)) if len(bare) % 4 != 1 else b""
        yield content
        if content.startswith(b"\x1f\x8b"):
            inner = gzip.decompress(content)
            yield inner
            yield from _inside(inner)
    place = 8
    while raw.startswith(b"\x89PNG") and place + 8 <= len(raw):
        length, kind = int.from_bytes(raw[place : place + 4], "big"), raw[place + 4 : place + 8]
        if kind in (b"zTXt", b"iTXt", b"iCCP"):
            chunk = raw[place + 8 : place + 8 + length]
            yield zlib.decompressobj().decompress(chunk.split(b"\0\0", 1)[-1]) if kind == b"zTXt" else chunk
        place += length + 12


def marks_in(content: bytes) -> list[str]:
    """Name the marks that stand in some bytes, as UTF-8 or UTF-16."""
    return [m for m in FORBIDDEN if m.encode() in content or m.encode("utf-16-le") in content]


def described_film(path: Path, pixels: NDArray[np.uint8]) -> Path:
    """Write a JPEG, PNG or TIFF whose EXIF, tags and text hold the mark, as its kind allows."""
    # Pillow logs what it writes, too
    with quiet():
        image = Image.fromarray(pixels)
        exif = Image.Exif()
        for tag in (0x010E, 0x013B, 0x8298, 0x9C9B, 0x0131):
            exif[tag] = MARK
        exif[0x0132] = "1871:02:17 03:17:33"
        if path.suffix == ".tif":
            tags = {270: MARK, 315: MARK, 306: "1871:02:17 03:17:33"}
            image.save(path, tiffinfo=tags, save_all=True, append_images=[Image.new("L", (9, 9))])
        elif path.suffix == ".png":
            info = PngImagePlugin.PngInfo()
            info.add_text("Patient", MARK)
            info.add_text("Comment", f"{MARK} {DAY}", zip=True)
            image.save(path, pnginfo=info, exif=exif)
        else:
            image.save(path, exif=exif, comment=MARK, quality=95)
    return path


def to_described(manifest: Path, suffixes: dict[int, str]) -> None:
    """Turn some films of a manifest, by row, into marked films of another kind."""
    table = pd.read_csv(manifest)
    for row, suffix in suffixes.items():
        old = manifest.parent / table.loc[row, "image"]
        with quiet():
            pixels = np.asarray(Image.open(old))
        described_film(old.with_suffix(suffix), pixels)
        if suffix != old.suffix:
            old.unlink()
        table.loc[row, "image"] = str(Path(table.loc[row, "image"]).with_suffix(suffix))
    table.to_csv(manifest, index=False)
