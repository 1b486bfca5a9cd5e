"""Bones of the phantom as thickness along the beam: long ones by their profile, flat ones by their outline."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw
from scipy import ndimage
from scipy.interpolate import PchipInterpolator

from robustkit.phantom.canvas import Canvas, Plane

Point = tuple[float, float]
Floats = Plane | NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class LongBone:
    """A tube along a straight axis.

    Attributes:
        start, end: Of its axis, mm.
        profile: At shares 0..1 of the axis: (share, left half-width, right half-width, cortex, spongy density), mm;
            left is x < 0 for an axis that runs down. Density is a share of compact bone, 0..1.
        caps: (rounding, notch) in mm at the start and at the end: how far the rim and the middle stay behind.
        plates: Shares of the axis that hold an open growth plate.
    """

    start: Point
    end: Point
    profile: Sequence[tuple[float, float, float, float, float]]
    caps: tuple[Point, Point] = ((3.0, 0.0), (3.0, 0.0))
    plates: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class FlatBone:
    """A bone by its outline: a closed smooth curve through ``points``, mm; half as thick as ``depth_mm`` says."""

    points: Sequence[Point]
    depth_mm: float = 8.0
    cortex_mm: float = 1.4
    density: float = 0.22


def draw_long_bone(canvas: Canvas, bone: LongBone, *, scale: float = 1.0) -> None:
    """Add a long bone; ``scale`` widens it."""
    start, end = np.array(bone.start), np.array(bone.end)
    knots = np.array(bone.profile, dtype=float)
    widest = float(knots[:, 1:3].max()) * scale
    rows, columns = canvas.window(np.stack([start, end]), margin_mm=widest + 2)
    if rows.stop <= rows.start or columns.stop <= columns.start:
        return
    length = float(np.hypot(*(end - start)))
    ux, uy = (end - start) / length
    x, y = canvas.x_mm[rows, columns] - start[0], canvas.y_mm[rows, columns] - start[1]
    s, w = x * ux + y * uy, x * uy - y * ux
    left, right, cortex, density = (_profile(knots[:, 0], knots[:, k], s / length) for k in range(1, 5))
    left, right = left * np.float32(scale), right * np.float32(scale)
    half, middle = (left + right) / 2, (right - left) / 2
    v = (w - middle) / half
    inset = np.minimum(_inset(s, v, bone.caps[0]), _inset(length - s, v, bone.caps[1]))
    outer = _chord(half, v, inset)
    inner = _chord(np.maximum(half - cortex, 0.3), (w - middle) / np.maximum(half - cortex, 0.3), inset - 1.0)
    inner = np.minimum(inner, outer)
    texture = np.clip(1 + 0.30 * canvas.grain[rows, columns], 0.1, None)
    spongy = inner * density * texture
    shell = outer - inner
    for plate in bone.plates:
        gap = np.exp(-(((s - plate * length + 2.0 * np.cos(3.0 * v)) / 1.3) ** 2))
        rim = np.exp(-(((s - plate * length + 2.0 * np.cos(3.0 * v) - 3.2) / 1.2) ** 2))
        spongy = spongy * (1 - 0.8 * gap + 0.5 * rim)
        shell = shell * (1 - 0.6 * gap)
    canvas.cortex[rows, columns] += shell
    canvas.spongy[rows, columns] += spongy


def _profile(share: NDArray[np.float64], value: NDArray[np.float64], at: Plane) -> Plane:
    table = PchipInterpolator(share, value)(np.linspace(0, 1, 129)).astype(np.float32)
    return np.asarray(table[np.clip(at * 128 + 0.5, 0, 128).astype(np.int16)], dtype=np.float32)


def _inset(from_end: Plane, v: Plane, cap: Point) -> Plane:
    """Give how far inside of the bone's end a point lies, mm."""
    rounding, notch = cap
    edge = rounding * np.abs(v) ** 3
    if notch:
        edge = edge + notch * np.exp(-((v / 0.24) ** 2))
    return np.asarray(from_end - edge, dtype=np.float32)


def _chord(half: Floats, v: Floats, inset: Floats) -> Plane:
    """Give the way through an elliptic tube, thinner towards its end."""
    end = np.clip(inset / np.maximum(0.45 * half, 1.5), 0, 1)
    full = 2 * half * np.sqrt(np.clip(1 - v * v, 0, None)) * np.sqrt(end * (2 - end))
    return np.asarray(full, dtype=np.float32)


