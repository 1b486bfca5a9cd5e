"""Polygons to PNG masks, 255 inside the lesion."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from robustkit.atomic import replacing
from robustkit.errors import InputError
from robustkit.formats._shapes import Shape


def write_mask(folder: Path, name: str, polygons: Sequence[Shape], content: Mapping[str, object]) -> str:
    """Write the mask of one lesion in the frame of its annotation and give its path.

    Raises:
        InputError: The annotation does not say its size.
    """
    from PIL import Image, ImageDraw

    width, height = content.get("imageWidth"), content.get("imageHeight")
    if not isinstance(width, int) or not isinstance(height, int):
        raise InputError(
            "the annotation does not say imageWidth and imageHeight.", where=name, fix="Leave out --masks."
        )
    mask = Image.new("L", (width, height))
    for shape in polygons:
        ImageDraw.Draw(mask).polygon(list(shape.points), fill=255)
    path = folder / f"{name}.png"
    with replacing(path) as temporary:
        mask.save(temporary, format="PNG")
    return str(path)
