"""Makes the heatmaps of many cases: films are read ahead in threads, crops of several cases share a batch."""

from __future__ import annotations

import copy
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal, TypeVar, cast

import numpy as np
import torch
from numpy.typing import NDArray

from robustkit.backends._graph import Graph, network_copy
from robustkit.backends._memory import device_memory, no_room
from robustkit.crops._base import Snap
from robustkit.engine.equip import crop_maker
from robustkit.engine.films import read_same_film
from robustkit.errors import DeviceMemoryError, FilmError, InputError
from robustkit.geometry import Boxes
from robustkit.heatmaps._base import HeatmapMethod, Layer, Target, find_layer
from robustkit.heatmaps._heatmap import shown_regions
from robustkit.heatmaps._target import decided_logit, positive_logit
from robustkit.images.radiograph import Depth, Radiograph
from robustkit.inputs import InputSpec
from robustkit.models.classifier import Classifier
from robustkit.models.score import scores
from robustkit.registry import load

MOST_CELLS = 32
"""Cells of a map along a side: maps of single pixels are averaged over squares of the crop, which keeps their shares."""

T = TypeVar("T")

TargetKind = Literal["positive", "decision"]


@dataclass(frozen=True, slots=True)
class Wanted:
    """A case whose heatmaps are wanted.

    Attributes:
        case_id: Its name.
        image: Its film.
        boxes: ``(K, 4)`` as the run judged them, after rounding and border rule; the nominal one first.
        sha256: Of the film that the run judged; "" where it does not say.
    """

    case_id: str
    image: Path
    boxes: Boxes
    sha256: str = ""


@dataclass(frozen=True, slots=True)
class CaseMaps:
    """The heatmaps of a case.

    Attributes:
        case_id: Its name.
        values: ``(K, h, w)`` float32, 0 or more, unscaled; NaN where the network gave no finite answer.
        regions: ``(K, 4)`` what the crops show, px of the film.
        scores: ``(K,)`` of the crops that the maps are of.
        reason: Why there are none; "" where there are.
    """

    case_id: str
    values: NDArray[np.float32]
    regions: Boxes
    scores: NDArray[np.float64]
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Reading:
    """How films are read and cropped.

    Attributes:
        snap: Of the run.
        depth: Of the run.
        allow_truncated: Of the run.
        workers: Threads.
    """

    snap: Snap = "whole"
    depth: Depth = "8"
    allow_truncated: bool = False
    workers: int = 1


@dataclass(frozen=True, slots=True)
class Explanation:
    """What is explained, and how.

    Attributes:
        method: Name of a heatmap method.
        layer: Of the network; None finds the last map of features.
        target: ``positive``: the logit of the positive classes; ``decision``: of the decision made.
        threshold: Of the decision.
    """

    method: str = "grad_cam"
    layer: str | None = None
    target: TargetKind = "positive"
    threshold: float = 0.5


def why_no_map(model: Classifier) -> str:
    """Give "" for a PyTorch network, else the reason why it has no heatmaps."""
    if model.engine == "torch":
        return ""
    members = ", ".join(m.name for m in model.members)
    return {
        "onnx": "its gradients cannot be had, only those of PyTorch networks",
        "facts": "it looks at no pixels",
        "film": "it measures the box on the film, and is no network",
        "composite": f"it is made of other models ({members}), and a heatmap is of one network",
    }[model.engine]


