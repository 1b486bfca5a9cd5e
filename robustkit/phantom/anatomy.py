"""The sites of the phantom: region, size of their films, and where on a film a lesion can lie.

Frame of all numbers: mm from the middle of the film, x to the right, y down, before mirroring and rotation.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Region = Literal["limb", "axial"]
Part = Literal["end", "shaft"]


@dataclass(frozen=True, slots=True)
class Carrier:
    """A straight piece of bone that carries lesions: from (x0, y0) to (x1, y1), with its half-width, in mm."""

    x0_mm: float
    y0_mm: float
    x1_mm: float
    y1_mm: float
    half_mm: float
    part: Part = "shaft"


@dataclass(frozen=True, slots=True)
class Site:
    """One site.

    Attributes:
        name: Word of the site vocabulary.
        region: Limb or axial.
        field_mm: Width and height that the film shows.
        spacing_mm: Usual side of a pixel.
        largest_mm: Largest lesion that fits.
        lateral: Share of lateral films, 0..1.
        carriers: Where lesions lie.
    """

    name: str
    region: Region
    field_mm: tuple[float, float]
    spacing_mm: float
    largest_mm: float
    lateral: float
    carriers: tuple[Carrier, ...]


def _ray(*points: float, half_mm: float, part: Part = "shaft") -> Carrier:
    x0, y0, x1, y1 = points
    return Carrier(x0, y0, x1, y1, half_mm, part)


SITES: tuple[Site, ...] = (
    Site("femur", "limb", (200, 300), 0.62, 150, 0.4, (
        _ray(0, -105, 0, 10, half_mm=15), _ray(0, 30, 0, 66, half_mm=29, part="end"),
    )),
    Site("tibia", "limb", (200, 300), 0.62, 150, 0.4, (
        _ray(0, 5, 1, 105, half_mm=14), _ray(-1, -66, -1, -36, half_mm=28, part="end"),
    )),
    Site("fibula", "limb", (200, 300), 0.62, 90, 0.3, (
        _ray(35, -10, 33, 100, half_mm=6), _ray(36, -56, 35.5, -35, half_mm=8, part="end"),
    )),
    Site("humerus", "limb", (220, 300), 0.64, 140, 0.0, (
        _ray(24.5, 10, 36, 110, half_mm=12), _ray(15, -68, 20, -25, half_mm=20, part="end"),
    )),
    Site("radius", "limb", (130, 190), 0.38, 75, 0.3, (
        _ray(14, -60, 14, -5, half_mm=7), _ray(13, 5, 12, 22, half_mm=13, part="end"),
    )),
    Site("hand", "limb", (170, 212), 0.43, 32, 0.0, (
        _ray(-32, 26, -41, -2, half_mm=5), _ray(-14, 34, -20, -2, half_mm=5), _ray(8, 34, 8, -4, half_mm=5),
        _ray(-24, -20, -28, -38, half_mm=4.5, part="end"), _ray(8, -22, 8, -44, half_mm=4.5, part="end"),
        _ray(27, 36, 35, 6, half_mm=4.5, part="end"),
    )),
    Site("foot", "limb", (130, 230), 0.46, 45, 0.0, (
        _ray(-24, 0, -30, -42, half_mm=7), _ray(-2, 0, -2, -44, half_mm=5), _ray(22, 10, 28, -30, half_mm=5),
        _ray(6, 62, 8, 84, half_mm=19, part="end"),
    )),
    Site("pelvis", "axial", (370, 310), 0.74, 140, 0.0, (
        _ray(-112, -62, -76, -20, half_mm=24), _ray(112, -62, 76, -20, half_mm=24),
        _ray(-84, 26, -80, 40, half_mm=20, part="end"), _ray(64, 104, 82, 68, half_mm=11, part="end"),
    )),
    Site("sacrum", "axial", (230, 220), 0.50, 85, 0.0, (
        _ray(-26, -34, -18, 6, half_mm=22), _ray(26, -34, 18, 6, half_mm=22), _ray(0, 0, 0, 30, half_mm=22),
    )),
    Site("spine", "axial", (190, 300), 0.60, 58, 0.45, (
        _ray(0, -96, 0, -88, half_mm=24), _ray(0, -48, 0, -40, half_mm=24), _ray(0, 0, 0, 8, half_mm=24),
        _ray(0, 48, 0, 56, half_mm=24), _ray(19, -46, 19, 54, half_mm=12, part="end"),
    )),
    Site("ribs", "axial", (290, 290), 0.66, 85, 0.0, (
        _ray(85, -64, 104, -47, half_mm=7), _ray(85, -20, 104, -3, half_mm=7), _ray(-85, -64, -104, -47, half_mm=7),
        _ray(-85, 24, -104, 41, half_mm=7), _ray(51, -55, 67, -51, half_mm=7, part="end"),
    )),
)  # fmt: skip

BY_NAME: Mapping[str, Site] = {s.name: s for s in SITES}
