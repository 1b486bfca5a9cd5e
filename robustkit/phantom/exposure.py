"""From thickness along the beam to grey levels: attenuation, scatter, noise, film curve, collimation, marker."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw
from scipy import ndimage

from robustkit.phantom.canvas import Canvas, Plane

_SOFT_PER_MM, _BONE_PER_MM = 0.019, 0.052
"""Effective attenuation at about 60 kVp (NIST XCOM: water 0.0206, cortical bone 0.0604 at 60 keV, hardening off)."""


@dataclass(frozen=True, slots=True)
class Technique:
    """How a centre takes and shows its films.

    Attributes:
        contrast: Slope of the film curve about its middle; 1 is the internal centre's.
        brightness: Grey of the middle, 0..1.
        photons: Per pixel in air; fewer are noisier.
        sharpen: Edge enhancement, 0 is none.
    """

    contrast: float
    brightness: float
    photons: float
    sharpen: float


TECHNIQUES = {
    "A": Technique(contrast=1.00, brightness=0.46, photons=26000, sharpen=0.2),
    "B": Technique(contrast=1.35, brightness=0.46, photons=20000, sharpen=0.35),
    "C": Technique(contrast=1.50, brightness=0.45, photons=22000, sharpen=0.5),
    "D": Technique(contrast=1.65, brightness=0.47, photons=32000, sharpen=0.3),
}


def expose(canvas: Canvas, *, technique: Technique, scatter: float) -> NDArray[np.uint8]:
    """Give the developed film, ``(height, width)`` uint8: bone is light, air is dark."""
    rng = canvas.rng
    primary = np.exp(-_SOFT_PER_MM * canvas.soft - _BONE_PER_MM * (canvas.cortex + canvas.spongy))
    primary = ndimage.gaussian_filter(primary.astype(np.float32), 0.55)
    beam = primary + np.float32(scatter) * _veil(primary, 22 / canvas.frame.spacing_mm)
    mottle = rng.standard_normal(beam.shape, np.float32)
    mottle = ndimage.gaussian_filter(mottle, 0.6) / 0.47
    beam = beam + mottle * np.sqrt(beam / technique.photons)
    density = -np.log(np.maximum(beam, 3e-5))
    if technique.sharpen:
        density = density + technique.sharpen * (density - ndimage.gaussian_filter(density, 2.2))
    field = _collimation(canvas)
    grey = _film_curve(density, canvas=canvas, field=field > 0.5, technique=technique)
    grey = grey * field + np.float32(0.02) * (1 - field)
    _stamp(canvas, grey)
    return np.clip(np.rint(grey * 255), 0, 255).astype(np.uint8)


def _veil(primary: Plane, sigma_px: float) -> Plane:
    small = ndimage.uniform_filter(primary, 8)[4::8, 4::8]
    blurred = ndimage.gaussian_filter(small, sigma_px / 8, mode="nearest")
    wide = ndimage.zoom(blurred, [n / m for n, m in zip(primary.shape, blurred.shape, strict=True)], order=1)
    return np.asarray(wide, dtype=np.float32)


def _film_curve(density: Plane, *, canvas: Canvas, field: NDArray[np.bool_], technique: Technique) -> Plane:
    body = field & (canvas.soft > 4)
    inside = density[body][::7]
    low, middle, high = np.percentile(inside, [2, 50, 99.2])
    contrast = technique.contrast * canvas.rng.uniform(0.93, 1.07)
    brightness = technique.brightness + canvas.rng.uniform(-0.03, 0.03)
    x = (density - middle) / max(float(high - low), 0.3)
    grey = 1 / (1 + np.exp(-(3.4 * contrast * x + np.log(brightness / (1 - brightness)))))
    return np.asarray(grey, dtype=np.float32)


def _collimation(canvas: Canvas) -> Plane:
    """Give 1 inside of the collimated field, 0 outside, soft at its slightly turned edges."""
    rng, frame = canvas.rng, canvas.frame
    if rng.random() < 0.35:
        return np.ones((frame.height, frame.width), np.float32)
    turn = np.deg2rad(rng.normal(0, 1.0))
    x = np.arange(frame.width, dtype=np.float32)[None, :] - frame.width / 2
    y = np.arange(frame.height, dtype=np.float32)[:, None] - frame.height / 2
    u, v = x * np.cos(turn) + y * np.sin(turn), -x * np.sin(turn) + y * np.cos(turn)
    left, right, top, bottom = rng.uniform(0.0, 0.035, 4)
    inside = np.minimum.reduce(
        np.broadcast_arrays(
            u + frame.width * (0.5 - left), frame.width * (0.5 - right) - u,
            v + frame.height * (0.5 - top), frame.height * (0.5 - bottom) - v,
        )
    )  # fmt: skip
    return np.asarray(np.clip(inside / 1.6, 0, 1), dtype=np.float32)


_STROKES: dict[str, list[list[tuple[float, float]]]] = {
    "R": [[(0, 10), (0, 0), (5, 0), (6.5, 1.2), (6.5, 4), (5, 5.2), (0, 5.2)], [(3, 5.2), (6.8, 10)]],
    "L": [[(0, 0), (0, 10), (6, 10)]],
}


def _stamp(canvas: Canvas, grey: Plane) -> None:
    """Set a lead letter for the side of the body into a corner."""
    rng, frame = canvas.rng, canvas.frame
    size = rng.uniform(1.0, 1.5)
    letter = "R" if canvas.frame.mirror > 0 else "L"
    x = frame.width * rng.uniform(0.05, 0.08) if rng.random() < 0.5 else frame.width * rng.uniform(0.88, 0.91)
    y = frame.height * rng.uniform(0.05, 0.10)
    turn = rng.normal(0, 0.12)
    sheet = Image.new("L", (frame.width, frame.height))
    pen = ImageDraw.Draw(sheet)
    for stroke in _STROKES[letter]:
        turned = [
            (x + size * (a * np.cos(turn) - b * np.sin(turn)), y + size * (a * np.sin(turn) + b * np.cos(turn)))
            for a, b in stroke
        ]
        pen.line([(float(a), float(b)) for a, b in turned], fill=255, width=2, joint="curve")
    ink = ndimage.gaussian_filter(np.asarray(sheet, dtype=np.float32) / 255, 0.5)
    grey += (0.94 - grey) * np.clip(1.1 * ink, 0, 1)
