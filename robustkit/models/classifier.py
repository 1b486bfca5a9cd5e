"""The noun Classifier: any model file, loaded, with what it wants and what its numbers mean."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from robustkit.cohort.case import Case
from robustkit.geometry import Boxes
from robustkit.inputs import InputSpec, OutputSpec

Engine = Literal["torch", "onnx", "facts"]
"""Who runs it: a torch module, an ONNX session, or a written function of a case's facts (no pixels)."""


class FactsModel(Protocol):
    """A model that answers from a case's facts and the displaced boxes alone."""

    def logits(self, case: Case, boxes: Boxes) -> NDArray[np.float32]:
        """Give ``(R, K)`` float32 logits for ``(R, 4)`` boxes of one case."""
        ...


@dataclass(frozen=True, slots=True)
class Classifier:
    """One loaded model.

    Attributes:
        name: As the user calls it (``NAME=PATH``), else the file's stem.
        path: The file; None for a bundled model.
        sha256: Of the file's bytes, or of the bundled model's definition.
        arch: Architecture, e.g. ``resnet18``.
        input, output: How a crop becomes its input, what its outputs mean.
        classes: One name per output; for one logit ``(negative, positive)``.
        positive: The classes whose probabilities are summed to the score.
        lineage: Where the weights come from, e.g. ``robustkit train``, ``RadImageNet (PyTorch)``.
        assumed: What neither file, sidecar nor flags said, one sentence each.
        operating_points: Carried thresholds by name (e.g. ``{"youden": 0.41}``).
        seen: What the training saw, to refuse overlap: ``films`` (sha256) and ``patients`` (keyed hashes, ``salt``).
        engine: Who runs it.
        runner: torch.nn.Module (eval, CPU, float32), an OnnxGraph, or a FactsModel.
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

    @property
    def n_outputs(self) -> int:
        """Numbers per crop: 1 for a sigmoid logit, else one per class."""
        return 1 if self.output.kind == "sigmoid-logit" or len(self.classes) == 1 else len(self.classes)
