"""The trunk of the phantom: pelvis and sacrum, lumbar spine and ribs, in the frame of the anatomy (mm)."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

import numpy as np

from robustkit.phantom.bones import FlatBone, LongBone, Point, draw_arcs, draw_flat_bone, draw_long_bone, ellipse
from robustkit.phantom.canvas import Canvas, Plane, clouds

_SACRUM_Y_MM = -42.0
"""Middle of the sacrum's film in the frame of the pelvis."""


def _draw_abdomen(canvas: Canvas, *, half_mm: float, depth_mm: float) -> None:
    rng, spacing = canvas.rng, canvas.frame.spacing_mm
    half = np.float32(half_mm * rng.uniform(0.95, 1.1))
    body = depth_mm * rng.uniform(0.85, 1.1) * np.sqrt(np.clip(1 - (canvas.x_mm / half) ** 2, 0, None))
    mixed = 1 + 0.03 * clouds(rng, body.shape, 16 / spacing) + 0.012 * clouds(rng, body.shape, 5 / spacing)
    canvas.soft += (body * mixed).astype(np.float32)


def _draw_gas(canvas: Canvas, *, at: Point, spread_mm: float, loops: int) -> None:
    """Take soft tissue away where loops of bowel hold gas."""
    rng = canvas.rng
    for _ in range(loops):
        cx, cy = np.array(at) + rng.normal(0, spread_mm, 2) * (1.3, 0.7)
        rx, ry = rng.uniform(9, 22), rng.uniform(5, 11)
        turn = rng.uniform(0, np.pi)
        here = canvas.window(np.array([[cx, cy]]), margin_mm=rx + 5)
        x, y = canvas.x_mm[here] - np.float32(cx), canvas.y_mm[here] - np.float32(cy)
        u, v = x * np.cos(turn) + y * np.sin(turn), y * np.cos(turn) - x * np.sin(turn)
        v = v + 3.5 * np.sin(u / 6)
        loop = np.sqrt(np.clip(1 - (u / rx) ** 2 - (v / ry) ** 2, 0, None))
        canvas.soft[here] -= (1.7 * ry * loop).astype(np.float32)


def draw_pelvis(canvas: Canvas, *, focus: Literal["pelvis", "sacrum"], age_years: float) -> None:
    """Draw a pelvis from the front, with its own middle or the sacrum in the middle of the film."""
    moved = _SACRUM_Y_MM if focus == "sacrum" else 0.0
    frame = replace(canvas.frame, shift_y_mm=canvas.frame.shift_y_mm - moved)
    pelvis = replace(canvas, frame=frame, y_mm=canvas.y_mm + np.float32(moved))
    _draw_abdomen(pelvis, half_mm=200, depth_mm=185)
    _draw_hip_bones(pelvis, is_child=age_years < 14)
    _draw_sacrum(pelvis)
    _draw_gas(pelvis, at=(0, -66), spread_mm=42, loops=int(canvas.rng.integers(4, 10)))
    _draw_gas(pelvis, at=(0, 14), spread_mm=14, loops=int(canvas.rng.integers(1, 5)))


_ILIUM = (
    (42, -90), (60, -114), (88, -124), (116, -110), (134, -78), (130, -52), (114, -24), (113, 2), (118, 18), (104, 14),
    (84, 22), (76, 44), (62, 44), (56, 16), (50, -8), (42, -28), (37, -60),
)  # fmt: skip
_PUBIS = ((78, 34), (58, 48), (30, 62), (6, 66), (5, 94), (13, 98), (22, 80), (50, 66), (78, 60))
_ISCHIUM = ((84, 46), (96, 62), (90, 86), (72, 114), (56, 114), (50, 103), (66, 84), (70, 60))
_LOWER_RAMUS = ((58, 113), (44, 114), (22, 103), (9, 98), (9, 88), (24, 89), (54, 102))


def _draw_hip_bones(canvas: Canvas, *, is_child: bool) -> None:
    for mirrored in (False, True):
        sign = -1 if mirrored else 1
        draw_flat_bone(canvas, FlatBone(_ILIUM, depth_mm=5.5, cortex_mm=1.3, density=0.3), mirrored=mirrored)
        socket = ellipse(92, 36, rx=25, ry=27)
        draw_flat_bone(canvas, FlatBone(socket, depth_mm=5, cortex_mm=1.4, density=0.15), mirrored=mirrored)
        for outline in (_PUBIS, _ISCHIUM, _LOWER_RAMUS):
            draw_flat_bone(canvas, FlatBone(outline, depth_mm=7, cortex_mm=1.4, density=0.2), mirrored=mirrored)
        head = ellipse(98, 40, rx=22.5, ry=22.5)
        draw_flat_bone(canvas, FlatBone(head, depth_mm=18, cortex_mm=1.0, density=0.22), mirrored=mirrored)
        neck = LongBone(
            (sign * 100, 42), (sign * 150, 80),
            ((0, 17, 17, 1.2, 0.2), (0.45, 14, 14, 2.0, 0.18), (1, 20, 20, 1.6, 0.17)), caps=((2, 0), (6, 0)),
            plates=(0.16,) if is_child else (),
        )  # fmt: skip
        shaft = LongBone(
            (sign * 148, 62), (sign * 140, 220),
            ((0, 13, 13, 1.3, 0.14), (0.15, 18, 18, 2.0, 0.12), (0.35, 15, 15, 4.5, 0.06), (1, 14, 14, 6, 0.04)),
            caps=((8, 0), (2, 0)),
        )  # fmt: skip
        for bone in (neck, shaft):
            draw_long_bone(canvas, bone)


