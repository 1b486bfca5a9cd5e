"""What a tumour does to the film: destruction, rim, matrix, expansion, soft-tissue mass and periosteal reaction."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from robustkit.phantom.canvas import Canvas, Frame, Plane, clouds
from robustkit.phantom.subtypes import BY_NAME, Look

_BORDER_WIDTH = {"sclerotic": 0.07, "geographic": 0.12, "ill-defined": 0.5}


@dataclass(frozen=True, slots=True)
class Patch:
    """The part of a film around one lesion, in the lesion's own coordinates.

    Attributes:
        rows, columns: Where it lies on the film.
        u_mm, v_mm: Along and across the bone, from the lesion's middle.
        axis_mm: Distance from the bone's axis, signed, positive towards the lesion's side.
        r: Distance from the middle in units of the lesion's wavy edge: 1 on it.
        along_mm, across_mm, bone_half_mm: Half axes of the lesion and half-width of the bone.
        is_bone: 0..1, healthy bone before the lesion came.
        spacing_mm: Of the film.
    """

    rows: slice
    columns: slice
    u_mm: Plane
    v_mm: Plane
    axis_mm: Plane
    r: Plane
    along_mm: float
    across_mm: float
    bone_half_mm: float
    is_bone: Plane
    spacing_mm: float


def draw_tumour(canvas: Canvas, row: Mapping[str, object]) -> None:
    """Change the film where a lesion (one row of ``draw_lesions``) lies."""
    patch = _patch(canvas, row)
    name, look = str(row["subtype"]), BY_NAME[str(row["subtype"])].look
    if name == "osteochondroma":
        _grow_outwards(canvas, patch)
        return
    _destroy(canvas, patch, look)
    _expand(canvas, patch, look)
    _MATRICES[look.matrix](canvas, patch)
    if look.periosteum != "none":
        _react(canvas, patch, look)


def _patch(canvas: Canvas, row: Mapping[str, object]) -> Patch:
    names = ("x_mm", "y_mm", "along_mm", "across_mm", "axis_x", "axis_y", "bone_half_mm", "side", "off_axis_mm")
    x, y, along, across, ax, ay, half, side, offset = (float(str(row[n])) for n in names)
    rows, columns = canvas.window(np.array([[x, y]]), margin_mm=1.6 * along + 12)
    bare_x, bare_y = _straight(canvas.frame, rows, columns)
    dx, dy = bare_x - np.float32(x), bare_y - np.float32(y)
    u, v = dx * ax + dy * ay, (dy * ax - dx * ay) * side
    angle = np.arctan2(v / across, u / along)
    phases = canvas.rng.uniform(0, 2 * np.pi, 3)
    wave = sum(a * np.cos(k * angle + p) for k, a, p in zip((2, 3, 5), (0.05, 0.05, 0.035), phases, strict=True))
    r = np.hypot(u / along, v / across) / (0.93 + wave)
    bone = canvas.cortex[rows, columns] + canvas.spongy[rows, columns]
    u_mm, v_mm, edge, axis = (np.asarray(a, dtype=np.float32) for a in (u, v, r, v + offset))
    return Patch(
        rows, columns, u_mm, v_mm, axis, edge, along, across, half, np.clip(bone / 1.5, 0, 1), canvas.frame.spacing_mm,
    )  # fmt: skip


def _straight(frame: Frame, rows: slice, columns: slice) -> tuple[Plane, Plane]:
    x, y = frame.positions_mm()
    return x[rows, columns], y[rows, columns]


def _inside(patch: Patch, width: float) -> Plane:
    t = np.clip((1 - patch.r) / width + 0.5, 0, 1)
    return np.asarray(t * t * (3 - 2 * t), dtype=np.float32)


def _thickness(patch: Patch) -> Plane:
    """Give the way through the lesion as a ball, mm."""
    return np.asarray(2 * patch.across_mm * np.sqrt(np.clip(1 - patch.r**2, 0, None)), dtype=np.float32)


def _destroy(canvas: Canvas, patch: Patch, look: Look) -> None:
    """Take bone away, sharply or moth-eaten, and set a sclerotic rim."""
    here = patch.rows, patch.columns
    gone = _inside(patch, _BORDER_WIDTH[look.border])
    if look.border == "ill-defined":
        holes = clouds(canvas.rng, gone.shape, 2.0 / patch.spacing_mm)
        gone = np.clip(gone * (0.75 + 0.45 * holes), 0, 1)
    open_side = np.clip(patch.v_mm / patch.across_mm + 0.4, 0, 1)
    canvas.spongy[here] *= 1 - np.float32(0.88) * gone
    canvas.cortex[here] *= 1 - gone * (0.45 + 0.5 * look.breach * open_side).astype(np.float32)
    if look.border == "sclerotic":
        width = max(1.1 / patch.across_mm, 0.08)
        rim = np.exp(-(((patch.r - 1.0) / width) ** 2)) * patch.is_bone
        canvas.cortex[here] += (min(0.32 * patch.across_mm, 4.5) * rim).astype(np.float32)


def _expand(canvas: Canvas, patch: Patch, look: Look) -> None:
    """Blow up a thin shell where the lesion leaves the bone; where that is breached, let a soft-tissue mass out."""
    here = patch.rows, patch.columns
    outside = 1 - patch.is_bone
    shell = np.exp(-(((patch.r - 0.98) / max(0.8 / patch.across_mm, 0.03)) ** 2)) * outside
    gaps = np.clip(0.8 - look.breach + 0.8 * clouds(canvas.rng, shell.shape, 5 / patch.spacing_mm), 0, 1)
    canvas.cortex[here] += (3.0 * shell * gaps).astype(np.float32)
    mass = _thickness(patch) * (0.30 + 0.35 * look.breach)
    canvas.soft[here] += (mass * np.where(outside > 0, 1.0, 0.35)).astype(np.float32)


def _lytic(canvas: Canvas, patch: Patch) -> None:
    canvas.soft[patch.rows, patch.columns] -= (0.12 * _thickness(patch)).astype(np.float32)


def _ground_glass(canvas: Canvas, patch: Patch) -> None:
    haze = _thickness(patch) * (0.32 + 0.035 * clouds(canvas.rng, patch.r.shape, 4 / patch.spacing_mm))
    canvas.spongy[patch.rows, patch.columns] += haze.astype(np.float32)


def _trabeculated(canvas: Canvas, patch: Patch) -> None:
    coarse = max(patch.across_mm / 3.2, 2.5)
    ridges = np.exp(-((clouds(canvas.rng, patch.r.shape, coarse / patch.spacing_mm) / 0.13) ** 2))
    canvas.cortex[patch.rows, patch.columns] += (2.4 * ridges * _inside(patch, 0.1)).astype(np.float32)


def _rings_and_arcs(canvas: Canvas, patch: Patch) -> None:
    rng, ink = canvas.rng, np.zeros_like(patch.r)
    n = int(np.clip(patch.along_mm * patch.across_mm / 9, 6, 70))
    for _ in range(n):
        angle, far = rng.uniform(0, 2 * np.pi), np.sqrt(rng.uniform(0, 0.62))
        du = patch.u_mm - np.float32(patch.along_mm * far * np.cos(angle))
        dv = patch.v_mm - np.float32(patch.across_mm * far * np.sin(angle))
        radius = rng.uniform(0.9, 2.6)
        arc = np.arctan2(dv, du) + rng.uniform(-np.pi, np.pi)
        ring = np.exp(-(((np.hypot(du, dv) - radius) / 0.55) ** 2)) * (np.cos(arc) > -0.6)
        np.maximum(ink, ring, out=ink)
    canvas.cortex[patch.rows, patch.columns] += (4.5 * ink * _inside(patch, 0.1)).astype(np.float32)


def _osteoid(canvas: Canvas, patch: Patch) -> None:
    cloud = np.clip(0.5 + 0.7 * clouds(canvas.rng, patch.r.shape, 4.5 / patch.spacing_mm), 0, 1.6)
    bone = 0.30 * _thickness(patch) * cloud
    canvas.spongy[patch.rows, patch.columns] += np.minimum(bone, 14).astype(np.float32)


def _nidus(canvas: Canvas, patch: Patch) -> None:
    here = patch.rows, patch.columns
    halo = np.exp(-((patch.r / 0.95) ** 4)) * patch.is_bone
    canvas.cortex[here] += (7 * halo).astype(np.float32)
    nidus = np.exp(-((patch.r / 0.42) ** 4))
    canvas.cortex[here] *= (1 - 0.8 * nidus).astype(np.float32)
    canvas.cortex[here] += (3 * np.exp(-((patch.r / 0.14) ** 2))).astype(np.float32)


_MATRICES = {
    "lytic": _lytic,
    "ground glass": _ground_glass,
    "trabeculated": _trabeculated,
    "rings and arcs": _rings_and_arcs,
    "osteoid": _osteoid,
    "nidus": _nidus,
}


def _react(canvas: Canvas, patch: Patch, look: Look) -> None:
    """Lay new bone onto the outer surface: onion skin, sun rays, and the raised triangle at their ends."""
    here = patch.rows, patch.columns
    above = np.abs(patch.axis_mm) - patch.bone_half_mm
    span = patch.u_mm / patch.along_mm
    fade = np.clip(1.15 - np.abs(span), 0, 0.3) / 0.3 * np.clip((1.3 - patch.r) / 0.15, 0, 1)
    if look.periosteum == "lamellated":
        bow = 1 + 1.8 * np.clip(1 - span**2, 0, None)
        ink = sum(np.exp(-(((above - k * bow) / 0.6) ** 2)) for k in (1.0, 2.0, 3.0))
        strength = 2.4
    else:
        reach = min(0.55 * patch.across_mm, 16)
        angle = np.arctan2(np.maximum(above, 0) + patch.bone_half_mm, patch.u_mm)
        rays = np.clip(np.cos(angle * 46 + 2 * np.sin(angle * 11)), 0, 1) ** 2
        ink = rays * np.clip(1 - above / reach, 0, 1) * (above > -1)
        ink = ink + 1.4 * np.exp(-(((above - 9 * (1.0 - np.abs(span)) - 2) / 0.8) ** 2)) * (np.abs(span) > 0.75)
        strength = 3.2
    outside = np.clip(1.4 - patch.is_bone, 0.2, 1)
    canvas.cortex[here] += (strength * ink * fade * outside * (np.abs(span) < 1.1)).astype(np.float32)


def _grow_outwards(canvas: Canvas, patch: Patch) -> None:
    """Draw an osteochondroma: a stalk that goes on from the cortex, and a cap with calcified cartilage."""
    here = patch.rows, patch.columns
    body = _inside(patch, 0.06)
    thick = _thickness(patch)
    core = np.clip(1 - patch.r - min(0.9 / patch.across_mm, 0.15), 0, None)
    spongy = 0.30 * np.sqrt(core) * thick * np.clip(1 + 0.4 * canvas.grain[here], 0.1, None)
    rim = np.exp(-(((patch.r - 0.96) / max(0.8 / patch.across_mm, 0.04)) ** 2))
    stalk_half = 0.55 * patch.across_mm
    stalk = np.clip((stalk_half - np.abs(patch.u_mm + 0.25 * patch.v_mm)) / 1.2, 0, 1)
    stalk = stalk * (patch.v_mm < 0) * np.clip((patch.axis_mm - 0.6 * patch.bone_half_mm) / 2, 0, 1)
    edge = ndimage.gaussian_gradient_magnitude(stalk.astype(np.float32), 0.7)
    flecks = np.clip(clouds(canvas.rng, body.shape, 1.6 / patch.spacing_mm) - 0.6, 0, 2) * (patch.v_mm > 0)
    free = np.maximum(1 - patch.is_bone, 0.45)
    canvas.cortex[here] += ((4.6 * rim + 2.6 * flecks * body) * free + 4.0 * edge * free).astype(np.float32)
    canvas.spongy[here] += ((spongy + 0.26 * stalk * stalk_half) * free).astype(np.float32)
