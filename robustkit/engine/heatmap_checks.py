"""Is a heatmap one of the model at all? Weights dealt out anew, and pixels taken away in the order of the map.

Sources: Adebayo et al., NeurIPS 2018 (weights made random from the output on); Petsiuk et al., BMVC 2018 (deletion and
insertion).
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from robustkit.engine.heatmaps import MapMaker
from robustkit.seeds import generator
from robustkit.stats.maps import likeness, resampled

Floats = NDArray[np.float64]

MOST_STAGES = 8
STEPS = 10
"""Parts of a crop that are taken away, or put back, one after the other."""

_PLACES = 32
_UNIT = np.array([0.0, 0.0, 1.0, 1.0])
_BLUR = 8
"""Of the crop's side: a square of this part is averaged where insertion begins."""


@dataclass(frozen=True, slots=True)
class Shown:
    """One case that is checked.

    Attributes:
        case_id: Its name.
        crop: ``(H, W)`` of the box as given.
        values: ``(h, w)`` its map.
    """

    case_id: str
    crop: NDArray[Any]
    values: Floats


def stages(network: nn.Module) -> list[list[str]]:
    """Give the parts of a network from the output to the input, at most eight, each the names of some modules."""
    names = [n for n, m in network.named_children() if any(True for _ in m.parameters())]
    prefix: dict[str, nn.Module] = {n: network.get_submodule(n) for n in names}
    while len(prefix) < 4:
        # one module holds nearly everything: look inside it
        largest = max(prefix, key=lambda n: sum(p.numel() for p in prefix[n].parameters()), default="")
        inner = [n for n, m in prefix[largest].named_children() if any(True for _ in m.parameters())] if largest else []
        if not inner:
            break
        opened = {f"{largest}.{n}": prefix[largest].get_submodule(n) for n in inner}
        prefix = {k: v for n, m in prefix.items() for k, v in (opened if n == largest else {n: m}).items()}
    ordered = list(prefix)[::-1]
    parts = np.array_split(np.array(ordered, dtype=object), min(MOST_STAGES, len(ordered))) if ordered else []
    return [[str(n) for n in p] for p in parts]


def randomised(maker: MapMaker, cases: Sequence[Shown], *, seed: int) -> Iterator[tuple[str, Floats]]:
    """Deal the weights of ever more of a network out anew, from its output on, and compare the maps with its own.

    Each tensor's own numbers are dealt out among its places, so that their scale stays what it was.

    Yields:
        Name of the part that was dealt out last, and ``(n,)`` correlations of each case's map with its own one; NaN where
        the altered network has no map that says something.
    """
    graph = copy.deepcopy(maker.graph)
    random = torch.Generator().manual_seed(int(generator(seed, "randomised weights").integers(2**62)))
    for part in stages(graph.network):
        for name in part:
            for parameter in graph.network.get_submodule(name).parameters():
                order = torch.randperm(parameter.numel(), generator=random).to(parameter.device)
                flat = parameter.data.contiguous().view(-1)
                parameter.data = flat[order].view(parameter.shape).contiguous()
        other = maker.with_graph(graph)
        altered = [
            value
            for values, _ in other.in_batches(other.maps, np.stack([c.crop for c in cases]))
            for value in values.astype(np.float64)
        ]
        found = [_correlation(c.values, v) for c, v in zip(cases, altered, strict=True)]
        yield part[-1] if len(part) == 1 else f"{part[0]} to {part[-1]}", np.array(found)


def _correlation(a: Floats, b: Floats) -> float:
    return likeness(resampled(a, _UNIT, _UNIT, n=_PLACES), resampled(b, _UNIT, _UNIT, n=_PLACES)).correlation


@dataclass(frozen=True, slots=True)
class PixelCurves:
    """Scores of one case while its pixels go, or come back, a tenth at a time.

    Attributes:
        deletion, insertion: ``(11,)`` in the order of the map.
        random_deletion, random_insertion: ``(11,)`` in that of the same map with its cells shuffled.
    """

    deletion: Floats
    insertion: Floats
    random_deletion: Floats
    random_insertion: Floats


def pixel_curves(maker: MapMaker, case: Shown, *, seed: int) -> PixelCurves:
    """Delete pixels (they become the crop's mean grey), and insert them into a blurred crop, the strongest first."""
    random = generator(seed, "shuffled map", case.case_id)
    shuffled = random.permutation(case.values.ravel()).reshape(case.values.shape)
    height, width = case.crop.shape
    grey = np.full((height, width), case.crop.mean())
    blurred = _blurred(case.crop)
    frames: list[NDArray[Any]] = []
    for values in (case.values, shuffled):
        order = _order(values, (height, width))
        frames += _frames(case.crop, grey, order) + _frames(blurred, case.crop, order)
    crops = np.stack(frames).astype(case.crop.dtype)
    found = np.concatenate(list(maker.in_batches(maker.scores, crops)))
    deletion, insertion, random_deletion, random_insertion = found.reshape(4, STEPS + 1)
    return PixelCurves(deletion, insertion, random_deletion, random_insertion)


def area(curve: Floats) -> float:
    """Give the area under a curve over the share of pixels, by trapezia."""
    return float((curve[1:] + curve[:-1]).sum() / (2 * STEPS))


def _order(values: Floats, size: tuple[int, int]) -> NDArray[np.intp]:
    """Give the places of the pixels, the strongest of the map first."""
    n = max(size)
    fine = resampled(values, _UNIT, _UNIT, n=n)
    rows = np.linspace(0, n - 1, size[0]).round().astype(int)
    columns = np.linspace(0, n - 1, size[1]).round().astype(int)
    return np.argsort(-fine[np.ix_(rows, columns)].ravel(), kind="stable")


def _frames(start: NDArray[Any], end: NDArray[Any], order: NDArray[np.intp]) -> list[NDArray[Any]]:
    frames = []
    for step in range(STEPS + 1):
        frame = start.astype(np.float64).ravel().copy()
        gone = order[: round(len(order) * step / STEPS)]
        frame[gone] = end.astype(np.float64).ravel()[gone]
        frames.append(frame.reshape(start.shape))
    return frames


def _blurred(crop: NDArray[Any]) -> Floats:
    from scipy.ndimage import uniform_filter

    return np.asarray(uniform_filter(crop.astype(np.float64), max(3, max(crop.shape) // _BLUR), mode="nearest"))
