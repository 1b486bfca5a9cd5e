"""pictures: what pictures say beside their pixels: EXIF, places, comments, text."""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Iterator

from PIL import ExifTags, Image

from robustkit.findings import Finding
from robustkit.images.quiet import quiet
from robustkit.privacy._base import SharedFolder, some
from robustkit.privacy._pictures import pictures

_GPS = 0x8825
_HARMLESS_TAGS = {
    "ImageWidth", "ImageLength", "BitsPerSample", "Compression", "PhotometricInterpretation", "StripOffsets", "Orientation",
    "SamplesPerPixel", "RowsPerStrip", "StripByteCounts", "XResolution", "YResolution", "PlanarConfiguration",
    "ResolutionUnit", "Predictor", "TileWidth", "TileLength", "TileOffsets", "TileByteCounts", "SampleFormat", "ColorMap",
    "YCbCrPositioning", "YCbCrSubSampling", "ReferenceBlackWhite", "ColorSpace", "ExifOffset", "ExifVersion", "ExtraSamples",
    "FillOrder", "NewSubfileType", "SubfileType", "JPEGTables", "TransferFunction", "WhitePoint", "PrimaryChromaticities",
    "ComponentsConfiguration", "FlashPixVersion", "ExifImageWidth", "ExifImageHeight",
}  # fmt: skip
"""Tags that describe pixels and nothing else."""
_HARMLESS_INFO = {
    "jfif", "jfif_version", "jfif_unit", "jfif_density", "dpi", "progressive", "progression", "icc_profile", "gamma", "srgb",
    "chromaticity", "transparency", "interlace", "adobe", "adobe_transform", "compression", "loop", "background", "timestamp",
    "duration", "version", "extension", "aspect", "exif", "resolution", "default_image", "mp", "mpoffset",
}  # fmt: skip
_KINDS = ("PNG", "JPEG", "WEBP", "TIFF", "GIF")
_FAULTS = (OSError, SyntaxError, ValueError, TypeError, AttributeError, LookupError, ArithmeticError)


class Pictures:
    """Names the tags, never what they say."""

    name = "pictures"
    order = 20

    def search(self, folder: SharedFolder) -> Iterator[Finding]:
        """Give a finding for every file with pictures that say something beside their pixels."""
        found: dict[str, Counter[str]] = {}
        numbers: Counter[str] = Counter()
        for picture in pictures(folder):
            told = tags_of(picture.content)
            if told:
                numbers[picture.file] += 1
                found.setdefault(picture.file, Counter()).update(told)
        for file, counts in found.items():
            named = ", ".join(sorted(counts))
            said = f"{some(numbers[file], 'picture')} with text or tags beside the pixels: {named}."
            yield Finding(self.name, file, "found", said, "Save the pixels alone: open and export without metadata.")


def tags_of(content: bytes) -> set[str]:
    """Name what a picture says beside its pixels; ``unreadable`` where it cannot be told."""
    try:
        with quiet():
            # other formats are not tried, and nothing is decoded: the limit on pixels is about decoding
            image = Image.open(io.BytesIO(content), formats=_KINDS)
            found = {str(key) for key in image.info if str(key).lower() not in _HARMLESS_INFO}
            # text of a PNG may stand behind its pixels
            found |= set(_png_texts(content))
            exif = image.getexif()
            found |= {_tag(t) for t in exif if _tag(t) not in _HARMLESS_TAGS and t != _GPS}
            inner = exif.get_ifd(ExifTags.IFD.Exif)
            found |= {_tag(t) for t in inner if _tag(t) not in _HARMLESS_TAGS}
            if exif.get_ifd(_GPS):
                found.add("GPS position")
            found |= {_tag(t) for t in getattr(image, "tag_v2", ()) if _tag(t) not in _HARMLESS_TAGS}
    except _FAULTS:
        return {"unreadable"}
    return found


def _tag(number: int) -> str:
    return ExifTags.TAGS.get(number, f"tag {number}")


def _png_texts(content: bytes) -> Iterator[str]:
    """Name the text chunks of a PNG by their keywords (PNG third edition, 11.3.3)."""
    place = 8
    while content.startswith(b"\x89PNG") and place + 8 <= len(content):
        length, kind = int.from_bytes(content[place : place + 4], "big"), content[place + 4 : place + 8]
        if kind in (b"tEXt", b"zTXt", b"iTXt"):
            yield content[place + 8 : place + 8 + min(length, 79)].split(b"\0")[0].decode("latin-1")
        if kind == b"tIME":
            yield "time of the last change"
        place += length + 12


PLUGIN = Pictures()