class MapMaker:
    """Maps of crops, batch by batch, for one network.

    Args:
        model: A PyTorch network; it is copied.
        explanation: What is explained.
        margin: Share of the box that the crops show around it; None: what the model was trained with.
        device: ``cpu`` or ``cuda:n``.
        batch_size: Crops at a time.

    Raises:
        InputError: The model is no PyTorch network, or has no such layer.
    """

    def __init__(
        self, model: Classifier, explanation: Explanation, *, margin: float | None, device: str, batch_size: int
    ) -> None:
        reason = why_no_map(model)
        if reason:
            fix = "Leave it out: name the others with --model."
            raise InputError(f"it has no heatmaps: {reason}.", where=f"model {model.name}", fix=fix)
        self.spec: InputSpec = model.input if margin is None else replace(model.input, margin=margin)
        self.batch_size = batch_size
        self.device = device
        self._model = model
        graph = Graph(network_copy(model), self.spec).eval()
        self.graph = graph.to(torch.device(device), memory_format=torch.channels_last)
        self._method = cast("HeatmapMethod", load("heatmaps", explanation.method))
        self._target = _target(model, explanation)
        blank = torch.zeros((1, self.spec.height_px, self.spec.width_px), device=device)
        self.layer: Layer | None = None
        if self._method.needs_layer:
            self.layer = find_layer(self.graph, blank, name=_inner(explanation.layer))
        elif explanation.layer:
            what = f"{explanation.method} looks at no layer."
            raise InputError(what, where="--layer", fix="Leave --layer out, or use --method grad_cam.")

    def with_graph(self, graph: Graph) -> MapMaker:
        """Give the same for another network of this shape; the layer is that of the same name."""
        other = copy.copy(self)
        other.graph = graph
        if self.layer is not None:
            blank = torch.zeros((1, self.spec.height_px, self.spec.width_px), device=self.device)
            other.layer = find_layer(graph, blank, name=self.layer.name)
        return other

    def maps(self, crops: NDArray[Any]) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
        """Give ``(B, h, w)`` maps and ``(B,)`` scores of ``(B, H, W)`` crops."""
        shown = torch.from_numpy(np.ascontiguousarray(crops)).to(self.device)
        seen: list[torch.Tensor] = []

        def target(outputs: torch.Tensor) -> torch.Tensor:
            seen.append(outputs.detach())
            return self._target(outputs)

        what = f"the heatmaps of {len(crops)} crops of {self.spec.width_px} x {self.spec.height_px} px"
        with device_memory(self.device, doing=what):
            values = self._method.maps(self.graph, shown, target, self.layer)
            # a method that shows the crops as they are has the answer already
            outputs = seen[0] if self._method.needs_layer else self.outputs(crops)
        return _few_cells(values).cpu().numpy(), self._scores(outputs)

    def outputs(self, crops: NDArray[Any]) -> torch.Tensor:
        """Give ``(B, K)`` outputs of crops."""
        with device_memory(self.device, doing=f"{len(crops)} crops"), torch.inference_mode():
            return cast(torch.Tensor, self.graph(torch.from_numpy(np.ascontiguousarray(crops)).to(self.device)))

    def scores(self, crops: NDArray[Any]) -> NDArray[np.float64]:
        """Give ``(B,)`` scores of crops."""
        return self._scores(self.outputs(crops))

    def in_batches(self, ask: Callable[[NDArray[Any]], T], crops: NDArray[Any]) -> Iterator[T]:
        """Ask about crops a batch at a time; where memory runs out, fewer from there on.

        Raises:
            DeviceMemoryError: Not even one crop fits.
        """
        start = 0
        while start < len(crops):
            batch = crops[start : start + self.batch_size]
            try:
                found = ask(batch)
            except DeviceMemoryError:
                if self.batch_size == 1:
                    raise
                self.batch_size //= 2
                continue
            start += len(batch)
            yield found

    def _scores(self, outputs: torch.Tensor) -> NDArray[np.float64]:
        logits = outputs.float().cpu().numpy()
        finite = np.isfinite(logits).all(axis=1)
        found = np.full(len(logits), np.nan)
        m = self._model
        found[finite] = scores(logits[finite], kind=m.output.kind, classes=m.classes, positive=m.positive)
        return found


def _inner(layer: str | None) -> str | None:
    """Give a layer's name as the prepared network has it, which wraps the model's own."""
    return layer and f"network.{layer.removeprefix('network.')}"


def _target(model: Classifier, explanation: Explanation) -> Target:
    if explanation.target == "decision":
        return decided_logit(model, explanation.threshold)
    return positive_logit(model)


def _few_cells(values: torch.Tensor) -> torch.Tensor:
    height, width = values.shape[1:]
    if max(height, width) <= MOST_CELLS:
        return values
    size = (min(height, MOST_CELLS), min(width, MOST_CELLS))
    return torch.nn.functional.adaptive_avg_pool2d(values[:, None], size)[:, 0]


