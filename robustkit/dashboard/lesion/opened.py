"""Models of runs, opened again from run.json, and what they say of boxes on a film."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from numpy.typing import NDArray

from robustkit.backends._base import Batch, Forward
from robustkit.cohort.case import Case
from robustkit.crops._base import Cropper
from robustkit.engine.choose import Setting, prepared
from robustkit.engine.equip import CPU_BATCH, candidates, crop_maker
from robustkit.engine.equipment import batch_of
from robustkit.engine.feeding import Feeder
from robustkit.engine.questions import Questions, Said, guarded, leaves
from robustkit.errors import BackendError, InputError
from robustkit.geometry import Box, Boxes
from robustkit.heatmaps._heatmap import Heatmap, shown_regions
from robustkit.images.radiograph import Depth, Radiograph
from robustkit.inputs import InputSpec
from robustkit.models.classifier import Classifier, Logits
from robustkit.models.reopen import reopened
from robustkit.models.score import scores
from robustkit.perturbations._base import BoxRules

if TYPE_CHECKING:
    from robustkit.engine.heatmaps import MapMaker

MOST_MODELS = 4


@dataclass(frozen=True, slots=True)
class Seen:
    """What a model is shown: a film, and the case where the film is one of the run's."""

    film: Radiograph
    case: Case | None = None


@dataclass(frozen=True, slots=True)
class Network:
    """A network, prepared: its input, what shows it crops, its batch, and what cuts its crops."""

    backend: str
    spec: InputSpec
    feeder: Feeder
    batch: Batch
    cropper: Cropper

    def logits(self, film: Radiograph, boxes: Boxes, *, rules: BoxRules) -> Logits:
        """Give ``(N, K)`` outputs of the crops of ``(N, 4)`` boxes."""
        crops = self.crops(film, boxes, rules=rules)
        size = self.batch.size
        return np.concatenate([self._ask(crops[k : k + size]) for k in range(0, len(crops), size)])

    def crops(self, film: Radiograph, boxes: Boxes, *, rules: BoxRules) -> NDArray[Any]:
        """Give ``(N, H, W)`` crops of ``(N, 4)`` boxes."""
        pixels = self.cropper.load(film.pixels.astype(self.batch.dtype, copy=False))
        return np.asarray(self.cropper.crops(pixels, boxes, self.spec, snapping=rules.snap))

    def _ask(self, crops: NDArray[Any]) -> Logits:
        """Show up to one batch: padded, but for plain PyTorch, which takes any number and is quick with one."""
        n = len(crops)
        if self.backend != "eager" and n < self.batch.size:
            full = self.batch.zeros()
            full[:n] = crops
            crops = full
        return self.feeder.answers(crops, n)


@dataclass(frozen=True, slots=True)
class Opened:
    """A model of a run, ready to answer.

    Attributes:
        model: As the run had it.
        rules: Of the run: rounding and border.
        networks: By name of a leaf; none where the model looks at no crops.
        maps: None where it is no PyTorch network, or has no map of features.
        depth: How the run read its films.
    """

    model: Classifier
    rules: BoxRules
    networks: Mapping[str, Network] = field(default_factory=dict)
    maps: MapMaker | None = None
    depth: Depth = "8"

    @property
    def step(self) -> int:
        """Boxes that are best asked at a time."""
        return min((n.batch.size for n in self.networks.values()), default=64)

    def scores(self, seen: Seen, boxes: Boxes) -> NDArray[np.float64]:
        """Give ``(N,)`` scores of ``(N, 4)`` boxes, which are rounded already; NaN where an output is not finite.

        Raises:
            InputError: The model needs facts of a case and there is no case, or it cannot judge this one.
        """
        logits = self._logits(seen, boxes)
        finite = np.isfinite(logits).all(axis=1)
        found = np.full(len(boxes), np.nan)
        model = self.model
        found[finite] = scores(logits[finite], kind=model.output.kind, classes=model.classes, positive=model.positive)
        return found

    def heatmap(self, seen: Seen, box: NDArray[np.float64]) -> Heatmap | None:
        """Give the map of one box, which is rounded already; None where the model has none."""
        if self.maps is None:
            return None
        network = self.networks[self.model.name]
        crop = network.crops(seen.film, box[None], rules=self.rules)
        values = self.maps.maps(crop)[0][0].astype(np.float64)
        return Heatmap(values, shown_regions(box[None], network.spec, snapping=self.rules.snap)[0])

    def _logits(self, seen: Seen, boxes: Boxes) -> Logits:
        case, film = self._case(seen), seen.film
        size = (float(film.width), float(film.height))
        asked = Questions.of([self.model], case, boxes, film=size, rules=self.rules)
        pixels = film.pixels.astype("uint8" if self.depth == "8" else "float32", copy=False)
        said: dict[str, Said] = {}
        for leaf in leaves([self.model]).values():
            own = asked.boxes(leaf.name)
            if leaf.is_network:
                said[leaf.name] = self.networks[leaf.name].logits(film, own, rules=self.rules)
            elif leaf.engine == "film":
                said[leaf.name] = guarded(leaf.runner.logits, case, pixels, own)
            else:
                said[leaf.name] = guarded(leaf.runner.logits, case, own)
        (answer,) = asked.answers(said)
        if isinstance(answer, str):
            raise InputError(
                f"{self.model.name} cannot judge this film: {answer}.", fix="Choose another model or film."
            )
        return answer

    def _case(self, seen: Seen) -> Case:
        """Give the case, or for a visitor's film one of which nothing but the spacing is known."""
        if seen.case is not None:
            return seen.case
        if self.model.needs_facts:
            how = "looks at no pixels: it answers" if self.model.engine == "facts" else "answers also"
            what = f"{self.model.name} {how} from the facts of a case of its run."
            raise InputError(what, fix="Choose another model for this film.")
        film = seen.film
        whole = Box(0.0, 0.0, float(film.width), float(film.height))
        return Case("", Path(), whole, "", "", "", film.spacing_mm, {})


