"""What training sees of a case in an epoch: drawn anew every epoch, whatever the batch or the order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from robustkit.crops._base import Cropper
from robustkit.geometry import Boxes
from robustkit.inputs import InputSpec
from robustkit.perturbations._base import keep_in_film, signed, snap_moved
from robustkit.seeds import uniforms
from robustkit.training.windows import Window

# far from the streams of the perturbations, so that no training box is a box of a test
_BOX_STREAM, _LOOK_STREAM = 2**31, 2**31 + 1


@dataclass(frozen=True, slots=True)
class Sight:
    """How a network sees a box: the spec of its input, and who cuts the crops."""

    spec: InputSpec
    crops: Cropper


@dataclass(frozen=True, slots=True)
class Augmentation:
    """How much a case may differ from epoch to epoch.

    Attributes:
        jitter: Largest shift and change of scale of the box, in box sides.
        contrast: Grey levels are multiplied by 1 - contrast .. 1 + contrast about the crop's mean.
        brightness: And moved by at most this many levels.
        has_flips: Left and right may change places.
    """

    jitter: float = 0.1
    contrast: float = 0.2
    brightness: float = 20.0
    has_flips: bool = True


def nominal_crops(windows: Sequence[Window], sight: Sight) -> NDArray[np.uint8]:
    """Give ``(n, h, w)`` crops of the nominal boxes, as ``perturb`` makes them with whole pixels."""
    return np.concatenate([_cut(w, w.box, sight) for w in windows])


def augmented_crops(
    windows: Sequence[Window], sight: Sight, *, how: Augmentation, seed: int, epoch: int
) -> NDArray[np.float32]:
    """Give ``(n, h, w)`` float32 crops in 0..255 of one epoch.

    Args:
        windows: Cases; each was loaded with at least ``how.jitter``.
        sight: How they are cut.
        how: Largest differences.
        seed, epoch: Together with the case_id they decide the draw; nothing else does.
    """
    names = [w.case_id for w in windows]
    box_draws = uniforms(seed, names, repeats=range(epoch, epoch + 1), stream=_BOX_STREAM)[:, 0]
    look_draws = uniforms(seed, names, repeats=range(epoch, epoch + 1), stream=_LOOK_STREAM)[:, 0]
    moved = [moved_box(w.box, u, how.jitter) for w, u in zip(windows, box_draws, strict=True)]
    cut = np.concatenate([_cut(w, b, sight) for w, b in zip(windows, moved, strict=True)])
    return _changed(cut.astype(np.float32), look_draws, how)


def moved_box(box: Boxes, draws: NDArray[np.float64], jitter: float) -> Boxes:
    """Give a ``(4,)`` box scaled by (1 + jitter)^(-1..1) about its centre and moved by up to jitter of its sides.

    Args:
        box: ``(4,)`` nominal.
        draws: At least three uniforms in (0, 1): along x, along y, scale.
        jitter: In box sides.
    """
    u = signed(draws)
    side = box[2:] - box[:2]
    centre = (box[:2] + box[2:]) / 2 + jitter * side * u[:2]
    half = side / 2 * (1 + jitter) ** u[2]
    return np.concatenate([centre - half, centre + half])


def _cut(window: Window, box: Boxes, sight: Sight) -> NDArray[np.uint8]:
    film = np.array([window.film], dtype=np.float64)
    settled = keep_in_film(snap_moved(box[None, None], box[None]), film, "inside")[0]
    return np.asarray(sight.crops.crops(window.pixels, window.local(settled), sight.spec), dtype=np.uint8)


def _changed(batch: NDArray[np.float32], draws: NDArray[np.float64], how: Augmentation) -> NDArray[np.float32]:
    u = signed(draws).astype(np.float32)[:, :, None, None]
    mean = batch.mean(axis=(1, 2), keepdims=True)
    out = (batch - mean) * (1 + how.contrast * u[:, 0]) + mean + how.brightness * u[:, 1]
    if how.has_flips:
        flipped = draws[:, 2] < 0.5
        out[flipped] = out[flipped, :, ::-1]
    return np.asarray(np.clip(out, 0, 255), dtype=np.float32)