@dataclass(slots=True)
class _Held:
    """A case in work: its maps arrive batch by batch."""

    wanted: Wanted
    regions: Boxes
    reason: str = ""
    values: list[NDArray[np.float32]] = field(default_factory=list)
    scores: list[NDArray[np.float64]] = field(default_factory=list)

    @property
    def is_whole(self) -> bool:
        return bool(self.reason) or sum(map(len, self.values)) == len(self.wanted.boxes)

    def result(self) -> CaseMaps:
        if self.reason:
            nothing = np.empty((0, 0, 0), dtype=np.float32)
            return CaseMaps(self.wanted.case_id, nothing, self.regions[:0], np.empty(0), self.reason)
        values, answers = np.concatenate(self.values), np.concatenate(self.scores)
        return CaseMaps(self.wanted.case_id, values, self.regions, answers)


def make_maps(wanted: Sequence[Wanted], maker: MapMaker, reading: Reading) -> Iterator[CaseMaps]:
    """Give the heatmaps of cases, in order; memory does not grow with their number.

    A film that cannot be read is a case with a reason, not an error.
    """
    held: deque[_Held] = deque()
    queue: deque[tuple[_Held, NDArray[Any]]] = deque()
    for case, crops in read_crops(wanted, maker.spec, reading):
        one = _Held(case, shown_regions(case.boxes, maker.spec, snapping=reading.snap))
        held.append(one)
        if isinstance(crops, str):
            one.reason = crops
        else:
            queue.append((one, crops))
        while sum(len(c) for _, c in queue) >= maker.batch_size:
            _run(queue, maker)
        while held and held[0].is_whole:
            yield held.popleft().result()
    while queue:
        _run(queue, maker)
    for one in held:
        yield one.result()


def _run(queue: deque[tuple[_Held, NDArray[Any]]], maker: MapMaker) -> None:
    """Take one batch from the front of the queue and give the maps to their cases."""
    taken: list[tuple[_Held, NDArray[Any]]] = []
    room = maker.batch_size
    while queue and room:
        one, crops = queue.popleft()
        taken.append((one, crops[:room]))
        if len(crops) > room:
            queue.appendleft((one, crops[room:]))
        room -= len(taken[-1][1])
    try:
        values, answers = maker.maps(np.concatenate([c for _, c in taken]))
    except DeviceMemoryError:
        size = sum(len(crops) for _, crops in taken)
        if size > 1:
            # no map depends on the batch that it was made in: the same crops come again, fewer at a time
            maker.batch_size = size // 2
            _put_back(queue, taken)
            return
        _fail(queue, taken[0][0], maker)
        return
    start = 0
    for one, crops in taken:
        stop = start + len(crops)
        one.values.append(values[start:stop])
        one.scores.append(answers[start:stop])
        start = stop


def _fail(queue: deque[tuple[_Held, NDArray[Any]]], one: _Held, maker: MapMaker) -> None:
    """Give up a case of which not even one crop fits; what else is wanted of it is not tried."""
    what = f"the heatmap of one crop of {maker.spec.width_px} x {maker.spec.height_px} px"
    one.reason = no_room(maker.device, what)
    if queue and queue[0][0] is one:
        queue.popleft()


def _put_back(queue: deque[tuple[_Held, NDArray[Any]]], taken: list[tuple[_Held, NDArray[Any]]]) -> None:
    """Put what was taken to the front of the queue again; a case that was divided is whole again."""
    for one, crops in reversed(taken):
        if queue and queue[0][0] is one:
            crops = np.concatenate([crops, queue.popleft()[1]])
        queue.appendleft((one, crops))


def read_crops(
    wanted: Sequence[Wanted], spec: InputSpec, reading: Reading
) -> Iterator[tuple[Wanted, NDArray[Any] | str]]:
    """Give the ``(K, H, W)`` crops of each case, or the reason why there are none; a few films ahead."""
    cropper = crop_maker("pillow").prepare("cpu")

    def cut(case: Wanted) -> NDArray[Any] | str:
        try:
            film: Radiograph = read_same_film(
                case.image, case.sha256, depth=reading.depth, allow_truncated=reading.allow_truncated
            )
        except FilmError as error:
            return error.what
        return np.asarray(cropper.crops(cropper.load(film.pixels), case.boxes, spec, snapping=reading.snap))

    pool = ThreadPoolExecutor(reading.workers, thread_name_prefix="film")
    running: deque[tuple[Wanted, Future[NDArray[Any] | str]]] = deque()
    ahead = iter(wanted)
    try:
        while True:
            while len(running) < 2 * reading.workers and (case := next(ahead, None)) is not None:
                running.append((case, pool.submit(cut, case)))
            if not running:
                return
            first, done = running.popleft()
            yield first, done.result()
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