def _draw_sacrum(canvas: Canvas) -> None:
    draw_vertebra(canvas, at=(0, -160))
    draw_vertebra(canvas, at=(0, -119))
    outline = (
        (-50, -92), (-24, -101), (0, -97), (24, -101), (50, -92), (46, -64), (30, -30), (14, 2), (0, 12), (-14, 2),
        (-30, -30), (-46, -64),
    )  # fmt: skip
    draw_flat_bone(canvas, FlatBone(outline, depth_mm=13, cortex_mm=1.3, density=0.15))
    for k, (x, y) in enumerate(((21, -74), (18, -53), (14, -34), (11, -17))):
        for sign in (-1, 1):
            here = canvas.window(np.array([[sign * x, y]], dtype=float), margin_mm=12)
            u, v = (canvas.x_mm[here] - sign * x) / (6.2 - 0.8 * k), (canvas.y_mm[here] - y) / (4.6 - 0.5 * k)
            hole = np.exp(-((u * u + v * v) ** 2))
            rim = np.exp(-(((np.hypot(u, v) - 1.15) / 0.16) ** 2)) * (v < 0)
            canvas.spongy[here] *= (1 - 0.75 * hole).astype(np.float32)
            canvas.cortex[here] += (1.8 * rim).astype(np.float32)
    for y in (-82, -63, -44, -26):
        line = np.exp(-(((canvas.y_mm - y) / 0.8) ** 2)) * (np.abs(canvas.x_mm) < 14 + 0.1 * -y)
        canvas.cortex += (1.4 * line).astype(np.float32)


_BODY = (
    (-25, -17.5), (-12, -16.4), (0, -15.8), (12, -16.4), (25, -17.5), (22.5, -8), (21.5, 0), (22.5, 8),
    (25, 17.5), (12, 16.4), (0, 15.8), (-12, 16.4), (-25, 17.5), (-22.5, 8), (-21.5, 0), (-22.5, -8),
)  # fmt: skip


def draw_vertebra(canvas: Canvas, *, at: Point, scale: float = 1.0) -> None:
    """Draw one lumbar vertebra from the front."""
    x0, y0 = at

    def placed(points: list[Point] | tuple[Point, ...]) -> list[Point]:
        return [(x0 + scale * x, y0 + scale * y) for x, y in points]

    draw_flat_bone(canvas, FlatBone(placed(_BODY), depth_mm=13, cortex_mm=1.1, density=0.2))
    draw_flat_bone(canvas, FlatBone(placed([(0, 0), (4, 8), (3, 18), (0, 20), (-3, 18), (-4, 8)]), depth_mm=6))
    for s in (-1, 1):
        pedicle = placed(ellipse(s * 15.5, -4, rx=4.6, ry=6.6))
        draw_flat_bone(canvas, FlatBone(pedicle, depth_mm=7, cortex_mm=1.5, density=0.05))
        process = placed([(s * 20, -9), (s * 34, -11), (s * 43, -9), (s * 43, -4), (s * 33, -3), (s * 20, -1)])
        draw_flat_bone(canvas, FlatBone(process, depth_mm=3.5, cortex_mm=1.0, density=0.2))
        facet = placed([(s * 7, 2), (s * 15, 8), (s * 18, 20), (s * 13, 25), (s * 8, 16)])
        draw_flat_bone(canvas, FlatBone(facet, depth_mm=4.5, cortex_mm=1.2, density=0.1))


def draw_spine(canvas: Canvas, *, lateral: bool) -> None:
    """Draw a lumbar spine from the front or from the side; its bodies lie 48 mm apart."""
    rng = canvas.rng
    _draw_abdomen(canvas, half_mm=150, depth_mm=240 if lateral else 190)
    levels = (-140, -92, -44, 4, 52, 100, 148)
    if lateral:
        for y in levels:
            _draw_vertebra_sideways(canvas, y)
        back = np.clip((canvas.x_mm - 62) / 30, 0, 1)
        canvas.soft *= (1 - 0.55 * back).astype(np.float32)
        _draw_gas(canvas, at=(-62, 10), spread_mm=26, loops=int(rng.integers(3, 8)))
        return
    psoas = np.clip((12 + 0.33 * (canvas.y_mm + 110) - np.abs(canvas.x_mm) + 14) / 3, 0, 1) * (canvas.y_mm > -110)
    canvas.soft += (9 * psoas).astype(np.float32)
    for y in levels:
        draw_vertebra(canvas, at=(0, y), scale=float(rng.uniform(0.97, 1.04)))
    for s in (-1, 1):
        rib = LongBone(
            (s * 26, -98), (s * 92, -62), ((0, 5, 5, 1, 0.15), (0.7, 4.5, 4.5, 1, 0.12), (1, 2.5, 2.5, 0.8, 0.1))
        )
        draw_long_bone(canvas, rib)
    _draw_gas(canvas, at=(0, 10), spread_mm=48, loops=int(rng.integers(5, 12)))