def draw_flat_bone(canvas: Canvas, bone: FlatBone, *, mirrored: bool = False) -> None:
    """Add a flat or irregular bone, at the other side of the body where ``mirrored``."""
    outline = smooth_curve(bone.points)
    if mirrored:
        outline = outline * np.array([-1.0, 1.0])
    rows, columns = canvas.window(outline, margin_mm=2)
    if rows.stop - rows.start < 2 or columns.stop - columns.start < 2:
        return
    inside = _depth_inside(canvas, outline, rows, columns)
    outer = puff(inside, bone.depth_mm)
    inner = puff(inside - np.float32(bone.cortex_mm), bone.depth_mm - bone.cortex_mm)
    texture = np.clip(1 + 0.30 * canvas.grain[rows, columns], 0.1, None)
    canvas.cortex[rows, columns] += outer - inner
    canvas.spongy[rows, columns] += inner * np.float32(bone.density) * texture


def _depth_inside(canvas: Canvas, outline: NDArray[np.float64], rows: slice, columns: slice) -> Plane:
    """Give the distance to an outline in mm, 0 outside."""
    pixels = canvas.frame.pixels(outline) - np.array([columns.start, rows.start])
    mask = Image.new("L", (columns.stop - columns.start, rows.stop - rows.start))
    ImageDraw.Draw(mask).polygon([(float(x), float(y)) for x, y in pixels], fill=1)
    distance = ndimage.distance_transform_edt(np.pad(np.asarray(mask), 1))[1:-1, 1:-1]
    return np.asarray(distance * canvas.frame.spacing_mm, dtype=np.float32)


def puff(inside_mm: Plane, depth_mm: float) -> Plane:
    """Give the thickness of a body that is round at its rim and flat in the middle, mm."""
    d = np.clip(inside_mm, 0, depth_mm)
    return np.asarray(2 * np.sqrt(np.clip(depth_mm**2 - (depth_mm - d) ** 2, 0, None)), dtype=np.float32)


def smooth_curve(points: Sequence[Point], *, closed: bool = True, steps: int = 8) -> NDArray[np.float64]:
    """Give ``(N, 2)`` points of a Catmull-Rom curve through ``points``."""
    p = np.array(points, dtype=float)
    before, after, next_after = (np.roll(p, k, axis=0) for k in (1, -1, -2))
    if not closed:
        before[0], after[-1], next_after[-1], next_after[-2] = p[0], p[-1], p[-1], p[-1]
    t = np.linspace(0, 1, steps, endpoint=False)[None, :, None]
    a, b, c, d = (q[:, None, :] for q in (before, p, after, next_after))
    curve = 0.5 * (2 * b + (c - a) * t + (2 * a - 5 * b + 4 * c - d) * t**2 + (3 * b - a - 3 * c + d) * t**3)
    flat = curve.reshape(-1, 2)
    return flat if closed else np.concatenate([flat[:-steps], p[-1:]])


def draw_arcs(canvas: Canvas, curves: Sequence[NDArray[np.float64]], *, half_mm: float, strength: float = 1.0) -> None:
    """Add bones along curves (ribs): ``(N, 2)`` points each; where two meet the nearer one counts."""
    line = Image.new("L", (canvas.frame.width, canvas.frame.height), 1)
    pen = ImageDraw.Draw(line)
    for curve in curves:
        pen.line([(float(x), float(y)) for x, y in canvas.frame.pixels(curve)], fill=0, width=1)
    distance = ndimage.distance_transform_edt(np.asarray(line)).astype(np.float32) * canvas.frame.spacing_mm
    outer = 2 * np.sqrt(np.clip(half_mm**2 - distance**2, 0, None)) * 0.9
    inner = 2 * np.sqrt(np.clip((half_mm - 1.1) ** 2 - distance**2, 0, None)) * 0.9
    canvas.cortex += np.float32(strength) * np.asarray(outer - inner, np.float32)
    texture = np.clip(1 + 0.3 * canvas.grain, 0.1, None)
    canvas.spongy += np.float32(0.22 * strength) * np.asarray(inner, np.float32) * texture


def ellipse(x: float, y: float, *, rx: float, ry: float, turn_deg: float = 0.0) -> list[Point]:
    """Give the outline of an ellipse, mm."""
    t = np.linspace(0, 2 * np.pi, 14, endpoint=False)
    c, s = np.cos(np.deg2rad(turn_deg)), np.sin(np.deg2rad(turn_deg))
    ex, ey = rx * np.cos(t), ry * np.sin(t)
    return [(float(x + c * a - s * b), float(y + s * a + c * b)) for a, b in zip(ex, ey, strict=True)]
