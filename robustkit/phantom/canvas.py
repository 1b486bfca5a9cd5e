"""The empty film of the phantom: where every pixel lies in the body, and what the beam has met there so far."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

Plane = NDArray[np.float32]
"""``(height, width)`` float32 over the film, or over a part of it."""


@dataclass(frozen=True, slots=True)
class Frame:
    """How the frame of the anatomy (mm, before mirroring and rotation) lies on the film.

    Attributes:
        width, height: Of the film in px.
        spacing_mm: Side of a pixel.
        turn_deg: Rotation, clockwise as seen.
        mirror: -1 where the anatomy is mirrored, else +1.
        shift_x_mm, shift_y_mm: Of the anatomy, before mirroring.
    """

    width: int
    height: int
    spacing_mm: float
    turn_deg: float
    mirror: int
    shift_x_mm: float
    shift_y_mm: float

    @classmethod
    def of(cls, row: Mapping[str, object]) -> Frame:
        """Give the frame of the film that a row of ``draw_lesions`` lies on."""
        names = ("film_width", "film_height", "spacing_mm", "turn_deg", "mirror", "shift_x_mm", "shift_y_mm")
        width, height, spacing, turn, mirror, x, y = (float(str(row[n])) for n in names)
        return cls(int(width), int(height), spacing, turn, int(mirror), x, y)

    def pixels(self, points_mm: NDArray[np.float64]) -> NDArray[np.float64]:
        """Give ``(N, 2)`` film pixels (x, y) of ``(N, 2)`` points of the anatomy."""
        cos, sin = np.cos(np.deg2rad(self.turn_deg)), np.sin(np.deg2rad(self.turn_deg))
        x = (points_mm[:, 0] + self.shift_x_mm) * self.mirror
        y = points_mm[:, 1] + self.shift_y_mm
        film = np.stack([cos * x - sin * y, sin * x + cos * y], axis=-1)
        return film / self.spacing_mm + np.array([self.width, self.height]) / 2

    def positions_mm(self) -> tuple[Plane, Plane]:
        """Give x and y in the anatomy of every pixel's middle: two ``(height, width)`` float32."""
        cos, sin = np.cos(np.deg2rad(self.turn_deg)), np.sin(np.deg2rad(self.turn_deg))
        column = ((np.arange(self.width) + 0.5 - self.width / 2) * self.spacing_mm).astype(np.float32)[None, :]
        line = ((np.arange(self.height) + 0.5 - self.height / 2) * self.spacing_mm).astype(np.float32)[:, None]
        x = (cos * column + sin * line) * self.mirror - self.shift_x_mm
        y = -sin * column + cos * line - self.shift_y_mm
        return x.astype(np.float32), y.astype(np.float32)


@dataclass(slots=True)
class Canvas:
    """What the beam meets on its way to every pixel; drawing adds to it.

    Attributes:
        frame: Where the anatomy lies.
        x_mm, y_mm: Position of every pixel in the anatomy, gently bent so that no two patients are alike.
        soft, cortex, spongy: mm of soft tissue, of compact bone, and of spongy bone counted as compact.
        grain: Texture of spongy bone, mean 0, standard deviation 1.
        rng: Source of all variety on this film.
    """

    frame: Frame
    x_mm: Plane
    y_mm: Plane
    soft: Plane
    cortex: Plane
    spongy: Plane
    grain: Plane
    rng: np.random.Generator

    def window(self, points_mm: NDArray[np.float64], *, margin_mm: float) -> tuple[slice, slice]:
        """Give rows and columns of the film that hold these ``(N, 2)`` points and a margin around them."""
        pixels, pad = self.frame.pixels(points_mm), margin_mm / self.frame.spacing_mm + 2
        low = np.floor(pixels.min(axis=0) - pad).astype(int)
        high = np.ceil(pixels.max(axis=0) + pad).astype(int)
        size = np.array([self.frame.width, self.frame.height])
        low, high = np.clip(low, 0, size), np.clip(high, 0, size)
        return slice(int(low[1]), int(high[1])), slice(int(low[0]), int(high[0]))


def empty_canvas(frame: Frame, rng: np.random.Generator) -> Canvas:
    """Give a film on which nothing is drawn yet."""
    x, y = frame.positions_mm()
    x_bend, y_bend = rng.uniform(0.4, 1.4, 2)
    phase = rng.uniform(0, 2 * np.pi, 2)
    x = x + np.float32(x_bend) * np.sin(y / np.float32(38) + np.float32(phase[0]))
    y = y + np.float32(y_bend) * np.sin(x / np.float32(45) + np.float32(phase[1]))
    shape = (frame.height, frame.width)
    soft, cortex, spongy = (np.zeros(shape, np.float32) for _ in range(3))
    return Canvas(frame, x, y, soft, cortex, spongy, _grain(rng, shape, 0.36 / frame.spacing_mm), rng)


def _grain(rng: np.random.Generator, shape: tuple[int, int], sigma_px: float) -> Plane:
    along = ndimage.gaussian_filter(rng.standard_normal(shape, np.float32), (4 * sigma_px, sigma_px))
    across = ndimage.gaussian_filter(rng.standard_normal(shape, np.float32), (sigma_px, 2.5 * sigma_px))
    mixed = along / along.std() + np.float32(0.7) * across / across.std()
    return np.asarray(mixed / mixed.std(), dtype=np.float32)


def clouds(rng: np.random.Generator, shape: tuple[int, ...], sigma_px: float) -> Plane:
    """Give smooth noise of that coarseness, mean 0 and standard deviation 1."""
    step = max(1, int(sigma_px / 2.5))
    small = tuple(n // step + 4 for n in shape)
    noise = ndimage.gaussian_filter(rng.standard_normal(small, np.float32), sigma_px / step)
    wide = ndimage.zoom(noise, step, order=1) if step > 1 else noise
    cut = wide[step : step + shape[0], step : step + shape[1]]
    return np.asarray((cut - cut.mean()) / (cut.std() + 1e-9), dtype=np.float32)