def _draw_vertebra_sideways(canvas: Canvas, y: float) -> None:
    body = [(x * 0.80, y + 0.98 * v) for x, v in _BODY]
    draw_flat_bone(canvas, FlatBone(body, depth_mm=19, cortex_mm=1.1, density=0.2))
    arch = [
        (17, y - 10),
        (28, y - 9),
        (36, y - 18),
        (41, y - 16),
        (38, y - 2),
        (36, y + 14),
        (30, y + 22),
        (26, y + 18),
        (30, y + 2),
        (17, y),
    ]
    draw_flat_bone(canvas, FlatBone(arch, depth_mm=8, cortex_mm=1.4, density=0.18))
    spine = [(36, y - 4), (52, y - 2), (66, y + 4), (67, y + 18), (58, y + 18), (42, y + 10)]
    draw_flat_bone(canvas, FlatBone(spine, depth_mm=4, cortex_mm=1.1, density=0.2))


def draw_chest(canvas: Canvas) -> None:
    """Draw ribs before lung, heart and spine, from the front."""
    rng = canvas.rng
    half = np.float32(rng.uniform(132, 142))
    wall = np.clip(1 - (canvas.x_mm / half) ** 2, 0, None)
    canvas.soft += (165 * np.sqrt(wall)).astype(np.float32)
    lungs = _lungs(canvas)
    canvas.soft -= (88 * np.sqrt(wall) * lungs).astype(np.float32)
    hilum = np.exp(-np.hypot(np.abs(canvas.x_mm) - 26, canvas.y_mm + 16) / 42)
    for coarse_mm, width, thick_mm in ((9.0, 0.16, 16.0), (4.5, 0.18, 9.0)):
        branch = np.exp(-((clouds(rng, lungs.shape, coarse_mm / canvas.frame.spacing_mm) / width) ** 2))
        canvas.soft += (thick_mm * branch * hilum * lungs).astype(np.float32)
    for y in range(-150, 160, 31):
        draw_vertebra(canvas, at=(0, y), scale=0.68)
    back, front = [], []
    for s in (-1, 1):
        for y in range(-126, 100, 22):
            phi = np.linspace(0.05, np.pi / 2, 24)
            back.append(np.stack([s * (14 + 100 * np.sin(phi)), y + 62 * (1 - np.cos(phi))], axis=-1))
            phi = np.linspace(np.pi / 2, 2.35, 16)
            front.append(np.stack([s * (14 + 100 * np.sin(phi)), y + 62 * (1 - np.cos(phi))], axis=-1))
    draw_arcs(canvas, back, half_mm=7.0, strength=1.0)
    draw_arcs(canvas, front, half_mm=6.5, strength=0.7)
    for s in (-1, 1):
        clavicle = LongBone(
            (s * 12, -104), (s * 132, -128), ((0, 8, 8, 1.6, 0.15), (0.4, 5.5, 5.5, 2, 0.12), (1, 6, 6, 1.8, 0.12))
        )
        draw_long_bone(canvas, clavicle)
        blade = [(s * 100, -118), (s * 112, -60), (s * 104, -4), (s * 92, 8), (s * 88, -20), (s * 84, -90)]
        draw_flat_bone(canvas, FlatBone([(x + s * 30, y) for x, y in blade], depth_mm=2.4, cortex_mm=0.8, density=0.15))


def _lungs(canvas: Canvas) -> Plane:
    x, y, rng = canvas.x_mm, canvas.y_mm, canvas.rng
    dome = rng.uniform(76, 92)
    inside = np.zeros_like(x)
    for s, medial, drop in ((-1, 24, 0), (1, 22, 8)):
        u, v = (s * x - 62) / 54, (y + 20) / 108
        field = np.clip((1 - np.abs(u) ** 2.6 - np.abs(np.minimum(v, 0)) ** 2.4) * 9, 0, 1)
        floor = np.clip((dome + drop + 0.006 * (s * x - 60) ** 2 - y) / 3, 0, 1)
        inside = np.maximum(inside, field * floor * np.clip((s * x - medial) / 4, 0, 1))
    u, v = x - 18 - 0.35 * (y - 44), y - 46 + 0.3 * (x - 18)
    heart = (u / 44) ** 2 + (v / 38) ** 2
    aorta = ((x - 14) / 20) ** 2 + ((y + 58) / 18) ** 2
    clear = np.clip((heart - 1) * 4, 0, 1) * np.clip((aorta - 1) * 3, 0, 1)
    return np.asarray(inside * (0.12 + 0.88 * clear), dtype=np.float32)
