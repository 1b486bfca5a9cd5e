"""The noun Classifier: any model file, loaded, with what it wants and what its numbers mean."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from robustkit.cohort.case import Case
from robustkit.geometry import Boxes
from robustkit.inputs import InputSpec, OutputSpec
from robustkit.perturbations._base import BoxRules

Engine = Literal["torch", "onnx", "facts", "film", "composite"]
"""Who runs it: a torch module, an ONNX session, a function of a case's facts, one of its film, or one of members."""

NETWORKS: frozenset[Engine] = frozenset({"torch", "onnx"})
"""Those that are shown crops, in batches, by a backend."""

Logits = NDArray[np.float32]


class FactsModel(Protocol):
    """A model that answers from a case's facts and the displaced boxes alone."""

    def logits(self, case: Case, boxes: Boxes) -> Logits:
        """Give ``(R, K)`` float32 logits for ``(R, 4)`` boxes of one case."""
        ...


class FilmModel(Protocol):
    """A model that measures boxes on the whole film, without torch; threads share it.

    The case's ``spacing_mm`` is the film's where the manifest has none. Its facts are empty where somebody asks about a
    film of their own.
    """

    def logits(self, case: Case, pixels: NDArray[Any], boxes: Boxes) -> Logits:
        """Give ``(R, K)`` float32 logits for ``(R, 4)`` boxes of one case; NaN where there is no answer.

        Args:
            case: Whose film it is.
            pixels: ``(H, W)`` uint8 or float32, 0..255; not to be written to.
            boxes: All on this film.

        Raises:
            FilmError: The case cannot be judged by this model; ``what`` is the reason.
        """
        ...


class CompositeModel(Protocol):
    """A model made of other models: it says which boxes they are asked, and makes one answer of theirs.

    Attributes:
        members: Networks, film models, facts models or composites.
        needs_facts: True where ``shown`` or ``fold`` read the case's facts.
    """

    members: tuple[Classifier, ...]
    needs_facts: bool

    def shown(self, case: Case, boxes: Boxes, *, film: tuple[float, float], rules: BoxRules) -> Boxes:
        """Give the ``(R, k, 4)`` boxes that every member is asked for ``(R, 4)`` boxes; k = 1: ``boxes[:, None]``.

        Nothing but the case and each box by itself may enter: rows come in any number and order.

        Args:
            case: Whose boxes they are.
            boxes: After rounding and border rule.
            film: Width and height in px.
            rules: Of the run: rounding and border.
        """
        ...

    def fold(self, case: Case, boxes: Boxes, answers: Sequence[Logits]) -> Logits:
        """Give the ``(R, K)`` float32 outputs for ``(R, 4)`` boxes; NaN where there is no answer.

        Args:
            case: Whose boxes they are.
            boxes: As in ``shown``.
            answers: ``(R, k, K_m)`` float32 outputs of each member for what was shown.
        """
        ...


@runtime_checkable
class Remarking(Protocol):
    """What a runner may have besides: something to say of cases before it judges them."""

    def remarks(self, cases: Sequence[Case]) -> tuple[str, ...]:
        """Give a sentence for each thing that a reader of its answers must know.

        Raises:
            InputError: It cannot judge them.
        """
        ...


Runner = FactsModel | FilmModel | CompositeModel


@dataclass(frozen=True, slots=True)
class Classifier:
    """One loaded model.

    Attributes:
        name: As the user calls it (``NAME=PATH``), else the file's stem.
        path: The file; None for a bundled model.
        sha256: Of the file's bytes, or of the bundled model's definition; of a composite, of that and its members'.
        arch: Architecture, e.g. ``resnet18``, or the kind of a written model, e.g. ``ensemble``.
        input, output: How a crop becomes its input (of a composite: its first network's), what its outputs mean.
        classes: One name per output; for one logit ``(negative, positive)``.
        positive: The classes whose probabilities are summed to the score.
        lineage: Where the weights come from, e.g. ``robustkit train``, ``RadImageNet (PyTorch)``.
        assumed: What neither file, sidecar nor flags said, one sentence each.
        operating_points: Carried thresholds by name (e.g. ``{"youden": 0.41}``).
        seen: What the training saw, to refuse overlap: ``films`` (sha256) and ``patients`` (keyed hashes, ``salt``).
        engine: Who runs it.
        runner: torch.nn.Module (eval, CPU, float32), an OnnxGraph, or a Runner.
        training: Summary of how a written model came about; kept in run.json.
    """

    name: str
    path: Path | None
    sha256: str
    arch: str
    input: InputSpec
    output: OutputSpec
    classes: tuple[str, ...]
    positive: tuple[str, ...]
    engine: Engine
    runner: Any
    lineage: str = ""
    assumed: tuple[str, ...] = ()
    operating_points: Mapping[str, float] = field(default_factory=dict)
    seen: Mapping[str, Any] = field(default_factory=dict)
    training: Mapping[str, Any] = field(default_factory=dict)

    @property
    def n_outputs(self) -> int:
        """Numbers per crop: 1 for a sigmoid logit, else one per class."""
        return 1 if self.output.kind == "sigmoid-logit" or len(self.classes) == 1 else len(self.classes)

    @property
    def members(self) -> tuple[Classifier, ...]:
        """The models that it is made of; none but for a composite."""
        return tuple(self.runner.members) if self.engine == "composite" else ()

    def remarks(self, cases: Sequence[Case]) -> tuple[str, ...]:
        """Give what must be said of cases before this model, or a member of it, judges them.

        Raises:
            InputError: It cannot judge them.
        """
        own = self.runner.remarks(cases) if isinstance(self.runner, Remarking) else ()
        return (*own, *(s for m in self.members for s in m.remarks(cases)))

    @property
    def is_network(self) -> bool:
        """True where a backend runs it on crops."""
        return self.engine in NETWORKS