class Workbench:
    """Opens models and keeps the last few; one thread uses it.

    Args:
        device: ``cpu`` or ``cuda[:n]``.
        trust_code: Open files that are programs.
    """

    def __init__(self, *, device: str = "cpu", trust_code: bool = False) -> None:
        self._device = device
        self._trust_code = trust_code
        self._opened: OrderedDict[tuple[str, str], Opened] = OrderedDict()

    def opened(self, run: str, record: Mapping[str, Any], name: str) -> Opened:
        """Give a model of a run, opened now or before.

        Args:
            run: Key of the run.
            record: run.json.
            name: Of the model.

        Raises:
            CheckpointError: The file is missing, another one than the run's, or cannot be opened.
            BackendError: No backend can run it here.
        """
        key = (run, name)
        if key not in self._opened:
            self._opened[key] = self._open(record, name)
            while len(self._opened) > MOST_MODELS:
                self._opened.popitem(last=False)
        self._opened.move_to_end(key)
        return self._opened[key]

    def _open(self, record: Mapping[str, Any], name: str) -> Opened:
        entry = next(m for m in record["models"] if m["name"] == name)
        rules = BoxRules(record.get("snap", "whole"), record.get("border", "inside"))
        model = reopened(entry, trust_code=self._trust_code)
        depth = cast(Depth, record.get("depth", "8"))
        wanted = _backends(entry)
        networks = {
            leaf.name: self._network(leaf, depth, wanted=wanted.get(leaf.sha256, ""))
            for leaf in leaves([model]).values()
            if leaf.is_network
        }
        return Opened(model, rules, networks, _map_maker(model), depth)

    def _network(self, model: Classifier, depth: Depth, *, wanted: str) -> Network:
        batch = batch_of(model, size=CPU_BATCH, depth=depth)
        backend, forward = self._forward(model, batch, wanted=wanted)
        feeder = Feeder(forward, name=model.name, size=batch.size, n_outputs=model.n_outputs, device=self._device)
        return Network(backend, model.input, feeder, batch, crop_maker("pillow").prepare("cpu"))

    def _forward(self, model: Classifier, batch: Batch, *, wanted: str) -> tuple[str, Forward]:
        """Give the run's own backend where it can run here, else the next that can."""
        setting = Setting("auto", self._device, "fp32", {model.name: batch})
        names = candidates("auto", model, device=self._device, precision="fp32")
        order = sorted(names, key=lambda n: n != wanted)
        for name in order:
            try:
                return name, prepared(model, name, setting)
            except BackendError:
                if name == order[-1]:
                    raise
        raise BackendError("no backend is left.", where=f"model {model.name}")


def _backends(entry: Mapping[str, Any]) -> dict[str, str]:
    """Give the backends that the run had, by sha256 of model and members."""
    found = {str(entry.get("sha256", "")): str(entry.get("backend") or "")}
    for member in entry.get("members") or ():
        found |= _backends(member)
    return found


def _map_maker(model: Classifier) -> MapMaker | None:
    """Give what makes the model's heatmaps; a network without a map of features answers all the same."""
    if model.engine != "torch":
        return None
    from robustkit.engine.heatmaps import Explanation, MapMaker

    try:
        return MapMaker(model, Explanation(), margin=None, device="cpu", batch_size=1)
    except InputError:
        return None
