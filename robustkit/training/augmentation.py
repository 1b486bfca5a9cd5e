"""What training sees of a case in an epoch: drawn anew every epoch, whatever the batch or the order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from robustkit.crops._base import CropMaker
from robustkit.geometry import Boxes
from robustkit.inputs import InputSpec
from robustkit.perturbations._base import keep_in_film, signed, snap_moved
from robustkit.seeds import uniforms
from robustkit.training.windows import Window

# far from the streams of the perturbations, so that no training box is a box of a test
_BOX_STREAM, _LOOK_STREAM = 2**31, 2**31 + 1


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


def nominal_crops(windows: Sequence[Window], spec: InputSpec, crops: CropMaker) -> NDArray[np.uint8]:
    """Give ``(n, h, w)`` crops of the nominal boxes, as ``perturb`` makes them with whole pixels."""
    return np.concatenate([_cut(w, w.box[None, None], spec, crops) for w in windows])


def augmented_crops(
    windows: Sequence[Window], spec: InputSpec, crops: CropMaker, *, how: Augmentation, seed: int, epoch: int
) -> NDArray[np.float32]:
    """Give ``(n, h, w)`` float32 crops in 0..255 of one epoch.

    Args:
        windows: Cases.
        spec, crops: How they are cut.
        how: Largest differences.
        seed, epoch: Together with the case_id they decide the draw; nothing else does.
    """
    names = [w.case_id for w in windows]
    box_draws = uniforms(seed, names, repeats=range(epoch, epoch + 1), stream=_BOX_STREAM)
    look_draws = uniforms(seed, names, repeats=range(epoch, epoch + 1), stream=_LOOK_STREAM)[:, 0]
    cut = [_cut(w, _moved(w.box, u, how.jitter), spec, crops) for w, u in zip(windows, box_draws, strict=True)]
    return _changed(np.concatenate(cut).astype(np.float32), look_draws, how)


def _moved(box: Boxes, draws: NDArray[np.float64], jitter: float) -> Boxes:
    """Give ``(1, 1, 4)``: the box scaled about its centre and moved."""
    u = signed(draws[0])
    side = box[2:] - box[:2]
    centre = (box[:2] + box[2:]) / 2 + jitter * side * u[:2]
    half = side / 2 * (1 + jitter) ** u[2]
    return np.concatenate([centre - half, centre + half])[None, None]


def _cut(window: Window, boxes: Boxes, spec: InputSpec, crops: CropMaker) -> NDArray[np.uint8]:
    film = np.array([window.film], dtype=np.float64)
    settled = keep_in_film(snap_moved(boxes, boxes[:, 0]), film, "inside")[0]
    return np.asarray(crops.crops(window.pixels, window.local(settled), spec), dtype=np.uint8)


def _changed(batch: NDArray[np.float32], draws: NDArray[np.float64], how: Augmentation) -> NDArray[np.float32]:
    u = signed(draws).astype(np.float32)[:, :, None, None]
    mean = batch.mean(axis=(1, 2), keepdims=True)
    out = (batch - mean) * (1 + how.contrast * u[:, 0]) + mean + how.brightness * u[:, 1]
    if how.has_flips:
        flipped = draws[:, 2] < 0.5
        out[flipped] = out[flipped, :, ::-1]
    return np.clip(out, 0, 255)
