"""Limbs of the phantom: knee, shoulder, forearm, hand and foot, in the frame of the anatomy (mm)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.interpolate import PchipInterpolator

from robustkit.phantom.bones import FlatBone, LongBone, Point, draw_flat_bone, draw_long_bone, ellipse
from robustkit.phantom.canvas import Canvas, clouds

_CHILD_YEARS = 15


def draw_envelope(canvas: Canvas, *, axis: tuple[Point, Point], widths: tuple[tuple[float, float], ...]) -> None:
    """Add the soft tissue of a limb: (share of the axis, half-width in mm), under a layer of fat."""
    (x0, y0), (x1, y1) = axis
    length = float(np.hypot(x1 - x0, y1 - y0))
    ux, uy = (x1 - x0) / length, (y1 - y0) / length
    x, y = canvas.x_mm - np.float32(x0), canvas.y_mm - np.float32(y0)
    s, w = (x * ux + y * uy) / length, x * uy - y * ux
    shares, halves = np.array(widths).T
    table = PchipInterpolator(shares, halves)(np.linspace(0, 1, 257)).astype(np.float32)
    half = table[np.clip(s * 256 + 0.5, 0, 256).astype(np.int16)]
    fat_mm = np.float32(canvas.rng.uniform(3, 9)) * np.clip(half / 60, 0.25, 1)
    whole = 1.7 * half * np.sqrt(np.clip(1 - (w / half) ** 2, 0, None))
    muscle_half = half - fat_mm
    muscle = 1.7 * muscle_half * np.sqrt(np.clip(1 - (w / muscle_half) ** 2, 0, None))
    strands = 1 + 0.025 * clouds(canvas.rng, s.shape, 5 / canvas.frame.spacing_mm)
    canvas.soft += (0.72 * whole + 0.28 * muscle * strands).astype(np.float32)


def draw_knee(canvas: Canvas, *, joint_y: float, lateral: bool, age_years: float) -> None:
    """Draw a knee whose joint space lies at ``joint_y``."""
    rng, j = canvas.rng, joint_y
    body = rng.uniform(0.9, 1.12)
    widths = ((0.0, 84 * body), (0.28, 72 * body), (0.5, 57 * body), (0.62, 58 * body), (0.8, 60 * body), (1.0, 48))
    draw_envelope(canvas, axis=((0, j - 230), (2, j + 230)), widths=widths)
    child = age_years < _CHILD_YEARS
    scale = 0.88 if child else rng.uniform(0.96, 1.05)
    (_lateral_knee if lateral else _frontal_knee)(canvas, j, scale=scale, child=child)


def _frontal_knee(canvas: Canvas, j: float, *, scale: float, child: bool) -> None:
    femur = LongBone(
        (0, j - 260), (0, j - 2.5),
        ((0, 15, 15, 6.5, 0.04), (0.55, 14, 14, 6, 0.04), (0.72, 17, 17, 4, 0.08), (0.84, 27, 25, 2.0, 0.19),
         (0.92, 37, 35, 1.3, 0.25), (0.97, 38, 37, 1.2, 0.27), (1, 37, 36, 1.2, 0.27)),
        caps=((2, 0), (9, 15)), plates=(0.885,) if child else (),
    )  # fmt: skip
    tibia = LongBone(
        (-1, j + 2.5), (3, j + 300),
        ((0, 37, 36, 1.3, 0.27), (0.05, 36, 34, 1.3, 0.25), (0.14, 27, 23, 2.4, 0.16), (0.3, 15.5, 15, 5, 0.05),
         (0.6, 13, 13, 5.5, 0.04), (1, 13, 13, 5, 0.04)),
        caps=((6, -5), (2, 0)), plates=(0.06,) if child else (),
    )  # fmt: skip
    fibula = LongBone(
        (36, j + 15), (31, j + 300),
        ((0, 8, 9, 1.2, 0.2), (0.06, 9, 9, 1.3, 0.17), (0.16, 6, 6, 2, 0.07), (0.5, 6, 6, 2.8, 0.04),
         (1, 6, 6, 2.8, 0.04)),
        caps=((5, 0), (2, 0)), plates=(0.07,) if child else (),
    )  # fmt: skip
    for bone in (femur, tibia, fibula):
        draw_long_bone(canvas, bone, scale=scale)
    draw_flat_bone(canvas, FlatBone(ellipse(1, j - 26, rx=20, ry=21), depth_mm=7, cortex_mm=0.8, density=0.16))


def _lateral_knee(canvas: Canvas, j: float, *, scale: float, child: bool) -> None:
    femur = LongBone(
        (-4, j - 260), (4, j - 2.5),
        ((0, 14, 15, 6, 0.04), (0.6, 14, 14, 5.5, 0.04), (0.78, 16, 18, 3, 0.1), (0.88, 19, 30, 1.6, 0.2),
         (0.95, 25, 36, 1.3, 0.26), (1, 24, 34, 1.2, 0.26)),
        caps=((2, 0), (16, 0)), plates=(0.88,) if child else (),
    )  # fmt: skip
    tibia = LongBone(
        (4, j + 3), (-4, j + 300),
        ((0, 26, 24, 1.3, 0.26), (0.05, 28, 23, 1.4, 0.24), (0.13, 25, 16, 2.4, 0.15), (0.3, 15, 13, 5, 0.05),
         (1, 13, 13, 5, 0.04)),
        caps=((5, -3), (2, 0)), plates=(0.06,) if child else (),
    )  # fmt: skip
    fibula = LongBone(
        (33, j + 16), (29, j + 300),
        ((0, 7, 7, 1.2, 0.18), (0.08, 8, 7, 1.3, 0.15), (0.2, 6, 6, 2.2, 0.06), (1, 6, 6, 2.8, 0.04)),
        caps=((4, 0), (2, 0)),
    )  # fmt: skip
    for bone in (femur, tibia, fibula):
        draw_long_bone(canvas, bone, scale=scale)
    patella = [(-40, j - 44), (-33, j - 42), (-31, j - 25), (-36, j - 12), (-44, j - 20), (-45, j - 36)]
    draw_flat_bone(canvas, FlatBone(patella, depth_mm=9, cortex_mm=1.1, density=0.25))


def draw_shoulder(canvas: Canvas, *, age_years: float) -> None:
    """Draw a shoulder and the upper arm, with scapula, clavicle, ribs and lung beside them."""
    rng = canvas.rng
    draw_envelope(
        canvas, axis=((16, -122), (44, 190)),
        widths=((0, 0.5), (0.03, 20), (0.08, 34), (0.16, 47), (0.25, 53), (0.38, 50), (0.7, 43), (1, 39)),
    )  # fmt: skip
    chest = np.clip((-8 - canvas.x_mm + 0.12 * canvas.y_mm) / 34, 0, 1) * np.clip((canvas.y_mm + 128) / 46, 0, 1)
    canvas.soft += (105 * np.sqrt(chest) * rng.uniform(0.9, 1.1)).astype(np.float32)
    lung = np.clip((-64 - canvas.x_mm + 0.1 * canvas.y_mm) / 8, 0, 1) * np.clip((canvas.y_mm + 62) / 30, 0, 1)
    canvas.soft -= (62 * lung).astype(np.float32)
    plates = (0.15,) if age_years < _CHILD_YEARS else ()
    humerus = LongBone(
        (12, -94), (47, 200),
        ((0, 16, 15, 1.2, 0.25), (0.05, 26, 22, 1.2, 0.25), (0.1, 27, 23, 1.2, 0.25), (0.18, 21, 18, 1.6, 0.18),
         (0.28, 14, 14, 3, 0.09), (0.45, 12, 12, 4.5, 0.05), (1, 11.5, 11.5, 4.5, 0.04)),
        caps=((14, 0), (2, 0)), plates=plates,
    )  # fmt: skip
    blade = [(-12, -84), (-20, -62), (-24, -40), (-44, 10), (-58, 50), (-66, 44), (-72, -10), (-70, -62), (-46, -86)]
    draw_flat_bone(canvas, FlatBone(blade, depth_mm=3.2, cortex_mm=1.0, density=0.15))
    draw_flat_bone(canvas, FlatBone(ellipse(-17, -64, rx=7, ry=19, turn_deg=6), depth_mm=8, cortex_mm=1.3))
    draw_flat_bone(canvas, FlatBone(ellipse(6, -112, rx=20, ry=7, turn_deg=-14), depth_mm=6, cortex_mm=1.2))
    clavicle = LongBone((-6, -112), (-130, -98), ((0, 6, 8, 1.4, 0.15), (0.4, 5.5, 5.5, 2.2, 0.1), (1, 7, 7, 2, 0.12)))
    for bone in (humerus, clavicle):
        draw_long_bone(canvas, bone)
    for k in range(6):
        y = -66 + 31 * k
        rib = LongBone((-60, y + 16), (-130, y - 16), ((0, 5, 5, 1, 0.12), (1, 5.5, 5.5, 1.2, 0.12)))
        draw_long_bone(canvas, rib)


def draw_forearm(canvas: Canvas, *, lateral: bool, age_years: float) -> None:
    """Draw the far half of a forearm, the wrist and the bases of the metacarpals."""
    half = 26 if lateral else 36
    widths = ((0, half + 4), (0.35, half), (0.6, half - 5), (0.7, half), (1, half + 5))
    draw_envelope(canvas, axis=((3, -120), (3, 120)), widths=widths)
    child = age_years < _CHILD_YEARS
    ulna_x = 2 if lateral else -12
    radius = LongBone(
        (15, -140), (12, 32),
        ((0, 7, 7, 3, 0.04), (0.5, 7, 7, 2.8, 0.05), (0.75, 8.5, 9, 1.8, 0.1), (0.9, 14, 14, 1.1, 0.21),
         (1, 15, 15.5, 1, 0.24)),
        caps=((2, 0), (3, 2)), plates=(0.93,) if child else (),
    )  # fmt: skip
    ulna = LongBone(
        (ulna_x - 1, -140), (ulna_x, 26),
        ((0, 7, 7, 2.8, 0.04), (0.6, 5.5, 5.5, 2.2, 0.06), (0.9, 6, 6, 1.3, 0.14), (1, 7.5, 7.5, 1, 0.2)),
        caps=((2, 0), (4, 0)), plates=(0.94,) if child else (),
    )  # fmt: skip
    for bone in (radius, ulna):
        draw_long_bone(canvas, bone)
    squeeze = 0.5 if lateral else 1.0
    draw_carpals(canvas, at=(3, 50), squeeze=squeeze, fingers=1)
    for x, tip in ((28, 38), (15, 19), (3, 3), (-9, -12), (-20, -27)):
        ray = LongBone(
            (4 + (x - 4) * squeeze, 69), (4 + (tip - 4) * squeeze, 128),
            ((0, 7, 7, 1.1, 0.18), (0.3, 4.5, 4.5, 1.6, 0.08), (1, 5.5, 5.5, 1, 0.15)),
        )  # fmt: skip
        draw_long_bone(canvas, ray)


_CARPALS = (
    (15, 8, 11, 8), (0, 9, 9, 8.5), (-13, 7, 8.5, 8), (-17, 9, 5, 5), (22, -7, 8, 8), (12, -7, 7, 8),
    (1, -5, 8.5, 11), (-13, -6, 9, 9),
)  # fmt: skip


def draw_carpals(canvas: Canvas, *, at: Point, squeeze: float = 1.0, fingers: int = -1) -> None:
    """Draw the eight bones of the wrist around a point, fingers up (-1) or down (+1)."""
    for x, y, rx, ry in _CARPALS:
        turn = canvas.rng.uniform(-15, 15)
        outline = ellipse(at[0] + squeeze * x, at[1] - fingers * y, rx=rx, ry=ry, turn_deg=turn)
        draw_flat_bone(canvas, FlatBone(outline, depth_mm=5.5, cortex_mm=0.8, density=0.24))


_FINGERS = (
    ((25, 44), (37, -2), (38, -6), (47, -40), (48, -43), (54, -64), (54.5, -67), (58, -81)),
    ((8, 43), (8, -10), (8, -14), (8, -54), (8, -57), (8, -82), (8, -85), (8, -101)),
    ((-12.5, 43), (-21, -8), (-22, -12), (-30, -48), (-31, -51), (-36, -75), (-36.5, -78), (-39, -92)),
    ((-29, 40), (-42, -4), (-44, -8), (-54, -36), (-55, -39), (-60, -56), (-61, -59), (-64, -71)),
    ((38, 52), (58, 24), (60, 21), (72, -4), (73, -7), (79, -24)),
)
_RAY_HALF_MM = ((6.5, 4.2, 5.6), (5.2, 3.8, 4.4), (4.2, 3.0, 3.4), (3.6, 2.2, 2.6))


def draw_hand(canvas: Canvas, *, age_years: float) -> None:
    """Draw a hand from the front, fingers up."""
    palm = [
        (-40, 44), (-53, 10), (-56, -14), (-36, -22), (-16, -28), (8, -29), (32, -24), (48, -12), (49, 6), (60, 8),
        (70, 18), (58, 44), (36, 66), (30, 90), (28, 130), (-26, 130), (-28, 84), (-34, 62),
    ]  # fmt: skip
    _fill_soft(canvas, palm, depth_mm=13)
    for finger in _FINGERS:
        tip, base = finger[-1], finger[1]
        draw_finger_soft(canvas, start=base, end=(tip[0] + 0.14 * (tip[0] - base[0]), tip[1] - 6), half_mm=9.5)
    plates = (0.9,) if age_years < _CHILD_YEARS else ()
    for finger in _FINGERS:
        for k in range(0, len(finger), 2):
            base_mm, waist_mm, head_mm = _RAY_HALF_MM[k // 2]
            bone = LongBone(
                finger[k], finger[k + 1],
                ((0, base_mm, base_mm, 1.0, 0.18), (0.2, waist_mm + 0.8, waist_mm + 0.8, 1.3, 0.12),
                 (0.5, waist_mm, waist_mm, 1.7, 0.06),
                 (0.8, head_mm - 0.6, head_mm - 0.6, 1.2, 0.13), (1, head_mm, head_mm, 0.9, 0.18)),
                caps=((1.5, 0), (2.5, 0)), plates=plates if k == 0 else (),
            )  # fmt: skip
            draw_long_bone(canvas, bone)
    draw_carpals(canvas, at=(3, 60))
    for start, end, half in (((13, 78), (14, 170), 15), ((-15, 78), (-12, 170), 8)):
        draw_long_bone(
            canvas,
            LongBone(
                start,
                end,
                ((0, half, half, 1, 0.22), (0.25, half * 0.75, half * 0.75, 1.6, 0.12), (1, 7, 7, 2.4, 0.06)),
            ),
        )


def draw_finger_soft(canvas: Canvas, *, start: Point, end: Point, half_mm: float) -> None:
    """Add the soft tissue of a finger or toe."""
    dx, dy = end[0] - start[0], end[1] - start[1]
    length = float(np.hypot(dx, dy))
    s = ((canvas.x_mm - start[0]) * dx + (canvas.y_mm - start[1]) * dy) / length
    w = ((canvas.x_mm - start[0]) * dy - (canvas.y_mm - start[1]) * dx) / length
    beyond = np.maximum(np.maximum(s - length + half_mm, 0), np.maximum(-s, 0))
    thickness = 1.6 * np.sqrt(np.clip(half_mm**2 - w**2 - beyond**2, 0, None))
    canvas.soft = np.maximum(canvas.soft, thickness.astype(np.float32))


def _fill_soft(canvas: Canvas, outline: Sequence[Point], *, depth_mm: float) -> None:
    bare = canvas.cortex, canvas.spongy
    canvas.cortex, canvas.spongy = np.zeros_like(bare[0]), np.zeros_like(bare[1])
    draw_flat_bone(canvas, FlatBone(outline, depth_mm=depth_mm, cortex_mm=0.01, density=0.0))
    draw_flat_bone(canvas, FlatBone(outline, depth_mm=depth_mm, cortex_mm=depth_mm - 0.01, density=0.0))
    thickness = canvas.cortex
    canvas.cortex, canvas.spongy = bare
    canvas.soft = np.maximum(canvas.soft, thickness)


_TOES = (
    ((-21, 14), (-33, -52), (-34, -56), (-39, -82), (-40, -85), (-43, -104)),
    ((-10, 10), (-16, -62), (-16.5, -66), (-19, -88), (-19.5, -91), (-21, -103)),
    ((-0.5, 12), (-2, -58), (-2, -62), (-2.5, -82), (-2.5, -85), (-3, -95)),
    ((10.5, 16), (14, -50), (14.5, -54), (15.5, -72), (15.5, -75), (16, -84)),
    ((20, 24), (29.5, -39), (30, -43), (32, -58), (32, -61), (33, -69)),
)


def draw_foot(canvas: Canvas, *, age_years: float) -> None:
    """Draw a foot from above, toes up."""
    sole = [
        (-40, -50),
        (-22, -70),
        (16, -58),
        (38, -38),
        (38, 0),
        (34, 40),
        (32, 84),
        (22, 108),
        (-6, 108),
        (-20, 84),
        (-32, 40),
        (-38, 0),
    ]
    _fill_soft(canvas, sole, depth_mm=22)
    for k, toe in enumerate(_TOES):
        draw_finger_soft(canvas, start=toe[1], end=(toe[-1][0], toe[-1][1] - 6), half_mm=13.0 if k == 0 else 8.5)
    plates = (0.9,) if age_years < _CHILD_YEARS else ()
    for number, toe in enumerate(_TOES):
        thick = 1.5 if number == 0 else 1.0
        for k in range(0, len(toe), 2):
            base_mm, waist_mm, head_mm = ((6.5, 3.8, 5.4), (4.8, 3.2, 4.0), (3.6, 2.6, 3.0))[k // 2]
            bone = LongBone(
                toe[k], toe[k + 1],
                ((0, base_mm, base_mm, 1.0, 0.18), (0.25, waist_mm + 0.6, waist_mm + 0.6, 1.4, 0.1),
                 (0.55, waist_mm, waist_mm, 1.8, 0.06),
                 (1, head_mm, head_mm, 0.9, 0.18)),
                caps=((1.5, 0), (2.5, 0)), plates=plates if k == 0 else (),
            )  # fmt: skip
            draw_long_bone(canvas, bone, scale=thick)
    tarsals = (
        ellipse(-22, 22, rx=8, ry=9), ellipse(-9, 19, rx=6, ry=8), ellipse(2, 22, rx=6, ry=9),
        ellipse(15, 34, rx=10, ry=13),
        ellipse(-10, 39, rx=17, ry=7, turn_deg=10), ellipse(-6, 56, rx=15, ry=12),
        [(-6, 56), (14, 46), (22, 60), (25, 86), (18, 102), (2, 102), (-6, 84)],
    )  # fmt: skip
    for outline in tarsals:
        draw_flat_bone(canvas, FlatBone(outline, depth_mm=10, cortex_mm=0.9, density=0.2))
